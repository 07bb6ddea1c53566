"""What certificates and CRLs have in common: fields in a row, and SIGNED{…} around the signed part.

RFC 5280 § 4.1.1 and § 5.1.1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from esign_kit.asn1.reader import BIT_STRING, SEQUENCE, header

if TYPE_CHECKING:
    from collections.abc import Callable

    from esign_kit.errors import InputError

__all__ = ["after_signed_part", "signature_and_issuer"]


def signature_and_issuer(
    der: bytes, position: int, stop: int, fault: Callable[[str], InputError]
) -> tuple[bytes, bytes, int]:
    """Return the inner AlgorithmIdentifier, the issuer's Name (both DER), and where they end.

    Short lengths are not compared with ``stop``: what stands behind the two must do so.

    Args:
        der: what the offsets refer to.
        position: where the AlgorithmIdentifier begins.
        stop: where the signed part ends.
        fault: makes the error for what is malformed.
    """
    length = der[position + 1]
    middle = position + 2 + length if length < 0x80 else header(der, position, stop)[2]
    length = der[middle + 1]
    end = middle + 2 + length if length < 0x80 else header(der, middle, stop)[2]
    if not der[position] == der[middle] == SEQUENCE:
        raise fault("signature or issuer")
    return der[position:middle], der[middle:end], end


def after_signed_part(
    der: bytes, position: int, stop: int, inner: bytes, fault: Callable[[str], InputError]
) -> tuple[bytes, bytes]:
    """Return signatureAlgorithm (DER) and the octets of signatureValue.

    Args:
        der: what the offsets refer to.
        position: where the signed part ends.
        stop: where the whole ends.
        inner: the AlgorithmIdentifier inside of the signed part: nearly always the octets outside
            are the same, and then not read again.
        fault: makes the error for what is malformed.
    """
    algorithm, end = inner, position + len(inner)
    if not der.startswith(inner, position):
        tag, _, end = header(der, position, stop)
        if tag != SEQUENCE:
            raise fault("signatureAlgorithm")
        algorithm = der[position:end]
    tag, first, last = header(der, end, stop)
    if tag != BIT_STRING or last != stop or first >= last or der[first]:
        raise fault("signatureValue")
    return algorithm, der[first + 1 : last]
