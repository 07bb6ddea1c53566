"""Signers that look right and must not pass: each differs from a good one in one thing."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from esign_kit.algorithms import signature_algorithm
from esign_kit.errors import UnsupportedError
from esign_kit.testing.countries import Usage

if TYPE_CHECKING:
    from collections.abc import Callable

    from esign_kit.testing.entity import Entity
    from esign_kit.testing.pki import FixturePKI

__all__ = ["NEAR_MISSES", "near_miss"]

_DAY = timedelta(days=1)


def near_miss(pki: FixturePKI, kind: str, **details: Any) -> Entity:
    """Return a signer of that kind; details as in ``FixturePKI.issue``, for a person by default.

    Raises:
        UnsupportedError: no such kind.
    """
    maker = _MAKERS.get(kind)
    if maker is None:
        raise UnsupportedError(
            f"no near miss {kind!r}", hint="there are " + ", ".join(sorted(_MAKERS))
        )
    holder = details.pop("holder", "person")
    return maker(pki, holder, details)


def _expired(pki: FixturePKI, holder: str, details: dict[str, Any]) -> Entity:
    details |= {"valid_from": pki.now - 400 * _DAY, "valid_until": pki.now - _DAY}
    return pki.issue(holder, **details)


def _not_yet_valid(pki: FixturePKI, holder: str, details: dict[str, Any]) -> Entity:
    details |= {"valid_from": pki.now + _DAY, "valid_until": pki.now + 366 * _DAY}
    return pki.issue(holder, **details)


def _revoked(pki: FixturePKI, holder: str, details: dict[str, Any]) -> Entity:
    made = pki.issue(holder, **details)
    pki.revoke(made, at=pki.now - _DAY)
    return made


def _on_hold(pki: FixturePKI, holder: str, details: dict[str, Any]) -> Entity:
    made = pki.issue(holder, **details)
    pki.hold(made, at=pki.now - _DAY)
    return made


def _wrong_usage(pki: FixturePKI, holder: str, details: dict[str, Any]) -> Entity:
    # A certificate for encrypting only.
    details["usage"] = Usage(("key_encipherment", "key_agreement"))
    return pki.issue(holder, **details)


def _other_key(pki: FixturePKI, holder: str, details: dict[str, Any]) -> Entity:
    # The certificate is genuine, the private key is somebody else's.
    made = pki.issue(holder, **details)
    made.private_key = pki.new_key("somebody else")
    return made


def _never_issued(pki: FixturePKI, holder: str, details: dict[str, Any]) -> Entity:
    # Signed by the authority's key, but not in its records: a stolen or misused issuing key. OCSP
    # answers "unknown"; a CRL, which lists what is revoked, cannot tell.
    return pki.issue(holder, recorded=False, **details)


def _forged(pki: FixturePKI, holder: str, details: dict[str, Any]) -> Entity:
    # Right names all over, signed by a stranger's key.
    return pki.issue(holder, recorded=False, forged_by=pki.new_key("forger"), **details)


def _weak(pki: FixturePKI, holder: str, details: dict[str, Any]) -> Entity:
    details["key"] = "rsa-1024"
    return pki.issue(holder, **details)


def _sha1(pki: FixturePKI, holder: str, details: dict[str, Any]) -> Entity:
    issuer = details.get("issuer", pki.issuing)
    for usual in issuer.private_key.algorithms:
        if usual.digest is not None and usual.family in ("RSA", "ECDSA"):
            details["algorithm"] = signature_algorithm(f"{usual.family}-SHA1")
            return pki.issue(holder, **details)
    raise UnsupportedError("an authority with this kind of key cannot sign with SHA-1")


def _other_country(pki: FixturePKI, holder: str, details: dict[str, Any]) -> Entity:
    # The same names and addresses, from a root of other making.
    from esign_kit.testing.pki import FixturePKI

    other = FixturePKI(
        pki.country, at=pki.now, key=pki.key_kind, base_url=pki.base_url, seed="another making"
    )
    return other.issue(holder, **details)


_MAKERS: dict[str, Callable[[FixturePKI, str, dict[str, Any]], Entity]] = {
    "expired": _expired,
    "not-yet-valid": _not_yet_valid,
    "revoked": _revoked,
    "on-hold": _on_hold,
    "wrong-usage": _wrong_usage,
    "other-key": _other_key,
    "never-issued": _never_issued,
    "forged": _forged,
    "weak-key": _weak,
    "sha1": _sha1,
    "other-country": _other_country,
}

NEAR_MISSES: tuple[str, ...] = tuple(_MAKERS)
"""Names of all near misses."""
