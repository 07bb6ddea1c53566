"""Two spellings of a pair (r, s): DER as in CMS and X.509, and plain r ‖ s as in XML and JOSE."""

from __future__ import annotations

from esign_kit.asn1.reader import INTEGER, SEQUENCE, encode, encode_integer, header
from esign_kit.errors import InputError

__all__ = ["der_to_plain", "plain_to_der"]


def plain_to_der(signature: bytes) -> bytes:
    """Return the DER SEQUENCE of r and s (RFC 3279 § 2.2.3) for r ‖ s of equal halves.

    Raises:
        InputError: empty or of odd length.
    """
    size = len(signature)
    if size == 0 or size & 1:
        raise InputError("r and s do not have the same length", code="crypto.signature-encoding")
    half = size >> 1
    return encode(
        SEQUENCE,
        encode_integer(int.from_bytes(signature[:half], "big")),
        encode_integer(int.from_bytes(signature[half:], "big")),
    )


def der_to_plain(signature: bytes, size: int) -> bytes:
    """Return r ‖ s for a DER SEQUENCE of r and s.

    Args:
        signature: strict DER.
        size: octets of each half, those of the order of the group.

    Raises:
        InputError: not that SEQUENCE in DER, or a number that does not fit.
    """
    tag, start, stop = header(signature, 0, len(signature))
    if tag != SEQUENCE or stop != len(signature):
        raise InputError("not a SEQUENCE of r and s", code="crypto.signature-encoding")
    values: list[int] = []
    while start < stop:
        tag, inner, end = header(signature, start, stop)
        if tag != INTEGER or inner == end or len(values) == 2:
            raise InputError("not a SEQUENCE of r and s", code="crypto.signature-encoding")
        values.append(int.from_bytes(signature[inner:end], "big", signed=True))
        start = end
    if len(values) != 2 or min(values) < 0:
        raise InputError("r and s are not two positive numbers", code="crypto.signature-encoding")
    if encode(SEQUENCE, encode_integer(values[0]), encode_integer(values[1])) != signature:
        raise InputError("r and s are not written in DER", code="crypto.signature-encoding")
    try:
        return values[0].to_bytes(size, "big") + values[1].to_bytes(size, "big")
    except OverflowError as error:
        raise InputError(
            "r or s is larger than the order of the group", code="crypto.signature-encoding"
        ) from error
