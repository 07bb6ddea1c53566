"""What services of trusted lists say about certificates, and what is not known about that."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from esign_kit.errors import InputError
from esign_kit.model.limits import Limits
from esign_kit.model.signature import Purpose
from esign_kit.testing import der
from esign_kit.testing.countries import Usage
from esign_kit.testing.pki import FixturePKI
from esign_kit.testing.trustlist import GRANTED, ListedService, list_xml, qualified
from esign_kit.trust.store import TrustStore
from esign_kit.trustlist import ListSource, anchors_of, listed
from esign_kit.trustlist.qualifiers import Assertion, Condition, Criteria
from esign_kit.trustlist.read import read_list

if TYPE_CHECKING:
    from esign_kit.trustlist import Listed

SIGNS = '<q:KeyUsage><q:KeyUsageBit name="nonRepudiation">true</q:KeyUsageBit></q:KeyUsage>'
NO_CRL = '<q:KeyUsage><q:KeyUsageBit name="crlSign">false</q:KeyUsageBit></q:KeyUsage>'
CRL = '<q:KeyUsage><q:KeyUsageBit name="crlSign">1</q:KeyUsageBit></q:KeyUsage>'
UNKNOWN = "<q:otherCriteriaList><s:Astrology/></q:otherCriteriaList>"


def oids(name: str, *values: str, wrap: str = "") -> str:
    rows = "".join(f"<{wrap}><x:Identifier>{v}</x:Identifier></{wrap}>" for v in values)
    return f"<{name}>{rows}</{name}>"


def policies(*values: str) -> str:
    return oids("q:PolicySet", *values, wrap="q:PolicyIdentifier")


def usages(*values: str) -> str:
    inner = oids("s:ExtendedKeyUsage", *values, wrap="s:KeyPurposeId")
    return f"<q:otherCriteriaList>{inner}</q:otherCriteriaList>"


def attributes(*values: str) -> str:
    inner = oids("s:CertSubjectDNAttribute", *values, wrap="s:AttributeOID")
    return f"<q:otherCriteriaList>{inner}</q:otherCriteriaList>"


def some(assertion: str, *parts: str) -> str:
    return f'<q:CriteriaList assert="{assertion}">{"".join(parts)}</q:CriteriaList>'


@pytest.fixture(scope="module")
def pki() -> FixturePKI:
    return FixturePKI()


def _holder(pki: FixturePKI, *extensions: bytes) -> Any:
    usage = Usage(("content_commitment",), policies=("1.2.3.1", "1.2.3.2"))
    return pki.issue("person", usage=usage, extensions=extensions).certificate


def say(pki: FixturePKI, elements: str, certificate: Any = None, **more: Any) -> Listed:
    service = ListedService.of(pki.issuing.certificate, qualifications=elements, **more)
    now = pki.now
    xml = list_xml(
        territory="XX",
        sequence=1,
        issued=now,
        next_update=now + timedelta(days=9),
        services=[service],
    )
    trust = TrustStore(anchors_of(read_list(xml, Limits())))
    assert len(trust) == 1, "an extension that is read does not take the service out"
    chain = [certificate or _holder(pki), pki.issuing.certificate]
    (found,) = listed(chain, trust, purpose=Purpose.SIGNING, at=now)
    return found


def short(found: Listed) -> tuple[list[str], list[str]]:
    def last(uris: tuple[str, ...]) -> list[str]:
        return [uri.rpartition("/")[2] for uri in uris]

    return last(found.qualifiers), last(found.undecided)


YES, NO, OPEN = (["QCForESig"], []), ([], []), ([], ["QCForESig"])


@pytest.mark.parametrize(
    ("criteria", "assertion", "expected"),
    [
        (SIGNS, "all", YES),
        (SIGNS + CRL, "all", NO),
        (SIGNS + CRL, "atLeastOne", YES),
        (SIGNS, "none", NO),
        (CRL, "none", YES),
        (SIGNS + NO_CRL, "all", YES),
        (policies("1.2.3.1"), "all", YES),
        (policies("urn:oid:1.2.3.1", "1.2.3.2"), "all", YES),
        (policies("1.2.3.1", "1.2.3.9"), "all", NO),
        (policies("1.2.3.9") + policies("1.2.3.2"), "atLeastOne", YES),
        (usages("1.3.6.1.5.5.7.3.1"), "all", NO),
        (attributes("2.5.4.3"), "all", YES),
        (attributes("2.5.4.3", "2.5.4.15"), "all", NO),
        (some("none", CRL), "all", YES),
        (some("none", SIGNS) + SIGNS, "all", NO),
        (some("atLeastOne", some("all", SIGNS, CRL), policies("1.2.3.1")), "all", YES),
        ("<q:Description>see our statute</q:Description>" + SIGNS, "all", YES),
        # What is not known stays so, unless the rest decides alone.
        (UNKNOWN, "all", OPEN),
        (UNKNOWN, "none", OPEN),
        (UNKNOWN, "atLeastOne", OPEN),
        (UNKNOWN + SIGNS, "all", OPEN),
        (UNKNOWN + CRL, "all", NO),
        (UNKNOWN + SIGNS, "atLeastOne", YES),
        (UNKNOWN + CRL, "atLeastOne", OPEN),
        (UNKNOWN + SIGNS, "none", NO),
        (UNKNOWN + CRL, "none", OPEN),
        (some("none", UNKNOWN) + SIGNS, "all", OPEN),
        # What says nothing, or is malformed, is not known either.
        ("", "all", OPEN),
        ("", "none", OPEN),
        (SIGNS, "most", OPEN),
        (some("sometimes", SIGNS), "all", OPEN),
        ("<q:NewCriterion/>", "all", OPEN),
        (policies(), "all", OPEN),
        (SIGNS.replace("nonRepudiation", "telepathy"), "all", OPEN),
        (SIGNS.replace("true", "perhaps"), "all", OPEN),
        ('<q:CriteriaList assert="all">' * 20 + SIGNS + "</q:CriteriaList>" * 20, "all", OPEN),
    ],
)
def test_criteria(
    pki: FixturePKI, criteria: str, assertion: str, expected: tuple[list[str], list[str]]
) -> None:
    assert short(say(pki, qualified(criteria, "QCForESig", assertion=assertion))) == expected


def test_qualifiers_of_several_elements_are_told_together(pki: FixturePKI) -> None:
    found = say(
        pki,
        qualified(SIGNS, "QCStatement", "QCForESig")
        + qualified(CRL, "NotQualified")
        + qualified(UNKNOWN, "QCForESig", "QCWithQSCD"),
    )
    assert short(found) == (["QCStatement", "QCForESig"], ["QCWithQSCD"])
    assert str(found) == (
        "XX, Fixture Trust Services, Issuing CA (CA/QC): QCStatement, QCForESig; "
        "not decided: QCWithQSCD"
    ).replace("Issuing CA", pki.issuing.certificate.label)
    data = found.to_dict()
    assert data["undecided"] == ["http://uri.etsi.org/TrstSvc/TrustedList/SvcInfoExt/QCWithQSCD"]
    assert data["territory"] == "XX" and data["additional"]


def test_a_certificate_that_cannot_be_read_decides_nothing(pki: FixturePKI) -> None:
    odd = _holder(pki, der.extension("2.5.29.37", b"\x30\x03\x06\x09\x2b"))
    assert short(say(pki, qualified(usages("1.3.6.1.5.5.7.3.1"), "QCForWSA"), odd))[1]


def test_two_lists_of_criteria_are_not_understood(pki: FixturePKI) -> None:
    element = qualified(SIGNS, "QCForESig").replace(
        "</q:QualificationElement>", some("all", SIGNS) + "</q:QualificationElement>"
    )
    assert short(say(pki, element)) == OPEN


def test_the_same_name_in_another_namespace_is_unknown_and_critical(pki: FixturePKI) -> None:
    now = pki.now
    service = ListedService.of(
        pki.issuing.certificate, qualifications=qualified(SIGNS, "QCForESig")
    )
    xml = list_xml(
        territory="XX", sequence=1, issued=now, next_update=now, services=[service]
    ).replace(b"eSigDir-1999-93-EC-TrustedList/#", b"another#")
    assert anchors_of(read_list(xml, Limits())) == ()


def test_the_service_as_it_was_then(pki: FixturePKI) -> None:
    """A change of type ends a span, and what is said belongs to its own time."""
    old = ListedService(
        (pki.issuing.certificate,),
        statuses=((GRANTED, datetime(2016, 7, 1, tzinfo=UTC)),),
        type="http://uri.etsi.org/TrstSvc/Svctype/CA/PKC",
    )
    new = ListedService(
        (pki.issuing.certificate,),
        statuses=((GRANTED, datetime(2024, 1, 1, tzinfo=UTC)),),
        qualifications=qualified(SIGNS, "QCForESig"),
    )
    now = pki.now
    texts = [
        list_xml(territory="XX", sequence=1, issued=now, next_update=now, services=[item]).decode()
        for item in (new, old)
    ]
    begin, end = "<ServiceInformation>", "</ServiceInformation>"
    earlier = texts[1].partition(begin)[2].partition(end)[0]
    history = f"<ServiceHistory><ServiceHistoryInstance>{earlier}</ServiceHistoryInstance>"
    xml = texts[0].replace(end, f"{end}{history}</ServiceHistory>").encode()
    trust = TrustStore(anchors_of(read_list(xml, Limits())))
    assert [a.since and a.since.year for a in trust] == [2016, 2024]
    chain = [_holder(pki), pki.issuing.certificate]

    def at(year: int, purpose: Purpose = Purpose.SIGNING) -> list[str]:
        moment = datetime(year, 6, 1, tzinfo=UTC)
        return [str(one) for one in listed(chain, trust, purpose=purpose, at=moment)]

    assert at(2010) == at(2025, Purpose.TIMESTAMPING) == []
    assert "(CA/PKC): no qualifier" in at(2020)[0]
    assert "(CA/QC): QCForESig" in at(2025)[0]
    stranger = FixturePKI(seed="stranger").issuing.certificate
    assert listed([chain[0], stranger], trust, purpose=Purpose.SIGNING, at=now) == ()
    assert listed([], trust, purpose=Purpose.SIGNING, at=now) == ()


def test_a_single_criterion_without_values_is_open(pki: FixturePKI) -> None:
    one = Criteria(condition=Condition.POLICIES)
    assert one.met_by(_holder(pki)) is None
    assert Criteria(Assertion.NONE, (one,)).met_by(_holder(pki)) is None


def test_a_source_survives_its_file(pki: FixturePKI) -> None:
    source = ListSource(
        "http://lists.test/lotl.xml",
        (pki.root.certificate,),
        territories=frozenset({"XX"}),
        announcement="http://lists.test/a",
    )
    again = ListSource.from_json(source.to_json())
    assert again == source
    for rubbish in (b"", b"[]", b"{}", b'{"schema": 1}', b"\xff", b"[" * 100_000):
        with pytest.raises(InputError):
            ListSource.from_json(rubbish)
    with pytest.raises(InputError):
        ListSource.from_json(source.to_json().replace(b'"MI', b'"QQ'))
