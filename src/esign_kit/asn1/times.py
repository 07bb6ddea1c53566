"""Times between their octets and ``datetime``: compared as octets, shown as ``datetime``."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from esign_kit.errors import InputError

if TYPE_CHECKING:
    from datetime import datetime

__all__ = ["from_datetime", "to_datetime"]


def to_datetime(value: bytes) -> datetime:
    """Return ``b"YYYYMMDDHHMMSSZ"`` as an aware datetime; a leap second becomes :59."""
    from datetime import UTC, datetime

    seconds = min(int(value[12:14]), 59)
    try:
        return datetime(
            int(value[:4]),
            int(value[4:6]),
            int(value[6:8]),
            int(value[8:10]),
            int(value[10:12]),
            seconds,
            tzinfo=UTC,
        )
    except ValueError as error:
        raise InputError("ASN.1: no such time", code="asn1.time") from error


@lru_cache(maxsize=64)
def from_datetime(value: datetime) -> bytes:
    """Return an aware datetime as ``b"YYYYMMDDHHMMSSZ"``; raises ``ValueError`` for a naive one."""
    from datetime import UTC

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
