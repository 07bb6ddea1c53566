"""The country's memory of what was revoked, when and why."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

__all__ = ["Register"]


class Register:
    """Revocations, suspensions and their ends, by issuer and serial number."""

    def __init__(self) -> None:
        self._events: dict[tuple[bytes, int], list[tuple[datetime, str | None]]] = {}

    def record(self, issuer: bytes, serial: int, at: datetime, reason: str | None) -> None:
        """Add an event; ``removeFromCRL`` ends a suspension and nothing else."""
        events = self._events.setdefault((issuer, serial), [])
        events.append((at, reason))
        events.sort(key=lambda event: event[0])

    def state(self, issuer: bytes, serial: int, at: datetime) -> tuple[datetime, str | None] | None:
        """Return since when and why a certificate is revoked at a time, or ``None``."""
        current: tuple[datetime, str | None] | None = None
        for event in self._events.get((issuer, serial), ()):
            if event[0] > at:
                break
            held = current is not None and current[1] == "certificateHold"
            if event[1] == "removeFromCRL":
                current = None if held else current
            elif current is None or held:
                current = event
        return current
