"""Reading XAdES qualifying properties (EN 319 132-1 § 4 and 5; TS 101 903 for older versions).

Signed properties are handed in by the caller as the element that a reference of the signature
covers; nothing here looks for them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

from esign_kit.algorithms import digest_by_uri
from esign_kit.asn1.reader import decode_integer, read_all
from esign_kit.errors import InputError
from esign_kit.model.signature import CertificateReference, Finding
from esign_kit.xmldsig import decode_base64, issuer_serial, local_name, namespace, value_text

if TYPE_CHECKING:
    from esign_kit.xmldsig import Element

__all__ = ["SignedProperties", "UnsignedProperties", "read_signed", "read_time", "read_unsigned"]

_TIME = re.compile(
    r"(-?\d{4,})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d+))?(Z|[+-]\d\d:\d\d)?", re.ASCII
)


@dataclass(slots=True)
class SignedProperties:
    """What the signed properties say.

    Attributes:
        version: namespace of the element.
        present: local names of the properties in document order.
        certificate_attribute: a signing-certificate property is there.
        data_formats: one for each DataObjectFormat.
        timestamps: the elements of content time-stamps.
    """

    version: str
    present: list[str] = field(default_factory=list)
    signing_time: datetime | None = None
    certificate_references: tuple[CertificateReference, ...] = ()
    certificate_attribute: bool = False
    attributes: dict[str, Any] = field(default_factory=dict)
    data_formats: list[dict[str, Any]] = field(default_factory=list)
    timestamps: list[Element] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)


@dataclass(slots=True)
class UnsignedProperties:
    """What the unsigned properties hold.

    Attributes:
        elements: the properties in document order.
        present: their local names.
        crowded_timestamp: a time-stamp property holds more than one token.
    """

    container: Element = None
    crowded_timestamp: bool = False
    elements: list[Element] = field(default_factory=list)
    present: list[str] = field(default_factory=list)
    certificates: list[bytes] = field(default_factory=list)
    crls: list[bytes] = field(default_factory=list)
    ocsp_responses: list[bytes] = field(default_factory=list)
    counter_signatures: list[Element] = field(default_factory=list)
    timestamps: list[Element] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)


def read_signed(element: Element) -> SignedProperties:
    """Read a SignedProperties element; what is malformed becomes a finding."""
    read = SignedProperties(version=namespace(element))
    for group in element.iterchildren("*"):
        for item in group.iterchildren("*"):
            name = local_name(item)
            read.present.append(name)
            reader = _SIGNED.get(name)
            if reader is None:
                continue
            try:
                reader(item, read)
            except InputError as error:
                read.findings.append(
                    Finding(error.code, f"{name}: {error.detail}", fatal=name in _BINDING)
                )
    twice = {name for name in _ONCE if read.present.count(name) > 1}
    for name in sorted(twice):
        read.findings.append(
            Finding("xades.property-twice", f"{name} stands more than once", fatal=True)
        )
    return read


_BINDING = frozenset(("SigningCertificate", "SigningCertificateV2"))
_ONCE = (
    "SigningTime",
    "SigningCertificate",
    "SigningCertificateV2",
    "SignaturePolicyIdentifier",
    "SignatureProductionPlace",
    "SignatureProductionPlaceV2",
    "SignerRole",
    "SignerRoleV2",
)


def read_time(text: str) -> datetime | None:
    """Return an xsd:dateTime in UTC; ``None`` if it is none. Without a zone it counts as UTC."""
    if len(text) == 20 and text[4::3] == "--T::Z" and text.isascii():
        try:
            return datetime.fromisoformat(text)
        except ValueError:
            pass
    match = _TIME.fullmatch(text.strip())
    if match is None:
        return None
    year, month, day, hour, minute, second, fraction, zone = match.groups()
    try:
        offset = UTC if zone in (None, "Z") else timezone(_offset(zone))
        extra = timedelta(days=1) if hour == "24" else timedelta()
        moment = datetime(
            int(year),
            int(month),
            int(day),
            0 if hour == "24" else int(hour),
            int(minute),
            int(second),
            int((fraction or "0")[:6].ljust(6, "0")),
            tzinfo=offset,
        )
        return (moment + extra).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _offset(zone: str) -> timedelta:
    hours, minutes = zone[1:].split(":")
    offset = timedelta(hours=int(hours), minutes=int(minutes))
    return -offset if zone[0] == "-" else offset


def _time(item: Element, read: SignedProperties) -> None:
    text = value_text(item)
    read.signing_time = read_time(text)
    if read.signing_time is None:
        raise InputError(f"{text[:40]!r} is no time", code="xades.signing-time")
    if not text.strip().endswith("Z") and not re.search(r"[+-]\d\d:\d\d$", text.strip()):
        read.findings.append(
            Finding("xades.time-without-zone", "the signing time has no zone; read as UTC")
        )


def _child(parent: Element, name: str) -> Element | None:
    """Return the only child of that local name; versions differ in the namespace."""
    return _only(list(parent), name)


def _only(children: list[Element], name: str) -> Element | None:
    found: Element | None = None
    ending = "}" + name
    for child in children:
        tag = child.tag
        # Comments and instructions have a function in the place of a name.
        if isinstance(tag, str) and tag.endswith(ending):
            if found is not None:
                raise InputError(f"{name} stands more than once", code="xades.malformed")
            found = child
    return found


def _digest(parent: Element, what: str) -> tuple[str | None, bytes]:
    children = list(parent)
    method = _only(children, "DigestMethod")
    value = _only(children, "DigestValue")
    if method is None or value is None:
        raise InputError(f"{what} lacks a digest", code="xades.malformed")
    algorithm = digest_by_uri(method.get("Algorithm") or "")
    return (algorithm.name if algorithm else None), decode_base64(value_text(value), "DigestValue")


def _signing_certificate(item: Element, read: SignedProperties) -> None:
    read.certificate_attribute = True
    version = 2 if local_name(item).endswith("V2") else 1
    references = []
    for entry in item.iterchildren("*"):
        if local_name(entry) != "Cert":
            raise InputError("holds something other than Cert", code="xades.malformed")
        children = list(entry)
        digest = _only(children, "CertDigest")
        if digest is None:
            raise InputError("a Cert without CertDigest", code="xades.malformed")
        algorithm, value = _digest(digest, "CertDigest")
        issuer, text, serial = _issuer(children, read)
        references.append(CertificateReference(algorithm, value, issuer, text, serial, version))
    if not references:
        raise InputError("names no certificate", code="xades.malformed")
    read.certificate_references += tuple(references)


def _issuer(
    children: list[Element], read: SignedProperties
) -> tuple[bytes | None, str | None, int | None]:
    try:
        old = _only(children, "IssuerSerial")
        if old is not None:
            text, serial = issuer_serial(old)
            return None, text, serial
        new = _only(children, "IssuerSerialV2")
        if new is not None:
            issuer, number = _issuer_serial_v2(decode_base64(value_text(new), "IssuerSerialV2"))
            return issuer, None, number
    except InputError as error:
        # The digest binds the certificate; issuer and serial number are hints beside it.
        read.findings.append(Finding("xades.issuer-serial", f"IssuerSerial: {error.detail}"))
    return None, None, None


def _issuer_serial_v2(der: bytes) -> tuple[bytes | None, int]:
    """Read an IssuerSerial of RFC 5035: GeneralNames and the serial number."""
    items = read_all(der, "IssuerSerial").items()
    if len(items) < 2:
        raise InputError("IssuerSerialV2 is malformed", code="xades.issuer-serial")
    issuer = None
    for name in items[0].items():
        if name.tag == 0xA4:
            inner = name.items()
            issuer = inner[0].raw if len(inner) == 1 else None
    return issuer, decode_integer(items[1].contents)


def _text(parent: Element, name: str) -> str | None:
    child = _child(parent, name)
    return None if child is None else (child.text or "").strip()


def _identifier(parent: Element) -> dict[str, Any]:
    """Read an ObjectIdentifierType (EN 319 132-1 § 5.1.2)."""
    child = _child(parent, "Identifier")
    if child is None:
        raise InputError("no Identifier", code="xades.malformed")
    found: dict[str, Any] = {"id": (child.text or "").strip().removeprefix("urn:oid:")}
    description = _text(parent, "Description")
    if description:
        found["description"] = description
    return found


def _policy(item: Element, read: SignedProperties) -> None:
    if _child(item, "SignaturePolicyImplied") is not None:
        read.attributes["policy"] = {"implied": True}
        return
    policy = _child(item, "SignaturePolicyId")
    identifier = _child(policy, "SigPolicyId") if policy is not None else None
    if policy is None or identifier is None:
        raise InputError("no identifier", code="xades.malformed")
    found = _identifier(identifier)
    digest = _child(policy, "SigPolicyHash")
    if digest is not None:
        algorithm, value = _digest(digest, "SigPolicyHash")
        found["digest_algorithm"] = algorithm
        found["digest"] = value.hex()
    qualifiers = _child(policy, "SigPolicyQualifiers")
    if qualifiers is not None:
        for element in qualifiers.iter("*"):
            if local_name(element) == "SPURI":
                found["uri"] = (element.text or "").strip()
            elif local_name(element) == "ExplicitText":
                found["notice"] = (element.text or "").strip()
    read.attributes["policy"] = found


_PLACE = {
    "City": "city",
    "StreetAddress": "street",
    "StateOrProvince": "state",
    "PostalCode": "postal_code",
    "CountryName": "country",
}


def _place(item: Element, read: SignedProperties) -> None:
    read.attributes["place"] = {
        _PLACE[local_name(child)]: (child.text or "").strip()
        for child in item.iterchildren("*")
        if local_name(child) in _PLACE
    }


def _roles(item: Element, read: SignedProperties) -> None:
    roles: list[dict[str, Any]] = []
    for group in item.iterchildren("*"):
        for role in group.iterchildren("*"):
            text = " ".join("".join(role.itertext("*")).split())
            if local_name(group) == "ClaimedRoles":
                roles.append({"claimed": text})
            elif local_name(group) in ("CertifiedRoles", "CertifiedRolesV2"):
                roles.append({"certified": text})
            else:
                roles.append({"assertion": text})
    read.attributes["roles"] = roles


def _commitment(item: Element, read: SignedProperties) -> None:
    identifier = _child(item, "CommitmentTypeId")
    if identifier is None:
        raise InputError("no CommitmentTypeId", code="xades.malformed")
    entry = _identifier(identifier)
    references = [
        (child.text or "").strip()
        for child in item.iterchildren("*")
        if local_name(child) == "ObjectReference"
    ]
    if references:
        entry["references"] = references
    read.attributes.setdefault("commitments", []).append(entry)


def _data_format(item: Element, read: SignedProperties) -> None:
    entry: dict[str, Any] = {"reference": item.get("ObjectReference")}
    children = list(item)
    for name, key in (
        ("MimeType", "media_type"),
        ("Description", "description"),
        ("Encoding", "encoding"),
    ):
        child = _only(children, name)
        text = "" if child is None else (child.text or "").strip()
        if text:
            entry[key] = text
    read.data_formats.append(entry)
    read.attributes.setdefault("data_formats", []).append(entry)


def _content_timestamp(item: Element, read: SignedProperties) -> None:
    read.timestamps.append(item)


_SIGNED = {
    "SigningTime": _time,
    "SigningCertificate": _signing_certificate,
    "SigningCertificateV2": _signing_certificate,
    "SignaturePolicyIdentifier": _policy,
    "SignatureProductionPlace": _place,
    "SignatureProductionPlaceV2": _place,
    "SignerRole": _roles,
    "SignerRoleV2": _roles,
    "CommitmentTypeIndication": _commitment,
    "DataObjectFormat": _data_format,
    "AllDataObjectsTimeStamp": _content_timestamp,
    "IndividualDataObjectsTimeStamp": _content_timestamp,
}


_CERTIFICATES = ("CertificateValues", "AttrAuthoritiesCertValues")
_REVOCATION = ("RevocationValues", "AttributeRevocationValues")
_TIMESTAMPS = frozenset(
    (
        "SignatureTimeStamp",
        "RefsOnlyTimeStamp",
        "RefsOnlyTimeStampV2",
        "SigAndRefsTimeStamp",
        "SigAndRefsTimeStampV2",
        "ArchiveTimeStamp",
        "ArchiveTimeStampV2",
    )
)


def read_unsigned(qualifying: Element, most: int) -> UnsignedProperties:
    """Read the UnsignedProperties of a QualifyingProperties.

    Args:
        most: how many certificates, lists and answers are taken.
    """
    read = UnsignedProperties()
    container = None
    for child in qualifying.iterchildren("*"):
        if local_name(child) == "UnsignedProperties":
            container = child
    if container is None:
        return read
    for group in container.iterchildren("*"):
        if local_name(group) != "UnsignedSignatureProperties":
            continue
        read.container = group
        for item in group.iterchildren("*"):
            name = local_name(item)
            read.elements.append(item)
            read.present.append(name)
            if name in _TIMESTAMPS:
                read.timestamps.append(item)
                tokens = [c for c in item.iterchildren("*") if local_name(c) in _TOKENS]
                read.crowded_timestamp |= len(tokens) > 1
            elif name == "CounterSignature":
                read.counter_signatures.append(item)
            elif name in _CERTIFICATES or name in _REVOCATION or name in _VALIDATION_DATA:
                _values(item, read, most)
    return read


_TOKENS = ("EncapsulatedTimeStamp", "XMLTimeStamp")
_VALIDATION_DATA = ("TimeStampValidationData", "AnyValidationData")


def _values(item: Element, read: UnsignedProperties, most: int) -> None:
    for value in item.iter("*"):
        name = local_name(value)
        target = {
            "EncapsulatedX509Certificate": read.certificates,
            "EncapsulatedCRLValue": read.crls,
            "EncapsulatedOCSPValue": read.ocsp_responses,
        }.get(name)
        if target is None:
            continue
        if len(target) >= most:
            read.findings.append(
                Finding("xades.too-many-values", "too many values", fatal=True, limited=True)
            )
            return
        try:
            target.append(decode_base64(value_text(value), name))
        except InputError as error:
            read.findings.append(Finding(error.code, error.detail))
