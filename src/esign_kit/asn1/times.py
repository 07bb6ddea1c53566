"""Times between their octets and ``datetime``.

They are compared as octets: a date that no calendar has (30 February) is earlier or later than
others all the same, and must not keep anybody from a verdict.
"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache

from esign_kit.errors import InputError

__all__ = ["from_datetime", "in_calendar", "shown", "to_datetime"]


def to_datetime(value: bytes) -> datetime:
    """Return ``b"YYYYMMDDHHMMSSZ"`` as an aware datetime; a leap second becomes :59.

    Raises:
        InputError: a day that its month does not have.
    """
    text = value.decode("ascii", "replace")
    if text[12:14] == "60":
        text = text[:12] + "59Z"
    try:
        return datetime.fromisoformat(f"{text[:8]}T{text[8:]}")
    except ValueError as error:
        raise InputError("ASN.1: no such time", code="asn1.time") from error


@lru_cache(maxsize=64)
def from_datetime(value: datetime) -> bytes:
    """Return an aware datetime as ``b"YYYYMMDDHHMMSSZ"``; raises ``ValueError`` for a naive one."""
    if value.tzinfo is None:
        raise ValueError("a time without a time zone")
    moment = value if value.tzinfo is UTC else value.astimezone(UTC)
    return b"%04d%02d%02d%02d%02d%02dZ" % (
        moment.year,
        moment.month,
        moment.day,
        moment.hour,
        moment.minute,
        moment.second,
    )


@lru_cache(maxsize=1024)
def in_calendar(value: bytes) -> datetime | None:
    """Return :func:`to_datetime`; ``None`` for no time and for one that no calendar has."""
    try:
        return to_datetime(value) if value else None
    except InputError:
        return None


def shown(value: bytes) -> str:
    """Return a time for people: ``2026-02-28 12:00:00 UTC``."""
    text = value.decode("ascii", "replace")
    return f"{text[:4]}-{text[4:6]}-{text[6:8]} {text[8:10]}:{text[10:12]}:{text[12:14]} UTC"
