"""The SEQUENCE OF Extension of certificates, CRLs and OCSP answers (RFC 5280 § 4.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from esign_kit.asn1.reader import (
    BOOLEAN,
    OCTET_STRING,
    OID,
    SEQUENCE,
    decode_oid,
    header,
    known_oid,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from esign_kit.errors import InputError

__all__ = ["Extension", "walk"]


class Extension(NamedTuple):
    """An extension: critical or not, and the DER inside its OCTET STRING."""

    critical: bool
    value: bytes


_new = tuple.__new__
# A NamedTuple's own constructor takes three times as long.


def walk(
    data: bytes, start: int, stop: int, fault: Callable[[str], InputError]
) -> dict[str, Extension]:
    """Return the extensions of the SEQUENCE OF Extension between two offsets.

    Args:
        data: the octets that the offsets refer to.
        start: where the SEQUENCE OF begins.
        stop: where it must end.
        fault: makes the error; it gets the OID that stands twice, or an empty text for what is
            malformed.

    Raises:
        InputError: malformed, or one extension twice (RFC 5280 § 4.2).
    """
    tag, position, end = header(data, start, stop)
    if tag != SEQUENCE or end != stop:
        raise fault("")
    found: dict[str, Extension] = {}
    while position < end:
        # Nearly all headers in here have one octet of length: read in place, checked the same.
        inner = position + 2
        if inner <= end and data[position] == SEQUENCE and (size := data[position + 1]) < 0x80:
            last = inner + size
            if last > end:
                raise fault("")
        else:
            tag, inner, last = header(data, position, end)
            if tag != SEQUENCE:
                raise fault("")
        middle = inner + 2 + data[inner + 1] if inner + 2 <= last else last + 1
        first = middle + 2
        if first > last or data[inner] != OID or data[inner + 1] & 0x80:
            raise fault("")
        contents = data[inner + 2 : middle]
        oid = known_oid(contents) or decode_oid(contents)
        critical = False
        if data[middle] == BOOLEAN and data[middle + 1] == 1 and first < last:
            critical = data[first] != 0
            middle = first + 1
            first += 3
        if not (
            first <= last and data[middle] == OCTET_STRING and first + data[middle + 1] == last
            and data[middle + 1] < 0x80
        ):  # fmt: skip
            tag, first, middle = header(data, middle, last)
            if tag != OCTET_STRING or middle != last:
                raise fault("")
        if oid in found:
            raise fault(oid)
        found[oid] = _new(Extension, (critical, data[first:last]))
        position = last
    return found
