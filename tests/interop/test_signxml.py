"""signxml, both ways, where its reading of XAdES allows.

It knows one signature per document, no XPath, and of XAdES the enveloped and enveloping packaging.
"""

from __future__ import annotations

import pytest

import esign_kit as ek
from tests.interop.conftest import XML, Country, assert_passed, module

_INCLUSIVE = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"


# signxml copies documents through ASCII, which element names in Cyrillic letters do not survive.
LATIN = XML.decode().replace("Заявление", "application").replace("Заявитель", "name").encode()


@pytest.mark.parametrize("packaging", ["enveloped", "enveloping"])
def test_signxml_accepts_ours(country: Country, packaging: str) -> None:
    xades = module("signxml.xades")
    # signxml does not know XPath Filter 2, our default, which lets more signatures be added.
    options = {"transforms": "enveloped"} if packaging == "enveloped" else {}
    signed = country.person.sign(LATIN, format="xades", packaging=packaging, **options)
    found = xades.XAdESVerifier().verify(
        signed,
        x509_cert=country.certificate.read_bytes().decode(),
        expect_references=2,
    )
    assert found[0].signed_xml is not None or found[0].signed_data


def test_signxml_refuses_ours_altered(country: Country) -> None:
    signxml = module("signxml")
    xades = module("signxml.xades")
    signed = country.person.sign(
        LATIN, format="xades", packaging="enveloped", transforms="enveloped"
    )
    with pytest.raises(signxml.exceptions.InvalidSignature):
        xades.XAdESVerifier().verify(
            signed.replace(b"1200", b"9200"),
            x509_cert=country.certificate.read_bytes().decode(),
            expect_references=2,
        )


@pytest.mark.parametrize("method", ["enveloped", "enveloping"])
def test_we_accept_signxml(country: Country, method: str) -> None:
    signxml = module("signxml")
    xades = module("signxml.xades")
    etree = module("lxml.etree")
    signer = xades.XAdESSigner(
        method=getattr(signxml.methods, method),
        signature_algorithm="rsa-sha256" if country.kind == "rsa" else "ecdsa-sha256",
        # With exclusive canonicalisation it digests the signed properties exclusively and writes
        # no transform for it; nobody can verify that.
        c14n_algorithm=_INCLUSIVE,
    )
    root = signer.sign(
        etree.fromstring(LATIN),
        key=country.key.read_bytes(),
        cert=[country.certificate.read_text()],
    )
    signed = etree.tostring(root, encoding="UTF-8")
    report = country.verify(signed, certificates=[country.pki.issuing.certificate.der])
    assert_passed(report)
    assert report.only.level.startswith("XAdES")
    altered = country.verify(signed.replace(b"1200", b"9200"))
    assert altered.indication is ek.Indication.TOTAL_FAILED
