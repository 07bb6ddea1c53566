"""A certificate read over its original octets (RFC 5280 § 4.1).

The signed part is a slice of the input, never a re-encoding. Fields that a verification always
needs are read at once; extensions and texts when they are asked for.
"""

from __future__ import annotations

import struct
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from esign_kit.asn1 import names
from esign_kit.asn1.extensions import Extension, walk
from esign_kit.asn1.pem import blocks
from esign_kit.asn1.reader import (
    BIT_STRING,
    BOOLEAN,
    INTEGER,
    OCTET_STRING,
    OID,
    SEQUENCE,
    UTC_TIME,
    decode_integer,
    decode_oid,
    decode_time,
    header,
    read,
    read_all,
)
from esign_kit.asn1.signed import after_signed_part, signature_and_issuer
from esign_kit.asn1.times import to_datetime
from esign_kit.errors import InputError, LimitError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

__all__ = [
    "BasicConstraints",
    "Certificate",
    "Extension",
    "load_certificates",
    "readable_certificates",
]

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
"""RFC 5280 § 4.2.1.3, bit 0 first; bit 1 is also called nonRepudiation."""

_MAX_CERTIFICATE = 1024 * 1024


class BasicConstraints(NamedTuple):
    """RFC 5280 § 4.2.1.9."""

    ca: bool
    path_length: int | None


_USUAL_BASIC_CONSTRAINTS = {
    b"\x30\x00": BasicConstraints(False, None),
    b"\x30\x03\x01\x01\xff": BasicConstraints(True, None),
    b"\x30\x06\x01\x01\xff\x02\x01\x00": BasicConstraints(True, 0),
    b"\x30\x06\x01\x01\xff\x02\x01\x01": BasicConstraints(True, 1),
}


class Certificate:
    """A certificate as a view of ``der``.

    Attributes:
        der: all octets.
        serial: as a number, possibly negative (some issuers do that).
        signature_algorithm: DER of the outer AlgorithmIdentifier.
        tbs_signature_algorithm: DER of the inner one; RFC 5280 demands that they are equal.
        issuer, subject: DER of the Names.
        not_before, not_after: ``b"YYYYMMDDHHMMSSZ"``, which compare as they sort.
        spki: DER of the SubjectPublicKeyInfo.
        signature: the signature octets (without the count of unused bits).
        version: 1, 2 or 3.
    """

    __slots__ = (
        "__weakref__",
        "_cache",
        "_extensions",
        "_extensions_span",
        "_tbs_span",
        "der",
        "issuer",
        "not_after",
        "not_before",
        "serial",
        "signature",
        "signature_algorithm",
        "spki",
        "subject",
        "tbs_signature_algorithm",
        "version",
    )

    def __init__(self, der: bytes) -> None:
        """Read the fixed fields; prefer :meth:`load`, which remembers.

        Raises:
            InputError: no certificate, or a malformed one.
        """
        size = len(der)
        if size > _MAX_CERTIFICATE:
            raise LimitError("certificate larger than 1 MiB", code="certificate.too-large")
        self.der = der
        self._extensions: dict[str, Extension] | None = None
        self._cache: dict[str, object] = {}
        try:
            self._read(der, size)
        except (IndexError, struct.error) as error:
            raise InputError("certificate cut off", code="certificate.malformed") from error

    def _read(self, der: bytes, size: int) -> None:
        """Read the fixed fields (RFC 5280 § 4.1).

        One field begins where the one before it ends, and the last must end with the whole: so
        most lengths are not compared with a bound one by one. Long forms are left to ``header``.
        """
        outer, length, inner, tbs_length, tagged, version = _USUAL_HEAD(der)
        usual = outer == inner == 0x3082 and tagged == 0xA0030201 and version == 2
        if usual and length + 4 == size:
            start, tbs_stop, position, self.version = 4, tbs_length + 8, 13, 3
        else:
            start, tbs_stop, position, self.version = _unusual_head(der, size)
        self._tbs_span = (start, tbs_stop)
        tag, first, end = header(der, position, tbs_stop)
        _require(tag == INTEGER and first < end, "serialNumber")
        self.serial = int.from_bytes(der[first:end], "big", signed=True)
        self.tbs_signature_algorithm, self.issuer, end = signature_and_issuer(
            der, end, tbs_stop, _malformed
        )
        validity = end
        if der[end : end + 4] == b"\x30\x1e\x17\x0d" and der[end + 17 : end + 19] == b"\x17\x0d":
            self.not_before = decode_time(UTC_TIME, der[end + 4 : end + 17])
            end += 32
            self.not_after = decode_time(UTC_TIME, der[validity + 19 : end])
        else:
            _, inner, end = header(der, end, tbs_stop)
            tag, first, middle = header(der, inner, end)
            self.not_before = decode_time(tag, der[first:middle])
            tag, first, last = header(der, middle, end)
            _require(last == end, "validity")
            self.not_after = decode_time(tag, der[first:last])
        subject = end
        length = der[end + 1]
        end = end + 2 + length if length < 0x80 else header(der, end, tbs_stop)[2]
        self.subject = der[subject:end]
        key = end
        end = header(der, end, tbs_stop)[2]
        self.spki = der[key:end]
        _require(der[validity] == der[subject] == der[key] == SEQUENCE, "fields")
        self._extensions_span: tuple[int, int] | None = None
        while end < tbs_stop:
            tag, inner, end = header(der, end, tbs_stop)
            if tag == 0xA3:
                _require(end == tbs_stop and self.version == 3, "extensions")
                self._extensions_span = (inner, end)
            else:
                _require(tag in (0x81, 0x82, 0xA1, 0xA2), "unique identifiers")
        self.signature_algorithm, self.signature = after_signed_part(
            der, tbs_stop, size, self.tbs_signature_algorithm, _malformed
        )

    @staticmethod
    def load(der: bytes) -> Certificate:
        """Return the view of these octets; a bounded number of views is remembered.

        Raises:
            InputError: no certificate, or a malformed one.
        """
        return _load(der)

    @property
    def tbs(self) -> bytes:
        """The signed octets: a slice, made when it is asked for."""
        start, stop = self._tbs_span
        return self.der[start:stop]

    # ── extensions ────────────────────────────────────────────────────────────────────────────

    @property
    def extensions(self) -> dict[str, Extension]:
        """Extensions by OID.

        Raises:
            InputError: malformed, or one extension twice (RFC 5280 § 4.2).
        """
        if self._extensions is None:
            self._extensions = self._read_extensions()
        return self._extensions

    def _read_extensions(self) -> dict[str, Extension]:
        if self._extensions_span is None:
            return {}
        return walk(self.der, *self._extensions_span, _extension_fault)

    @property
    def basic_constraints(self) -> BasicConstraints | None:
        """BasicConstraints, or ``None`` if the extension is absent."""
        extension = self.extensions.get("2.5.29.19")
        if extension is None:
            return None
        usual = _USUAL_BASIC_CONSTRAINTS.get(extension.value)
        if usual is not None:
            return usual
        ca, length = False, None
        for item in read_all(extension.value, "basicConstraints").expect(SEQUENCE):
            if item.tag == BOOLEAN:
                ca = item.contents != b"\x00"
            elif item.tag == INTEGER:
                length = decode_integer(item.contents)
            else:
                raise InputError("malformed basicConstraints", code="certificate.malformed")
        return BasicConstraints(ca, length)

    @property
    def key_usage(self) -> frozenset[str] | None:
        """Names of :data:`KEY_USAGE_BITS` that are set, or ``None`` if the extension is absent."""
        if "ku" not in self._cache:
            extension = self.extensions.get("2.5.29.15")
            self._cache["ku"] = None if extension is None else _key_usage(extension.value)
        return self._cache["ku"]  # type: ignore[return-value]

    @property
    def extended_key_usage(self) -> tuple[str, ...] | None:
        """OIDs of the extended key usages, or ``None`` if the extension is absent."""
        extension = self.extensions.get("2.5.29.37")
        if extension is None:
            return None
        return tuple(
            decode_oid(item.expect(OID).contents)
            for item in read_all(extension.value, "extKeyUsage").expect(SEQUENCE)
        )

    @property
    def subject_key_identifier(self) -> bytes | None:
        """The subjectKeyIdentifier, if there is one."""
        extension = self.extensions.get("2.5.29.14")
        if extension is None:
            return None
        return read_all(extension.value, "subjectKeyIdentifier").expect(OCTET_STRING).contents

    @property
    def authority_key_identifier(self) -> bytes | None:
        """The keyIdentifier of the authorityKeyIdentifier, if there is one."""
        extension = self.extensions.get("2.5.29.35")
        if extension is None:
            return None
        for item in read_all(extension.value, "authorityKeyIdentifier").expect(SEQUENCE):
            if item.tag == 0x80:
                return item.contents
        return None

    @property
    def policies(self) -> tuple[str, ...]:
        """OIDs of certificatePolicies; empty if the extension is absent."""
        extension = self.extensions.get("2.5.29.32")
        if extension is None:
            return ()
        found = []
        for item in read_all(extension.value, "certificatePolicies").expect(SEQUENCE):
            first = read(item.data, item.start, item.stop).expect(OID, "policy")
            found.append(decode_oid(first.contents))
        return tuple(found)

    @property
    def crl_urls(self) -> tuple[str, ...]:
        """http(s) and other URIs of cRLDistributionPoints."""
        extension = self.extensions.get("2.5.29.31")
        if extension is None:
            return ()
        found: list[str] = []
        for point in read_all(extension.value, "cRLDistributionPoints").expect(SEQUENCE):
            for field in point:
                if field.tag != 0xA0:
                    continue
                for name in field:
                    if name.tag == 0xA0:
                        found += [uri.contents.decode("latin-1") for uri in name if uri.tag == 0x86]
        return tuple(found)

    @property
    def ocsp_urls(self) -> tuple[str, ...]:
        """URIs of the OCSP responders (authorityInfoAccess)."""
        return self._access("1.3.6.1.5.5.7.48.1")

    @property
    def issuer_urls(self) -> tuple[str, ...]:
        """URIs of the issuer's certificate (authorityInfoAccess, caIssuers)."""
        return self._access("1.3.6.1.5.5.7.48.2")

    def _access(self, method: str) -> tuple[str, ...]:
        extension = self.extensions.get("1.3.6.1.5.5.7.1.1")
        if extension is None:
            return ()
        found = []
        for item in read_all(extension.value, "authorityInfoAccess").expect(SEQUENCE):
            parts = item.items()
            if (
                len(parts) == 2
                and parts[0].tag == OID
                and parts[1].tag == 0x86
                and decode_oid(parts[0].contents) == method
            ):
                found.append(parts[1].contents.decode("latin-1"))
        return tuple(found)

    # ── names and times ───────────────────────────────────────────────────────────────────────

    @property
    def subject_attributes(self) -> tuple[names.Attribute, ...]:
        """The subject's attributes in order, RDN by RDN."""
        return names.attributes(self.subject)

    @property
    def issuer_attributes(self) -> tuple[names.Attribute, ...]:
        """The issuer's attributes in order, RDN by RDN."""
        return names.attributes(self.issuer)

    @property
    def subject_text(self) -> str:
        """The subject for people; control characters are escaped."""
        return names.text(self.subject)

    @property
    def issuer_text(self) -> str:
        """The issuer for people; control characters are escaped."""
        return names.text(self.issuer)

    @property
    def label(self) -> str:
        """The most telling attribute of the subject (common name, else organisation, …)."""
        return names.label(self.subject)

    @property
    def not_before_time(self) -> datetime:
        """Start of validity, UTC."""
        return to_datetime(self.not_before)

    @property
    def not_after_time(self) -> datetime:
        """End of validity, UTC."""
        return to_datetime(self.not_after)

    @property
    def self_issued(self) -> bool:
        """Subject and issuer are the same name."""
        return self.subject == self.issuer or names.equal(self.subject, self.issuer)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Certificate) and self.der == other.der

    def __hash__(self) -> int:
        return hash(self.der)

    def __repr__(self) -> str:
        return f"Certificate({self.label!r}, serial={self.serial:x})"

    def __reduce__(self) -> tuple[object, ...]:
        return (_load, (self.der,))


@lru_cache(maxsize=4096)
def _load(der: bytes) -> Certificate:
    # A function: a cache around the class itself takes over its __reduce__, which breaks pickle.
    return Certificate(der)


_USUAL_HEAD = struct.Struct(">HHHHIB").unpack_from
"""Certificate, TBSCertificate and version as they nearly always begin; read at one go."""


def _unusual_head(der: bytes, size: int) -> tuple[int, int, int, int]:
    """Return where the signed part starts and stops, where its serial number stands; version."""
    tag, start, stop = header(der, 0, size)
    if tag != SEQUENCE or stop != size:
        raise InputError("not a certificate", code="certificate.malformed")
    tag, position, tbs_stop = header(der, start, size)
    if tag != SEQUENCE:
        raise InputError("not a certificate", code="certificate.malformed")
    tag, inner, end = header(der, position, tbs_stop)
    if tag != 0xA0:
        return start, tbs_stop, position, 1
    tag, inner, last = header(der, inner, end)
    _require(tag == INTEGER and last == end and last - inner == 1, "version")
    version = der[inner] + 1
    _require(version in (1, 2, 3), "version")
    return start, tbs_stop, end, version


def readable_certificates(ders: Iterable[bytes]) -> tuple[Certificate, ...]:
    """Return views of those that can be read; what cannot is passed over."""
    found = []
    for der in ders:
        try:
            found.append(_load(der))
        except InputError:
            continue
    return tuple(found)


def _extension_fault(twice: str) -> InputError:
    if twice:
        return InputError(
            f"certificate has extension {twice} twice", code="certificate.extension-twice"
        )
    return _malformed("extension")


def _require(condition: bool, what: str) -> None:
    if not condition:
        raise _malformed(what)


def _malformed(what: str) -> InputError:
    return InputError(f"malformed certificate: {what}", code="certificate.malformed")


@lru_cache(maxsize=256)
def _key_usage(value: bytes) -> frozenset[str]:
    contents = read_all(value, "keyUsage").expect(BIT_STRING).contents
    if not contents:
        raise InputError("malformed keyUsage", code="certificate.malformed")
    bits = contents[1:]
    return frozenset(
        name
        for number, name in enumerate(KEY_USAGE_BITS)
        if number // 8 < len(bits) and bits[number // 8] & 0x80 >> number % 8
    )


def from_block(label: bytes, der: bytes) -> Certificate | None:
    """Return the certificate in a block of PEM; ``None`` if it holds something else.

    Raises:
        InputError: malformed.
    """
    if label == b"TRUSTED CERTIFICATE":
        # What OpenSSL writes after the certificate in such a block is its own.
        return Certificate.load(read(der).raw)
    return Certificate.load(der) if label in (b"CERTIFICATE", b"X509 CERTIFICATE") else None


def load_certificates(data: bytes) -> tuple[Certificate, ...]:
    """Read certificates from DER, PEM (any number, comments allowed) or bare base64.

    Raises:
        InputError: nothing of the kind.
    """
    if data[:1] == b"\x30":
        return (_load(data),)
    from binascii import Error, a2b_base64

    blocks_of_it = (from_block(label, der) for label, der in blocks(data))
    found = tuple([certificate for certificate in blocks_of_it if certificate is not None])
    if found:
        return found
    try:
        der = a2b_base64(data.strip(), strict_mode=False)
    except Error:
        der = b""
    if der[:1] == b"\x30":
        return (Certificate.load(der),)
    raise InputError("no certificate in this input", code="certificate.none")
