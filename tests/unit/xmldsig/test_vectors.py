"""Published vectors of XML Signature, read with every transform that we have."""

from __future__ import annotations

import json
from typing import Any

import pytest

from esign_kit.model.document import Document
from esign_kit.trust.policy import TransformRule, ValidationPolicy
from tests import corpora
from tests.unit.xmldsig.helpers import fatal, signatures, states, value_verifies

XPATH = ValidationPolicy(transforms=TransformRule.XPATH)
EXTERNAL = {
    "http://www.w3.org/TR/xml-stylesheet": "xml-stylesheet-2005",
    "http://www.w3.org/Signature/2002/04/xml-stylesheet.b64": "xml-stylesheet-2005.b64",
    "http://www.ietf.org/rfc/rfc3161.txt": "rfc3161.txt",
}
NEEDS_MORE = {"hmac", "xslt", "opc-relationship", "gost", "ripemd160", "post-quantum"}
"""Features that no rule of the policy turns on."""


def documents() -> list[Document]:
    folder = corpora.require("xmldsig-interop", "external-data")
    return [
        Document.from_path(folder / name, name=uri)
        for uri, name in EXTERNAL.items()
        if (folder / name).exists()
    ]


def cases() -> list[dict[str, Any]]:
    path = corpora.folder() / "xmldsig-interop" / "manifest.json"
    if not path.exists():
        return []
    found: list[dict[str, Any]] = json.loads(path.read_text())["cases"]
    return found


def read(case: dict[str, Any]) -> Any:
    data = corpora.require("xmldsig-interop", *case["files"][0].split("/")).read_bytes()
    (signature, *_) = signatures(data, XPATH, documents())
    return signature


def test_the_vectors_are_there() -> None:
    corpora.require("xmldsig-interop", "manifest.json")
    assert len(cases()) >= 100


@pytest.mark.parametrize(
    "case",
    [c for c in cases() if c["core"] == "good" and not NEEDS_MORE & set(c["legacy"])],
    ids=lambda case: case["id"],
)
def test_good_vectors_digest_right(case: dict[str, Any]) -> None:
    signature = read(case)
    assert not fatal(signature)
    found = states(signature)
    # A digest of nothing is refused by rule, whoever signed it; a manifest may list what is
    # nowhere; neither is a matter of canonicalisation.
    assert "MISMATCH" not in found
    assert any(state.startswith("OK") for state in found)
    has_key = signature.certificates or signature.key_value
    unusual = {"ecdsa-value-in-asn1"} & set(case["legacy"]) or case["id"].endswith("_padded")
    if has_key and signature.algorithm is not None and not unusual:
        assert value_verifies(signature)


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("signature-rsa-enveloped-bad-digest-val", "digest"),
        ("signature-rsa-enveloped-bad-sig", "value"),
    ],
)
def test_bad_vectors(name: str, wrong: str) -> None:
    data = corpora.require("xmldsig-interop", "phaos-xmldsig-three", f"{name}.xml").read_bytes()
    (signature,) = signatures(data, XPATH)
    assert not value_verifies(signature)
    assert ("MISMATCH" in states(signature)) is (wrong == "digest")


def test_every_node_set_of_merlin() -> None:
    """27 references whose node-sets hold namespaces without elements and the reverse."""
    path = corpora.require("xmldsig-interop", "merlin-c14n-three", "signature.xml")
    (signature,) = signatures(path.read_bytes(), XPATH)
    found = states(signature)
    assert len(found) == 27
    assert found.count("NOT FOUND") == 4, "four of them are empty, and empty is refused"
    assert sum(state.startswith("OK") for state in found) == 23


def test_no_hmac_has_an_algorithm() -> None:
    for case in cases():
        if "hmac" in case["legacy"]:
            assert read(case).algorithm is None


def test_the_default_rule_refuses_xpath() -> None:
    path = corpora.require("xmldsig-interop", "merlin-c14n-three", "signature.xml")
    (signature,) = signatures(path.read_bytes(), ValidationPolicy())
    assert set(states(signature)) == {"transform.xpath"}


def test_a_vietnamese_tax_notice() -> None:
    """References by Id, no transforms, inherited default namespace, a genuine xmlns=""."""
    data = corpora.national("vn", "samples", "tax-notice-authority-signature.xml").read_bytes()
    (signature,) = signatures(data, ValidationPolicy())
    assert value_verifies(signature)
    assert all(state.startswith("OK") for state in states(signature))
    assert "OK NONE" in states(signature)
    assert signature.unsigned_attributes["parent_element"] == "CQT"
    broken = data.replace(b"<CQT", b"<CQT ", 1)
    assert value_verifies(signatures(broken, ValidationPolicy())[0])


def test_a_vietnamese_file_that_changed_on_its_way() -> None:
    path = corpora.national("vn", "negative", "customs-enveloped-digest-mismatch.xml")
    (signature,) = signatures(path.read_bytes(), ValidationPolicy())
    assert states(signature) == ["MISMATCH"]
    # The value is a padded bare digest, without the DigestInfo of RFC 8017 § 9.2.
    assert not value_verifies(signature)


@pytest.mark.parametrize(
    ("name", "coverage"),
    [
        ("rsa_individual_enveloped.xml", "OK FULL"),
        ("rsa_ceo_authkey_enveloped.xml", "OK FULL"),
        ("wsse_soap_rsa.xml", "OK PARTIAL"),
    ],
)
def test_kazakh_files(name: str, coverage: str) -> None:
    data = corpora.national("kz", "xml", name).read_bytes()
    (signature,) = signatures(data, ValidationPolicy())
    assert value_verifies(signature)
    assert states(signature) == [coverage]


def test_kazakh_signatures_on_signatures() -> None:
    """Each later one covers the earlier; the first holds for the document as it stood."""
    data = corpora.national("kz", "xml", "two_signatures_rsa_then_gost2015.xml").read_bytes()
    first, second = signatures(data, ValidationPolicy())
    assert states(first) == ["OK FULL"]
    assert value_verifies(first)
    if second.references[0].digest_algorithm is not None:
        assert states(second) == ["OK FULL"]
    changed = data.replace(b"</", b" </", 1)
    assert states(signatures(changed, ValidationPolicy())[0]) == ["MISMATCH"]


def test_collapsed_white_space_breaks_a_soap_signature() -> None:
    data = corpora.national("kz", "xml", "wsse_soap_rsa_BROKEN_whitespace.xml").read_bytes()
    (signature,) = signatures(data, ValidationPolicy())
    assert states(signature) == ["OK PARTIAL"]
    assert not value_verifies(signature)
