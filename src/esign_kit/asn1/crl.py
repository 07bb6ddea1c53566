"""A CRL read over its original octets (RFC 5280 § 5).

It is never walked to answer a question: the encoded serial number is searched in the octets of the
list, and only a hit is confirmed entry by entry. What was signed is a slice of the input.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from typing import TYPE_CHECKING, NamedTuple

from esign_kit.asn1.distribution import (
    directory_names,
    issuing_distribution_point,
    malformed,
    read_extensions,
)
from esign_kit.asn1.extensions import walk
from esign_kit.asn1.reader import (
    ENUMERATED,
    GENERALIZED_TIME,
    INTEGER,
    SEQUENCE,
    UTC_TIME,
    decode_integer,
    decode_time,
    encode_integer,
    header,
    read_all,
)
from esign_kit.asn1.signed import after_signed_part, signature_and_issuer
from esign_kit.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from esign_kit.asn1.certificate import Extension

__all__ = ["Crl", "CrlEntry"]

CRL_NUMBER = "2.5.29.20"
REASON_CODE = "2.5.29.21"
HOLD_INSTRUCTION = "2.5.29.23"
INVALIDITY_DATE = "2.5.29.24"
DELTA_INDICATOR = "2.5.29.27"
ISSUING_DISTRIBUTION_POINT = "2.5.29.28"
CERTIFICATE_ISSUER = "2.5.29.29"
AUTHORITY_KEY_IDENTIFIER = "2.5.29.35"
EXPIRED_CERTS_ON_CRL = "2.5.29.60"

_KNOWN_ENTRY_EXTENSIONS = frozenset(
    {REASON_CODE, HOLD_INSTRUCTION, INVALIDITY_DATE, CERTIFICATE_ISSUER}
)
_RUN = 128
_HEADS = bytes((SEQUENCE,)) * _RUN
_LARGER = (
    # How the SEQUENCE of an entry can begin, by the size of its length field, how far it can reach
    # then, and how long it is at least: DER writes no length in more octets than it needs.
    (b"\x30", 0x81, 0),
    (b"\x30\x81", 0x102, 0x80),
    (b"\x30\x82", 0x10003, 0x100),
    (b"\x30\x83", 0x1000004, 0x10000),
    (b"\x30\x84", 0x100000005, 0x1000000),
)
_INDEX_AFTER = 60
"""So many searches cost as much as an index of all serial numbers."""
_TWICE = 8
"""A list that names a certificate more often than once is malformed; so many entries are read."""


def _reason(value: bytes) -> int | None:
    """Return the number of the reason; one that cannot be read is none, and takes nothing back."""
    try:
        return decode_integer(read_all(value).expect(ENUMERATED, "reasonCode").contents)
    except InputError:
        return None


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
        fault: for who judges the list as a whole to remember the outcome; ``None`` before.
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
        "fault",
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
        self.der = der
        self._index: tuple[array[int], array[int]] | None = None
        self._asked = 0
        self._unknown_critical: str | None = None
        self.fault: str | None = None
        try:
            self._read(der)
        except IndexError as error:
            raise malformed("CRL: cut off") from error
        extensions = self.extensions
        number = extensions.get(CRL_NUMBER)
        self.number = None if number is None else _integer(number.value)
        base = extensions.get(DELTA_INDICATOR)
        self.base_number = None if base is None else _integer(base.value)
        idp = extensions.get(ISSUING_DISTRIBUTION_POINT)
        self.idp = None if idp is None else issuing_distribution_point(idp.value)

    def _read(self, der: bytes) -> None:
        """Read the fields (RFC 5280 § 5.1); bounds are checked as those of a certificate are."""
        tag, start, stop = header(der, 0, len(der))
        outer, end, tbs_stop = header(der, start, stop)
        if tag != SEQUENCE or outer != SEQUENCE or stop != len(der):
            raise malformed("CRL")
        self._tbs = (start, tbs_stop)
        if der[end] == INTEGER:
            end = header(der, end, tbs_stop)[2]
        self.tbs_signature_algorithm, self.issuer, end = signature_and_issuer(
            der, end, tbs_stop, _malformed
        )
        tag, inner, end = header(der, end, tbs_stop)
        self.this_update = decode_time(tag, der[inner:end])
        self.next_update = b""
        self._entries = (end, end)
        self.extensions: dict[str, Extension] = {}
        self._read_rest(der, end, tbs_stop)
        self.signature_algorithm, self.signature = after_signed_part(
            der, tbs_stop, stop, self.tbs_signature_algorithm, _malformed
        )

    def _read_rest(self, der: bytes, position: int, stop: int) -> None:
        while position < stop:
            tag, inner, end = header(der, position, stop)
            if tag in (UTC_TIME, GENERALIZED_TIME) and not self.next_update:
                self.next_update = decode_time(tag, der[inner:end])
            elif tag == SEQUENCE:
                self._entries = (inner, end)
            elif tag == 0xA0 and end == stop:
                self.extensions = walk(der, inner, end, _extension_fault)
            else:
                raise malformed("CRL")
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
    def empty(self) -> bool:
        """Nothing is revoked."""
        start, stop = self._entries
        return start == stop

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
                raise malformed("CRL entry")
            yield self._entry(inner, end)
            position = end

    def _entry(self, inner: int, end: int) -> CrlEntry:
        der = self.der
        tag, first, last = header(der, inner, end)
        if tag != INTEGER or first == last:
            raise malformed("CRL entry")
        serial = int.from_bytes(der[first:last], "big", signed=True)
        tag, first, last = header(der, last, end)
        revoked_at = decode_time(tag, der[first:last])
        if last == end:
            return CrlEntry(serial, revoked_at)
        reason, invalidity, issuers, unknown = None, b"", None, ""
        for oid, extension in read_extensions(der, last, end, "CRL entry").items():
            if oid == REASON_CODE:
                reason = _reason(extension.value)
            elif oid == INVALIDITY_DATE:
                value = read_all(extension.value)
                invalidity = decode_time(value.tag, value.contents)
            elif oid == CERTIFICATE_ISSUER:
                names = read_all(extension.value).expect(SEQUENCE, "certificateIssuer")
                issuers = tuple(directory_names(names))
            elif extension.critical and oid not in _KNOWN_ENTRY_EXTENSIONS:
                unknown = oid
        return CrlEntry(serial, revoked_at, reason, invalidity, issuers, unknown)

    def find(self, serial: int, encodings: tuple[bytes, ...] = ()) -> tuple[CrlEntry, ...]:
        """Return the entries with that serial number; for an indirect CRL of any issuer.

        Args:
            serial: the number.
            encodings: INTEGER encodings to search for; by default the minimal one.

        Raises:
            InputError: malformed entries.
        """
        start, stop = self._entries
        if start == stop:
            return ()
        if self.indirect:
            return self._find_indirect(serial)
        needles = encodings or (encode_integer(serial),)
        self._asked += 1
        if self._asked > _INDEX_AFTER and stop - start > 4096:
            return self._find_indexed(serial, needles)
        der = self.der
        result: list[CrlEntry] = []
        for needle in needles:
            at = der.rfind(needle, start, stop)
            while at >= 0:
                if self._starts_entry(at):
                    found = self._around(at)
                    if found is not None and found.serial == serial:
                        result.append(found)
                        if len(result) == _TWICE:
                            return tuple(result)
                at = der.rfind(needle, start, at + len(needle) - 1)
        return tuple(result)

    def _find_indexed(self, serial: int, needles: tuple[bytes, ...]) -> tuple[CrlEntry, ...]:
        """Look up in a sorted list of digests of all serial numbers: twelve octets for an entry."""
        if self._index is None:
            self._index = self._build_index()
        keys, offsets = self._index
        found = []
        for needle in needles:
            wanted = hash(needle)
            at = bisect_left(keys, wanted)
            while at < len(keys) and keys[at] == wanted:
                _, inner, end = header(self.der, offsets[at], self._entries[1])
                entry = self._entry(inner, end)
                if entry.serial == serial:
                    found.append(entry)
                at += 1
        return tuple(found)

    def _build_index(self) -> tuple[array[int], array[int]]:
        der = self.der
        position, stop = self._entries
        pairs = []
        while position < stop:
            _, inner, end = header(der, position, stop)
            pairs.append((hash(der[inner : header(der, inner, end)[2]]), position))
            position = end
        pairs.sort()
        return array("q", [key for key, _ in pairs]), array("Q", [place for _, place in pairs])

    def _find_indirect(self, serial: int) -> tuple[CrlEntry, ...]:
        """Walk the list: certificateIssuer is carried on from entry to entry (RFC 5280 § 5.3.3)."""
        current: tuple[bytes, ...] = (self.issuer,)
        found = []
        for entry in self.entries():
            if entry.issuers is not None:
                current = entry.issuers
            if entry.serial == serial:
                found.append(entry._replace(issuers=current))
        return tuple(found)

    def _starts_entry(self, at: int) -> bool:
        """Tell whether the INTEGER at that offset could be the first value of an entry.

        Its framing tells. An entry with a date or an extension that cannot be read is one all the
        same, and reading it says so: not to be able to read it is not to be absent from the list.
        """
        der = self.der
        start, stop = self._entries
        for size in range(2, 7):
            begin = at - size
            if begin >= start and der[begin] == SEQUENCE:
                try:
                    _, inner, end = header(der, begin, stop)
                    if inner != at:
                        continue
                    header(der, header(der, at, end)[2], end)
                except InputError:
                    continue
                return True
        return False

    def _around(self, at: int) -> CrlEntry | None:
        """Return the entry that begins just before its serial number at ``at``, if one does.

        What looks like an entry could only be something else if it stood inside a larger entry.
        Most lists are runs of entries of one size, whose framing is known at a glance. Else, where
        no octets before it could begin a larger one, it is an entry; else the list is walked.
        """
        der = self.der
        start, stop = self._entries
        begin = next(
            place
            for place in range(at - 2, at - 7, -1)
            if place >= start and der[place] == SEQUENCE and header(der, place, stop)[1] == at
        )
        position = self._after_runs(begin)
        if (
            position != begin
            and self._could_be_nested(begin)
            and not self._walk_meets(position, begin)
        ):
            return None
        return self._entry(at, header(der, begin, stop)[2])

    def _after_runs(self, begin: int) -> int:
        """Walk from the start of the list as long as entries of one size repeat.

        Where the header octets repeat at a stride, every entry of the run begins at it.
        """
        der = self.der
        position = self._entries[0]
        single = 0
        while position < begin and der[position + 1] < 0x80:
            size = der[position + 1] + 2
            run = position + size * _RUN
            if (
                run <= begin
                and der[position:run:size] == _HEADS
                and der[position + 1 : run : size].count(size - 2) == _RUN
            ):
                position = run
                continue
            single += 1
            if single > 2 * _RUN:
                break
            position += size
        return position

    def _could_be_nested(self, begin: int) -> bool:
        """Tell whether any octets before ``begin`` read as an entry that reaches beyond it."""
        der = self.der
        start, stop = self._entries
        for head, reach, least in _LARGER:
            if stop - start < least:
                break
            first = max(start, begin - reach)
            at = der.rfind(head, first, begin)
            while at >= 0:
                try:
                    _, inner, end = header(der, at, stop)
                    if end > begin >= inner and der[inner] == INTEGER:
                        return True
                except InputError:
                    pass
                at = der.rfind(head, first, at + len(head) - 1)
        return False

    def _walk_meets(self, position: int, begin: int) -> bool:
        """Tell by the framing from one entry on whether another begins just there."""
        der = self.der
        stop = self._entries[1]
        while position < begin:
            length = der[position + 1]
            if length < 0x80:
                position += length + 2
            else:
                position = header(der, position, stop)[2]
        return position == begin

    def __len__(self) -> int:
        return sum(1 for _ in self.entries())

    def __repr__(self) -> str:
        from esign_kit.asn1 import names

        return f"Crl({names.label(self.issuer)!r}, {self.this_update.decode()})"


def _malformed(what: str) -> InputError:
    return malformed(f"CRL: {what}")


def _extension_fault(_: str) -> InputError:
    return malformed("CRL extensions")


def _integer(value: bytes) -> int:
    if len(value) > 2 and value[0] == INTEGER and value[1] == len(value) - 2 < 0x80:
        return int.from_bytes(value[2:], "big", signed=True)
    return decode_integer(read_all(value).expect(INTEGER).contents)
