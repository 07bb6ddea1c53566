"""Building CAdES-B: what is written is what is read back, and existing octets stay."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

import esign_kit as ek
from esign_kit import crypto
from esign_kit.asn1.certificate import Certificate
from esign_kit.asn1.cms import SignedData
from esign_kit.cades import oids
from esign_kit.cades.parse import parse
from esign_kit.errors import EsignError, SigningError, UnsupportedError
from esign_kit.model.document import Document
from esign_kit.testing import FixturePKI
from esign_kit.trust.policy import ValidationPolicy

from . import maker

if TYPE_CHECKING:
    from esign_kit.model.signature import ParsedSignature

POLICY = ValidationPolicy()
AT = datetime(2026, 11, 1, 12, 30, 5, tzinfo=UTC)
DOCUMENT = Document(b"an application", name="application.txt")


@pytest.fixture(scope="module")
def pki() -> FixturePKI:
    return FixturePKI(key="ec")


def check(signature: ParsedSignature) -> None:
    """The value verifies with the first certificate that the signer names; the digest matches."""
    assert not signature.findings
    assert signature.algorithm is not None
    view = next(
        view
        for view in map(Certificate.load, signature.certificates)
        if view.serial == signature.signer.serial and view.issuer == signature.signer.issuer
    )
    key = crypto.load_public_key(view.spki)
    value = signature.signature_value
    assert crypto.verify(key, signature.algorithm, value, signature.signed_octets[0])
    (reference,) = signature.references
    assert reference.digest_algorithm is not None
    ((octets, _),) = reference.resolve()
    document = octets if isinstance(octets, Document) else Document(octets)
    assert document.digest(reference.digest_algorithm) == reference.digest_value
    (first,) = signature.certificate_references
    assert first.digest_algorithm is not None
    assert Document(view.der).digest(first.digest_algorithm) == first.digest
    assert (first.issuer, first.serial) == (view.issuer, view.serial)


def read(data: bytes, *detached: Document) -> tuple[ParsedSignature, ...]:
    return parse(data, detached=detached, policy=POLICY).signatures


KEYS = ["ec", "p384", "rsa", "ed25519", "ed448", "ml-dsa-65"]


@pytest.mark.parametrize("packaging", ["attached", "detached"])
@pytest.mark.parametrize("kind", KEYS)
def test_signed_and_read_back(kind: str, packaging: str) -> None:
    person = FixturePKI(key=kind).person()
    for algorithm in person.key.algorithms:
        signed = ek.sign(
            DOCUMENT,
            person.key,
            format="cades",
            packaging=packaging,
            algorithm=algorithm.name,
            signing_time=AT,
        )
        given = (DOCUMENT,) if packaging == "detached" else ()
        (signature,) = read(signed, *given)
        check(signature)
        assert signature.level == "CAdES-BASELINE-B"
        assert signature.claimed_signing_time == AT
        assert signature.algorithm is not None
        assert signature.algorithm.name == algorithm.name
        assert (SignedData(signed).content is None) is (packaging == "detached")


@pytest.mark.parametrize("packaging", ["attached", "detached"])
def test_a_second_signer_leaves_the_first_alone(pki: FixturePKI, packaging: str) -> None:
    given = (DOCUMENT,) if packaging == "detached" else ()
    rsa = FixturePKI(key="rsa").person()
    signed = pki.person().sign(DOCUMENT, packaging=packaging)
    first = SignedData(signed)
    start, stop = first.signer_spans[0]
    before = signed[start:stop]
    for holder, algorithm in ((pki.person(), "ECDSA-SHA256"), (rsa, "RSA-SHA512")):
        signed = holder.sign(DOCUMENT, packaging=packaging, existing=signed, algorithm=algorithm)
    message = SignedData(signed)
    start, stop = message.signer_spans[0]
    assert message.data[start:stop] == before
    signatures = read(signed, *given)
    assert len(signatures) == 3
    for signature in signatures:
        check(signature)
    assert len(message.digest_algorithms) == 2
    assert len(set(message.certificates)) == len(message.certificates)


def test_a_second_signer_on_ber(pki: FixturePKI) -> None:
    ber = maker.indefinite(pki.person().sign(DOCUMENT))
    for signature in read(pki.person().sign(DOCUMENT, existing=ber)):
        check(signature)


def test_a_second_signer_must_sign_the_same(pki: FixturePKI) -> None:
    other = Document(b"another application")
    for packaging in ("attached", "detached"):
        signed = pki.person().sign(DOCUMENT, packaging=packaging)
        with pytest.raises(SigningError) as caught:
            pki.person().sign(other, packaging=packaging, existing=signed)
        assert caught.value.code == "signing.other-document"
    with pytest.raises(SigningError) as caught:
        pki.person().sign(DOCUMENT, packaging="attached", existing=signed)
    assert caught.value.code == "signing.packaging"
    with pytest.raises(SigningError) as caught:
        pki.person().sign(DOCUMENT, packaging="detached", existing=signed + b"more")
    assert caught.value.code == "signing.existing"


def test_what_the_signer_says(pki: FixturePKI) -> None:
    signed = pki.person().sign(
        Document(b"{}", media_type="application/json"),
        roles=["director", "accountant"],
        place={"country": "KZ", "city": "Astana", "street": "Mangilik El 55"},
        commitments=["proof-of-approval", "1.2.3.4"],
        policy={"id": "1.2.3", "digest": "01" * 32, "uri": "http://example.test/policy"},
        content_hints="a form",
    )
    (signature,) = read(signed)
    check(signature)
    assert signature.level == "CAdES-BASELINE-B"
    said = signature.signed_attributes
    assert said["media_type"] == "application/json"
    assert {role["claimed"] for role in said["roles"]} == {"accountant", "director"}
    assert said["place"] == {
        "country": "KZ",
        "city": "Astana",
        "postal_address": ["Mangilik El 55"],
    }
    assert {entry["id"] for entry in said["commitments"]} == {
        "1.2.840.113549.1.9.16.6.5",
        "1.2.3.4",
    }
    assert said["policy"] == {
        "id": "1.2.3",
        "digest_algorithm": "SHA256",
        "digest": "01" * 32,
        "uri": "http://example.test/policy",
    }
    assert said["content_hints"] == {
        "description": "a form",
        "content_type": "1.2.840.113549.1.7.1",
    }
    json.dumps(dict(said))


@pytest.mark.parametrize(
    "options",
    [
        {"no_such_option": 1},
        {"profile_conventions": "atlantis"},
        {"place": {"country": "KZ", "planet": "Earth"}},
        {"policy": {"id": "1.2.3"}},
        {"policy": {"id": "1.2.3", "digest": b"short"}},
        {"policy": {"id": "not an oid", "digest": b"\x00" * 32}},
        {"place": {"planet": "Mars"}},
        {"place": {"postal_address": ["line"] * 7}},
        {"commitments": ["proof-of-nothing"]},
        {"content_type": "nonsense"},
    ],
)
def test_options_that_cannot_be_written(pki: FixturePKI, options) -> None:
    with pytest.raises(SigningError) as caught:
        pki.person().sign(DOCUMENT, **options)
    assert caught.value.code == "signing.option"


@pytest.mark.parametrize(
    ("conventions", "expected", "level"),
    [
        (
            "kz",
            {
                oids.CONTENT_TYPE,
                oids.MESSAGE_DIGEST,
                oids.SIGNING_TIME,
                oids.SIGNING_CERTIFICATE_V2,
            },
            "CAdES-BASELINE-B",
        ),
        ("uz", {oids.CONTENT_TYPE, oids.MESSAGE_DIGEST, oids.SIGNING_TIME}, "CMS-NOT-ETSI"),
    ],
)
def test_conventions_of_a_country(pki: FixturePKI, conventions, expected, level) -> None:
    document = Document(b"{}", media_type="application/json")
    signed = pki.person().sign(document, profile_conventions=conventions)
    attributes = SignedData(signed).signer(0).signed
    assert attributes is not None
    assert set(attributes.by_type) == expected
    (signature,) = read(signed)
    assert not signature.findings
    assert signature.level == level


def test_requests_that_cades_does_not_have(pki: FixturePKI) -> None:
    person = pki.person()
    with pytest.raises(UnsupportedError):
        person.sign(DOCUMENT, packaging="enveloped")
    with pytest.raises(EsignError):
        ek.sign([DOCUMENT, DOCUMENT], person.key, format="cades", packaging="detached")


def test_digest_only_documents_are_signed_detached(pki: FixturePKI) -> None:
    known = Document.from_digests({"SHA256": DOCUMENT.digest("SHA256")})
    signed = pki.person().sign(known, packaging="detached")
    (signature,) = read(signed, DOCUMENT)
    check(signature)
    with pytest.raises(EsignError):
        pki.person().sign(known, packaging="attached")


def test_the_job_survives_json(pki: FixturePKI) -> None:
    person = pki.person()
    first = pki.person().sign(DOCUMENT)
    for existing in (None, first):
        job = ek.prepare(
            DOCUMENT,
            certificate=person.certificate_der,
            chain=person.chain_der,
            format="cades",
            packaging="attached",
            existing=existing,
            signing_time=AT,
        )
        value = person.key.sign(job.to_be_signed, job.algorithm)
        again = ek.SigningJob.from_json(job.to_json())
        assert again.complete(value) == job.complete(value)
        check(read(job.complete(value))[-1])


def test_the_same_request_gives_the_same_octets() -> None:
    one, two = (FixturePKI(key="ed25519").person().sign(DOCUMENT) for _ in range(2))
    assert one == two


def test_other_content_types(pki: FixturePKI) -> None:
    signed = pki.person().sign(DOCUMENT, content_type="1.2.840.113549.1.9.16.1.1")
    message = SignedData(signed)
    assert message.version == 3
    assert message.content_type_text == "1.2.840.113549.1.9.16.1.1"
    (signature,) = read(signed)
    check(signature)
    assert signature.level == "CAdES-BES"


def test_time_outside_two_digit_years(pki: FixturePKI) -> None:
    late = datetime(2051, 1, 2, 3, 4, 5, tzinfo=UTC)
    (signature,) = read(pki.person().sign(DOCUMENT, signing_time=late))
    assert signature.claimed_signing_time == late
    (signature,) = read(pki.person().sign(DOCUMENT, signing_time=None))
    assert signature.claimed_signing_time is None
    assert signature.level == "CAdES-BES"
