"""Signed references to the signer's certificate (RFC 5035, EN 319 122-1 § 5.2.2)."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from esign_kit.asn1.algorithm_identifier import decode_digest_algorithm
from esign_kit.asn1.reader import (
    INTEGER,
    OCTET_STRING,
    SEQUENCE,
    Tlv,
    decode_integer,
    header,
    read_all,
)
from esign_kit.errors import InputError, LimitError
from esign_kit.model.signature import CertificateReference

__all__ = ["certificate_references", "other_certificate_references"]

_LARGEST = 64 * 1024
_KEPT = 256


@lru_cache(maxsize=2048)
def certificate_references(value: bytes, version: int) -> tuple[CertificateReference, ...]:
    """Read SigningCertificate (version 1) or SigningCertificateV2 (RFC 5035 § 3 to 5).

    Raises:
        InputError: malformed.
    """
    if len(value) > _LARGEST:
        raise LimitError("signing-certificate too large", code="limits.attributes")
    usual = _usual_reference(value, version)
    if usual is not None:
        return (usual,)
    outer = read_all(value, "signing-certificate").expect(SEQUENCE, "signing-certificate").items()
    if not outer:
        raise InputError("signing-certificate without certificates", code="cades.ess")
    found = []
    for item in outer[0].expect(SEQUENCE, "signing-certificate"):
        fields = item.expect(SEQUENCE, "ESSCertID").items()
        digest: str | None = "SHA256" if version == 2 else "SHA1"
        if version == 2 and fields and fields[0].tag == SEQUENCE:
            algorithm = decode_digest_algorithm(fields.pop(0).raw)
            digest = algorithm.name if algorithm else None
        if not fields or len(fields) > 2:
            raise InputError("malformed ESSCertID", code="cades.ess")
        issuer, serial = _issuer_serial(fields[1]) if len(fields) == 2 else (None, None)
        found.append(
            CertificateReference(
                digest_algorithm=digest,
                digest=fields[0].expect(OCTET_STRING, "certHash").contents,
                issuer=issuer,
                serial=serial,
                version=version,
            )
        )
    return tuple(found)


class _Frame(NamedTuple):
    """What the references to certificates of one issuer share: all but digest and serial number."""

    digest_start: int
    digest_stop: int
    serial_start: int
    head: bytes
    middle: bytes
    algorithm: str
    issuer: bytes | None


_frames: dict[tuple[int, int], _Frame] = {}


def _usual_reference(value: bytes, version: int) -> CertificateReference | None:
    """Read one reference without policies, as nearly all are; ``None`` for any other shape.

    Of an issuer whose customers were met before only digest and serial number are read, which
    makes 1 µs of 3.
    """
    frame = _frames.get((len(value), version))
    if frame is not None:
        start, stop, begin, head, around, name, issuer = frame
        if value[:start] == head and value[stop:begin] == around:
            number = int.from_bytes(value[begin:], "big", signed=True)
            return CertificateReference(name, value[start:stop], issuer, None, number, version)
    try:
        tag, start, stop = header(value, 0, len(value))
        outer, start, end = header(value, start, stop)
        inner, start, last = header(value, start, end)
        if tag != SEQUENCE or outer != SEQUENCE or inner != SEQUENCE or not stop == end == last:
            return None
        digest: str | None = "SHA256" if version == 2 else "SHA1"
        tag, first, after = header(value, start, last)
        if tag == SEQUENCE and version == 2:
            algorithm = decode_digest_algorithm(value[start:after])
            digest = algorithm.name if algorithm else None
            tag, first, after = header(value, after, last)
        if tag != OCTET_STRING or stop != len(value):
            return None
        issuer = serial = None
        if after < last:
            tag, start, stop = header(value, after, last)
            outer, _, middle = header(value, start, stop)
            inner, begin, end = header(value, middle, stop)
            if tag != SEQUENCE or outer != SEQUENCE or inner != INTEGER or not stop == end == last:
                return None
            issuer = _issuer(value[start:middle])
            serial = decode_integer(value[begin:end])
            if digest is not None:
                if len(_frames) >= _KEPT:
                    _frames.clear()
                _frames[len(value), version] = _Frame(
                    first, after, begin, value[:first], value[after:begin], digest, issuer
                )
    except InputError:
        # Read again below, where the error gets its words.
        return None
    return CertificateReference(digest, value[first:after], issuer, None, serial, version)


@lru_cache(maxsize=256)
def _issuer(general_names: bytes) -> bytes | None:
    """Return the Name in the GeneralNames of an issuerSerial; all signers of a CA state the same.

    Raises:
        InputError: malformed.
    """
    issuer = None
    for name in read_all(general_names).expect(SEQUENCE, "GeneralNames"):
        if name.tag == 0xA4:
            inner = name.items()
            if len(inner) == 1:
                issuer = inner[0].raw
    return issuer


def _issuer_serial(value: Tlv) -> tuple[bytes | None, int | None]:
    parts = value.expect(SEQUENCE, "issuerSerial").items()
    if len(parts) < 2:
        raise InputError("malformed issuerSerial", code="cades.ess")
    issuer = _issuer(parts[0].expect(SEQUENCE, "GeneralNames").raw)
    return issuer, decode_integer(parts[1].expect(INTEGER, "serialNumber").contents)


@lru_cache(maxsize=256)
def other_certificate_references(value: bytes) -> tuple[CertificateReference, ...]:
    """Read OtherSigningCertificate (TS 101 733 § 5.7.3.3), which came before version 2.

    Raises:
        InputError: malformed.
    """
    if len(value) > _LARGEST:
        raise LimitError("other-signing-certificate too large", code="limits.attributes")
    outer = read_all(value, "other-signing-certificate").expect(SEQUENCE).items()
    if not outer:
        raise InputError("other-signing-certificate without certificates", code="cades.ess")
    found = []
    for item in outer[0].expect(SEQUENCE):
        fields = item.expect(SEQUENCE).items()
        if not fields:
            raise InputError("malformed OtherCertID", code="cades.ess")
        digest: str | None = "SHA1"
        value_ = fields[0]
        if value_.tag == SEQUENCE:
            parts = value_.items()
            if len(parts) != 2:
                raise InputError("malformed OtherHash", code="cades.ess")
            algorithm = decode_digest_algorithm(parts[0].raw)
            digest, value_ = (algorithm.name if algorithm else None), parts[1]
        issuer, serial = _issuer_serial(fields[1]) if len(fields) > 1 else (None, None)
        found.append(
            CertificateReference(
                digest, value_.expect(OCTET_STRING).contents, issuer, serial=serial, version=0
            )
        )
    return tuple(found)
