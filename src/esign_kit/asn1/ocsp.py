"""OCSP answers read over their original octets, and requests written (RFC 6960, RFC 9654)."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from esign_kit.asn1.distribution import malformed, read_extensions
from esign_kit.asn1.reader import (
    BIT_STRING,
    ENUMERATED,
    INTEGER,
    OCTET_STRING,
    OID,
    SEQUENCE,
    Tlv,
    decode_integer,
    decode_oid,
    decode_time,
    encode,
    encode_integer,
    encode_oid,
    read,
    read_all,
)
from esign_kit.errors import InputError, UnsupportedError

if TYPE_CHECKING:
    from esign_kit.asn1.certificate import Certificate, Extension

__all__ = ["CertId", "OcspResponse", "SingleResponse", "build_ocsp_request", "key_octets"]


class CertId(NamedTuple):
    """Which certificate an answer is about (RFC 6960 § 4.1.1)."""

    hash_oid: str
    name_hash: bytes
    key_hash: bytes
    serial: int


class SingleResponse(NamedTuple):
    """The answer for one certificate; ``status`` is ``"good"``, ``"revoked"`` or ``"unknown"``."""

    cert_id: CertId
    status: str
    this_update: bytes
    next_update: bytes = b""
    revoked_at: bytes = b""
    reason: int | None = None
    extensions: dict[str, Extension] = {}  # noqa: RUF012 - never changed


OCSP_BASIC = "1.3.6.1.5.5.7.48.1.1"
OCSP_NONCE = "1.3.6.1.5.5.7.48.1.2"
OCSP_NOCHECK = "1.3.6.1.5.5.7.48.1.5"
OCSP_ARCHIVE_CUTOFF = "1.3.6.1.5.5.7.48.1.6"
CERT_HASH = "1.3.36.8.3.13"

OCSP_STATUS = {
    0: "successful",
    1: "malformedRequest",
    2: "internalError",
    3: "tryLater",
    5: "sigRequired",
    6: "unauthorized",
}


class OcspResponse:
    """An OCSPResponse, or the BasicOCSPResponse inside it, as a view of ``der``.

    Attributes:
        status: ``"successful"``, ``"tryLater"``, …; all else is empty unless successful.
        tbs: the signed octets.
        responder_name, responder_key: one of them is set (byName, byKey).
        produced_at: ``b"YYYYMMDDHHMMSSZ"``.
        responses: the answers.
        certificates: DER, as the responder sent them.
    """

    __slots__ = (
        "__weakref__",
        "certificates",
        "der",
        "extensions",
        "produced_at",
        "responder_key",
        "responder_name",
        "responses",
        "signature",
        "signature_algorithm",
        "status",
        "tbs",
    )

    def __init__(self, der: bytes) -> None:
        whole = read_all(der, "OCSP response").expect(SEQUENCE, "OCSP response")
        self.der = der
        self.status = "successful"
        self.tbs = self.signature_algorithm = self.signature = b""
        self.responder_name = self.responder_key = self.produced_at = b""
        self.responses: tuple[SingleResponse, ...] = ()
        self.certificates: tuple[bytes, ...] = ()
        self.extensions: dict[str, Extension] = {}
        parts = whole.items()
        if not parts:
            raise malformed("OCSP response")
        if parts[0].tag == ENUMERATED:
            number = decode_integer(parts[0].contents)
            self.status = OCSP_STATUS.get(number, f"status {number}")
            if number != 0:
                return
            if len(parts) != 2 or parts[1].tag != 0xA0:
                raise malformed("OCSP response")
            inner = read(der, parts[1].start, parts[1].stop).expect(SEQUENCE).items()
            if len(inner) != 2 or inner[0].tag != OID or inner[1].tag != OCTET_STRING:
                raise malformed("OCSP response")
            if decode_oid(inner[0].contents) != OCSP_BASIC:
                raise UnsupportedError("OCSP response of an unknown type", code="ocsp.type")
            basic = read(der, inner[1].start, inner[1].stop).expect(SEQUENCE, "OCSP response")
            if basic.stop != inner[1].stop:
                raise malformed("OCSP response")
            parts = basic.items()
        self._read_basic(parts)

    def _read_basic(self, parts: list[Tlv]) -> None:
        if (
            len(parts) not in (3, 4)
            or [p.tag for p in parts[:3]] != [SEQUENCE, SEQUENCE, BIT_STRING]
            or parts[2].contents[:1] != b"\x00"
        ):
            raise malformed("OCSP response")
        self.tbs = parts[0].raw
        self.signature_algorithm = parts[1].raw
        self.signature = parts[2].contents[1:]
        if len(parts) == 4:
            if parts[3].tag != 0xA0:
                raise malformed("OCSP response")
            certificates = read(parts[3].data, parts[3].start, parts[3].stop).expect(SEQUENCE)
            self.certificates = tuple(c.raw for c in certificates)
        fields = parts[0].items()
        if fields and fields[0].tag == 0xA0:
            del fields[0]
        if len(fields) < 3:
            raise malformed("OCSP response")
        if fields[0].tag == 0xA1:
            self.responder_name = (
                read(fields[0].data, fields[0].start, fields[0].stop)
                .expect(SEQUENCE, "responder name")
                .raw
            )
        elif fields[0].tag == 0xA2:
            self.responder_key = (
                read(fields[0].data, fields[0].start, fields[0].stop)
                .expect(OCTET_STRING, "responder key")
                .contents
            )
        else:
            raise malformed("OCSP response")
        self.produced_at = decode_time(fields[1].tag, fields[1].contents)
        self.responses = tuple(_single(item) for item in fields[2].expect(SEQUENCE))
        if len(fields) > 3:
            if fields[3].tag != 0xA1:
                raise malformed("OCSP response")
            self.extensions = read_extensions(
                fields[3].data, fields[3].start, fields[3].stop, "OCSP extensions"
            )

    @staticmethod
    def load(der: bytes) -> OcspResponse:
        """Read an OCSPResponse or a BasicOCSPResponse; raises :class:`InputError`."""
        return OcspResponse(der)

    @property
    def nonce(self) -> bytes | None:
        """The nonce (RFC 9654), unwrapped where it is an OCTET STRING; ``None`` if absent."""
        extension = self.extensions.get(OCSP_NONCE)
        if extension is None:
            return None
        try:
            return read_all(extension.value).expect(OCTET_STRING).contents
        except InputError:
            return extension.value

    def __repr__(self) -> str:
        return f"OcspResponse({self.status}, {len(self.responses)} answers)"


def _single(item: Tlv) -> SingleResponse:
    fields = item.expect(SEQUENCE, "OCSP answer").items()
    if len(fields) < 3:
        raise malformed("OCSP answer")
    cert_id = _cert_id(fields[0])
    status, revoked_at, reason = _status(fields[1])
    this_update = decode_time(fields[2].tag, fields[2].contents)
    next_update = b""
    extensions: dict[str, Extension] = {}
    for field in fields[3:]:
        if field.tag == 0xA0:
            inner = read(field.data, field.start, field.stop)
            next_update = decode_time(inner.tag, inner.contents)
        elif field.tag == 0xA1:
            extensions = read_extensions(field.data, field.start, field.stop, "OCSP extensions")
        else:
            raise malformed("OCSP answer")
    return SingleResponse(cert_id, status, this_update, next_update, revoked_at, reason, extensions)


def _cert_id(field: Tlv) -> CertId:
    parts = field.expect(SEQUENCE, "CertID").items()
    if len(parts) != 4 or [p.tag for p in parts] != [
        SEQUENCE,
        OCTET_STRING,
        OCTET_STRING,
        INTEGER,
    ]:
        raise malformed("CertID")
    algorithm = read(parts[0].data, parts[0].start, parts[0].stop).expect(OID)
    return CertId(
        decode_oid(algorithm.contents),
        parts[1].contents,
        parts[2].contents,
        decode_integer(parts[3].contents),
    )


def _status(field: Tlv) -> tuple[str, bytes, int | None]:
    if field.tag == 0x80:
        return "good", b"", None
    if field.tag == 0x82:
        return "unknown", b"", None
    if field.tag != 0xA1:
        raise malformed("OCSP answer")
    parts = field.items()
    if not parts:
        raise malformed("OCSP answer")
    revoked_at = decode_time(parts[0].tag, parts[0].contents)
    reason = None
    if len(parts) > 1 and parts[1].tag == 0xA0:
        try:
            inner = read(parts[1].data, parts[1].start, parts[1].stop).expect(ENUMERATED)
            reason = decode_integer(inner.contents)
        except InputError:
            # Revoked it is, for a reason that cannot be read.
            reason = None
    return "revoked", revoked_at, reason


def key_octets(spki: bytes) -> bytes:
    """Return the octets that issuerKeyHash and byKey are made of (RFC 6960 § 4.1.1).

    They are the contents of subjectPublicKey without the count of unused bits.
    """
    parts = read_all(spki, "SubjectPublicKeyInfo").expect(SEQUENCE).items()
    if len(parts) != 2 or parts[1].tag != BIT_STRING:
        raise malformed("SubjectPublicKeyInfo")
    return parts[1].contents[1:]


def build_ocsp_request(
    certificate: Certificate,
    issuer: Certificate,
    *,
    digest: str = "SHA1",
    nonce: bytes | None = None,
) -> bytes:
    """Return the DER of an OCSPRequest for one certificate (RFC 6960 § 4.1.1, RFC 9654).

    Args:
        certificate: the one that is asked about.
        issuer: its issuer.
        digest: of the CertID; SHA-1 is what every responder understands, and here it protects
            nothing: the answer names the certificate and is compared in full.
        nonce: up to 128 octets.
    """
    from esign_kit.algorithms import digest_algorithm
    from esign_kit.asn1.algorithm_identifier import encode_digest_algorithm

    algorithm = digest_algorithm(digest)
    identifier = encode_digest_algorithm(algorithm)
    if digest == "SHA1":
        identifier = encode(SEQUENCE, encode_oid(algorithm.oid) + b"\x05\x00")
    cert_id = encode(
        SEQUENCE,
        identifier,
        encode(OCTET_STRING, algorithm.hash(certificate.issuer)),
        encode(OCTET_STRING, algorithm.hash(key_octets(issuer.spki))),
        encode_integer(certificate.serial),
    )
    fields = [encode(SEQUENCE, encode(SEQUENCE, cert_id))]
    if nonce is not None:
        extension = encode(
            SEQUENCE, encode_oid(OCSP_NONCE), encode(OCTET_STRING, encode(OCTET_STRING, nonce))
        )
        fields.append(encode(0xA2, encode(SEQUENCE, extension)))
    return encode(SEQUENCE, encode(SEQUENCE, *fields))
