"""Reading ds:KeyInfo: hints to the signer's certificate. Nothing here is trusted or followed.

ds:RetrievalMethod and dsig11:KeyInfoReference are told and left alone, wherever they lead.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from esign_kit.asn1.certificate import Certificate
from esign_kit.asn1.reader import BIT_STRING, INTEGER, NULL, SEQUENCE, encode, encode_oid
from esign_kit.errors import InputError
from esign_kit.model.signature import Finding, SignerHint
from esign_kit.xmldsig import names
from esign_kit.xmldsig.transforms import decode_base64

if TYPE_CHECKING:
    from esign_kit.model.limits import Limits
    from esign_kit.xmldsig.parser import Element, XmlDocument

__all__ = ["KeyInfo", "read_key_info"]

_DS = f"{{{names.DS}}}"
_DS11 = f"{{{names.DS11}}}"
_ECDSA = f"{{{names.DSIG_MORE}}}"
_WSSE = f"{{{names.WSSE}}}"
_RSA_OID = "1.2.840.113549.1.1.1"
_DSA_OID = "1.2.840.10040.4.1"
_EC_OID = "1.2.840.10045.2.1"
_MAX_KEY_OCTETS = 2048
_OID = re.compile(r"(?:[01]\.[0-3]?[0-9]|2\.[0-9]{1,9})(?:\.[0-9]{1,9}){1,16}", re.ASCII)


class KeyInfo:
    """What a ds:KeyInfo says."""

    __slots__ = ("certificates", "crls", "findings", "key_value", "signer")

    def __init__(self) -> None:
        self.certificates: list[bytes] = []
        self.crls: list[bytes] = []
        self.findings: list[Finding] = []
        self.key_value: bytes | None = None
        self.signer = SignerHint()


class _Hints:
    """Pieces of a :class:`SignerHint` while they are gathered."""

    __slots__ = ("issuer_text", "key_identifier", "key_name", "serial")

    def __init__(self) -> None:
        self.issuer_text: str | None = None
        self.serial: int | None = None
        self.key_identifier: bytes | None = None
        self.key_name: str | None = None


def read_key_info(element: Element | None, document: XmlDocument, limits: Limits) -> KeyInfo:
    """Read a ds:KeyInfo; what cannot be read is a finding, since other hints may do."""
    found = KeyInfo()
    if element is None:
        return found
    hints = _Hints()
    for child in element.iterchildren("*"):
        try:
            _read_child(child, found, hints, document)
        except InputError as error:
            found.findings.append(Finding(error.code, f"KeyInfo: {error.detail}"))
        if len(found.certificates) > limits.certificates:
            found.findings.append(
                Finding(
                    "xml.too-many-certificates",
                    "KeyInfo holds too many certificates",
                    fatal=True,
                    limited=True,
                )
            )
            break
    found.signer = SignerHint(
        issuer_text=hints.issuer_text,
        serial=hints.serial,
        subject_key_identifier=hints.key_identifier,
        key_name=hints.key_name,
        certificate=found.certificates[0] if len(found.certificates) == 1 else None,
    )
    _compare_key_value(found)
    return found


def _compare_key_value(found: KeyInfo) -> None:
    if found.key_value is None or not found.certificates:
        return
    for der in found.certificates:
        try:
            if Certificate.load(der).spki == found.key_value:
                return
        except InputError:
            continue
    found.findings.append(
        Finding(
            "xml.key-value-differs",
            "the ds:KeyValue is not the key of any certificate beside it; it is ignored",
        )
    )


def _read_child(child: Element, found: KeyInfo, hints: _Hints, document: XmlDocument) -> None:
    tag = child.tag
    if tag == _DS + "X509Data":
        _read_x509_data(child, found, hints)
    elif tag == _DS + "KeyValue":
        found.key_value = found.key_value or _key_value(child)
    elif tag == _DS11 + "DEREncodedKeyValue":
        found.key_value = found.key_value or decode_base64(child.text, "DEREncodedKeyValue")
    elif tag == _DS + "KeyName":
        hints.key_name = hints.key_name or (child.text or "").strip()
    elif tag == _WSSE + "SecurityTokenReference":
        _read_token_reference(child, found, document)
    elif tag in (_DS + "RetrievalMethod", _DS11 + "KeyInfoReference"):
        uri = child.get("URI") or ""
        found.findings.append(
            Finding("xml.retrieval-method", f"key information at {uri[:120]!r} is not followed")
        )


def _read_x509_data(data: Element, found: KeyInfo, hints: _Hints) -> None:
    identifiers: list[bytes] = []
    serials: list[tuple[str | None, int | None]] = []
    for child in data.iterchildren("*"):
        tag = child.tag
        if tag == _DS + "X509Certificate":
            found.certificates.append(_certificate(_text(child)))
        elif tag == _DS + "X509CRL":
            found.crls.append(decode_base64(_text(child), "X509CRL"))
        elif tag == _DS + "X509SKI":
            identifiers.append(decode_base64(_text(child), "X509SKI"))
        elif tag == _DS + "X509IssuerSerial":
            serials.append(issuer_serial(child))
    # A chain may be listed, in any order (XML Signature 1.1 § 4.5.4): several name nobody.
    if len(set(identifiers)) == 1:
        hints.key_identifier = identifiers[0]
    if len(set(serials)) == 1:
        hints.issuer_text, hints.serial = serials[0]


def _certificate(text: str) -> bytes:
    return _decoded(text) if len(text) <= _REMEMBERED else decode_base64(text, "X509Certificate")


_REMEMBERED = 8192


@lru_cache(maxsize=256)
def _decoded(text: str) -> bytes:
    """Decode a certificate; signers and issuers come again, and with them views of these octets."""
    return decode_base64(text, "X509Certificate")


def _text(element: Element) -> str:
    if len(element):
        raise InputError("a value holds a comment or an element", code="xml.value-not-plain")
    return element.text or ""


def issuer_serial(element: Element) -> tuple[str | None, int | None]:
    """Read ds:X509IssuerName and ds:X509SerialNumber below an element."""
    name = element.find(_DS + "X509IssuerName")
    number = element.find(_DS + "X509SerialNumber")
    serial = None
    if number is not None:
        text = _text(number).strip()
        digits = text.removeprefix("-")
        if not (digits.isascii() and digits.isdigit() and len(digits) <= 80):
            raise InputError("X509SerialNumber is no number", code="xml.issuer-serial")
        serial = int(text)
    return (_text(name).strip() if name is not None else None), serial


def _read_token_reference(element: Element, found: KeyInfo, document: XmlDocument) -> None:
    """Read a wsse:SecurityTokenReference (WS-Security X.509 Token Profile 1.1.1 § 3.2)."""
    for child in element.iterchildren("*"):
        if child.tag == _WSSE + "KeyIdentifier":
            der = decode_base64(_text(child), "KeyIdentifier")
            if der[:1] == b"\x30":
                # ValueType #X509v3: the whole certificate; other types are short identifiers.
                found.certificates.append(der)
        elif child.tag == _WSSE + "Reference":
            uri = child.get("URI") or ""
            targets = document.elements_with_id(uri[1:]) if uri.startswith("#") else []
            if len(targets) == 1 and targets[0].tag == _WSSE + "BinarySecurityToken":
                found.certificates.append(decode_base64(_text(targets[0]), "BinarySecurityToken"))
            elif len(targets) > 1:
                raise InputError("two tokens with one Id", code="xml.duplicate-id")
        elif child.tag == _DS + "X509Data":
            _read_x509_data(child, found, _Hints())


def _key_value(element: Element) -> bytes | None:
    """Return the SubjectPublicKeyInfo of a ds:KeyValue, or ``None`` if its kind is unknown."""
    for child in element.iterchildren("*"):
        if child.tag == _DS + "RSAKeyValue":
            key = encode(SEQUENCE, _number(child, "Modulus"), _number(child, "Exponent"))
            algorithm = encode(SEQUENCE, encode_oid(_RSA_OID), encode(NULL))
            return encode(SEQUENCE, algorithm, encode(BIT_STRING, b"\x00", key))
        if child.tag == _DS + "DSAKeyValue":
            if child.find(_DS + "P") is None:
                return None
            parameters = encode(SEQUENCE, *(_number(child, name) for name in "PQG"))
            algorithm = encode(SEQUENCE, encode_oid(_DSA_OID), parameters)
            return encode(SEQUENCE, algorithm, encode(BIT_STRING, b"\x00", _number(child, "Y")))
        if child.tag == _DS11 + "ECKeyValue":
            curve = child.find(_DS11 + "NamedCurve")
            point = child.find(_DS11 + "PublicKey")
            if curve is None or point is None:
                return None
            return _ec_key(curve.get("URI") or "", decode_base64(_text(point), "PublicKey"))
        if child.tag == _ECDSA + "ECDSAKeyValue":
            return _ec_key_4050(child)
    return None


def _number(parent: Element, name: str) -> bytes:
    child = parent.find(_DS + name)
    raw = decode_base64(_text(child), name) if child is not None else b""
    if not raw or len(raw) > _MAX_KEY_OCTETS:
        raise InputError(f"KeyValue: {name} is missing or too long", code="xml.key-value")
    raw = raw.lstrip(b"\x00") or b"\x00"
    return encode(INTEGER, b"\x00" + raw if raw[0] & 0x80 else raw)


def _ec_key(curve: str, point: bytes) -> bytes | None:
    oid = curve.removeprefix("urn:oid:")
    if not _OID.fullmatch(oid) or not point:
        return None
    algorithm = encode(SEQUENCE, encode_oid(_EC_OID), encode_oid(oid))
    return encode(SEQUENCE, algorithm, encode(BIT_STRING, b"\x00", point))


def _ec_key_4050(element: Element) -> bytes | None:
    """Read an ECDSAKeyValue with a named curve (RFC 4050 § 3)."""
    curve = element.find(f"{_ECDSA}DomainParameters/{_ECDSA}NamedCurve")
    x = element.find(f"{_ECDSA}PublicKey/{_ECDSA}X")
    y = element.find(f"{_ECDSA}PublicKey/{_ECDSA}Y")
    if curve is None or x is None or y is None:
        return None
    numbers = []
    for item in (x, y):
        text = item.get("Value") or ""
        if not (text.isascii() and text.isdigit() and len(text) <= 200):
            raise InputError("ECDSAKeyValue is malformed", code="xml.key-value")
        numbers.append(int(text))
    uri = curve.get("URN") or curve.get("URI") or ""
    sizes = {"1.2.840.10045.3.1.7": 32, "1.3.132.0.34": 48, "1.3.132.0.35": 66}
    size = sizes.get(uri.removeprefix("urn:oid:"))
    if size is None or any(number >> (8 * size) for number in numbers):
        return None
    point = b"\x04" + b"".join(number.to_bytes(size, "big") for number in numbers)
    return _ec_key(uri, point)
