"""SignedData and SignerInfo read over the original octets (RFC 5652 § 5).

BER is tolerated: a message with indefinite lengths or constructed OCTET STRINGs is rewritten once
to definite lengths, and everything in it that was definite already keeps its octets. After that
nothing is re-encoded; certificates, attributes and signed octets are slices.

Object identifiers of attributes are compared as contents octets (:func:`oid`), which spares the
dotted form on the way to a verdict.
"""

from __future__ import annotations

from functools import lru_cache
from struct import Struct
from typing import TYPE_CHECKING

from esign_kit.asn1.attribute_set import AttributeSet
from esign_kit.asn1.reader import (
    INTEGER,
    OCTET_STRING,
    OID,
    SEQUENCE,
    SET,
    children,
    decode_oid,
    encode,
    encode_oid,
    header,
    read,
    to_definite,
)
from esign_kit.errors import InputError, LimitError

if TYPE_CHECKING:
    from esign_kit.model.limits import Limits

__all__ = ["AttributeSet", "SignedData", "SignerInfo", "oid", "wrap_basic_ocsp"]


def oid(dotted: str) -> bytes:
    """Return the contents octets of an object identifier."""
    return encode_oid(dotted)[2:]


ID_DATA = oid("1.2.840.113549.1.7.1")
ID_SIGNED_DATA = oid("1.2.840.113549.1.7.2")
ID_TST_INFO = oid("1.2.840.113549.1.9.16.1.4")
RI_OCSP_RESPONSE = oid("1.3.6.1.5.5.7.16.2")
OCSP_BASIC = oid("1.3.6.1.5.5.7.48.1.1")

_REMEMBERED = 32 * 1024
_MOST = 65_536
"""Elements of a set of signers, certificates or CRLs that are framed at all; the policy's own
limits are far below and are compared by the caller."""
_CONTEXT_0 = 0xA0
_CONTEXT_1 = 0xA1


class SignerInfo:
    """One SignerInfo (RFC 5652 § 5.3).

    Attributes:
        issuer, serial: of the signer's certificate, or ``None`` where the key identifier stands.
        subject_key_identifier: the other choice.
        digest_algorithm, signature_algorithm: DER of the AlgorithmIdentifiers.
        signed, unsigned: attributes; ``None`` where the field is absent.
        signature: the signature octets.
        start, signature_stop: the fields from version to signature lie between these offsets.
    """

    __slots__ = (
        "data",
        "digest_algorithm",
        "issuer",
        "serial",
        "signature",
        "signature_algorithm",
        "signature_stop",
        "signed",
        "start",
        "subject_key_identifier",
        "unsigned",
        "unsigned_span",
        "version",
    )

    def __init__(self, data: bytes, offset: int, end: int) -> None:
        """Read the SignerInfo at ``offset``; raises :class:`InputError`."""
        tag, start, stop = header(data, offset, end)
        if tag != SEQUENCE:
            raise _malformed("SignerInfo")
        self.data = data
        self.start = start
        self.version, position = _version(data, start, stop, "SignerInfo")
        _, _, after = header(data, position, stop)
        self.issuer, self.serial, self.subject_key_identifier = _signer_identifier(
            data[position:after]
        )
        position = after
        tag, _, after = header(data, position, stop)
        if tag != SEQUENCE:
            raise _malformed("digestAlgorithm")
        self.digest_algorithm = data[position:after]
        position = after
        tag, inner, after = header(data, position, stop)
        self.signed: AttributeSet | None = None
        if tag == _CONTEXT_0:
            self.signed = AttributeSet(data, inner, after, check_values=True)
            position = after
            tag, _, after = header(data, position, stop)
        if tag != SEQUENCE:
            raise _malformed("signatureAlgorithm")
        self.signature_algorithm = data[position:after]
        tag, inner, after = header(data, after, stop)
        if tag != OCTET_STRING:
            raise _malformed("signature")
        self.signature = data[inner:after]
        self.signature_stop = after
        self.unsigned: AttributeSet | None = None
        self.unsigned_span: tuple[int, int] | None = None
        if after < stop:
            position = after
            tag, inner, after = header(data, position, stop)
            if tag != _CONTEXT_1 or after != stop:
                raise _malformed("unsignedAttrs")
            self.unsigned_span = (inner, after)
            self.unsigned = AttributeSet(data, inner, after, check_values=False)


@lru_cache(maxsize=1024)
def _signer_identifier(der: bytes) -> tuple[bytes | None, int | None, bytes | None]:
    """Return issuer, serial and subject key identifier of a SignerIdentifier."""
    tag, inner, after = header(der, 0, len(der))
    if tag == SEQUENCE:
        tag, _, middle = header(der, inner, after)
        if tag != SEQUENCE:
            raise _malformed("issuerAndSerialNumber")
        issuer = der[inner:middle]
        tag, first, last = header(der, middle, after)
        if tag != INTEGER or last != after or last == first:
            raise _malformed("serialNumber")
        return issuer, int.from_bytes(der[first:last], "big", signed=True), None
    if tag == 0x80:
        return None, None, der[inner:after]
    if tag == _CONTEXT_0:
        # Some writers put EXPLICIT where the module says IMPLICIT.
        value = read(der, inner, after).expect(OCTET_STRING, "subjectKeyIdentifier")
        return None, None, value.contents
    raise InputError("CMS: malformed signer identifier", code="cms.malformed")


def _version(data: bytes, offset: int, end: int, what: str) -> tuple[int, int]:
    """Return a version, which has one octet, and where it ends."""
    after = offset + 3
    if data[offset : offset + 2] == b"\x02\x01" and after <= end:
        return data[offset + 2], after
    tag, inner, after = header(data, offset, end)
    if tag != INTEGER or after - inner != 1:
        raise _malformed(f"{what} version")
    return data[inner], after


_USUAL_FRAME = Struct(">HH11sHHHH")
_TYPE = encode(OID, ID_SIGNED_DATA)
_DATA = encode(OID, ID_DATA)


def _frame(data: bytes) -> tuple[int, int, int]:
    """Read ContentInfo as far as the fields of SignedData (RFC 5652 § 3).

    Returns:
        Where the first field starts, where the last one ends, and where ContentInfo ends.
    """
    size = len(data)
    if size > 26:
        # Nearly always all three lengths have two octets; reading them in one go saves 1 µs.
        outer, first, kind, explicit, second, inner, third = _USUAL_FRAME.unpack_from(data)
        if (
            (outer, kind, explicit, inner) == (0x3082, _TYPE, 0xA082, 0x3082)
            and first + 4 <= size
            and first == second + 15 == third + 19
        ):
            return 23, 23 + third, 23 + third
    tag, start, end = header(data, 0, size)
    if tag != SEQUENCE:
        raise _malformed("ContentInfo", "cms.not-signed-data")
    tag, inner, after = header(data, start, end)
    if tag != OID or data[inner:after] != ID_SIGNED_DATA:
        raise InputError("this is no CMS SignedData", code="cms.not-signed-data")
    tag, inner, after = header(data, after, end)
    if tag != _CONTEXT_0 or after != end:
        raise _malformed("ContentInfo")
    tag, start, stop = header(data, inner, after)
    if tag != SEQUENCE or stop != after:
        raise _malformed("SignedData")
    return start, stop, end


class SignedData:
    """A ContentInfo that holds SignedData (RFC 5652 § 3 and § 5.1).

    Attributes:
        data: the octets that all offsets refer to; the input, or the input rewritten to definite
            lengths.
        ber: it was rewritten.
        trailing: number of octets that follow after the message.
        content_type: contents octets of the eContentType.
        content_span: start and stop of the content octets, or ``None`` for detached content.
        encapsulated_span: start and stop of the whole encapContentInfo.
        digest_algorithms_span, certificates_span, crls_span: start and stop of what is inside
            these sets; the latter two ``None`` where the field is absent.
        certificates: DER of the X.509 certificates.
        other_certificates: encodings of attribute certificates and other formats.
        crls: DER of the CRLs.
        ocsp_responses: DER of OCSPResponses (RFC 5940).
        signer_spans: start and stop of each SignerInfo; read one with :meth:`signer`.
    """

    __slots__ = (
        "ber",
        "certificates",
        "certificates_span",
        "content_span",
        "content_type",
        "crls",
        "crls_span",
        "data",
        "digest_algorithms_span",
        "encapsulated_span",
        "ocsp_responses",
        "other_certificates",
        "other_revocations",
        "signer_spans",
        "trailing",
        "version",
    )

    def __init__(self, data: bytes) -> None:
        """Read DER; prefer :meth:`load`, which reads BER too.

        Raises:
            InputError: not SignedData, or malformed.
        """
        self.data = data
        self.ber = False
        position, stop, end = _frame(data)
        self.trailing = len(data) - end
        self.version, position = _version(data, position, stop, "SignedData")
        tag, inner, position = header(data, position, stop)
        if tag != SET:
            raise _malformed("digestAlgorithms")
        self.digest_algorithms_span = (inner, position)
        position = self._read_content(position, stop)
        position = self._read_evidence(position, stop)
        tag, inner, after = header(data, position, stop)
        if tag != SET or after != stop:
            raise _malformed("signerInfos")
        spans = []
        while inner < after:
            _, _, end = header(data, inner, after)
            spans.append((inner, end))
            if len(spans) > _MOST:
                raise _too_many("signers")
            inner = end
        self.signer_spans: tuple[tuple[int, int], ...] = tuple(spans)

    def _read_content(self, offset: int, end: int) -> int:
        data = self.data
        tag, inner, stop = header(data, offset, end)
        if tag != SEQUENCE:
            raise _malformed("encapContentInfo")
        self.encapsulated_span = (offset, stop)
        position = inner + len(_DATA)
        if data[inner:position] == _DATA and position <= stop:
            self.content_type = ID_DATA
        else:
            tag, first, position = header(data, inner, stop)
            if tag != OID:
                raise _malformed("eContentType")
            self.content_type = data[first:position]
        self.content_span: tuple[int, int] | None = None
        if position < stop:
            tag, inner, after = header(data, position, stop)
            if tag != _CONTEXT_0 or after != stop:
                raise _malformed("eContent")
            tag, first, last = header(data, inner, after)
            if tag == OCTET_STRING | 0x20:
                raise InputError("CMS: content in segments", code="asn1.ber")
            # PKCS #7 allowed any type here for types other than data; its contents octets are what
            # is digested (RFC 5652 § 5.2.1).
            if last != after or (tag != OCTET_STRING and self.content_type == ID_DATA):
                raise _malformed("eContent")
            self.content_span = (first, last)
        return stop

    def _read_evidence(self, position: int, stop: int) -> int:
        data = self.data
        self.certificates: tuple[bytes, ...] = ()
        self.other_certificates: tuple[bytes, ...] = ()
        self.crls: tuple[bytes, ...] = ()
        self.ocsp_responses: tuple[bytes, ...] = ()
        self.other_revocations: tuple[bytes, ...] = ()
        self.certificates_span: tuple[int, int] | None = None
        self.crls_span: tuple[int, int] | None = None
        tag, inner, after = header(data, position, stop)
        if tag == _CONTEXT_0:
            self.certificates_span = (inner, after)
            # Most messages of one signer carry the same set: the same octets give the same
            # objects, whose look-ups further on are then free.
            read_set = _certificates if after - inner <= _REMEMBERED else _certificates.__wrapped__
            self.certificates, self.other_certificates = read_set(data[inner:after])
            position = after
            tag, inner, after = header(data, position, stop)
        if tag == _CONTEXT_1:
            self.crls_span = (inner, after)
            self._read_revocations(inner, after)
            position = after
        return position

    def _read_revocations(self, start: int, stop: int) -> None:
        data = self.data
        crls: list[bytes] = []
        responses: list[bytes] = []
        unknown: list[bytes] = []
        while start < stop:
            tag, first, end = header(data, start, stop)
            if tag == SEQUENCE:
                crls.append(data[start:end])
            elif tag == _CONTEXT_1:
                response = _other_revocation(data, first, end)
                (unknown if response is None else responses).append(
                    data[start:end] if response is None else response
                )
            else:
                raise _malformed("crls")
            if len(crls) + len(responses) + len(unknown) > _MOST:
                raise _too_many("CRLs")
            start = end
        self.crls = tuple(crls)
        self.ocsp_responses = tuple(responses)
        self.other_revocations = tuple(unknown)

    @staticmethod
    def load(data: bytes, limits: Limits | None = None) -> SignedData:
        """Read DER or BER.

        Raises:
            InputError: not SignedData (code ``"cms.not-signed-data"``), or malformed.
            LimitError: nested deeper or made of more elements than ``limits`` allows.
        """
        try:
            return SignedData(data)
        except InputError as error:
            if error.code != "asn1.ber":
                raise
        if limits is None:
            definite, used = to_definite(data)
        else:
            definite, used = to_definite(
                data, max_depth=limits.asn1_depth, max_elements=limits.asn1_elements
            )
        found = SignedData(definite)
        found.ber = True
        found.trailing = len(data) - used
        return found

    @property
    def content(self) -> bytes | None:
        """The embedded content octets, or ``None``."""
        if self.content_span is None:
            return None
        start, stop = self.content_span
        return self.data[start:stop]

    @property
    def content_type_text(self) -> str:
        """The eContentType in dotted form."""
        return decode_oid(self.content_type)

    @property
    def digest_algorithms(self) -> tuple[bytes, ...]:
        """DER of the AlgorithmIdentifiers in digestAlgorithms."""
        start, stop = self.digest_algorithms_span
        return tuple(item.raw for item in children(self.data, start, stop))

    def signer(self, number: int) -> SignerInfo:
        """Read one SignerInfo; raises :class:`InputError` if it is malformed."""
        start, stop = self.signer_spans[number]
        return SignerInfo(self.data, start, stop)

    def signers(self) -> tuple[SignerInfo, ...]:
        """Read all SignerInfos; raises :class:`InputError` if one is malformed."""
        return tuple(SignerInfo(self.data, start, stop) for start, stop in self.signer_spans)


@lru_cache(maxsize=1024)
def _certificates(octets: bytes) -> tuple[tuple[bytes, ...], tuple[bytes, ...]]:
    """Return the X.509 certificates and all others of a CertificateSet."""
    certificates: list[bytes] = []
    others: list[bytes] = []
    start, stop = 0, len(octets)
    while start < stop:
        tag, _, end = header(octets, start, stop)
        (certificates if tag == SEQUENCE else others).append(octets[start:end])
        if len(certificates) + len(others) > _MOST:
            raise _too_many("certificates")
        start = end
    return tuple(certificates), tuple(others)


def wrap_basic_ocsp(basic: bytes) -> bytes:
    """Return the OCSPResponse (successful) around a BasicOCSPResponse (RFC 6960 § 4.2.1)."""
    return encode(
        SEQUENCE,
        b"\x0a\x01\x00"
        + encode(0xA0, encode(SEQUENCE, encode(OID, OCSP_BASIC) + encode(OCTET_STRING, basic))),
    )


def _other_revocation(data: bytes, start: int, stop: int) -> bytes | None:
    tag, first, middle = header(data, start, stop)
    if tag != OID:
        raise _malformed("otherRevocationInfo")
    kind = data[first:middle]
    if kind == RI_OCSP_RESPONSE:
        return data[middle:stop]
    if kind == OCSP_BASIC:
        return wrap_basic_ocsp(data[middle:stop])
    return None


def _too_many(what: str) -> LimitError:
    return LimitError(f"CMS: more than {_MOST} {what}", code=f"limits.{what.lower()}")


def _malformed(what: str, code: str = "cms.malformed") -> InputError:
    return InputError(f"CMS: malformed {what}", code=code)
