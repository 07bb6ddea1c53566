"""DER templates of what an authority issues: names, extensions, certificates, CRLs (RFC 5280).

Built with the writer of ``esign_kit.asn1``, so that any algorithm of the table can sign, also those
that no certificate builder knows, and so that a certificate costs microseconds.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Protocol

from esign_kit.asn1.algorithm_identifier import encode_signature_algorithm
from esign_kit.asn1.reader import (
    BIT_STRING,
    ENUMERATED,
    GENERALIZED_TIME,
    OCTET_STRING,
    SEQUENCE,
    SET,
    UTC_TIME,
    encode,
    encode_integer,
    encode_oid,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from esign_kit.algorithms import SignatureAlgorithm

__all__ = [
    "Signer",
    "basic_constraints",
    "certificate",
    "extended_key_usage",
    "extension",
    "key_usage",
    "name",
    "qc_statements",
    "revocation_list",
    "signed",
    "time",
]

UTF8, PRINTABLE, IA5 = 0x0C, 0x13, 0x16
TRUE = b"\x01\x01\xff"

KEY_USAGE_BITS = (
    "digital_signature",
    "content_commitment",
    "key_encipherment",
    "data_encipherment",
    "key_agreement",
    "key_cert_sign",
    "crl_sign",
    "encipher_only",
    "decipher_only",
)

REASONS = {
    "unspecified": 0,
    "keyCompromise": 1,
    "cACompromise": 2,
    "affiliationChanged": 3,
    "superseded": 4,
    "cessationOfOperation": 5,
    "certificateHold": 6,
    "removeFromCRL": 8,
    "privilegeWithdrawn": 9,
    "aACompromise": 10,
}
"""CRLReason, RFC 5280 § 5.3.1."""


class Signer(Protocol):
    """What signs: any private key that knows its algorithms, national ones included."""

    @property
    def algorithms(self) -> Sequence[SignatureAlgorithm]:
        """What the key can do, its preferred algorithm first."""
        ...

    def sign(self, data: bytes, algorithm: SignatureAlgorithm) -> bytes:
        """Sign; the value in the encoding of CMS."""
        ...


def signed(tbs: bytes, key: Signer, algorithm: SignatureAlgorithm) -> bytes:
    """Return SEQUENCE { tbs, algorithm, signature }, the shape of certificates, CRLs and OCSP."""
    value = key.sign(tbs, algorithm)
    return encode(
        SEQUENCE,
        tbs + encode_signature_algorithm(algorithm) + encode(BIT_STRING, b"\x00" + value),
    )


@lru_cache(maxsize=1024)
def attribute(oid: str, value: str, tag: int) -> bytes:
    """Return one RDN with one attribute."""
    pair = encode(SEQUENCE, encode_oid(oid) + encode(tag, value.encode("utf-8")))
    return encode(SET, pair)


def name(pairs: Iterable[tuple[str, str, int]]) -> bytes:
    """Return a Name of single-valued RDNs from ``(oid, value, string tag)``."""
    return encode(SEQUENCE, b"".join([attribute(*pair) for pair in pairs]))


def octets(value: bytes) -> bytes:
    """Return an OCTET STRING."""
    return encode(OCTET_STRING, value)


def serial(value: int) -> bytes:
    """Return a serial number as INTEGER."""
    return encode_integer(value)


@lru_cache(maxsize=1024)
def time(moment: datetime) -> bytes:
    """Return a Time: UTCTime until 2049, GeneralizedTime from then on (RFC 5280 § 4.1.2.5)."""
    if 1950 <= moment.year < 2050:
        return encode(UTC_TIME, moment.strftime("%y%m%d%H%M%SZ").encode("ascii"))
    return generalized(moment)


def generalized(moment: datetime) -> bytes:
    """Return a GeneralizedTime in whole seconds."""
    return encode(GENERALIZED_TIME, moment.strftime("%Y%m%d%H%M%SZ").encode("ascii"))


# ── extensions ────────────────────────────────────────────────────────────────────────────────


@lru_cache(maxsize=4096)
def extension(oid: str, value: bytes, critical: bool = False) -> bytes:
    """Return an Extension; ``value`` is the DER inside its OCTET STRING."""
    flag = TRUE if critical else b""
    return encode(SEQUENCE, encode_oid(oid) + flag + encode(OCTET_STRING, value))


@lru_cache(maxsize=64)
def basic_constraints(ca: bool, path_length: int | None = None) -> bytes:
    """Return basicConstraints, critical for an authority."""
    inner = TRUE if ca else b""
    if path_length is not None:
        inner += encode_integer(path_length)
    return extension("2.5.29.19", encode(SEQUENCE, inner), ca)


@lru_cache(maxsize=64)
def key_usage(names: tuple[str, ...]) -> bytes:
    """Return a critical keyUsage with the named bits (RFC 5280 § 4.2.1.3)."""
    bits = 0
    for item in names:
        bits |= 0x8000 >> KEY_USAGE_BITS.index(item)
    octets = bits.to_bytes(2, "big").rstrip(b"\x00") or b"\x00"
    unused = 0
    while octets[-1] and not octets[-1] >> unused & 1:
        unused += 1
    return extension("2.5.29.15", encode(BIT_STRING, bytes((unused,)) + octets), True)


@lru_cache(maxsize=256)
def extended_key_usage(oids: tuple[str, ...], critical: bool = False) -> bytes:
    """Return extKeyUsage."""
    value = encode(SEQUENCE, b"".join(encode_oid(oid) for oid in oids))
    return extension("2.5.29.37", value, critical)


@lru_cache(maxsize=256)
def policies(oids: tuple[str, ...]) -> bytes:
    """Return certificatePolicies without qualifiers."""
    value = b"".join(encode(SEQUENCE, encode_oid(oid)) for oid in oids)
    return extension("2.5.29.32", encode(SEQUENCE, value))


@lru_cache(maxsize=256)
def addresses(ocsp: str, issuer: str) -> bytes:
    """Return authorityInfoAccess with the OCSP responder and the issuer's certificate."""
    rows = (("1.3.6.1.5.5.7.48.1", ocsp), ("1.3.6.1.5.5.7.48.2", issuer))
    value = b"".join(
        encode(SEQUENCE, encode_oid(method) + encode(0x86, url.encode("ascii")))
        for method, url in rows
        if url
    )
    return extension("1.3.6.1.5.5.7.1.1", encode(SEQUENCE, value))


@lru_cache(maxsize=256)
def crl_address(url: str) -> bytes:
    """Return cRLDistributionPoints with one address."""
    uri = encode(0x86, url.encode("ascii"))
    point = encode(SEQUENCE, encode(0xA0, encode(0xA0, uri)))
    return extension("2.5.29.31", encode(SEQUENCE, point))


@lru_cache(maxsize=256)
def authority_key(key_id: bytes) -> bytes:
    """Return authorityKeyIdentifier with a key identifier."""
    return extension("2.5.29.35", encode(SEQUENCE, encode(0x80, key_id)))


def subject_key(key_id: bytes) -> bytes:
    """Return subjectKeyIdentifier."""
    return extension.__wrapped__("2.5.29.14", encode(OCTET_STRING, key_id))


@lru_cache(maxsize=64)
def qc_statements(oids: tuple[str, ...], kind: str | None = None) -> bytes:
    """Return qcStatements (EN 319 412-5): plain statements, and QcType if ``kind`` is an OID."""
    rows = b"".join(encode(SEQUENCE, encode_oid(oid)) for oid in oids)
    if kind is not None:
        types = encode(SEQUENCE, encode_oid(kind))
        rows += encode(SEQUENCE, encode_oid("0.4.0.1862.1.6") + types)
    return extension("1.3.6.1.5.5.7.1.3", encode(SEQUENCE, rows))


# ── certificates and CRLs ─────────────────────────────────────────────────────────────────────

_VERSION_3 = encode(0xA0, encode_integer(2))


def certificate(
    *,
    serial: int,
    issuer: bytes,
    subject: bytes,
    not_before: datetime,
    not_after: datetime,
    spki: bytes,
    extensions: Sequence[bytes],
    key: Signer,
    algorithm: SignatureAlgorithm,
) -> bytes:
    """Return a signed X.509 v3 certificate."""
    tbs = encode(
        SEQUENCE,
        _VERSION_3,
        encode_integer(serial),
        encode_signature_algorithm(algorithm),
        issuer,
        encode(SEQUENCE, time(not_before) + time(not_after)),
        subject,
        spki,
        encode(0xA3, encode(SEQUENCE, b"".join(extensions))) if extensions else b"",
    )
    return signed(tbs, key, algorithm)


def revocation_list(
    *,
    issuer: bytes,
    this_update: datetime,
    next_update: datetime | None,
    entries: Iterable[tuple[int, datetime, str | None]],
    number: int,
    key_id: bytes,
    key: Signer,
    algorithm: SignatureAlgorithm,
) -> bytes:
    """Return a signed v2 CRL; entries are ``(serial, revoked at, reason or None)``."""
    rows = []
    for serial, moment, reason in entries:
        row = encode_integer(serial) + time(moment)
        if reason is not None:
            code = encode(ENUMERATED, bytes((REASONS[reason],)))
            row += encode(SEQUENCE, extension("2.5.29.21", code))
        rows.append(encode(SEQUENCE, row))
    extensions = authority_key(key_id) + extension.__wrapped__("2.5.29.20", encode_integer(number))
    tbs = encode(
        SEQUENCE,
        encode_integer(1),
        encode_signature_algorithm(algorithm),
        issuer,
        time(this_update),
        time(next_update) if next_update is not None else b"",
        encode(SEQUENCE, *rows) if rows else b"",
        encode(0xA0, encode(SEQUENCE, extensions)),
    )
    return signed(tbs, key, algorithm)
