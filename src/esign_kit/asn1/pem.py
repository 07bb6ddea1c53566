"""PEM (RFC 7468): the blocks of a text, whatever stands between them."""

from __future__ import annotations

from binascii import Error, a2b_base64
from typing import TYPE_CHECKING

from esign_kit.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["PKCS7_LABELS", "blocks"]

PKCS7_LABELS = (b"PKCS7", b"CMS")
"""Labels of a SignedData (RFC 7468 § 8 and § 9), which may be a bag of certificates."""


def blocks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield label and DER of each block in order; nothing where there is none.

    Raises:
        InputError: a block without an end line, or with bad base64.
    """
    # Offsets into one object: slicing off the rest for each block would cost quadratic time.
    position = 0
    while (begin := data.find(b"-----BEGIN ", position)) >= 0:
        dashes = data.find(b"-----", begin + 11)
        end = data.find(b"-----END ", dashes + 5) if dashes >= 0 else -1
        if end < 0:
            raise InputError("PEM without an end line", code="input.pem")
        try:
            der = a2b_base64(data[dashes + 5 : end])
        except Error as error:
            raise InputError("PEM with bad base64", code="input.pem") from error
        yield data[begin + 11 : dashes], der
        position = end + 9
