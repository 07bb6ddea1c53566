"""Login systems that a deployer adds to a profile: an eIDAS node, a ministry's own provider."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from esign_kit.profiles.data import AssuranceRule, check_levels

if TYPE_CHECKING:
    from collections.abc import Mapping

    from esign_kit.profiles.data import Profile

__all__ = ["EIDAS_LEVELS", "with_login_system"]

EIDAS_LEVELS: Mapping[str, Mapping[str, str]] = {
    f"http://eidas.europa.eu/{kind}LoA/{word}": {
        "identity": word.upper(),
        "authentication": word.upper(),
    }
    for kind in ("", "NotNotified/")
    for word in ("low", "substantial", "high")
}
"""The levels of CIR (EU) 2015/1502, for nodes that are entitled to state them."""


def with_login_system(
    profile: Profile,
    name: str,
    *,
    issuer: str,
    levels: Mapping[str, Mapping[str, str]],
    title: str = "",
    signed: bool = True,
) -> Profile:
    """Return the same profile with one more login system; that it was added shows.

    Args:
        name: what the system is called in reasons.
        issuer: exactly as it stands in tokens or assertions; an acr counts with it only.
        levels: acr to values by axis (``{"urn:x:2": {"authentication": "SUBSTANTIAL"}}``).
        title: for people.
        signed: its tokens are signed (federation SIGNED).

    Raises:
        ProfileError: an unknown axis or level.
    """
    acr: dict[str, str] = {}
    rules: list[AssuranceRule] = []
    for number, (value, axes) in enumerate(levels.items(), 1):
        meaning = f"{name}-{number}"
        check_levels(axes, f"{profile.name}: {name}")
        acr[value] = meaning
        when: dict[str, Any] = {"proof": "login", "login": [name], "acr_meaning": [meaning]}
        rules.append(AssuranceRule(meaning, when, dict(axes), f"{title or name} states {value}"))
    if signed:
        rules.append(
            AssuranceRule(
                f"{name}-signed",
                {"proof": "login", "login": [name], "token_signed": [True]},
                {"federation": "SIGNED"},
                "signed by the provider",
            )
        )
    row = {"name": name, "title": title or name, "issuer": issuer, "acr": acr}
    return replace(
        profile,
        data={**profile.data, "logins": (*profile.data.get("logins", ()), row)},
        assurance=(*profile.assurance, *rules),
        overrides=(*profile.overrides, f"login system {name} added"),
    )
