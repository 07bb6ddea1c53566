"""Reading XAdES: properties only through the reference that signed them, levels, time-stamps."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

import esign_kit as ek
from esign_kit.model.signature import ReferenceKind, TimestampKind
from esign_kit.testing import FixturePKI
from esign_kit.trust.policy import ValidationPolicy
from esign_kit.xades.properties import read_time
from tests import corpora
from tests.unit.xmldsig.helpers import fatal, signatures, states

POLICY = ValidationPolicy()
AT = datetime(2026, 11, 1, 12, 30, 5, tzinfo=UTC)


@pytest.fixture(scope="module")
def signed() -> str:
    key = FixturePKI(key="ec").person().key
    octets = ek.sign(
        ek.Document(b"<a>1</a>"), key, format="xades", packaging="enveloped", signing_time=AT
    )
    return octets.decode()


def read(text: str) -> Any:
    (signature, *_) = signatures(text.encode(), POLICY)
    return signature


OPEN = '<xades:QualifyingProperties xmlns:xades="http://uri.etsi.org/01903/v1.3.2#" '


def decoy(text: str, target: str = "other") -> str:
    return (
        f'<ds:Object>{OPEN}Target="#{target}"><xades:SignedProperties Id="d">'
        "<xades:SignedSignatureProperties><xades:SigningTime>2001-01-01T00:00:00Z"
        "</xades:SigningTime></xades:SignedSignatureProperties></xades:SignedProperties>"
        "</xades:QualifyingProperties></ds:Object>"
    )


def test_the_plain_case(signed: str) -> None:
    signature = read(signed)
    assert not fatal(signature)
    assert signature.claimed_signing_time == AT
    assert signature.certificate_reference_attribute
    assert len(signature.certificate_references) == 1
    assert [r.kind for r in signature.references] == [
        ReferenceKind.DATA,
        ReferenceKind.SIGNED_PROPERTIES,
    ]
    assert signature.plain_signature


@pytest.mark.parametrize("where", ["first", "last"])
def test_a_decoy_beside_the_signed_properties(signed: str, where: str) -> None:
    place = "<ds:Object>" if where == "first" else "</ds:Signature>"
    changed = signed.replace(place, decoy(signed) + place, 1)
    signature = read(changed)
    assert "xades.several-qualifying-properties" in fatal(signature)
    assert signature.claimed_signing_time != datetime(2001, 1, 1, tzinfo=UTC)


def test_properties_for_another_signature(signed: str) -> None:
    signature = read(signed.replace('Target="#', 'Target="#x'))
    assert fatal(signature) == ["xades.target"]


def test_properties_that_no_reference_covers(signed: str) -> None:
    start = signed.index("<ds:Reference Type=")
    end = signed.index("</ds:Reference>", start) + len("</ds:Reference>")
    signature = read(signed[:start] + signed[end:])
    assert fatal(signature) == ["xades.properties-not-signed"]
    assert signature.claimed_signing_time is None
    assert signature.level == "XML-NOT-ETSI"


def test_only_properties_are_signed(signed: str) -> None:
    start = signed.index("<ds:Reference Id=")
    end = signed.index("</ds:Reference>", start) + len("</ds:Reference>")
    assert "xml.no-data-reference" in fatal(read(signed[:start] + signed[end:]))


def test_two_references_to_properties(signed: str) -> None:
    start = signed.index("<ds:Reference Type=")
    end = signed.index("</ds:Reference>", start) + len("</ds:Reference>")
    twice = signed[:end] + signed[start:end] + signed[end:]
    assert "xades.several-signed-properties" in fatal(read(twice))


def test_properties_under_a_transform(signed: str) -> None:
    start = signed.index("<ds:Reference Type=")
    changed = signed[:start] + signed[start:].replace(
        "http://www.w3.org/2001/10/xml-exc-c14n#",
        "http://www.w3.org/2000/09/xmldsig#enveloped-signature",
        1,
    )
    assert "xades.properties-transformed" in fatal(read(changed))


def test_a_reference_of_the_type_that_leads_elsewhere(signed: str) -> None:
    start = signed.index("<ds:Reference Type=")
    changed = signed[:start] + signed[start:].replace('-sp"', '-v"', 1)
    assert "xades.signed-properties" in fatal(read(changed))


def test_without_its_type_the_reference_is_told(signed: str) -> None:
    changed = signed.replace(' Type="http://uri.etsi.org/01903#SignedProperties"', "")
    signature = read(changed)
    assert not fatal(signature)
    assert "xades.reference-type" in [finding.code for finding in signature.findings]
    assert signature.claimed_signing_time == AT


@pytest.mark.parametrize("name", ["SigningTime", "SigningCertificateV2"])
def test_a_property_twice(signed: str, name: str) -> None:
    start = signed.index(f"<xades:{name}>")
    end = signed.index(f"</xades:{name}>") + len(f"</xades:{name}>")
    assert "xades.property-twice" in fatal(read(signed[:end] + signed[start:end] + signed[end:]))


@pytest.mark.parametrize(
    ("old", "new", "is_fatal"),
    [
        ("2026-11-01T12:30:05Z", "yesterday", False),
        ("<xades:Cert>", "<xades:Cert/><xades:Cert>", True),
        ("<xades:CertDigest>", "<xades:CertDigest/><xades:CertDigest>", True),
        ("xades:CertDigest", "xades:Other", True),
        ("xades:Cert>", "xades:Kert>", True),
    ],
)
def test_malformed_properties(signed: str, old: str, new: str, is_fatal: bool) -> None:
    signature = read(signed.replace(old, new))
    assert signature.findings
    assert bool(fatal(signature)) is is_fatal
    assert "MISMATCH" in states(signature)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-01T12:30:05Z", AT),
        (" 2026-11-01T12:30:05Z\n", AT),
        ("2026-11-01T17:30:05+05:00", AT),
        ("2026-11-01T07:00:05-05:30", AT),
        ("2026-11-01T12:30:05", AT),
        ("2026-10-31T24:00:00Z", datetime(2026, 11, 1, tzinfo=UTC)),
        ("2026-11-01T12:30:05.25Z", AT.replace(microsecond=250000)),
        ("2026-11-01T12:30:05.1234567891Z", AT.replace(microsecond=123456)),
        ("2026-13-01T12:30:05Z", None),
        ("2026-11-01", None),
        ("2026-11-01T12:30:05+99:00", None),
        ("-0001-11-01T12:30:05Z", None),
        ("99999-11-01T12:30:05Z", None),
        ("٢٠٢٦-11-01T12:30:05Z", None),
        ("", None),
    ],
)
def test_times(text: str, moment: datetime | None) -> None:
    assert read_time(text) == moment


def test_a_counter_signature_belongs_to_what_it_signs(signed: str) -> None:
    value = read(signed).id + "-v"
    counter = signed[signed.index("<ds:Signature ") : signed.index("</ds:Signature>") + 15]
    own = read(signed).id
    counter = counter.replace(own, "counter").replace('URI=""', f'URI="#{value}"')
    inside = (
        "<xades:UnsignedProperties><xades:UnsignedSignatureProperties><xades:CounterSignature>"
        f"{counter}</xades:CounterSignature></xades:UnsignedSignatureProperties>"
        "</xades:UnsignedProperties></xades:QualifyingProperties>"
    )
    text = signed.replace("</xades:QualifyingProperties>", inside)
    document = signatures(text.encode(), POLICY)
    assert len(document) == 2
    main, below = document
    assert main.counter_signatures == (below,)
    assert below.references[0].kind is ReferenceKind.COUNTERSIGNED
    assert states(main)[0] == "OK FULL"
    beside = text.replace(inside, "</xades:QualifyingProperties>").replace("</a>", counter + "</a>")
    main, below = signatures(beside.encode(), POLICY)
    assert main.counter_signatures == (below,), "by its reference, wherever it stands"


def test_a_counter_signature_over_something_else_is_told(signed: str) -> None:
    counter = signed[signed.index("<ds:Signature ") : signed.index("</ds:Signature>") + 15]
    counter = counter.replace(read(signed).id, "counter")
    inside = (
        "<xades:UnsignedProperties><xades:UnsignedSignatureProperties><xades:CounterSignature>"
        f"{counter}</xades:CounterSignature></xades:UnsignedSignatureProperties>"
        "</xades:UnsignedProperties></xades:QualifyingProperties>"
    )
    text = signed.replace("</xades:QualifyingProperties>", inside)
    _, below = signatures(text.encode(), POLICY)
    assert "xades.counter-signature" in fatal(below)
    assert "NOT FOUND" in states(below)


@pytest.mark.parametrize(
    ("stamp", "covered"),
    [
        ("xades:SigAndRefsTimeStamp", ["SignatureValue", "CompleteCertificateRefs"]),
        ("v:SigAndRefsTimeStampV2", ["SignatureValue", "CompleteCertificateRefsV2"]),
        ("xades:RefsOnlyTimeStamp", ["CompleteCertificateRefs"]),
        ("v:RefsOnlyTimeStampV2", ["CompleteCertificateRefsV2"]),
    ],
)
def test_a_time_stamp_covers_references_of_its_own_version(
    signed: str, stamp: str, covered: list[str]
) -> None:
    inside = (
        '<xades:UnsignedProperties xmlns:v="http://uri.etsi.org/01903/v1.4.1#">'
        "<xades:UnsignedSignatureProperties><v:CompleteCertificateRefsV2/>"
        f"<xades:CompleteCertificateRefs/><{stamp}><xades:EncapsulatedTimeStamp>AAAA"
        f"</xades:EncapsulatedTimeStamp></{stamp}></xades:UnsignedSignatureProperties>"
        "</xades:UnsignedProperties></xades:QualifyingProperties>"
    )
    (found,) = read(signed.replace("</xades:QualifyingProperties>", inside)).timestamps
    octets = found.imprint().decode()
    known = ("SignatureValue", "CompleteCertificateRefs", "CompleteCertificateRefsV2")
    assert [name for name in known if f":{name} " in octets] == covered


# ── the public corpus ─────────────────────────────────────────────────────────────────────────


def cases() -> list[dict[str, Any]]:
    path = corpora.folder() / "dss" / "corpus.json"
    if not path.exists():
        return []
    found = json.loads(path.read_text())["cases"]
    return [case for case in found if case["format"] == "XAdES" and not case["detached"]]


def octets(case: dict[str, Any]) -> bytes:
    return corpora.require("dss", "files", *case["file"].split("/")).read_bytes()


@pytest.mark.parametrize(
    "case", [c for c in cases() if "level" in c["expect"]], ids=lambda case: case["id"]
)
def test_levels_in_the_words_of_dss(case: dict[str, Any]) -> None:
    (first, *_) = signatures(octets(case), POLICY)
    assert first.level == case["expect"]["level"]


def imprint_of(token: bytes) -> tuple[Any, bytes]:
    from esign_kit.asn1.algorithm_identifier import decode_digest_algorithm
    from esign_kit.asn1.reader import read_all

    content = read_all(token).items()[1].items()[0].items()[2].items()[1].items()[0]
    parts = read_all(read_all(content.contents).items()[2].raw).items()
    return decode_digest_algorithm(parts[0].raw), parts[1].contents


def test_imprints_of_time_stamps() -> None:
    """Nearly every genuine time-stamp of the corpus covers just the octets that we compute."""
    corpora.require("dss", "corpus.json")
    right: dict[TimestampKind, int] = {}
    wrong: list[str] = []
    for case in cases():
        stamps = case["expect"].get("timestamps") or {}
        if stamps.get("imprints_intact", stamps.get("all_intact")) is not True:
            continue
        try:
            found = signatures(octets(case), POLICY)
        except ek.InputError:
            continue
        for signature in found:
            for stamp in signature.timestamps:
                covered = stamp.imprint()
                try:
                    algorithm, value = imprint_of(stamp.token)
                except ek.InputError:
                    continue  # an indefinite length; the room of time-stamps reads those
                if not isinstance(covered, bytes) or algorithm is None:
                    continue
                if algorithm.hash(covered) == value:
                    right[stamp.kind] = right.get(stamp.kind, 0) + 1
                else:
                    wrong.append(f"{case['file']} {stamp.source}")
    assert not wrong
    assert right[TimestampKind.SIGNATURE] >= 20
    assert right[TimestampKind.ARCHIVE] >= 4
    assert right[TimestampKind.SIGNATURE_AND_REFERENCES] >= 1
