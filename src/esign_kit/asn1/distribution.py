"""Extensions, reasons and distribution points that certificates, CRLs and OCSP answers share."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from esign_kit.asn1.extensions import Extension, walk
from esign_kit.asn1.reader import (
    SEQUENCE,
    Tlv,
    read,
    read_all,
)
from esign_kit.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = [
    "ALL_REASONS",
    "CRL_REASONS",
    "DistributionPoint",
    "IssuingDistributionPoint",
    "directory_names",
    "distribution_points",
    "issuing_distribution_point",
    "malformed",
    "read_extensions",
]

CRL_REASONS = (
    "unspecified",
    "keyCompromise",
    "cACompromise",
    "affiliationChanged",
    "superseded",
    "cessationOfOperation",
    "certificateHold",
    "unused7",
    "removeFromCRL",
    "privilegeWithdrawn",
    "aACompromise",
)
"""CRLReason by number (RFC 5280 § 5.3.1)."""

ALL_REASONS = 0b1_1111_1110
"""ReasonFlags 1 to 8, each as its bit (RFC 5280 § 4.2.1.13)."""


def malformed(what: str) -> InputError:
    """Return the error for a structure that cannot be read."""
    return InputError(f"malformed {what}", code="revocation.malformed")


def read_extensions(data: bytes, start: int, stop: int, what: str) -> dict[str, Extension]:
    """Return the extensions of the SEQUENCE OF Extension between two offsets.

    Raises:
        InputError: malformed, or one extension twice.
    """
    return walk(data, start, stop, lambda twice: malformed(what))


class DistributionPoint(NamedTuple):
    """RFC 5280 § 4.2.1.13.

    Attributes:
        names: GeneralNames (DER) of the fullName.
        relative: contents of the RDN of nameRelativeToCRLIssuer; empty if absent.
        reasons: bits of ReasonFlags; ``None`` if absent.
        issuers: Names (DER) of cRLIssuer; empty if absent.
    """

    names: tuple[bytes, ...] = ()
    relative: bytes = b""
    reasons: int | None = None
    issuers: tuple[bytes, ...] = ()


class IssuingDistributionPoint(NamedTuple):
    """RFC 5280 § 5.2.5; ``names`` and ``relative`` as in :class:`DistributionPoint`."""

    names: tuple[bytes, ...] = ()
    relative: bytes = b""
    only_user: bool = False
    only_ca: bool = False
    only_attribute: bool = False
    reasons: int | None = None
    indirect: bool = False


@lru_cache(maxsize=1024)
def distribution_points(value: bytes) -> tuple[DistributionPoint, ...]:
    """Read the value of cRLDistributionPoints or freshestCRL; raises :class:`InputError`."""
    found = []
    for point in read_all(value, "distribution points").expect(SEQUENCE):
        names: tuple[bytes, ...] = ()
        relative = b""
        reasons = None
        issuers: tuple[bytes, ...] = ()
        for field in point.expect(SEQUENCE, "distribution point"):
            if field.tag == 0xA0:
                names, relative = _point_name(field)
            elif field.tag == 0x81:
                reasons = _reason_bits(field.contents)
            elif field.tag == 0xA2:
                issuers = tuple(directory_names(field))
            else:
                raise malformed("distribution point")
        found.append(DistributionPoint(names, relative, reasons, issuers))
    return tuple(found)


def _point_name(field: Tlv) -> tuple[tuple[bytes, ...], bytes]:
    inner = read(field.data, field.start, field.stop)
    if inner.tag == 0xA0:
        return tuple(name.raw for name in inner), b""
    if inner.tag == 0xA1:
        return (), inner.contents
    raise malformed("distribution point name")


def directory_names(field: Tlv) -> Iterator[bytes]:
    """Yield the directoryNames (DER) among GeneralNames; other forms name no issuer."""
    for name in field:
        if name.tag == 0xA4:
            yield read(name.data, name.start, name.stop).raw


def _reason_bits(contents: bytes) -> int:
    if not contents or contents[0] > 7:
        raise malformed("reason flags")
    mask = 0
    for number in range(min(9, (len(contents) - 1) * 8)):
        if contents[1 + number // 8] & 0x80 >> number % 8:
            mask |= 1 << number
    return mask & ALL_REASONS


def issuing_distribution_point(value: bytes) -> IssuingDistributionPoint:
    """Read the value of the extension; raises :class:`InputError`."""
    names: tuple[bytes, ...] = ()
    relative = b""
    reasons: int | None = None
    flags = {0x81: False, 0x82: False, 0x84: False, 0x85: False}
    for field in read_all(value, "issuingDistributionPoint").expect(SEQUENCE):
        if field.tag == 0xA0:
            names, relative = _point_name(field)
        elif field.tag == 0x83:
            reasons = _reason_bits(field.contents)
        elif field.tag in flags:
            flags[field.tag] = field.contents != b"\x00"
        else:
            raise malformed("issuingDistributionPoint")
    return IssuingDistributionPoint(
        names, relative, flags[0x81], flags[0x82], flags[0x85], reasons, flags[0x84]
    )
