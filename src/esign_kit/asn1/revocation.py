"""CRLs and OCSP answers read over their original octets (RFC 5280 § 5, RFC 6960 § 4.2).

A CRL is never walked to answer a question: the encoded serial number is searched in the octets of
the list, and only a hit is confirmed entry by entry. What was signed is a slice of the input.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from esign_kit.asn1.certificate import Certificate, Extension
from esign_kit.asn1.reader import (
    BIT_STRING,
    BOOLEAN,
    ENUMERATED,
    GENERALIZED_TIME,
    INTEGER,
    OCTET_STRING,
    OID,
    SEQUENCE,
    UTC_TIME,
    Tlv,
    decode_integer,
    decode_oid,
    decode_time,
    encode,
    encode_integer,
    encode_oid,
    header,
    read,
    read_all,
)
from esign_kit.errors import InputError, UnsupportedError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = [
    "ALL_REASONS",
    "CRL_REASONS",
    "CertId",
    "Crl",
    "CrlEntry",
    "DistributionPoint",
    "IssuingDistributionPoint",
    "OcspResponse",
    "SingleResponse",
    "build_ocsp_request",
    "classify",
    "distribution_points",
    "read_extensions",
]

CRL_REASONS = (
    "unspecified",
    "keyCompromise",
    "cACompromise",
    "affiliationChanged",
    "superseded",
    "cessationOfOperation",
    "certificateHold",
    "unused7",
    "removeFromCRL",
    "privilegeWithdrawn",
    "aACompromise",
)
"""CRLReason by number (RFC 5280 § 5.3.1)."""

ALL_REASONS = 0b1_1111_1110
"""ReasonFlags 1 to 8, each as its bit (RFC 5280 § 4.2.1.13)."""

CRL_NUMBER = "2.5.29.20"
REASON_CODE = "2.5.29.21"
HOLD_INSTRUCTION = "2.5.29.23"
INVALIDITY_DATE = "2.5.29.24"
DELTA_INDICATOR = "2.5.29.27"
ISSUING_DISTRIBUTION_POINT = "2.5.29.28"
CERTIFICATE_ISSUER = "2.5.29.29"
AUTHORITY_KEY_IDENTIFIER = "2.5.29.35"
FRESHEST_CRL = "2.5.29.46"
EXPIRED_CERTS_ON_CRL = "2.5.29.60"

_KNOWN_ENTRY_EXTENSIONS = frozenset(
    {REASON_CODE, HOLD_INSTRUCTION, INVALIDITY_DATE, CERTIFICATE_ISSUER}
)
_WALK_AFTER = 60
"""So many searches cost as much as an index of all serial numbers."""


def _bad(what: str) -> InputError:
    return InputError(f"malformed {what}", code="revocation.malformed")


def read_extensions(data: bytes, start: int, stop: int, what: str) -> dict[str, Extension]:
    """Return the extensions of the SEQUENCE OF Extension between two offsets.

    Raises:
        InputError: malformed, or one extension twice.
    """
    tag, position, end = header(data, start, stop)
    if tag != SEQUENCE or end != stop:
        raise _bad(what)
    found: dict[str, Extension] = {}
    while position < end:
        tag, inner, last = header(data, position, end)
        if tag != SEQUENCE:
            raise _bad(what)
        tag, first, middle = header(data, inner, last)
        if tag != OID:
            raise _bad(what)
        oid = decode_oid(data[first:middle])
        critical = False
        tag, first, middle = header(data, middle, last)
        if tag == BOOLEAN:
            critical = data[first:middle] != b"\x00"
            tag, first, middle = header(data, middle, last)
        if tag != OCTET_STRING or middle != last or oid in found:
            raise _bad(what)
        found[oid] = Extension(critical, data[first:middle])
        position = last
    return found


# ── distribution points ───────────────────────────────────────────────────────────────────────


class DistributionPoint(NamedTuple):
    """RFC 5280 § 4.2.1.13.

    Attributes:
        names: GeneralNames (DER) of the fullName.
        relative: contents of the RDN of nameRelativeToCRLIssuer; empty if absent.
        reasons: bits of ReasonFlags; ``None`` if absent.
        issuers: Names (DER) of cRLIssuer; empty if absent.
    """

    names: tuple[bytes, ...] = ()
    relative: bytes = b""
    reasons: int | None = None
    issuers: tuple[bytes, ...] = ()


class IssuingDistributionPoint(NamedTuple):
    """RFC 5280 § 5.2.5; ``names`` and ``relative`` as in :class:`DistributionPoint`."""

    names: tuple[bytes, ...] = ()
    relative: bytes = b""
    only_user: bool = False
    only_ca: bool = False
    only_attribute: bool = False
    reasons: int | None = None
    indirect: bool = False


@lru_cache(maxsize=1024)
def distribution_points(value: bytes) -> tuple[DistributionPoint, ...]:
    """Read the value of cRLDistributionPoints or freshestCRL; raises :class:`InputError`."""
    found = []
    for point in read_all(value, "distribution points").expect(SEQUENCE):
        names: tuple[bytes, ...] = ()
        relative = b""
        reasons = None
        issuers: tuple[bytes, ...] = ()
        for field in point.expect(SEQUENCE, "distribution point"):
            if field.tag == 0xA0:
                names, relative = _point_name(field)
            elif field.tag == 0x81:
                reasons = _reason_bits(field.contents)
            elif field.tag == 0xA2:
                issuers = tuple(_directory_names(field))
            else:
                raise _bad("distribution point")
        found.append(DistributionPoint(names, relative, reasons, issuers))
    return tuple(found)


def _point_name(field: Tlv) -> tuple[tuple[bytes, ...], bytes]:
    inner = read(field.data, field.start, field.stop)
    if inner.tag == 0xA0:
        return tuple(name.raw for name in inner), b""
    if inner.tag == 0xA1:
        return (), inner.contents
    raise _bad("distribution point name")


def _directory_names(field: Tlv) -> Iterator[bytes]:
    for name in field:
        if name.tag == 0xA4:
            yield read(name.data, name.start, name.stop).raw


def _reason_bits(contents: bytes) -> int:
    if not contents or contents[0] > 7:
        raise _bad("reason flags")
    mask = 0
    for number in range(min(9, (len(contents) - 1) * 8)):
        if contents[1 + number // 8] & 0x80 >> number % 8:
            mask |= 1 << number
    return mask & ALL_REASONS


# ── CRL ───────────────────────────────────────────────────────────────────────────────────────


class CrlEntry(NamedTuple):
    """One revoked certificate.

    Attributes:
        reason: number of CRLReason, ``None`` if not stated.
        invalidity_date: since when the key is suspected, if stated.
        issuers: Names (DER) of certificateIssuer, ``None`` if the entry has none.
        unknown_critical: OID of a critical entry extension that we do not know; else empty.
    """

    serial: int
    revoked_at: bytes
    reason: int | None = None
    invalidity_date: bytes = b""
    issuers: tuple[bytes, ...] | None = None
    unknown_critical: str = ""


class Crl:
    """A CRL as a view of ``der``.

    Attributes:
        issuer: DER of the Name.
        this_update, next_update: ``b"YYYYMMDDHHMMSSZ"``; ``next_update`` is empty if absent.
        signature_algorithm, tbs_signature_algorithm: DER, outer and inner.
        signature: octets.
        extensions: by OID.
        number, base_number: cRLNumber and BaseCRLNumber; ``None`` if absent.
        idp: IssuingDistributionPoint, ``None`` if absent.
    """

    __slots__ = (
        "__weakref__",
        "_asked",
        "_entries",
        "_index",
        "_tbs",
        "_unknown_critical",
        "base_number",
        "der",
        "extensions",
        "idp",
        "issuer",
        "next_update",
        "number",
        "signature",
        "signature_algorithm",
        "tbs_signature_algorithm",
        "this_update",
    )

    def __init__(self, der: bytes) -> None:
        tag, start, stop = header(der, 0, len(der))
        if tag != SEQUENCE or stop != len(der):
            raise _bad("CRL")
        tag, position, tbs_stop = header(der, start, stop)
        if tag != SEQUENCE:
            raise _bad("CRL")
        self.der = der
        self._tbs = (start, tbs_stop)
        tag, _, end = header(der, tbs_stop, stop)
        if tag != SEQUENCE:
            raise _bad("CRL")
        self.signature_algorithm = der[tbs_stop:end]
        tag, inner, last = header(der, end, stop)
        if tag != BIT_STRING or last != stop or last <= inner or der[inner]:
            raise _bad("CRL")
        self.signature = der[inner + 1 : last]
        tag, _, end = header(der, position, tbs_stop)
        if tag == INTEGER:
            position = end
            tag, _, end = header(der, position, tbs_stop)
        if tag != SEQUENCE:
            raise _bad("CRL")
        self.tbs_signature_algorithm = der[position:end]
        position = end
        tag, _, end = header(der, position, tbs_stop)
        if tag != SEQUENCE:
            raise _bad("CRL")
        self.issuer = der[position:end]
        tag, inner, end = header(der, end, tbs_stop)
        self.this_update = decode_time(tag, der[inner:end])
        self.next_update = b""
        self._entries = (end, end)
        self.extensions: dict[str, Extension] = {}
        self._read_rest(der, end, tbs_stop)
        self._index: dict[int, list[CrlEntry]] | None = None
        self._asked = 0
        self._unknown_critical: str | None = None
        number = self.extensions.get(CRL_NUMBER)
        self.number = None if number is None else _integer(number.value)
        base = self.extensions.get(DELTA_INDICATOR)
        self.base_number = None if base is None else _integer(base.value)
        idp = self.extensions.get(ISSUING_DISTRIBUTION_POINT)
        self.idp = None if idp is None else _issuing_point(idp.value)

    def _read_rest(self, der: bytes, position: int, stop: int) -> None:
        while position < stop:
            tag, inner, end = header(der, position, stop)
            if tag in (UTC_TIME, GENERALIZED_TIME) and not self.next_update:
                self.next_update = decode_time(tag, der[inner:end])
            elif tag == SEQUENCE:
                self._entries = (inner, end)
            elif tag == 0xA0 and end == stop:
                self.extensions = read_extensions(der, inner, end, "CRL extensions")
            else:
                raise _bad("CRL")
            position = end

    @staticmethod
    def load(der: bytes) -> Crl:
        """Read a CRL; raises :class:`InputError`."""
        return Crl(der)

    @property
    def tbs(self) -> bytes:
        """The signed octets."""
        start, stop = self._tbs
        return self.der[start:stop]

    @property
    def indirect(self) -> bool:
        """Entries may be about certificates of other issuers."""
        return self.idp is not None and self.idp.indirect

    @property
    def authority_key_identifier(self) -> bytes:
        """The value of the extension; empty if absent."""
        extension = self.extensions.get(AUTHORITY_KEY_IDENTIFIER)
        return b"" if extension is None else extension.value

    @property
    def keeps_expired_since(self) -> bytes:
        """ExpiredCertsOnCRL (X.509 § 9.5.2.8): certificates expired since then stay on the list."""
        extension = self.extensions.get(EXPIRED_CERTS_ON_CRL)
        if extension is None:
            return b""
        value = read_all(extension.value, "expiredCertsOnCRL")
        return decode_time(value.tag, value.contents)

    def unknown_critical_entry(self) -> str:
        """Return the OID of a critical entry extension that we do not know; empty if none.

        RFC 5280 § 5.3 forbids to use the whole CRL then. Only a list that holds the octets of a
        critical extension at all is walked.
        """
        if self._unknown_critical is None:
            self._unknown_critical = ""
            start, stop = self._entries
            # bytes.rfind takes half the time of bytes.find, here and in find() below.
            if self.der.rfind(b"\x01\x01\xff\x04", start, stop) >= 0:
                for entry in self.entries():
                    if entry.unknown_critical:
                        self._unknown_critical = entry.unknown_critical
                        break
        return self._unknown_critical

    def entries(self) -> Iterator[CrlEntry]:
        """Walk all entries; raises :class:`InputError`."""
        position, stop = self._entries
        der = self.der
        while position < stop:
            tag, inner, end = header(der, position, stop)
            if tag != SEQUENCE:
                raise _bad("CRL entry")
            yield self._entry(inner, end)
            position = end

    def _entry(self, inner: int, end: int) -> CrlEntry:
        der = self.der
        tag, first, last = header(der, inner, end)
        if tag != INTEGER or first == last:
            raise _bad("CRL entry")
        serial = int.from_bytes(der[first:last], "big", signed=True)
        tag, first, last = header(der, last, end)
        revoked_at = decode_time(tag, der[first:last])
        if last == end:
            return CrlEntry(serial, revoked_at)
        reason, invalidity, issuers, unknown = None, b"", None, ""
        for oid, extension in read_extensions(der, last, end, "CRL entry").items():
            if oid == REASON_CODE:
                reason = decode_integer(
                    read_all(extension.value).expect(ENUMERATED, "reasonCode").contents
                )
            elif oid == INVALIDITY_DATE:
                value = read_all(extension.value)
                invalidity = decode_time(value.tag, value.contents)
            elif oid == CERTIFICATE_ISSUER:
                names = read_all(extension.value).expect(SEQUENCE, "certificateIssuer")
                issuers = tuple(_directory_names(names))
            elif extension.critical and oid not in _KNOWN_ENTRY_EXTENSIONS:
                unknown = oid
        return CrlEntry(serial, revoked_at, reason, invalidity, issuers, unknown)

    def find(self, serial: int, encodings: tuple[bytes, ...] = ()) -> tuple[CrlEntry, ...]:
        """Return the entries with that serial number; for an indirect CRL of any issuer.

        Args:
            serial: the number.
            encodings: INTEGER encodings to search for besides the minimal one.

        Raises:
            InputError: malformed entries.
        """
        if self._index is not None:
            return tuple(self._index.get(serial, ()))
        start, stop = self._entries
        if start == stop:
            return ()
        if self.indirect:
            return tuple(self._indexed().get(serial, ()))
        self._asked += 1
        if self._asked > _WALK_AFTER and stop - start > 4096:
            return tuple(self._indexed().get(serial, ()))
        der = self.der
        for needle in (encode_integer(serial), *encodings):
            at = der.rfind(needle, start, stop)
            while at >= 0:
                if self._starts_entry(at):
                    found = tuple(e for e in self._around(at) if e.serial == serial)
                    if found:
                        return found
                at = der.rfind(needle, start, at + len(needle) - 1)
        return ()

    def _starts_entry(self, at: int) -> bool:
        """Tell whether the INTEGER at that offset could be the first value of an entry."""
        der = self.der
        start, stop = self._entries
        for size in (2, 3, 4):
            begin = at - size
            if begin >= start and der[begin] == SEQUENCE:
                try:
                    _, inner, end = header(der, begin, stop)
                    if inner != at:
                        continue
                    self._entry(inner, end)
                except InputError:
                    continue
                return True
        return False

    def _around(self, at: int) -> Iterator[CrlEntry]:
        """Confirm by the framing from the start of the list that an entry begins just there."""
        der = self.der
        position, stop = self._entries
        while position < stop:
            length = der[position + 1] if position + 1 < stop else 0x80
            if length < 0x80:
                inner = position + 2
                end = inner + length
            else:
                _, inner, end = header(der, position, stop)
            if inner >= at:
                # Several entries for one certificate are not forbidden: the rest is walked too.
                if inner == at:
                    yield self._entry(inner, end)
                return
            position = end

    def _indexed(self) -> dict[int, list[CrlEntry]]:
        """All entries by serial number; certificateIssuer is carried on (RFC 5280 § 5.3.3)."""
        if self._index is None:
            index: dict[int, list[CrlEntry]] = {}
            current: tuple[bytes, ...] = (self.issuer,)
            for entry in self.entries():
                if self.indirect:
                    if entry.issuers is not None:
                        current = entry.issuers
                    entry = entry._replace(issuers=current)
                index.setdefault(entry.serial, []).append(entry)
            self._index = index
        return self._index

    def __len__(self) -> int:
        return sum(1 for _ in self.entries())

    def __repr__(self) -> str:
        from esign_kit.asn1 import names

        return f"Crl({names.label(self.issuer)!r}, {self.this_update.decode()})"


def _integer(value: bytes) -> int:
    return decode_integer(read_all(value).expect(INTEGER).contents)


def _issuing_point(value: bytes) -> IssuingDistributionPoint:
    names: tuple[bytes, ...] = ()
    relative = b""
    reasons: int | None = None
    flags = {0x81: False, 0x82: False, 0x84: False, 0x85: False}
    for field in read_all(value, "issuingDistributionPoint").expect(SEQUENCE):
        if field.tag == 0xA0:
            names, relative = _point_name(field)
        elif field.tag == 0x83:
            reasons = _reason_bits(field.contents)
        elif field.tag in flags:
            flags[field.tag] = field.contents != b"\x00"
        else:
            raise _bad("issuingDistributionPoint")
    return IssuingDistributionPoint(
        names, relative, flags[0x81], flags[0x82], flags[0x85], reasons, flags[0x84]
    )


# ── OCSP ──────────────────────────────────────────────────────────────────────────────────────


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
OCSP_EXTENDED_REVOKE = "1.3.6.1.5.5.7.48.1.9"
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
            raise _bad("OCSP response")
        if parts[0].tag == ENUMERATED:
            number = decode_integer(parts[0].contents)
            self.status = OCSP_STATUS.get(number, f"status {number}")
            if number != 0:
                return
            if len(parts) != 2 or parts[1].tag != 0xA0:
                raise _bad("OCSP response")
            inner = read(der, parts[1].start, parts[1].stop).expect(SEQUENCE).items()
            if len(inner) != 2 or inner[0].tag != OID or inner[1].tag != OCTET_STRING:
                raise _bad("OCSP response")
            if decode_oid(inner[0].contents) != OCSP_BASIC:
                raise UnsupportedError("OCSP response of an unknown type", code="ocsp.type")
            basic = read(der, inner[1].start, inner[1].stop).expect(SEQUENCE, "OCSP response")
            if basic.stop != inner[1].stop:
                raise _bad("OCSP response")
            parts = basic.items()
        self._read_basic(parts)

    def _read_basic(self, parts: list[Tlv]) -> None:
        if (
            len(parts) not in (3, 4)
            or [p.tag for p in parts[:3]] != [SEQUENCE, SEQUENCE, BIT_STRING]
            or parts[2].contents[:1] != b"\x00"
        ):
            raise _bad("OCSP response")
        self.tbs = parts[0].raw
        self.signature_algorithm = parts[1].raw
        self.signature = parts[2].contents[1:]
        if len(parts) == 4:
            if parts[3].tag != 0xA0:
                raise _bad("OCSP response")
            certificates = read(parts[3].data, parts[3].start, parts[3].stop).expect(SEQUENCE)
            self.certificates = tuple(c.raw for c in certificates)
        fields = parts[0].items()
        if fields and fields[0].tag == 0xA0:
            del fields[0]
        if len(fields) < 3:
            raise _bad("OCSP response")
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
            raise _bad("OCSP response")
        self.produced_at = decode_time(fields[1].tag, fields[1].contents)
        self.responses = tuple(_single(item) for item in fields[2].expect(SEQUENCE))
        if len(fields) > 3:
            if fields[3].tag != 0xA1:
                raise _bad("OCSP response")
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
        raise _bad("OCSP answer")
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
            raise _bad("OCSP answer")
    return SingleResponse(cert_id, status, this_update, next_update, revoked_at, reason, extensions)


def _cert_id(field: Tlv) -> CertId:
    parts = field.expect(SEQUENCE, "CertID").items()
    if len(parts) != 4 or [p.tag for p in parts] != [
        SEQUENCE,
        OCTET_STRING,
        OCTET_STRING,
        INTEGER,
    ]:
        raise _bad("CertID")
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
        raise _bad("OCSP answer")
    parts = field.items()
    if not parts:
        raise _bad("OCSP answer")
    revoked_at = decode_time(parts[0].tag, parts[0].contents)
    reason = None
    if len(parts) > 1 and parts[1].tag == 0xA0:
        inner = read(parts[1].data, parts[1].start, parts[1].stop).expect(ENUMERATED)
        reason = decode_integer(inner.contents)
    return "revoked", revoked_at, reason


def key_octets(spki: bytes) -> bytes:
    """Return the contents of subjectPublicKey without the count of unused bits: what
    issuerKeyHash and byKey are made of (RFC 6960 § 4.1.1).
    """
    parts = read_all(spki, "SubjectPublicKeyInfo").expect(SEQUENCE).items()
    if len(parts) != 2 or parts[1].tag != BIT_STRING:
        raise _bad("SubjectPublicKeyInfo")
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


# ── what is it ────────────────────────────────────────────────────────────────────────────────


def classify(data: bytes) -> str | None:
    """Tell by the framing whether DER is a ``"crl"``, ``"ocsp"``, ``"timestamp"`` or
    ``"certificate"``; ``None`` for anything else. Nothing is verified.
    """
    try:
        parts = _shallow(data, 0, len(data), 5)
        tags = [tag for tag, _, _ in parts]
        if tags[:1] == [OID]:
            # ContentInfo of SignedData: the only evidence in CMS is a time-stamp token.
            return "timestamp" if data[parts[0][1] : parts[0][2]] == _SIGNED_DATA else None
        if tags[:1] == [ENUMERATED]:
            return "ocsp"
        if tags[:3] == [SEQUENCE, SEQUENCE, BIT_STRING]:
            return _signed_kind(data, *parts[0][1:])
        if tags == [SEQUENCE, SEQUENCE] and data[parts[0][1]] == INTEGER:
            return "timestamp" if _SIGNED_DATA in data[parts[1][1] : parts[1][1] + 16] else None
    except (InputError, IndexError):
        return None
    return None


_SIGNED_DATA = bytes.fromhex("2a864886f70d010702")


def _signed_kind(data: bytes, start: int, stop: int) -> str | None:
    """Tell certificate, CRL and BasicOCSPResponse apart by their first fields."""
    tags = [tag for tag, _, _ in _shallow_between(data, start, stop, 5)]
    if tags[0] in (0xA1, 0xA2) or (tags[0] == 0xA0 and tags[1] in (0xA1, 0xA2)):
        return "ocsp"
    if tags[0] == 0xA0:
        return "certificate"
    if tags[0] == INTEGER:
        del tags[0]
    if tags[:2] == [SEQUENCE, SEQUENCE] and len(tags) > 2:
        return "crl" if tags[2] in (UTC_TIME, GENERALIZED_TIME) else "certificate"
    return None


def _shallow(data: bytes, start: int, stop: int, most: int) -> list[tuple[int, int, int]]:
    tag, inner, end = header(data, start, stop)
    if tag != SEQUENCE or end != stop:
        return []
    return _shallow_between(data, inner, end, most)


def _shallow_between(data: bytes, start: int, stop: int, most: int) -> list[tuple[int, int, int]]:
    found: list[tuple[int, int, int]] = []
    while start < stop and len(found) < most:
        found.append(header(data, start, stop))
        start = found[-1][2]
    return found
