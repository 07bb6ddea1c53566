"""The wrappings in which agents hand over a CMS: DER, PEM, base64, and PEM inside base64."""

from __future__ import annotations

import re
from binascii import Error, a2b_base64

from esign_kit.errors import InputError

__all__ = ["unwrap"]

_PEM = re.compile(rb"-----BEGIN ([A-Z0-9 ]{1,40})-----(.*?)-----END \1-----", re.DOTALL)
_LABELS = frozenset({b"CMS", b"PKCS7", b"PKCS #7 SIGNED DATA"})
_DEPTH = 3


def unwrap(data: bytes | str) -> bytes:
    """Return the CMS octets (DER or BER) behind at most three wrappings.

    XML is handed back as it is.

    Raises:
        InputError: nothing that an agent hands over.
    """
    octets = data.encode("utf-8", "surrogatepass") if isinstance(data, str) else bytes(data)
    for _ in range(_DEPTH):
        if octets[:1] == b"\x30":
            return octets
        start = octets.lstrip(b"\xef\xbb\xbf \t\r\n")
        if start[:1] == b"<":
            return octets
        match = _PEM.match(start) if start.startswith(b"-----BEGIN ") else None
        if match is not None:
            if match[1] not in _LABELS or start[match.end() :].strip():
                break
            start = match[2]
        try:
            octets = a2b_base64(b"".join(start.split()), strict_mode=True)
        except Error:
            break
        if not octets:
            break
    raise InputError(
        "neither CMS nor XML, nor one of them in PEM or base64", code="input.no-signature"
    )
