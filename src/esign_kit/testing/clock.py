"""A clock that a test can turn."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from esign_kit.testing.pki import FixturePKI

__all__ = ["Clock"]


class Clock:
    """The time of a country; calling it gives the time, as a clock function would."""

    def __init__(self, pki: FixturePKI) -> None:
        self._pki = pki

    def __call__(self) -> datetime:
        """Return the country's time."""
        return self._pki.now

    @property
    def now(self) -> datetime:
        """The country's time."""
        return self._pki.now

    def travel_to(self, when: str | datetime) -> None:
        """Set the time."""
        self._pki.travel_to(when)

    def travel(self, **delta: float) -> None:
        """Move the time by a ``timedelta`` given by its keywords."""
        self._pki.travel(**delta)
