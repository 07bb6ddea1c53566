"""Time-stamp tokens (RFC 3161, RFC 5816), read over the original octets.

A token is read as real authorities write it: serial numbers and nonces may be negative, accuracy
and the authority's name may be missing, lengths may be indefinite. What makes it a *good* token is
decided in ``esign_kit.validation.timestamps``; here it only has to be one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from typing import TYPE_CHECKING

from esign_kit.asn1.algorithm_identifier import (
    decode_digest_algorithm,
    decode_signature_algorithm,
    split,
)
from esign_kit.asn1.cms import SignedData, oid
from esign_kit.asn1.reader import (
    BOOLEAN,
    GENERALIZED_TIME,
    INTEGER,
    OCTET_STRING,
    OID,
    SEQUENCE,
    Tlv,
    decode_integer,
    decode_oid,
    decode_time,
    encode,
    encode_oid,
    read,
    read_all,
)
from esign_kit.asn1.times import to_datetime
from esign_kit.errors import InputError, LimitError
from esign_kit.model.signature import CertificateReference

if TYPE_CHECKING:
    from datetime import datetime

    from esign_kit.algorithms import SignatureAlgorithm
    from esign_kit.asn1.cms import AttributeSet

__all__ = [
    "TimestampToken",
    "TstInfo",
    "is_response",
    "is_token",
]

SIGNED_DATA = "1.2.840.113549.1.7.2"
TST_INFO = "1.2.840.113549.1.9.16.1.4"
CONTENT_TYPE = "1.2.840.113549.1.9.3"
MESSAGE_DIGEST = "1.2.840.113549.1.9.4"
SIGNING_TIME = "1.2.840.113549.1.9.5"
ALGORITHM_PROTECTION = "1.2.840.113549.1.9.52"
SIGNING_CERTIFICATE = "1.2.840.113549.1.9.16.2.12"
SIGNING_CERTIFICATE_V2 = "1.2.840.113549.1.9.16.2.47"

MAX_TOKEN = 4 * 1024 * 1024
_MAX_CERTIFICATES = 256


@dataclass(frozen=True, slots=True)
class TstInfo:
    """The statement of the authority (RFC 3161 § 2.4.2).

    Attributes:
        policy: OID under which the token was made.
        imprint_algorithm: name in the algorithm table; ``None`` if it is unknown there.
        imprint_algorithm_oid: as the token has it.
        imprint: the digest value.
        serial, nonce: as numbers, possibly negative (some authorities do that).
        time: genTime, UTC, with its fraction of a second.
        accuracy: how far the true time may lie from ``time``; ``None`` if not stated.
        tsa: DER of the GeneralName of the authority, if stated.
        critical_extensions: OIDs of extensions that say they must be understood.
    """

    policy: str
    imprint_algorithm: str | None
    imprint_algorithm_oid: str
    imprint: bytes
    serial: int
    time: datetime
    accuracy: timedelta | None = None
    ordering: bool = False
    nonce: int | None = None
    tsa: bytes | None = None
    critical_extensions: tuple[str, ...] = ()

    @staticmethod
    def load(der: bytes) -> TstInfo:
        """Read a TSTInfo.

        Raises:
            InputError: malformed.
        """
        items = read_all(der, "TSTInfo").expect(SEQUENCE, "TSTInfo").items()
        if len(items) < 5:
            raise InputError("TSTInfo with fields missing", code="timestamp.malformed")
        if decode_integer(items[0].expect(INTEGER, "version").contents) != 1:
            raise InputError("TSTInfo of an unknown version", code="timestamp.version")
        label, name, value = _imprint(items[2])
        extra = _optional_fields(items[5:])
        return TstInfo(
            policy=decode_oid(items[1].expect(OID, "policy").contents),
            imprint_algorithm=name,
            imprint_algorithm_oid=label,
            imprint=value,
            serial=decode_integer(items[3].expect(INTEGER, "serialNumber").contents),
            time=_gen_time(items[4]),
            **extra,  # type: ignore[arg-type]
        )


def _imprint(value: Tlv) -> tuple[str, str | None, bytes]:
    parts = value.expect(SEQUENCE, "messageImprint").items()
    if len(parts) != 2:
        raise InputError("malformed messageImprint", code="timestamp.malformed")
    algorithm = decode_digest_algorithm(parts[0].raw)
    digest = parts[1].expect(OCTET_STRING, "hashedMessage").contents
    return split(parts[0].raw)[0], algorithm.name if algorithm else None, digest


def _gen_time(value: Tlv) -> datetime:
    contents = value.expect(GENERALIZED_TIME, "genTime").contents
    moment = to_datetime(decode_time(GENERALIZED_TIME, contents))
    fraction = re.search(rb"[.,](\d{1,6})", contents)
    if fraction is None:
        return moment
    return moment.replace(microsecond=int(fraction[1].ljust(6, b"0")))


def _optional_fields(items: list[Tlv]) -> dict[str, object]:
    found: dict[str, object] = {}
    order = (SEQUENCE, BOOLEAN, INTEGER, 0xA0, 0xA1)
    position = -1
    for item in items:
        if item.tag not in order[position + 1 :]:
            raise InputError("TSTInfo with an unknown field", code="timestamp.malformed")
        position = order.index(item.tag)
        if item.tag == SEQUENCE:
            found["accuracy"] = _accuracy(item)
        elif item.tag == BOOLEAN:
            found["ordering"] = item.contents != b"\x00"
        elif item.tag == INTEGER:
            found["nonce"] = decode_integer(item.contents)
        elif item.tag == 0xA0:
            found["tsa"] = item.contents
        else:
            found["critical_extensions"] = _critical(item)
    return found


def _accuracy(value: Tlv) -> timedelta:
    seconds = millis = micros = 0
    for item in value:
        number = decode_integer(item.contents)
        if not 0 <= number < 1 << 31:
            raise InputError("accuracy out of range", code="timestamp.malformed")
        if item.tag == INTEGER:
            seconds = number
        elif item.tag == 0x80:
            millis = number
        elif item.tag == 0x81:
            micros = number
        else:
            raise InputError("malformed accuracy", code="timestamp.malformed")
    return timedelta(seconds=seconds, milliseconds=millis, microseconds=micros)


def _critical(value: Tlv) -> tuple[str, ...]:
    found = []
    for extension in value:
        parts = extension.expect(SEQUENCE, "extension").items()
        if not parts or parts[0].tag != OID:
            raise InputError("malformed extension", code="timestamp.malformed")
        if len(parts) == 3 and parts[1].tag == BOOLEAN and parts[1].contents != b"\x00":
            found.append(decode_oid(parts[0].contents))
    return tuple(found)


@dataclass(frozen=True, slots=True, eq=False)
class TimestampToken:
    """A TimeStampToken: CMS SignedData with exactly one signer over a TSTInfo.

    Attributes:
        der: the token as it was, indefinite lengths rewritten as definite ones.
        content_type: of the encapsulated content; a token has :data:`TST_INFO`.
        content: the encapsulated octets, which the message digest covers.
        info: the statement; ``None`` where ``content_type`` is another.
        certificates: DER of the certificates that are carried along.
        crls, ocsp_responses: DER of revocation data that are carried along.
        signer_issuer, signer_serial, signer_key_identifier: the signer identifier.
        digest_algorithm: of the message digest; ``None`` if the table does not know it.
        signature_algorithm: DER of the AlgorithmIdentifier.
        algorithm: what the table knows by it; ``None`` if nothing.
        attributes: the signed attributes.
        signed_octets: what the signature covers: the attributes in DER order (RFC 5652 § 5.4).
        wire_octets: the attributes as they stand, where that is another order; else ``None``.
        references: the signed references to the authority's certificate, its own first in each
            attribute; empty if there is none.
    """

    der: bytes
    content_type: str
    content: bytes
    info: TstInfo | None
    certificates: tuple[bytes, ...]
    crls: tuple[bytes, ...]
    ocsp_responses: tuple[bytes, ...]
    signer_issuer: bytes | None
    signer_serial: int | None
    signer_key_identifier: bytes | None
    digest_algorithm: str | None
    digest_algorithm_oid: str
    signature_algorithm: bytes
    algorithm: SignatureAlgorithm | None
    signature: bytes
    attributes: AttributeSet
    signed_octets: bytes
    wire_octets: bytes | None
    references: tuple[CertificateReference, ...]

    @staticmethod
    def load(data: bytes) -> TimestampToken:
        """Read a token; a few are remembered.

        Raises:
            InputError: no SignedData with exactly one signer, or malformed.
        """
        if len(data) > MAX_TOKEN:
            raise LimitError("time-stamp token larger than 4 MiB", code="timestamp.too-large")
        return _load_token(data)

    def single(self, kind: str) -> bytes | None:
        """Return the one value (DER) of a signed attribute; ``None`` if it is absent.

        Raises:
            InputError: the attribute stands there twice, or has not exactly one value.
        """
        contents = oid(kind)
        if contents not in self.attributes:
            return None
        value = self.attributes.only_raw(contents)
        if value is None:
            raise InputError(
                f"signed attribute {kind} has not exactly one value", code="timestamp.attributes"
            )
        return value

    @property
    def algorithms_agree(self) -> bool:
        """CMSAlgorithmProtection, if it is there, names the algorithms outside (RFC 6211 § 2).

        Raises:
            InputError: the attribute is malformed.
        """
        value = self.single(ALGORITHM_PROTECTION)
        if value is None:
            return True
        items = read_all(value, "CMSAlgorithmProtection").expect(SEQUENCE).items()
        if len(items) != 2 or items[1].tag != 0xA1:
            return False
        signature = encode(SEQUENCE, items[1].contents)
        return split(items[0].raw)[0] == self.digest_algorithm_oid and _without_null(
            split(signature)
        ) == _without_null(split(self.signature_algorithm))


def _without_null(algorithm: tuple[str, bytes]) -> tuple[str, bytes]:
    """Absent parameters and NULL are the same to every reader (RFC 5754 § 2)."""
    return algorithm[0], b"" if algorithm[1] == b"\x05\x00" else algorithm[1]


@lru_cache(maxsize=64)
def _load_token(data: bytes) -> TimestampToken:
    message = SignedData.load(data)
    if message.trailing:
        raise InputError("octets follow after the time-stamp token", code="asn1.trailing")
    if message.content is None:
        raise InputError("a time-stamp token without content", code="timestamp.no-content")
    if len(message.signer_spans) != 1:
        # RFC 3161 § 2.4.2: no signature but the authority's.
        raise InputError(
            f"a time-stamp token has one signer, this has {len(message.signer_spans)}",
            code="timestamp.signers",
        )
    if len(message.certificates) > _MAX_CERTIFICATES:
        raise LimitError("too many certificates in a token", code="timestamp.certificates")
    signer = message.signer(0)
    if signer.signed is None:
        # RFC 5652 § 5.3: mandatory unless the content type is id-data.
        raise InputError(
            "the token has no signed attributes", code="timestamp.no-signed-attributes"
        )
    digest = decode_digest_algorithm(signer.digest_algorithm)
    digest_name = digest.name if digest else None
    signed, wire = signer.signed.set_octets(), signer.signed.wire_octets()
    content_type = message.content_type_text
    return TimestampToken(
        der=message.data,
        content_type=content_type,
        content=message.content,
        info=TstInfo.load(message.content) if content_type == TST_INFO else None,
        certificates=message.certificates,
        crls=message.crls,
        ocsp_responses=message.ocsp_responses,
        signer_issuer=signer.issuer,
        signer_serial=signer.serial,
        signer_key_identifier=signer.subject_key_identifier,
        digest_algorithm=digest_name,
        digest_algorithm_oid=split(signer.digest_algorithm)[0],
        signature_algorithm=signer.signature_algorithm,
        algorithm=decode_signature_algorithm(signer.signature_algorithm, digest_name),
        signature=signer.signature,
        attributes=signer.signed,
        signed_octets=signed,
        wire_octets=wire if wire != signed else None,
        references=_references(signer.signed),
    )


def _references(attributes: AttributeSet) -> tuple[CertificateReference, ...]:
    """The first identifier of each signing-certificate attribute: the signer's (RFC 5035 § 3)."""
    found = []
    for kind, version in ((SIGNING_CERTIFICATE_V2, 2), (SIGNING_CERTIFICATE, 1)):
        values = attributes.values(oid(kind))
        if len(values) > 1:
            raise InputError("two signing-certificate attributes", code="timestamp.ess")
        for value in values:
            body = read_all(value, "signingCertificate").expect(SEQUENCE).items()
            ids = body[0].expect(SEQUENCE).items() if body else []
            if not ids:
                raise InputError("an empty signing-certificate attribute", code="timestamp.ess")
            found.append(_certificate_id(ids[0], version))
    return tuple(found)


def _certificate_id(value: Tlv, version: int) -> CertificateReference:
    parts = value.expect(SEQUENCE, "ESSCertID").items()
    algorithm: str | None = "SHA1" if version == 1 else "SHA256"
    if version == 2 and parts and parts[0].tag == SEQUENCE:
        digest = decode_digest_algorithm(parts.pop(0).raw)
        algorithm = digest.name if digest else None
    if not parts or parts[0].tag != OCTET_STRING:
        raise InputError("malformed ESSCertID", code="timestamp.ess")
    issuer, serial = None, None
    if len(parts) > 1:
        pair = parts[1].expect(SEQUENCE, "issuerSerial").items()
        if len(pair) != 2:
            raise InputError("malformed issuerSerial", code="timestamp.ess")
        serial = decode_integer(pair[1].expect(INTEGER, "serialNumber").contents)
        for name in pair[0].expect(SEQUENCE, "issuer"):
            if name.tag == 0xA4:
                issuer = name.contents
    return CertificateReference(algorithm, parts[0].contents, issuer, None, serial, version)


# ── recognising ───────────────────────────────────────────────────────────────────────────────

_TOKEN_MARK = encode_oid(TST_INFO)
_SIGNED_DATA_MARK = encode_oid(SIGNED_DATA)


def is_token(data: bytes) -> bool:
    """Tell cheaply whether this is CMS SignedData over a TSTInfo; it may still be malformed."""
    head = data[:512]
    return head[:1] == b"\x30" and 0 <= head.find(_SIGNED_DATA_MARK) <= 8 and _TOKEN_MARK in head


def is_response(data: bytes) -> bool:
    """Tell cheaply whether this is a TimeStampResp."""
    if data[:1] != b"\x30" or len(data) > MAX_TOKEN:
        return False
    try:
        outer = read(data)
        status = read(data, outer.start, outer.stop).expect(SEQUENCE)
        first = read(data, status.start, status.stop)
        if first.tag != INTEGER or first.stop - first.start != 1:
            return False
        if status.stop == outer.stop:
            return outer.stop == len(data)
        return is_token(data[status.stop :])
    except InputError:
        # An indefinite length: 30 80 30 ...
        return data[:3] == b"\x30\x80\x30" and _TOKEN_MARK in data[:512]
