"""SignedData put together by hand, so that a test can break one rule at a time.

Nothing here is signed: reading does not look at the value.
"""

from __future__ import annotations

import hashlib

from esign_kit.algorithms import digest_algorithm, signature_algorithm
from esign_kit.asn1.algorithm_identifier import (
    encode_digest_algorithm,
    encode_signature_algorithm,
)
from esign_kit.asn1.cms import ID_DATA, ID_SIGNED_DATA
from esign_kit.asn1.reader import encode, encode_oid
from esign_kit.cades import oids

SHA256 = encode_digest_algorithm(digest_algorithm("SHA256"))
RSA_SHA256 = encode(0x30, encode_oid("1.2.840.113549.1.1.11") + b"\x05\x00")
NAME = encode(0x30, encode(0x31, encode(0x30, encode_oid("2.5.4.3") + encode(0x0C, b"Somebody"))))
CONTENT = b"an application"


def pss(digest: str) -> bytes:
    return encode_signature_algorithm(signature_algorithm(f"RSA-PSS-{digest}"))


def attribute(kind: bytes, *values: bytes) -> bytes:
    return encode(0x30, encode(6, kind), encode(0x31, b"".join(values)))


def content_type(kind: bytes = ID_DATA) -> bytes:
    return attribute(oids.CONTENT_TYPE, encode(6, kind))


def message_digest(content: bytes = CONTENT) -> bytes:
    return attribute(oids.MESSAGE_DIGEST, encode(4, hashlib.sha256(content).digest()))


def signing_time(text: bytes = b"261101120000Z") -> bytes:
    return attribute(oids.SIGNING_TIME, encode(0x17, text))


def ess(*digests: bytes, serial: int = 7) -> bytes:
    issuer = encode(0x30, encode(0x30, encode(0xA4, NAME)), encode(2, bytes((serial,))))
    identifiers = [encode(0x30, encode(4, digest), issuer) for digest in digests]
    return attribute(oids.SIGNING_CERTIFICATE_V2, encode(0x30, encode(0x30, b"".join(identifiers))))


def usual() -> list[bytes]:
    return [content_type(), message_digest(), signing_time(), ess(b"\x11" * 32)]


def signer(
    signed: list[bytes] | None,
    unsigned: list[bytes] | None = None,
    *,
    digest: bytes = SHA256,
    algorithm: bytes = RSA_SHA256,
    value: bytes = b"\xab" * 256,
    order: bool = True,
) -> bytes:
    identifier = encode(0x30, NAME, encode(2, b"\x07"))
    parts = [b"\x02\x01\x01", identifier, digest]
    if signed is not None:
        parts.append(encode(0xA0, b"".join(sorted(signed) if order else signed)))
    parts += [algorithm, encode(4, value)]
    if unsigned is not None:
        parts.append(encode(0xA1, b"".join(unsigned)))
    return encode(0x30, *parts)


def message(
    *signers: bytes,
    content: bytes | None = CONTENT,
    kind: bytes = ID_DATA,
    certificates: bytes = b"\x30\x00",
    crls: bytes = b"",
) -> bytes:
    inner = encode(6, kind)
    if content is not None:
        inner += encode(0xA0, encode(4, content))
    body = [b"\x02\x01\x01", encode(0x31, SHA256), encode(0x30, inner)]
    if certificates:
        body.append(encode(0xA0, certificates))
    if crls:
        body.append(encode(0xA1, crls))
    body.append(encode(0x31, b"".join(signers)))
    return encode(0x30, encode(6, ID_SIGNED_DATA), encode(0xA0, encode(0x30, *body)))


def indefinite(value: bytes, depth: int = 5) -> bytes:
    """Rewrite the outer levels with indefinite lengths and cut long OCTET STRINGs into two."""
    from esign_kit.asn1.reader import read_all

    item = read_all(value)
    if item.tag == 4 and len(item.contents) > 4 and depth > 0:
        half = len(item.contents) // 2
        parts = encode(4, item.contents[:half]) + encode(4, item.contents[half:])
        return b"\x24\x80" + parts + b"\x00\x00"
    if not item.tag & 0x20 or depth == 0:
        return value
    inner = b"".join(indefinite(part.raw, depth - 1) for part in item)
    return bytes((item.tag, 0x80)) + inner + b"\x00\x00"
