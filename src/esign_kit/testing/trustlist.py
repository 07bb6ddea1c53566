"""Home-made trusted lists (ETSI TS 119 612): a list of lists and its lists, signed and served.

scheme = ListScheme(pki)
scheme.add("XX", [ListedService.of(pki.issuing.certificate, since="2020-01-01")])
scheme.source                      # a ListSource that pins the scheme's operator
scheme.fetch(request)              # is a Fetcher
scheme.renew(); scheme.new_operator()   # time goes on
"""

from __future__ import annotations

from binascii import b2a_base64
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape

from esign_kit.errors import EvidenceError
from esign_kit.model.evidence import FetchRequest, FetchResponse
from esign_kit.testing.authority import moment

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from esign_kit.asn1.certificate import Certificate
    from esign_kit.testing.entity import Entity
    from esign_kit.testing.pki import FixturePKI
    from esign_kit.trustlist import ListSource

__all__ = ["ListScheme", "ListedService", "list_xml", "qualified", "sign_list"]

_TSL = "http://uri.etsi.org/02231/v2#"
_EXTRA = "http://uri.etsi.org/02231/v2/additionaltypes#"
_BASE = "http://uri.etsi.org/TrstSvc/TrustedList/"
LIST_OF_LISTS = _BASE + "TSLType/EUlistofthelists"
GENERIC = _BASE + "TSLType/EUgeneric"
CA_QC = "http://uri.etsi.org/TrstSvc/Svctype/CA/QC"
QTST = "http://uri.etsi.org/TrstSvc/Svctype/TSA/QTST"
OCSP_QC = "http://uri.etsi.org/TrstSvc/Svctype/Certstatus/OCSP/QC"
GRANTED = _BASE + "Svcstatus/granted"
WITHDRAWN = _BASE + "Svcstatus/withdrawn"
FOR_SIGNATURES = _BASE + "SvcInfoExt/ForeSignatures"
_QUALIFICATIONS = "http://uri.etsi.org/TrstSvc/SvcInfoExt/eSigDir-1999-93-EC-TrustedList/#"
_MEDIA_TYPE = "application/vnd.etsi.tsl+xml"
_VALIDITY = timedelta(days=180)
_LONG_AGO = "2020-01-01T00:00:00Z"


@dataclass(frozen=True, slots=True)
class ListedService:
    """A service of a list.

    Attributes:
        statuses: (status URI, since), the present one first.
        history_by_key: earlier periods name the key identifier only, as real lists do.
        qualifications: XML of QualificationElements (prefixes ``q`` of the extension, ``x`` of
            XAdES, ``s`` of other criteria), as :func:`qualified` writes it.
    """

    certificates: tuple[Certificate, ...]
    type: str = CA_QC
    statuses: tuple[tuple[str, datetime], ...] = ()
    name: str = ""
    provider: str = "Fixture Trust Services"
    additional: tuple[str, ...] = (FOR_SIGNATURES,)
    history_by_key: bool = True
    critical: str = ""
    qualifications: str = ""

    @classmethod
    def of(
        cls,
        certificate: Certificate,
        *,
        since: str | datetime = "2020-01-01T00:00:00Z",
        **more: Any,
    ) -> ListedService:
        """A granted service with one certificate."""
        return cls((certificate,), statuses=((GRANTED, moment(since)),), **more)

    def then(self, status: str, since: str | datetime) -> ListedService:
        """Return the service after a change of its status."""
        return replace(self, statuses=((status, moment(since)), *self.statuses))


@dataclass(frozen=True, slots=True)
class _Pointer:
    url: str
    signers: tuple[Certificate, ...]
    territory: str
    type: str
    media_type: str = _MEDIA_TYPE


def list_xml(
    *,
    territory: str,
    sequence: int,
    issued: datetime,
    next_update: datetime | None,
    services: Iterable[ListedService] = (),
    pointers: Iterable[_Pointer] = (),
    information: Sequence[str] = ("http://lists.test/about",),
    type: str = GENERIC,
    version: int = 6,
) -> bytes:
    """Return an unsigned list, elements in the order of the schema."""
    parts = [
        f"<TSLVersionIdentifier>{version}</TSLVersionIdentifier>",
        f"<TSLSequenceNumber>{sequence}</TSLSequenceNumber>",
        f"<TSLType>{type}</TSLType>",
        f"<SchemeOperatorName>{_name('Fixture Operator ' + territory)}</SchemeOperatorName>",
        f"<SchemeOperatorAddress>{_ADDRESS}</SchemeOperatorAddress>",
        f"<SchemeName>{_name(territory + ':Fixture trusted list')}</SchemeName>",
        f"<SchemeInformationURI>{''.join(map(_uri, information))}</SchemeInformationURI>",
        f"<StatusDeterminationApproach>{_BASE}StatusDetn/EUappropriate</StatusDeterminationApproach>",
        f"<SchemeTypeCommunityRules>{_uri(_BASE + 'schemerules/EUcommon')}"
        "</SchemeTypeCommunityRules>",
        f"<SchemeTerritory>{territory}</SchemeTerritory>",
        '<PolicyOrLegalNotice><TSLLegalNotice xml:lang="en">For tests.</TSLLegalNotice>'
        "</PolicyOrLegalNotice>",
        "<HistoricalInformationPeriod>65535</HistoricalInformationPeriod>",
    ]
    written = "".join(map(_pointer_xml, pointers))
    if written:
        parts.append(f"<PointersToOtherTSL>{written}</PointersToOtherTSL>")
    parts.append(f"<ListIssueDateTime>{_time(issued)}</ListIssueDateTime>")
    due = f"<dateTime>{_time(next_update)}</dateTime>" if next_update is not None else ""
    parts.append(f"<NextUpdate>{due}</NextUpdate>")
    providers = _providers_xml(services)
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<TrustServiceStatusList xmlns="{_TSL}" Id="list-{territory}-{sequence}" '
        'TSLTag="http://uri.etsi.org/19612/TSLTag">'
        f"<SchemeInformation>{''.join(parts)}</SchemeInformation>{providers}"
        "</TrustServiceStatusList>"
    ).encode()


def qualified(criteria: str, *qualifiers: str, assertion: str = "all") -> str:
    """Return a QualificationElement (TS 119 612 § 5.5.9.2).

    Args:
        criteria: XML of the criteria, for instance ``<q:KeyUsage>…</q:KeyUsage>``.
        qualifiers: last parts of qualifier URIs, such as ``QCForESig``.
        assertion: ``all``, ``atLeastOne`` or ``none``.
    """
    stated = "".join(f'<q:Qualifier uri="{_BASE}SvcInfoExt/{item}"/>' for item in qualifiers)
    return (
        f"<q:QualificationElement><q:Qualifiers>{stated}</q:Qualifiers>"
        f'<q:CriteriaList assert="{assertion}">{criteria}</q:CriteriaList>'
        "</q:QualificationElement>"
    )


def sign_list(xml: bytes, signer: Entity, **options: Any) -> bytes:
    """Sign a list as TS 119 612 annex B asks: enveloped, exclusive canonicalisation."""
    options.setdefault("transforms", "enveloped")
    options.setdefault("canonicalization", "http://www.w3.org/2001/10/xml-exc-c14n#")
    return signer.sign(xml, format="xades", packaging="enveloped", **options)


@dataclass
class _Listed:
    """What a scheme knows about one list."""

    territory: str
    url: str
    signer: Entity
    services: list[ListedService]
    sequence: int = 0


@dataclass
class ListScheme:
    """An operator of a list of lists, and the lists below; a ``Fetcher`` of its own addresses.

    Attributes:
        files: what stands at each address; tests may bend it.
        requests: all that was fetched, in order.
    """

    pki: FixturePKI
    base_url: str = "http://lists.test"
    version: int = 6
    files: dict[str, bytes] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Appoint the first operator and publish an empty list of lists."""
        self.operators: list[Entity] = [self._operator("LOTL")]
        self.pinned: tuple[Certificate, ...] = (self.operators[0].certificate,)
        self.pivots: list[str] = []
        self.announcement = self.base_url + "/announcement"
        self.sequence = 0
        self.lists: dict[str, _Listed] = {}
        self.renew()

    @property
    def url(self) -> str:
        """Address of the list of lists."""
        return self.base_url + "/lotl.xml"

    @property
    def source(self) -> ListSource:
        """Where trust begins: the pinned certificates of the first operator."""
        from esign_kit.trustlist import ListSource

        return ListSource(self.url, self.pinned, announcement=self.announcement)

    def _operator(self, name: str) -> Entity:
        return self.pki.organisation(organisation_name=f"Operator {name}")

    def add(self, territory: str, services: Iterable[ListedService]) -> None:
        """Add a list, or put other services into it, and publish everything anew."""
        held = self.lists.get(territory)
        if held is None:
            url = f"{self.base_url}/{territory.lower()}.xml"
            held = _Listed(territory, url, self._operator(territory), [])
            self.lists[territory] = held
        held.services = list(services)
        self.renew()

    def renew(self) -> None:
        """Issue all lists again, at the country's time."""
        for held in self.lists.values():
            held.sequence += 1
            self.files[held.url] = self.list_file(held.territory)
        self.sequence += 1
        self.files[self.url] = self.list_of_lists()

    def list_file(self, territory: str, /, **changes: Any) -> bytes:
        """Return one list, signed; ``changes`` go to :func:`list_xml`, ``signer`` takes another."""
        held = self.lists[territory]
        signer = changes.pop("signer", held.signer)
        details: dict[str, Any] = {
            "territory": territory,
            "sequence": held.sequence,
            "issued": self.pki.now,
            "next_update": self.pki.now + _VALIDITY,
            "services": held.services,
            "pointers": [self._self_pointer()],
            "version": self.version,
        }
        return sign_list(list_xml(**{**details, **changes}), signer)

    def list_of_lists(self, **changes: Any) -> bytes:
        """Return the list of lists, signed; ``changes`` as for :meth:`list_file`."""
        signer = changes.pop("signer", self.operators[-1])
        information = [*reversed(self.pivots), self.announcement, self.base_url + "/about"]
        pointers = [self._self_pointer()]
        for held in self.lists.values():
            signers = (held.signer.certificate,)
            pointers.append(_Pointer(held.url, signers, held.territory, GENERIC))
            page = held.url.replace(".xml", ".pdf")
            pointers.append(_Pointer(page, signers, held.territory, GENERIC, "application/pdf"))
        details: dict[str, Any] = {
            "territory": "EU",
            "sequence": self.sequence,
            "issued": self.pki.now,
            "next_update": self.pki.now + _VALIDITY,
            "pointers": pointers,
            "information": information,
            "type": LIST_OF_LISTS,
            "version": self.version,
        }
        return sign_list(list_xml(**{**details, **changes}), signer)

    def new_operator(self) -> None:
        """Change the signer of the list of lists: the old one signs a pivot that names the new."""
        old = self.operators[-1]
        self.operators.append(self._operator(f"LOTL {len(self.operators) + 1}"))
        self.sequence += 1
        pivot = f"{self.base_url}/lotl-pivot-{self.sequence}.xml"
        self.pivots.append(pivot)
        self.files[pivot] = self.list_of_lists(signer=old)
        self.renew()

    def _self_pointer(self) -> _Pointer:
        signers = (self.operators[-1].certificate,)
        return _Pointer(self.url, signers, "EU", LIST_OF_LISTS)

    def fetch(self, request: FetchRequest) -> FetchResponse:
        """Answer what a ``Fetcher`` is asked.

        Raises:
            EvidenceError: there is nothing at that address.
        """
        self.requests.append(request.url)
        body = self.files.get(request.url)
        if body is None:
            raise EvidenceError(f"there is nothing at {request.url}", code="evidence.not-found")
        return FetchResponse(request, body, _MEDIA_TYPE)


# ── XML ───────────────────────────────────────────────────────────────────────────────────────

_ADDRESS = (
    '<PostalAddresses><PostalAddress xml:lang="en"><StreetAddress>1 Test Street</StreetAddress>'
    "<Locality>Testville</Locality><PostalCode>00000</PostalCode><CountryName>XX</CountryName>"
    "</PostalAddress></PostalAddresses>"
    '<ElectronicAddress><URI xml:lang="en">mailto:lists@lists.test</URI>'
    '<URI xml:lang="en">http://lists.test/</URI></ElectronicAddress>'
)


def _name(text: str) -> str:
    return f'<Name xml:lang="en">{escape(text)}</Name>'


def _uri(text: str) -> str:
    return f'<URI xml:lang="en">{escape(text)}</URI>'


def _time(value: datetime) -> str:
    return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _base64(data: bytes) -> str:
    return b2a_base64(data, newline=False).decode("ascii")


def _identity(certificates: Iterable[Certificate]) -> str:
    digital = "".join(
        f"<DigitalId><X509Certificate>{_base64(c.der)}</X509Certificate></DigitalId>"
        for c in certificates
    )
    return f"<ServiceDigitalIdentity>{digital}</ServiceDigitalIdentity>"


def _pointer_xml(pointer: _Pointer) -> str:
    facts = (
        f"<TSLType>{pointer.type}</TSLType>",
        f"<SchemeOperatorName>{_name('Fixture Operator ' + pointer.territory)}"
        "</SchemeOperatorName>",
        f"<SchemeTypeCommunityRules>{_uri(_BASE + 'schemerules/EUcommon')}"
        "</SchemeTypeCommunityRules>",
        f"<SchemeTerritory>{pointer.territory}</SchemeTerritory>",
        f'<MimeType xmlns="{_EXTRA}">{pointer.media_type}</MimeType>',
    )
    other = "".join(f"<OtherInformation>{fact}</OtherInformation>" for fact in facts)
    return (
        f"<OtherTSLPointer><ServiceDigitalIdentities>{_identity(pointer.signers)}"
        f"</ServiceDigitalIdentities><TSLLocation>{escape(pointer.url)}</TSLLocation>"
        f"<AdditionalInformation>{other}</AdditionalInformation></OtherTSLPointer>"
    )


def _providers_xml(services: Iterable[ListedService]) -> str:
    providers: dict[str, list[ListedService]] = {}
    for service in services:
        providers.setdefault(service.provider, []).append(service)
    if not providers:
        return ""
    written = "".join(
        f"<TrustServiceProvider><TSPInformation><TSPName>{_name(provider)}</TSPName>"
        f"<TSPTradeName>{_name('VATXX-000000000')}</TSPTradeName>"
        f"<TSPAddress>{_ADDRESS}</TSPAddress>"
        f"<TSPInformationURI>{_uri('http://lists.test/provider')}</TSPInformationURI>"
        f"</TSPInformation><TSPServices>{''.join(map(_service_xml, held))}</TSPServices>"
        "</TrustServiceProvider>"
        for provider, held in providers.items()
    )
    return f"<TrustServiceProviderList>{written}</TrustServiceProviderList>"


def _service_xml(service: ListedService) -> str:
    (status, since), *earlier = service.statuses
    head = f"<ServiceTypeIdentifier>{service.type}</ServiceTypeIdentifier>"
    name = f"<ServiceName>{_name(service.name or service.certificates[0].label)}</ServiceName>"
    extensions = "".join(
        f'<Extension Critical="false"><AdditionalServiceInformation>{_uri(uri)}'
        "</AdditionalServiceInformation></Extension>"
        for uri in service.additional
    )
    if service.qualifications:
        extensions += (
            f'<Extension Critical="true"><q:Qualifications xmlns:q="{_QUALIFICATIONS}" '
            f'xmlns:x="http://uri.etsi.org/01903/v1.3.2#" xmlns:s="{_EXTRA}">'
            f"{service.qualifications}</q:Qualifications></Extension>"
        )
    if service.critical:
        extensions += f'<Extension Critical="true"><{service.critical}/></Extension>'
    if extensions:
        extensions = f"<ServiceInformationExtensions>{extensions}</ServiceInformationExtensions>"
    present = (
        f"<ServiceInformation>{head}{name}{_identity(service.certificates)}"
        f"{_status(status, since)}{extensions}</ServiceInformation>"
    )
    history = "".join(
        f"<ServiceHistoryInstance>{head}{name}{_history_identity(service)}"
        f"{_status(old, when)}{extensions}</ServiceHistoryInstance>"
        for old, when in earlier
    )
    if history:
        history = f"<ServiceHistory>{history}</ServiceHistory>"
    return f"<TSPService>{present}{history}</TSPService>"


def _status(status: str, since: datetime) -> str:
    return (
        f"<ServiceStatus>{status}</ServiceStatus>"
        f"<StatusStartingTime>{_time(since)}</StatusStartingTime>"
    )


def _history_identity(service: ListedService) -> str:
    if not service.history_by_key:
        return _identity(service.certificates)
    digital = "".join(
        f"<DigitalId><X509SKI>{_base64(c.subject_key_identifier or b'')}</X509SKI></DigitalId>"
        for c in service.certificates
    )
    return f"<ServiceDigitalIdentity>{digital}</ServiceDigitalIdentity>"
