"""An OCSP responder over DER (RFC 6960)."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, NamedTuple

from esign_kit.algorithms import digest_by_oid
from esign_kit.asn1.reader import (
    ENUMERATED,
    INTEGER,
    OCTET_STRING,
    SEQUENCE,
    decode_integer,
    decode_oid,
    encode,
    encode_oid,
    read_all,
)
from esign_kit.errors import InputError
from esign_kit.testing import der

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from esign_kit.algorithms import SignatureAlgorithm
    from esign_kit.asn1.certificate import Certificate

__all__ = [
    "Question",
    "Status",
    "build_request",
    "build_response",
    "certificate_id",
    "read_request",
]

_NONCE = "1.3.6.1.5.5.7.48.1.2"
_BASIC = "1.3.6.1.5.5.7.48.1.1"
MALFORMED, INTERNAL_ERROR, TRY_LATER, UNAUTHORISED = 1, 2, 3, 6


class Question(NamedTuple):
    """One CertID of a request; ``raw`` is echoed in the answer."""

    raw: bytes
    digest: str
    name_hash: bytes
    key_hash: bytes
    serial: int


class Status(NamedTuple):
    """What is answered for one certificate: ``state`` is ``good``, ``revoked`` or ``unknown``."""

    question: Question
    state: str
    revoked_at: datetime | None = None
    reason: str | None = None


def certificate_id(issuer: Certificate, serial: int, digest: str = "sha1") -> bytes:
    """Return the CertID of a certificate (RFC 6960 § 4.1.1)."""
    oid = {"sha1": "1.3.14.3.2.26", "sha256": "2.16.840.1.101.3.4.2.1"}[digest]
    key = read_all(issuer.spki).items()[1].contents[1:]
    return encode(
        SEQUENCE,
        encode(SEQUENCE, encode_oid(oid) + b"\x05\x00"),
        encode(OCTET_STRING, hashlib.new(digest, issuer.subject).digest()),
        encode(OCTET_STRING, hashlib.new(digest, key).digest()),
        der.serial(serial),
    )


def build_request(ids: Iterable[bytes], nonce: bytes | None = None) -> bytes:
    """Return an OCSPRequest for CertIDs."""
    requests = encode(SEQUENCE, *(encode(SEQUENCE, item) for item in ids))
    extensions = b""
    if nonce is not None:
        row = der.extension.__wrapped__(_NONCE, encode(OCTET_STRING, nonce))
        extensions = encode(0xA2, encode(SEQUENCE, row))
    return encode(SEQUENCE, encode(SEQUENCE, requests + extensions))


def read_certificate_id(raw: bytes) -> Question:
    """Read a CertID; raises :class:`InputError`."""
    parts = read_all(raw, "CertID").expect(SEQUENCE).items()
    if len(parts) != 4:
        raise InputError("malformed CertID", code="ocsp.request")
    algorithm = parts[0].items()
    found = digest_by_oid(decode_oid(algorithm[0].contents)) if algorithm else None
    return Question(
        raw,
        found.name if found is not None else "",
        parts[1].expect(OCTET_STRING).contents,
        parts[2].expect(OCTET_STRING).contents,
        decode_integer(parts[3].expect(INTEGER).contents),
    )


def read_request(data: bytes) -> tuple[list[Question], bytes | None]:
    """Return the questions of an OCSPRequest and its nonce extension value, if any.

    Raises:
        InputError: malformed.
    """
    outer = read_all(data, "OCSPRequest").expect(SEQUENCE).items()
    if not outer:
        raise InputError("empty OCSPRequest", code="ocsp.request")
    questions: list[Question] = []
    nonce = None
    for field in outer[0].expect(SEQUENCE, "TBSRequest"):
        if field.tag == SEQUENCE:
            for request in field:
                parts = request.expect(SEQUENCE).items()
                if not parts:
                    raise InputError("empty Request", code="ocsp.request")
                questions.append(read_certificate_id(parts[0].raw))
        elif field.tag == 0xA2:
            for listed in field:
                for item in listed:
                    parts = item.expect(SEQUENCE).items()
                    if len(parts) > 1 and decode_oid(parts[0].contents) == _NONCE:
                        nonce = parts[-1].expect(OCTET_STRING).contents
    return questions, nonce


def failure(status: int) -> bytes:
    """Return an OCSPResponse without an answer (RFC 6960 § 4.2.1)."""
    return encode(SEQUENCE, encode(ENUMERATED, bytes((status,))))


def build_response(
    statuses: Sequence[Status],
    *,
    produced_at: datetime,
    this_update: datetime,
    next_update: datetime | None,
    key_id: bytes,
    key: der.Signer,
    algorithm: SignatureAlgorithm,
    certificates: Sequence[bytes] = (),
    nonce: bytes | None = None,
) -> bytes:
    """Return a successful OCSPResponse, signed by a responder that is named by its key."""
    rows = []
    for status in statuses:
        if status.state == "good":
            state = b"\x80\x00"
        elif status.state == "unknown" or status.revoked_at is None:
            state = b"\x82\x00"
        else:
            inner = der.generalized(status.revoked_at)
            if status.reason is not None:
                code = encode(ENUMERATED, bytes((der.REASONS[status.reason],)))
                inner += encode(0xA0, code)
            state = encode(0xA1, inner)
        row = status.question.raw + state + der.generalized(this_update)
        if next_update is not None:
            row += encode(0xA0, der.generalized(next_update))
        rows.append(encode(SEQUENCE, row))
    extensions = b""
    if nonce is not None:
        extensions = encode(0xA1, encode(SEQUENCE, der.extension.__wrapped__(_NONCE, nonce)))
    data = encode(
        SEQUENCE,
        encode(0xA2, encode(OCTET_STRING, key_id)),
        der.generalized(produced_at),
        encode(SEQUENCE, *rows),
        extensions,
    )
    basic = der.signed(data, key, algorithm)
    if certificates:
        start = read_all(basic).start
        extra = encode(0xA0, encode(SEQUENCE, *certificates))
        basic = encode(SEQUENCE, basic[start:] + extra)
    answer = encode(SEQUENCE, encode_oid(_BASIC) + encode(OCTET_STRING, basic))
    return encode(SEQUENCE, encode(ENUMERATED, b"\x00") + encode(0xA0, answer))
