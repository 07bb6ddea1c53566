"""The clothes in which CMS travels: DER, PEM, base64, and PEM inside base64."""

from __future__ import annotations

from binascii import Error, a2b_base64

from esign_kit.asn1.cms import ID_SIGNED_DATA, ID_TST_INFO
from esign_kit.errors import InputError

__all__ = ["looks_like_signed_data", "unwrap"]

_LABELS = (b"CMS", b"PKCS7", b"PKCS #7 SIGNED DATA", b"PKCS7 SIGNED DATA", b"SIGNED DATA")
_SIGNED_DATA = b"\x06" + bytes((len(ID_SIGNED_DATA),)) + ID_SIGNED_DATA
_TST_INFO = b"\x06" + bytes((len(ID_TST_INFO),)) + ID_TST_INFO
_HEAD = 4096
_BOM = b"\xef\xbb\xbf"


def looks_like_signed_data(data: bytes) -> bool:
    """Tell from the first octets whether this is SignedData, but no time-stamp token."""
    return (
        data[:1] == b"\x30"
        and data.find(_SIGNED_DATA, 0, 24) >= 0
        and data.find(_TST_INFO, 0, 160) < 0
    )


def peek(data: bytes) -> bytes:
    """Return the beginning of what :func:`unwrap` would return, or ``b""``."""
    if data[:1] == b"\x30":
        return data
    head = data[:_HEAD].removeprefix(_BOM).lstrip()
    for _ in range(2):
        if head[:10] == b"-----BEGIN":
            begin = _pem_body(head)
            if begin < 0:
                return b""
            head = head[begin:].lstrip()
        elif head[:1] not in (b"M", b"L"):
            return b""
        head = _decode_head(head)
        if head[:1] == b"\x30":
            return head
        head = head.lstrip()
    return b""


def unwrap(data: bytes) -> bytes:
    """Return the DER or BER inside PEM, base64, or base64 around PEM.

    Raises:
        InputError: PEM or base64 that cannot be read; what is neither comes back as it is.
    """
    if data[:1] == b"\x30":
        return data
    text = data.removeprefix(_BOM).strip()
    for _ in range(2):
        if text[:10] == b"-----BEGIN":
            text = _pem(text)
        elif text[:1] in (b"M", b"L"):
            text = _base64(text)
        else:
            break
        if text[:1] == b"\x30":
            return text
        text = text.strip()
    return data


def _pem_body(text: bytes) -> int:
    for label in _LABELS:
        begin = text.find(b"-----BEGIN " + label + b"-----")
        if begin >= 0:
            return begin + 16 + len(label)
    return -1


def _pem(text: bytes) -> bytes:
    begin = _pem_body(text)
    if begin < 0:
        raise InputError("this PEM holds no CMS", code="input.pem")
    end = text.find(b"-----END ", begin)
    if end < 0:
        raise InputError("PEM without an end line", code="input.pem")
    return _base64(text[begin:end])


def _base64(text: bytes) -> bytes:
    try:
        return a2b_base64(text)
    except Error as error:
        raise InputError("base64 that cannot be read", code="input.base64") from error


def _decode_head(text: bytes) -> bytes:
    plain = b"".join(text.split())[: _HEAD // 2]
    try:
        return a2b_base64(plain[: len(plain) // 4 * 4])
    except Error:
        return b""
