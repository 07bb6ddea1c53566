"""What follows the signed part of a certificate or CRL: SIGNED{…} of X.509 (RFC 5280 § 4.1.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from esign_kit.asn1.reader import BIT_STRING, SEQUENCE, header

if TYPE_CHECKING:
    from collections.abc import Callable

    from esign_kit.errors import InputError

__all__ = ["after_signed_part"]


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
