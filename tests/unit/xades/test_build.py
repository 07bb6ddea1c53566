"""Building XAdES-B: every packaging, signatures beside signatures, and what stays as it was."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from lxml import etree

import esign_kit as ek
from esign_kit.errors import EsignError, InputError, SigningError, UnsupportedError
from esign_kit.testing import FixturePKI
from esign_kit.trust.policy import ValidationPolicy
from esign_kit.xades.build import assemble, prepare
from esign_kit.xmldsig import names
from tests.unit.xmldsig.helpers import covered, fatal, signatures, states, value_verifies

POLICY = ValidationPolicy()
AT = datetime(2026, 11, 1, 12, 30, 5, tzinfo=UTC)
XML = (
    "<?xml version='1.0' encoding='UTF-8'?>\n<!-- before --><заявление xmlns='urn:kz:app' "
    "xmlns:xs='urn:xs' тип='х'><имя  b='2' a='1'>Айгүл &amp; Ко</имя><сумма/><![CDATA[a<b]]>"
    "</заявление>"
).encode()
BINARY = bytes(range(256))
DOCUMENT = ek.Document(XML, name="заявление 1%.xml", media_type="application/xml")
FILE = ek.Document(BINARY, name="скан.png", media_type="image/png")


@pytest.fixture(scope="module")
def pki() -> FixturePKI:
    return FixturePKI(key="ec")


@pytest.fixture(scope="module")
def key(pki: FixturePKI) -> Any:
    return pki.person().key


def sign(key: Any, *documents: ek.Document, packaging: str, **options: Any) -> bytes:
    return ek.sign(
        list(documents) or DOCUMENT,
        key,
        format="xades",
        packaging=packaging,
        signing_time=AT,
        **options,
    )


def check(data: bytes, count: int = 1, detached: tuple[ek.Document, ...] = ()) -> list[Any]:
    read = signatures(data, POLICY, detached)
    assert len(read) == count
    for signature in read:
        assert not fatal(signature)
        assert signature.structure() == ()
        assert value_verifies(signature)
        assert all(state.startswith("OK") for state in states(signature)), states(signature)
        assert signature.level == "XAdES-BASELINE-B"
        assert signature.claimed_signing_time == AT
    return read


@pytest.mark.parametrize("transforms", ["filter2", "xpath", "enveloped"])
def test_enveloped(key: Any, transforms: str) -> None:
    signed = sign(key, packaging="enveloped", transforms=transforms)
    (read,) = check(signed)
    assert states(read)[0] == "OK FULL"
    assert str(read.packaging) == "enveloped"
    root = etree.fromstring(signed)
    assert root[-1].tag == names.SIGNATURE
    assert root[0].text == "Айгүл & Ко"


@pytest.mark.parametrize("transforms", ["filter2", "xpath", "enveloped"])
def test_more_signatures_on_one_document(key: Any, pki: FixturePKI, transforms: str) -> None:
    signed = sign(key, packaging="enveloped", transforms=transforms)
    for count in (2, 3):
        other = pki.organisation().key
        signed = sign(other, packaging="enveloped", transforms=transforms, existing=signed)
        for read in check(signed, count):
            assert states(read)[0] == "OK FULL"


def test_existing_signatures_keep_their_octets(key: Any) -> None:
    first = sign(key, packaging="enveloped")
    start, end = first.index(b"<ds:Signature "), first.index(b"</ds:Signature>")
    second = sign(key, packaging="enveloped", existing=first)
    assert first[start:end] in second


def test_a_signed_document_may_itself_be_the_document(key: Any) -> None:
    first = sign(key, packaging="enveloped")
    check(sign(key, ek.Document(first), packaging="enveloped"), 2)


def test_the_file_outside_the_signature_is_canonical(key: Any) -> None:
    plain = XML.replace(b"<!-- before -->", b"")
    signed = sign(key, ek.Document(plain), packaging="enveloped")
    start, end = signed.index(b"<ds:Signature "), signed.index(b"</ds:Signature>") + 15
    (read,) = check(signed)
    assert signed[:start] + signed[end:] == covered(read)


def test_comments_of_the_document_stay(key: Any) -> None:
    signed = sign(key, packaging="enveloped")
    assert signed.startswith(b"<!-- before -->\n<")


@pytest.mark.parametrize("embed_xml", [False, True])
def test_enveloping(key: Any, embed_xml: bool) -> None:
    signed = sign(key, packaging="enveloping", embed_xml=embed_xml)
    (read,) = check(signed)
    assert states(read)[0] == "OK OBJECT"
    if not embed_xml:
        assert covered(read) == XML
    check(sign(key, packaging="enveloping", existing=signed), 2)


def test_enveloping_several(key: Any) -> None:
    (read,) = check(sign(key, DOCUMENT, FILE, packaging="enveloping"))
    assert [covered(read, 0), covered(read, 1)] == [XML, BINARY]
    formats = [entry["media_type"] for entry in read.signed_attributes["data_formats"]]
    assert formats == ["application/xml", "image/png"]


def test_detached(key: Any) -> None:
    signed = sign(key, packaging="detached")
    check(signed, 1, (DOCUMENT,))
    assert states(signatures(signed, POLICY)[0])[0] == "NOT FOUND"
    other = ek.Document(b"<other/>", name=DOCUMENT.name)
    assert states(signatures(signed, POLICY, (other,))[0])[0] == "MISMATCH"
    check(sign(key, packaging="detached", existing=signed), 2, (DOCUMENT,))


def test_detached_several_in_one_signature_and_in_a_manifest(key: Any) -> None:
    both = (DOCUMENT, FILE)
    check(sign(key, *both, packaging="detached"), 1, both)
    signed = sign(key, *both, packaging="detached", manifest=True)
    (read,) = check(signed, 1, both)
    assert [str(r.kind) for r in read.references].count("MANIFEST_ENTRY") == 2
    (read,) = signatures(signed, POLICY, (DOCUMENT, ek.Document(b"x", name=FILE.name)))
    assert "MISMATCH" in states(read)


def test_a_detached_document_of_which_only_the_digest_is_known(key: Any) -> None:
    import hashlib

    known = ek.Document.from_digests({"SHA256": hashlib.sha256(XML).digest()}, name="a.xml")
    signed = sign(key, known, packaging="detached")
    check(signed, 1, (ek.Document(XML, name="a.xml"),))


def test_a_nameless_detached_document(key: Any) -> None:
    signed = sign(key, ek.Document(BINARY), packaging="detached")
    assert b" URI=" not in signed.split(b"SignedProperties")[0].split(b"Reference Id")[1][:60]
    check(signed, 1, (ek.Document(BINARY),))
    with pytest.raises(SigningError):
        sign(key, ek.Document(b"1"), ek.Document(b"2"), packaging="detached")


@pytest.mark.parametrize("embed_xml", [False, True])
def test_internally_detached(key: Any, embed_xml: bool) -> None:
    signed = sign(key, packaging="internally-detached", embed_xml=embed_xml)
    (read,) = check(signed)
    assert states(read)[0] == "OK FULL"
    assert str(read.packaging) == "internally-detached"
    if not embed_xml:
        assert covered(read) == XML
    check(sign(key, packaging="internally-detached", existing=signed), 2)


def test_internally_detached_several(key: Any) -> None:
    (read,) = check(sign(key, DOCUMENT, FILE, packaging="internally-detached"))
    assert states(read)[:2] == ["OK FULL", "OK FULL"]
    assert covered(read, 1) == BINARY


def test_an_enveloped_document_with_files_beside_it(key: Any) -> None:
    (read,) = check(sign(key, DOCUMENT, FILE, packaging="enveloped"), 1, (FILE,))
    assert states(read)[:2] == ["OK FULL", "OK FULL"]


@pytest.mark.parametrize(
    "options",
    [
        {"signed_info_canonicalization": names.C14N_10},
        {"signed_info_canonicalization": names.C14N_11_COMMENTS},
        {"canonicalization": names.C14N_EXCLUSIVE},
        {"canonicalization": names.C14N_11},
        {"namespace_prefix": "dsig"},
        {"location_xpath": "/*/*[1]"},
        {"digest": "SHA512"},
        {"digest": "SHA3-256"},
        {"id": "sig-1"},
    ],
    ids=str,
)
def test_options_of_form(key: Any, options: dict[str, Any]) -> None:
    for packaging in ("enveloped", "enveloping", "internally-detached"):
        if packaging != "enveloped" and "location_xpath" in options:
            continue
        check(sign(key, packaging=packaging, **options))


def test_the_place_of_the_signature_inherits_namespaces(key: Any) -> None:
    """Inclusive canonical forms of SignedInfo see what the parent has in scope."""
    source = b"<r xmlns='urn:d' xmlns:p='urn:p' xml:lang='kk'><p:a xmlns:q='urn:q'/></r>"
    signed = (
        sign(
            key,
            ek.Document(source),
            packaging="enveloped",
            location_xpath="/*/p:a",
            signed_info_canonicalization=names.C14N_10,
        )
        if False
        else sign(
            key,
            ek.Document(source),
            packaging="enveloped",
            location_xpath="//p:a",
            signed_info_canonicalization=names.C14N_10,
        )
    )
    (read,) = check(signed)
    octets = read.signed_octets[0]
    for declared in (b'xmlns="urn:d"', b'xmlns:q="urn:q"', b'xml:lang="kk"'):
        assert declared in octets.split(b">")[0]


def test_signed_properties_are_read_back(key: Any) -> None:
    signed = sign(
        key,
        packaging="enveloped",
        roles=["директор", "a < b"],
        policy={"id": "1.2.3.4", "digest_algorithm": "SHA256", "digest": "00" * 32,
                "uri": "http://example.org/p?a&b", "description": "«policy»"},
        commitments=["proof-of-approval", "1.2.3"],
        place={"country": "KZ", "city": "Алматы", "postal_code": "050000"},
        media_type="text/x",
    )  # fmt: skip
    (read,) = check(signed)
    facts = read.signed_attributes
    assert [role["claimed"] for role in facts["roles"]] == ["директор", "a < b"]
    assert facts["policy"] == {
        "id": "1.2.3.4",
        "description": "«policy»",
        "digest_algorithm": "SHA256",
        "digest": "00" * 32,
        "uri": "http://example.org/p?a&b",
    }
    assert [entry["id"] for entry in facts["commitments"]] == [
        "http://uri.etsi.org/01903/v1.2.2#ProofOfApproval",
        "1.2.3",
    ]
    assert facts["place"] == {"city": "Алматы", "postal_code": "050000", "country": "KZ"}
    assert facts["data_formats"][0]["media_type"] == "text/x"
    implied = sign(key, packaging="enveloped", policy={"implied": True})
    assert check(implied)[0].signed_attributes["policy"] == {"implied": True}


def test_without_a_time(key: Any) -> None:
    signed = ek.sign(DOCUMENT, key, format="xades", packaging="enveloped", signing_time=None)
    (read,) = signatures(signed, POLICY)
    assert read.claimed_signing_time is None
    assert read.level == "XAdES-BES"


def test_the_conventions_of_kazakhstan(pki: FixturePKI) -> None:
    key = pki.person().key
    signed = ek.sign(DOCUMENT, key, format="xades", packaging="enveloped", profile_conventions="kz")
    (read,) = signatures(signed, POLICY)
    assert read.level == "XML-NOT-ETSI"
    assert states(read) == ["OK FULL"]
    assert value_verifies(read)
    root = etree.fromstring(signed)
    algorithms = [
        e.get("Algorithm") for e in root.iter("{*}CanonicalizationMethod", "{*}Transform")
    ]
    assert algorithms == [names.C14N_10, names.T_ENVELOPED, names.C14N_10_COMMENTS]
    again = ek.sign(
        ek.Document(signed), key, format="xades", packaging="enveloped", profile_conventions="kz"
    )
    for read in signatures(again, POLICY):
        assert states(read) == ["OK FULL"]


@pytest.mark.parametrize(
    "options",
    [
        {"unknown": 1},
        {"transforms": "xslt"},
        {"canonicalization": "urn:x"},
        {"signed_info_canonicalization": "urn:x"},
        {"namespace_prefix": "xml"},
        {"namespace_prefix": "a b"},
        {"id": 'x" y'},
        {"id": ""},
        {"place": {"planet": "x"}},
        {"policy": {"id": "1.2"}},
        {"policy": 5},
        {"roles": ["\x00"]},
        {"location_xpath": "/*/*"},
        {"location_xpath": "["},
        {"location_xpath": "count(/*)"},
        {"profile_conventions": "xx"},
    ],
    ids=str,
)
def test_wrong_options(key: Any, options: dict[str, Any]) -> None:
    with pytest.raises(EsignError):
        sign(key, packaging="enveloped", **options)


def test_what_cannot_be_signed(key: Any) -> None:
    with pytest.raises(InputError):
        sign(key, FILE, packaging="enveloped")
    with pytest.raises(InputError):
        sign(key, ek.Document(b"<!DOCTYPE a><a/>"), packaging="enveloped")
    with pytest.raises(SigningError):
        sign(key, ek.Document(b"<other/>"), packaging="enveloped", existing=XML)
    with pytest.raises(InputError):
        sign(key, packaging="detached", existing=BINARY)


def test_two_steps_across_processes(key: Any, pki: FixturePKI) -> None:
    for packaging in ("enveloped", "enveloping", "detached", "internally-detached"):
        job = ek.prepare(
            DOCUMENT,
            certificate=key.certificate_der,
            format="xades",
            packaging=packaging,
            signing_time=AT,
        )
        text = job.to_json()
        json.loads(text)
        again = ek.SigningJob.from_json(text)
        signed = again.complete(key.sign(again.to_be_signed, again.algorithm))
        check(signed, 1, (DOCUMENT,))


def test_the_same_request_gives_the_same_octets(key: Any) -> None:
    from esign_kit.algorithms import signature_algorithm
    from esign_kit.model.signature import Packaging
    from esign_kit.model.signing import SigningRequest

    request = SigningRequest(
        (DOCUMENT,),
        key.certificate_der,
        signature_algorithm("ECDSA-SHA256"),
        Packaging.ENVELOPED,
        signing_time=AT,
    )
    assert prepare(request) == prepare(request)
    state = prepare(request)
    with pytest.raises(InputError):
        assemble(state, b"no DER")
    with pytest.raises(UnsupportedError):
        prepare(
            SigningRequest(
                (DOCUMENT,), key.certificate_der, signature_algorithm("ECDSA-SHA256"),
                Packaging.ENVELOPED, level="T",
            )
        )  # fmt: skip


def test_ids_do_not_meet_those_of_the_document(key: Any) -> None:
    first = sign(key, packaging="enveloped")
    identifier = signatures(first, POLICY)[0].id
    again = sign(key, packaging="enveloped", existing=first)
    ids = [read.id for read in signatures(again, POLICY)]
    assert identifier in ids
    assert len(set(ids)) == 2
