"""The country's profile with the fixture's own trust."""

from __future__ import annotations

from typing import TYPE_CHECKING

from esign_kit.errors import ProfileError

if TYPE_CHECKING:
    from esign_kit.profiles import Profile
    from esign_kit.testing.pki import FixturePKI

__all__ = ["fixture_profile"]


def fixture_profile(pki: FixturePKI) -> Profile:
    """Return the profile that reads this country's certificates, trusting its root only.

    Raises:
        ProfileError: there is no such profile.
    """
    try:
        from esign_kit.profiles import profile
    except ImportError:
        raise ProfileError(
            f"no profiles are installed, so {pki.country.profile!r} cannot be had",
            code="profile.unavailable",
            hint="use pki.trust, which needs none",
        ) from None
    return profile(pki.country.profile).with_trust(pki.trust, environment="fixture")
