"""A country in memory: authorities, people, organisations, revocation and time, for tests.

    from esign_kit.testing import FixturePKI

    pki = FixturePKI("kz", at="2026-03-01")
    director = pki.employee(person="900101300017", organisation="150240000006", role="head")

Nothing here touches a network, a clock or a random number: the same calls give the same octets.
The keys are public knowledge and worth nothing outside of tests.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from esign_kit.testing.authority import Authority
    from esign_kit.testing.countries import Country
    from esign_kit.testing.entity import Entity
    from esign_kit.testing.keys import FixtureKey
    from esign_kit.testing.near_misses import IDENTITY_NEAR_MISSES, NEAR_MISSES
    from esign_kit.testing.pki import FixturePKI
    from esign_kit.testing.tsa import TimestampAuthority

__all__ = [
    "IDENTITY_NEAR_MISSES",
    "NEAR_MISSES",
    "Authority",
    "Country",
    "Entity",
    "FixtureKey",
    "FixturePKI",
    "TimestampAuthority",
]

_HOMES = {
    "IDENTITY_NEAR_MISSES": "near_misses",
    "NEAR_MISSES": "near_misses",
    "Authority": "authority",
    "Country": "countries",
    "Entity": "entity",
    "FixtureKey": "keys",
    "FixturePKI": "pki",
    "TimestampAuthority": "tsa",
}


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(f"{__name__}.{home}"), name)
    globals()[name] = value
    return value
