"""libxmlsec, by its Python binding and by its command, both ways."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

import esign_kit as ek
from tests.interop.conftest import XML, Country, assert_passed, command, module, run

if TYPE_CHECKING:
    from pathlib import Path

DS = "http://www.w3.org/2000/09/xmldsig#"
PACKAGINGS = ["enveloped", "enveloping", "internally-detached"]

_SIGNATURE = {"rsa": "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
              "ec": "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256"}  # fmt: skip
_EXCLUSIVE = "http://www.w3.org/2001/10/xml-exc-c14n#"
_INCLUSIVE = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"


def _binding_verifies(country: Country, signed: bytes) -> None:
    xmlsec = module("xmlsec")
    etree = module("lxml.etree")
    root = etree.fromstring(signed)
    xmlsec.tree.add_ids(root, ["Id"])
    (signature,) = root.iter(f"{{{DS}}}Signature")
    context = xmlsec.SignatureContext()
    context.key = xmlsec.Key.from_memory(
        country.certificate.read_bytes(), xmlsec.constants.KeyDataFormatCertPem
    )
    context.verify(signature)


@pytest.mark.parametrize("packaging", PACKAGINGS)
def test_binding_accepts_ours(country: Country, packaging: str) -> None:
    _binding_verifies(country, country.person.sign(XML, format="xades", packaging=packaging))


def test_binding_refuses_ours_altered(country: Country) -> None:
    xmlsec = module("xmlsec")
    signed = country.person.sign(XML, format="xades", packaging="enveloped")
    with pytest.raises(xmlsec.Error):
        _binding_verifies(country, signed.replace(b"1200", b"9200"))


@pytest.mark.parametrize("packaging", PACKAGINGS)
def test_command_accepts_ours(country: Country, tmp_path: Path, packaging: str) -> None:
    signed = country.person.sign(XML, format="xades", packaging=packaging)
    file = tmp_path / "signed.xml"
    file.write_bytes(signed)
    done = run(
        command("xmlsec1"), "--verify", "--enabled-key-data", "x509",
        "--trusted-pem", country.root, "--untrusted-pem", country.issuing,
        *_id_attributes(signed), file,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr.decode()


def _id_attributes(signed: bytes) -> list[str]:
    """Return the options that declare every Id attribute, which xmlsec1 knows from DTDs only."""
    etree = module("lxml.etree")
    names = {
        (etree.QName(element).namespace or "", etree.QName(element).localname)
        for element in etree.fromstring(signed).iter("*")
        if "Id" in element.attrib
    }
    options = []
    for namespace, name in sorted(names):
        options += ["--id-attr:Id", f"{namespace}:{name}" if namespace else name]
    return options


def _template(country: Country, canonicalisation: str) -> Any:
    xmlsec = module("xmlsec")
    etree = module("lxml.etree")
    root = etree.fromstring(XML)
    signature = xmlsec.template.create(
        root, canonicalisation, _transform(xmlsec, _SIGNATURE[country.kind])
    )
    root.append(signature)
    reference = xmlsec.template.add_reference(signature, xmlsec.constants.TransformSha256, uri="")
    xmlsec.template.add_transform(reference, xmlsec.constants.TransformEnveloped)
    xmlsec.template.add_transform(reference, canonicalisation)
    info = xmlsec.template.ensure_key_info(signature)
    data = xmlsec.template.add_x509_data(info)
    xmlsec.template.x509_data_add_certificate(data)
    return root, signature


def _transform(xmlsec: Any, uri: str) -> Any:
    names = [name for name in dir(xmlsec.constants) if name.startswith("Transform")]
    for name in names:
        value = getattr(xmlsec.constants, name)
        if getattr(value, "href", None) == uri:
            return value
    raise AssertionError(f"the binding has no {uri}")


@pytest.mark.parametrize("method", ["TransformExclC14N", "TransformInclC14N"])
def test_we_accept_the_binding(country: Country, method: str) -> None:
    xmlsec = module("xmlsec")
    etree = module("lxml.etree")
    root, signature = _template(country, getattr(xmlsec.constants, method))
    context = xmlsec.SignatureContext()
    context.key = xmlsec.Key.from_file(str(country.key), xmlsec.constants.KeyDataFormatPem)
    context.key.load_cert_from_file(str(country.certificate), xmlsec.constants.KeyDataFormatPem)
    context.sign(signature)
    report = country.verify(etree.tostring(root, encoding="UTF-8"))
    assert_passed(report)
    # Plain XML Signature binds no certificate and is called what it is.
    assert report.only.level == "XML-NOT-ETSI"
    altered = etree.tostring(root, encoding="UTF-8").replace(b"1200", b"9200")
    assert country.verify(altered).indication is ek.Indication.TOTAL_FAILED


@pytest.mark.parametrize("method", [_EXCLUSIVE, _INCLUSIVE])
def test_we_accept_the_command(country: Country, tmp_path: Path, method: str) -> None:
    template = f"""<Signature xmlns="{DS}"><SignedInfo>
<CanonicalizationMethod Algorithm="{method}"/>
<SignatureMethod Algorithm="{_SIGNATURE[country.kind]}"/>
<Reference URI=""><Transforms><Transform Algorithm="{DS}enveloped-signature"/>
<Transform Algorithm="{method}"/></Transforms>
<DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"/><DigestValue/></Reference>
</SignedInfo><SignatureValue/><KeyInfo><X509Data><X509Certificate/></X509Data></KeyInfo>
</Signature>"""
    end = "</Заявление>".encode()
    (tmp_path / "template.xml").write_bytes(XML.replace(end, template.encode() + end))
    done = run(
        command("xmlsec1"), "--sign", "--privkey-pem", f"{country.key},{country.certificate}",
        "--output", tmp_path / "signed.xml", tmp_path / "template.xml",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr.decode()
    assert_passed(country.verify((tmp_path / "signed.xml").read_bytes()))
