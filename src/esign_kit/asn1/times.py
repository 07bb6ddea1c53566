"""Times between their octets and ``datetime``: compared as octets, shown as ``datetime``."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache

from esign_kit.errors import InputError

__all__ = ["from_datetime", "to_datetime"]


def to_datetime(value: bytes) -> datetime:
    """Return ``b"YYYYMMDDHHMMSSZ"`` as an aware datetime; a leap second becomes :59."""
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
