"""Reading a trusted list from the octets that its signature covers (ETSI TS 119 612 § 5)."""

from __future__ import annotations

import re
from binascii import Error, a2b_base64
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from esign_kit.asn1.certificate import Certificate
from esign_kit.errors import InputError, LimitError
from esign_kit.trustlist.model import Identity, Period, Pointer, Service, TrustList
from esign_kit.trustlist.qualifiers import Assertion, Condition, Criteria, Qualification
from esign_kit.xmldsig import local_name, namespace, parse, value_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from esign_kit.model.limits import Limits
    from esign_kit.xmldsig import Element

__all__ = ["VERSIONS", "read_list"]

VERSIONS = frozenset({5, 6})
"""TSLVersionIdentifier of TS 119 612 v2.1.1 to v2.2.1 (5) and of v2.3.1 and later (6)."""

TSL = "http://uri.etsi.org/02231/v2#"
_XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"
_MAX_SERVICES = 20_000
_TIME = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.\d+)?(Z|[+-]\d\d:\d\d)?", re.ASCII
)
_ECC = "http://uri.etsi.org/TrstSvc/SvcInfoExt/eSigDir-1999-93-EC-TrustedList/#"
_INFORMATIVE = frozenset({"ExpiredCertsRevocationInfo", "TakenOverBy"})
"""§ 5.5.9.1, § 5.5.9.3: who answers for the service now, and what it keeps; nothing rests on it."""
_MAX_DEPTH = 8
_OTHER = Criteria(condition=Condition.OTHER)
_OTHERS = {
    "ExtendedKeyUsage": Condition.EXTENDED_KEY_USAGE,
    "CertSubjectDNAttribute": Condition.SUBJECT_ATTRIBUTES,
}
_KEY_USAGE = {
    "digitalSignature": "digital_signature",
    "nonRepudiation": "content_commitment",
    "keyEncipherment": "key_encipherment",
    "dataEncipherment": "data_encipherment",
    "keyAgreement": "key_agreement",
    "keyCertSign": "key_cert_sign",
    "crlSign": "crl_sign",
    "encipherOnly": "encipher_only",
    "decipherOnly": "decipher_only",
}


def read_list(octets: bytes, limits: Limits) -> TrustList:
    """Read a list.

    Raises:
        InputError: malformed, another version (``trustlist.version``), or no list at all
            (``trustlist.none``).
        LimitError: larger than the limits.
    """
    root = parse(octets, limits).root
    if local_name(root) != "TrustServiceStatusList" or namespace(root) != TSL:
        raise InputError("the root is no TrustServiceStatusList", code="trustlist.none")
    scheme = _need(root, "SchemeInformation")
    version = _number(_need(scheme, "TSLVersionIdentifier"))
    if version not in VERSIONS:
        raise InputError(f"trusted list of version {version}", code="trustlist.version")
    next_update = _child(_need(scheme, "NextUpdate"), "dateTime")
    pointers = _child(scheme, "PointersToOtherTSL")
    information = _child(scheme, "SchemeInformationURI")
    uris = [_text(uri) for uri in _children(information, "URI")] if information is not None else []
    return TrustList(
        version=version,
        sequence=_number(_need(scheme, "TSLSequenceNumber")),
        type=_text(_need(scheme, "TSLType")),
        territory=_optional(scheme, "SchemeTerritory"),
        operator=_name(_child(scheme, "SchemeOperatorName")),
        issued=_time(_need(scheme, "ListIssueDateTime")),
        next_update=None if next_update is None else _time(next_update),
        pointers=tuple(_pointers(pointers)),
        information=tuple(dict.fromkeys(uris)),
        services=tuple(_services(_child(root, "TrustServiceProviderList"))),
    )


# ── pointers ──────────────────────────────────────────────────────────────────────────────────


def _pointers(parent: Element | None) -> Iterator[Pointer]:
    if parent is None:
        return
    for item in _children(parent, "OtherTSLPointer"):
        identities = _child(item, "ServiceDigitalIdentities")
        facts: dict[str, str] = {}
        for information in _children(_child(item, "AdditionalInformation"), "OtherInformation"):
            for fact in _elements(information):
                name = local_name(fact)
                if name in ("SchemeTerritory", "TSLType", "MimeType"):
                    facts[name] = value_text(fact).strip()
        yield Pointer(
            url=_text(_need(item, "TSLLocation")),
            identity=_merged(
                [_identity(one) for one in _children(identities, "ServiceDigitalIdentity")]
            ),
            territory=facts.get("SchemeTerritory", ""),
            type=facts.get("TSLType", ""),
            media_type=facts.get("MimeType", ""),
        )


def _merged(identities: list[Identity]) -> Identity:
    return Identity(
        certificates=tuple(dict.fromkeys(c for one in identities for c in one.certificates)),
        key_identifiers=tuple(k for one in identities for k in one.key_identifiers),
        subject_names=tuple(n for one in identities for n in one.subject_names),
        unreadable=sum(one.unreadable for one in identities),
    )


# ── services ──────────────────────────────────────────────────────────────────────────────────


def _services(providers: Element | None) -> Iterator[Service]:
    count = 0
    for provider in _children(providers, "TrustServiceProvider"):
        information = _need(provider, "TSPInformation")
        name = _name(_child(information, "TSPName"))
        for service in _children(_child(provider, "TSPServices"), "TSPService"):
            count += 1
            if count > _MAX_SERVICES:
                raise LimitError("too many services in a trusted list", code="trustlist.services")
            yield _service(name, service)


def _service(provider: str, element: Element) -> Service:
    present = _need(element, "ServiceInformation")
    periods = [_period(present)]
    for instance in _children(_child(element, "ServiceHistory"), "ServiceHistoryInstance"):
        periods.append(_period(instance))
    # The order of the file is newest first by § 5.5.10; the times decide.
    periods.sort(key=lambda period: period.since, reverse=True)
    for number in range(1, len(periods)):
        periods[number] = replace(periods[number], until=periods[number - 1].since)
    return Service(provider, _name(_child(present, "ServiceName")), tuple(periods))


def _period(element: Element) -> Period:
    additional: list[str] = []
    qualifications: list[Qualification] = []
    critical: list[str] = []
    for extension in _children(_child(element, "ServiceInformationExtensions"), "Extension"):
        for part in _elements(extension):
            name = local_name(part)
            if name == "AdditionalServiceInformation":
                additional += [_text(uri) for uri in _children(part, "URI")]
            elif name == "Qualifications" and namespace(part) == _ECC:
                qualifications += _qualifications(part)
            elif extension.get("Critical") in ("true", "1") and name not in _INFORMATIVE:
                critical.append(name)
    identity = _child(element, "ServiceDigitalIdentity")
    return Period(
        type=_text(_need(element, "ServiceTypeIdentifier")),
        status=_text(_need(element, "ServiceStatus")),
        since=_time(_need(element, "StatusStartingTime")),
        until=None,
        identity=Identity() if identity is None else _identity(identity),
        additional=tuple(additional),
        qualifications=tuple(qualifications),
        unknown_critical=tuple(critical),
    )


# ── qualifiers ────────────────────────────────────────────────────────────────────────────────


def _qualifications(parent: Element) -> Iterator[Qualification]:
    for item in _named(parent, "QualificationElement"):
        uris = [
            qualifier.get("uri", "").strip()
            for group in _named(item, "Qualifiers")
            for qualifier in _named(group, "Qualifier")
        ]
        lists = list(_named(item, "CriteriaList"))
        # One list of criteria is what the schema allows; what is said otherwise is not understood.
        criteria = _criteria(lists[0], 1) if len(lists) == 1 else _OTHER
        yield Qualification(tuple(filter(None, uris)), criteria)


def _criteria(element: Element, depth: int) -> Criteria:
    assertion = element.get("assert", "")
    if depth > _MAX_DEPTH or assertion not in set(Assertion):
        return _OTHER
    parts: list[Criteria] = []
    for part in _elements(element):
        name = local_name(part)
        if name == "CriteriaList":
            parts.append(_criteria(part, depth + 1))
        elif name == "KeyUsage":
            parts.append(_key_usage(part))
        elif name == "PolicySet":
            parts.append(Criteria(condition=Condition.POLICIES, values=_identifiers(part)))
        elif name == "otherCriteriaList":
            parts += [
                Criteria(condition=_OTHERS.get(local_name(one), Condition.OTHER),
                         values=_identifiers(one))
                for one in _elements(part)
            ]  # fmt: skip
        elif name != "Description":
            parts.append(_OTHER)
    return Criteria(Assertion(assertion), tuple(parts))


def _key_usage(element: Element) -> Criteria:
    values = []
    for bit in _elements(element):
        name, value = _KEY_USAGE.get(bit.get("name", "")), _text(bit)
        if name is None or value not in ("true", "1", "false", "0"):
            return _OTHER
        values.append(name if value in ("true", "1") else f"!{name}")
    return Criteria(condition=Condition.KEY_USAGE, values=tuple(values))


def _identifiers(element: Element) -> tuple[str, ...]:
    """OIDs in the Identifier elements of XAdES, two levels below."""
    found = [one for part in _elements(element) for one in _named(part, "Identifier")]
    return tuple(_text(one).removeprefix("urn:oid:") for one in found)


def _named(parent: Element, name: str) -> Iterator[Element]:
    """Children of that name; the namespaces of extensions differ by scheme and version."""
    return (child for child in _elements(parent) if local_name(child) == name)


# ── identities ────────────────────────────────────────────────────────────────────────────────


def _identity(element: Element) -> Identity:
    certificates: list[Certificate] = []
    keys: list[bytes] = []
    names: list[str] = []
    unreadable = 0
    for digital in _children(element, "DigitalId"):
        for part in _elements(digital):
            name = local_name(part)
            if name == "X509Certificate":
                try:
                    certificates.append(Certificate.load(_octets(part)))
                except InputError:
                    unreadable += 1
            elif name == "X509SKI":
                keys.append(_octets(part))
            elif name == "X509SubjectName":
                names.append(_text(part))
    return Identity(tuple(dict.fromkeys(certificates)), tuple(keys), tuple(names), unreadable)


# ── values ────────────────────────────────────────────────────────────────────────────────────


def _elements(parent: Element | None) -> Iterator[Element]:
    """Child elements; comments and instructions have no name."""
    if parent is not None:
        for child in parent:
            if isinstance(child.tag, str):
                yield child


def _children(parent: Element | None, name: str) -> Iterator[Element]:
    tag = f"{{{TSL}}}{name}"
    return (child for child in _elements(parent) if child.tag == tag)


def _child(parent: Element | None, name: str) -> Element | None:
    found = list(_children(parent, name))
    if len(found) > 1:
        raise InputError(f"trusted list: {name} stands twice", code="trustlist.malformed")
    return found[0] if found else None


def _need(parent: Element, name: str) -> Element:
    found = _child(parent, name)
    if found is None:
        raise InputError(f"trusted list without {name}", code="trustlist.malformed")
    return found


def _text(element: Element) -> str:
    return value_text(element).strip()


def _optional(parent: Element, name: str) -> str:
    found = _child(parent, name)
    return "" if found is None else _text(found)


def _name(parent: Element | None) -> str:
    """An international name: in English where there is one (§ 5.1.4)."""
    names = [(n.get(_XML_LANG, "").lower(), _text(n)) for n in _children(parent, "Name")]
    english = [text for language, text in names if language.startswith("en")]
    return (english or [text for _, text in names] or [""])[0]


def _number(element: Element) -> int:
    text = _text(element)
    if not re.fullmatch(r"\d{1,9}", text, re.ASCII):
        raise InputError(
            f"trusted list: {local_name(element)} is no number", code="trustlist.malformed"
        )
    return int(text)


def _octets(element: Element) -> bytes:
    try:
        return a2b_base64(value_text(element))
    except (Error, ValueError) as error:
        raise InputError("trusted list with bad base64", code="trustlist.malformed") from error


def _time(element: Element) -> datetime:
    """An xs:dateTime; UTC is demanded (§ 5.1.3), a zone is understood, none means UTC."""
    match = _TIME.fullmatch(_text(element))
    try:
        if match is None:
            raise ValueError("no such form")
        numbers = [int(part) for part in match.groups()[:6]]
        moment = datetime(*numbers, tzinfo=UTC)  # type: ignore[arg-type,misc]
        zone = match[7]
        if zone and zone != "Z":
            shift = timedelta(hours=int(zone[1:3]), minutes=int(zone[4:6]))
            moment += -shift if zone[0] == "+" else shift
        return moment
    except (ValueError, OverflowError) as error:
        raise InputError(
            f"trusted list: {local_name(element)} is no time", code="trustlist.malformed"
        ) from error
