"""Structure by the schemas: what is found, where it is told, and that no verdict hangs on it."""

from __future__ import annotations

import pickle
from typing import Any

import pytest
from lxml import etree

import esign_kit as ek
from esign_kit.testing import FixturePKI
from esign_kit.trust.policy import ValidationPolicy
from esign_kit.validation.structure import describe
from esign_kit.xades import conformity
from esign_kit.xades.content import TABLES
from esign_kit.xmldsig.names import SIGNATURE
from tests.unit.xmldsig.helpers import signatures

POLICY = ValidationPolicy()
XSI = "http://www.w3.org/2001/XMLSchema-instance"
DS = 'xmlns="http://www.w3.org/2000/09/xmldsig#"'


@pytest.fixture(scope="module")
def pki() -> FixturePKI:
    return FixturePKI(key="ec")


@pytest.fixture(scope="module")
def signed(pki: FixturePKI) -> str:
    document = ek.Document(b"<a>1</a>")
    return ek.sign(document, pki.person().key, format="xades", packaging="enveloped").decode()


def faults(text: str) -> tuple[str, ...]:
    root = etree.fromstring(text.encode())
    return conformity.faults_of(root if root.tag == SIGNATURE else next(root.iter(SIGNATURE)))


def test_every_line_of_the_table_can_be_used() -> None:
    keys = set(conformity._globals().values())
    for namespace in TABLES:
        lines = conformity._lines(namespace)
        keys |= {f"{namespace} {name}" for name in lines if not lines[name].startswith(":")}
    assert len(keys) > 150
    for key in keys - {"anything"}:
        kind = conformity._type(key)
        for _, inner in kind.letters.values():
            assert inner == "anything" or conformity._type(inner)
        assert set(kind.attributes.values()) <= set(conformity._LEXICAL)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (' ObjectReference="', ' Reference="', "DataObjectFormat lacks the attribute ObjectRef"),
        (' ObjectReference="', ' Other="" ObjectReference="', "may not have the attribute Other"),
        ("</ds:KeyInfo>", "<ds:DigestValue/></ds:KeyInfo>", "KeyInfo may not hold"),
        ("</ds:X509Data>", "text</ds:X509Data>", "X509Data holds text between its elements"),
        ("</ds:Object>", '</ds:Object><ds:Object Id="7"/>', "Object/@Id is not of the type id: 7"),
        ("<ds:X509Certificate>", "<ds:X509Certificate>=", "is not of the type base64"),
        ("<ds:X509Certificate>", "<ds:X509Certificate><b/>", "an element where a value belongs"),
        ("<xades:MimeType>text/xml</xades:MimeType>", "<xades:Mime/>", "may not hold"),
        ("</xades:SigningTime>", "+</xades:SigningTime>", "is not of the type dateTime"),
        ("</xades:CertDigest>", "</xades:CertDigest><xades:CertDigest/>", "Cert may not hold"),
        ("<xades:Cert><", "<!--c--><xades:Cert><", ""),
        ("</ds:Object>", "</ds:Object><ds:Object><b><ds:KeyInfo/></b></ds:Object>", ""),
        ("</ds:X509Data>", '</ds:X509Data><b xmlns="urn:b" c=""/>', ""),
        (
            " Target=",
            ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="a" Target=',
            "",
        ),
    ],
)
def test_what_is_wrong_is_named(signed: str, old: str, new: str, told: str) -> None:
    assert faults(signed) == ()
    assert old in signed
    found = faults(signed.replace(old, new))
    assert bool(found) is bool(told)
    assert told in "; ".join(found)


def test_properties_out_of_order(signed: str) -> None:
    start, end = signed.index("<xades:SigningTime>"), signed.index("<xades:SigningCertificateV2>")
    time = signed[start:end]
    end_tag = "</xades:SignedSignatureProperties>"
    moved = signed.replace(time, "").replace(end_tag, time + end_tag)
    (fault,) = faults(moved)
    assert "in this order: SigningCertificateV2, SigningTime" in fault


def test_an_id_stands_once(signed: str) -> None:
    name = signed.partition(' Id="')[2].partition('"')[0]
    found = faults(signed.replace("</ds:Object>", f'</ds:Object><ds:Object Id="{name}"/>'))
    assert found == (f"the Id {name} stands more than once",)


@pytest.mark.parametrize(
    ("lexical", "good", "bad"),
    [
        (
            "dateTime",
            ["2024-02-29T23:59:59Z", " 2024-01-01T24:00:00 ", "-0004-01-01T00:00:00.5+14:00"],
            ["2023-02-29T00:00:00Z", "2024-01-01", "2024-01-01T24:00:01Z", "0000-01-01T00:00:00Z"],
        ),
        ("base64", ["", "AAAA", "A A\nA=", "AQ=="], ["A", "AAAA=", "AB==", "AAB=", "AA=A", "A-AA"]),
        ("integer", ["1", "-0", " +7\n"], ["", "1.0", "0x1", "١"]),
        ("boolean", ["true", "0"], ["TRUE", ""]),
        ("id", ["_a", "é.1", " a "], ["", "1a", "a b", "a:b"]),
        ("filter", ["subtract"], ["minus"]),
        ("qualifier", ["OIDAsURN"], ["OID"]),
    ],
)
def test_lexical_types(lexical: str, good: list[str], bad: list[str]) -> None:
    fits: Any = conformity._LEXICAL[lexical]
    assert [value for value in good if not fits(value)] == []
    assert [value for value in bad if fits(value)] == []


@pytest.mark.parametrize(
    ("version", "properties", "told"),
    [
        ("1.1.1", "<SigningTime>2020-01-01T00:00:00Z</SigningTime>", "may not hold"),
        ("1.2.2", "<SigningTime>2020-01-01T00:00:00Z</SigningTime>", ""),
        ("1.2.2", "<SigningCertificateV2/>", "may not hold"),
        ("1.3.2", "<SignerRoleV2/>", ""),
        ("1.3.2", "<SignerRoleV2/><SignerRole/>", "may not hold"),
        ("1.3.2", '<own xmlns="urn:own"><SigningTime/></own>', ""),
        ("1.3.2", '<SigningTime xmlns="http://uri.etsi.org/01903/v1.2.2#"/>', "dateTime"),
    ],
)
def test_each_version_has_its_own_table(version: str, properties: str, told: str) -> None:
    found = faults(
        f'<Signature {DS}><SignedInfo><CanonicalizationMethod Algorithm=""/><SignatureMethod '
        'Algorithm=""/><Reference><DigestMethod Algorithm=""/><DigestValue/></Reference>'
        "</SignedInfo><SignatureValue/><Object><QualifyingProperties Target='' "
        f"xmlns='http://uri.etsi.org/01903/v{version}#'><SignedProperties><SignedSignatureProperties>"
        f"{properties}</SignedSignatureProperties></SignedProperties></QualifyingProperties></Object>"
        "</Signature>"
    )
    assert bool(found) is bool(told)
    assert told in "; ".join(found)


def test_faults_and_their_text_are_bounded() -> None:
    many = "<KeyName><b/></KeyName>" * 1000 + f"<{'n' * 5000}/>"
    found = faults(f"<Signature {DS}><KeyInfo>{many}</KeyInfo></Signature>")
    assert len(found) == conformity._MOST_FAULTS
    assert max(map(len, found)) < 1000


def test_the_report_tells_it_and_the_verdict_does_not_change(pki: FixturePKI, signed: str) -> None:
    broken = signed.replace("<ds:KeyInfo>", '<ds:KeyInfo Name="">')
    reports = [
        ek.verify(text.encode(), trust=pki.trust, evidence=pki.evidence(), at=pki.now)
        for text in (signed, broken)
    ]
    sound, faulty = (report.only for report in reports)
    assert sound.indication is faulty.indication is ek.Indication.TOTAL_PASSED
    assert sound.structure_faults == ()
    assert "structure_faults" not in sound.to_dict()
    assert faulty.structure_faults == ("KeyInfo may not have the attribute Name",)
    assert faulty.to_dict()["structure_faults"] == ["KeyInfo may not have the attribute Name"]
    assert pickle.loads(pickle.dumps(faulty)).structure_faults == faulty.structure_faults


def test_a_limit_of_ours_is_no_proof_against_a_signature(pki: FixturePKI, signed: str) -> None:
    policy = POLICY.with_(limits=POLICY.limits.with_(references=1))
    report = ek.verify(
        signed.encode(), trust=pki.trust, evidence=pki.evidence(), at=pki.now, policy=policy
    ).only
    assert report.check("format").code == "xml.too-many-references"
    assert report.indication is ek.Indication.INDETERMINATE
    assert report.sub_indication == "SIG_CONSTRAINTS_FAILURE"


def test_each_signature_of_a_file_is_judged_by_itself(signed: str) -> None:
    nested = signed[signed.index("<ds:Signature ") : signed.index("</ds:Signature>")]
    nested = nested.replace(' Id="', ' Id="n').replace("<ds:KeyInfo>", '<ds:KeyInfo Name="">')
    inside = (
        "<xades:UnsignedProperties><xades:UnsignedSignatureProperties><xades:CounterSignature>"
        f"{nested}</ds:Signature></xades:CounterSignature></xades:UnsignedSignatureProperties>"
        "</xades:UnsignedProperties></xades:QualifyingProperties>"
    )
    text = signed.replace("</xades:QualifyingProperties>", inside)
    outer, inner = signatures(text.encode(), POLICY)
    assert outer.structure() == ()
    assert inner.structure() == ("KeyInfo may not have the attribute Name",)
    assert describe(ek.parse(text.encode()))["signatures"][0]["structure_faults"] == []


def test_cms_has_no_schema(pki: FixturePKI) -> None:
    octets = ek.sign(ek.Document(b"1"), pki.person().key, format="cades", packaging="attached")
    assert ek.verify(octets).only.structure_faults is None
