"""The SEQUENCE OF Extension of certificates, CRLs and OCSP answers (RFC 5280 § 4.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from esign_kit.asn1.reader import OCTET_STRING, OID, SEQUENCE, decode_oid, header

if TYPE_CHECKING:
    from collections.abc import Callable

    from esign_kit.errors import InputError

__all__ = ["Extension", "walk"]


class Extension(NamedTuple):
    """An extension: critical or not, and the DER inside its OCTET STRING."""

    critical: bool
    value: bytes


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
        if inner <= end and data[position] == SEQUENCE and data[position + 1] < 0x80:
            last = inner + data[position + 1]
            if last > end:
                raise fault("")
        else:
            tag, inner, last = header(data, position, end)
            if tag != SEQUENCE:
                raise fault("")
        middle = inner + 2 + data[inner + 1] if inner + 2 <= last else last + 1
        if middle > last or data[inner] != OID or data[inner + 1] & 0x80:
            raise fault("")
        oid = decode_oid(data[inner + 2 : middle])
        critical = False
        if data[middle : middle + 2] == b"\x01\x01" and middle + 3 <= last:
            critical = data[middle + 2] != 0
            middle += 3
        first = middle + 2
        if not (
            first <= last
            and data[middle] == OCTET_STRING
            and data[middle + 1] < 0x80
            and first + data[middle + 1] == last
        ):
            tag, first, middle = header(data, middle, last)
            if tag != OCTET_STRING or middle != last:
                raise fault("")
        if oid in found:
            raise fault(oid)
        found[oid] = Extension(critical, data[first:last])
        position = last
    return found
