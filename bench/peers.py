"""The others, each as it is meant to be used, where it is installed."""

from __future__ import annotations

import asyncio
import importlib
import shutil
import subprocess
import warnings
from io import BytesIO
from typing import TYPE_CHECKING, Any

from bench.measure import Contestant

if TYPE_CHECKING:
    from pathlib import Path

    from bench.scene import Scene

_INCLUSIVE = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"


def _has(name: str) -> bool:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            importlib.import_module(name)
    except Exception:
        return False
    return True


def installed() -> dict[str, str]:
    """Return the peers that take part, with their versions."""
    from importlib.metadata import PackageNotFoundError, version

    found = {}
    for name in ("pyhanko", "signxml", "xmlsec", "endesive", "cryptography", "lxml"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    for program, flag in (("openssl", "version"), ("xmlsec1", "--version")):
        if shutil.which(program):
            said = subprocess.run([program, flag], capture_output=True, text=True, check=False)
            found[program] = said.stdout.split("(")[0].strip()
    return found


def _process(*arguments: str | Path) -> None:
    subprocess.run([str(item) for item in arguments], capture_output=True, check=True)


def cms_verify(scene: Scene, signed: bytes, folder: Path, large: bool) -> list[Contestant]:
    found = []
    if shutil.which("openssl"):
        file, crls = folder / "signed.p7m", folder / "chain.pem"
        file.write_bytes(signed)
        from cryptography import x509
        from cryptography.hazmat.primitives.serialization import Encoding

        crls.write_bytes(
            scene.root_pem.read_bytes()
            + b"".join(x509.load_der_x509_crl(c).public_bytes(Encoding.PEM) for c in scene.crls)
        )
        found.append(
            Contestant(
                "openssl",
                lambda: _process(
                    "openssl",
                    "cms",
                    "-verify",
                    "-cades",
                    "-binary",
                    "-inform",
                    "DER",
                    "-in",
                    file,
                    "-CAfile",
                    crls,
                    "-crl_check_all",
                    "-purpose",
                    "any",
                    "-out",
                    "/dev/null",
                ),
                note="a process",
            )
        )
    if _has("pyhanko.sign.validation.generic_cms"):
        found.append(Contestant("pyHanko", lambda: _pyhanko_verify(scene, signed)))
    if _has("endesive.plain") and not large:
        plain = importlib.import_module("endesive.plain")
        roots = (scene.root_pem.read_bytes(), scene.issuing_pem.read_bytes())
        content = b""
        found.append(Contestant("endesive", lambda: plain.verify(signed, content, roots)))
    return found


def _pyhanko_verify(scene: Scene, signed: bytes) -> None:
    from asn1crypto import cms, crl, x509
    from pyhanko.sign.validation.generic_cms import async_validate_cms_signature
    from pyhanko_certvalidator import ValidationContext

    context = ValidationContext(
        trust_roots=[x509.Certificate.load(scene.root)],
        other_certs=[x509.Certificate.load(scene.issuing)],
        crls=[crl.CertificateList.load(der) for der in scene.crls],
        allow_fetching=False,
        revocation_mode="require",
    )
    data = cms.ContentInfo.load(signed)["content"]
    status = asyncio.run(async_validate_cms_signature(data, validation_context=context))
    if not (status.intact and status.valid and status.trusted):
        raise RuntimeError("pyHanko refused")


def cms_sign(scene: Scene, payload: bytes, folder: Path) -> list[Contestant]:
    found = []
    if shutil.which("openssl"):
        file = folder / "payload"
        file.write_bytes(payload)
        found.append(
            Contestant(
                "openssl",
                lambda: _process(
                    "openssl",
                    "cms",
                    "-sign",
                    "-cades",
                    "-binary",
                    "-outform",
                    "DER",
                    "-md",
                    "sha256",
                    "-in",
                    file,
                    "-signer",
                    scene.certificate_pem,
                    "-inkey",
                    scene.key_pem,
                    "-certfile",
                    scene.issuing_pem,
                    "-out",
                    "/dev/null",
                ),
                note="a process",
            )
        )
    if _has("pyhanko.sign.signers"):
        from pyhanko.sign import signers

        signer = signers.SimpleSigner.load(
            str(scene.key_pem), str(scene.certificate_pem), ca_chain_files=(str(scene.issuing_pem),)
        )
        found.append(
            Contestant(
                "pyHanko",
                lambda: asyncio.run(
                    signer.async_sign_general_data(payload, "sha256", detached=True, use_cades=True)
                ).dump(),
            )
        )
    return found


def xml_verify(scene: Scene, signed: bytes) -> list[Contestant]:
    found = []
    if _has("signxml.xades"):
        from signxml.xades import XAdESVerifier

        certificate = scene.certificate_pem.read_text()
        found.append(
            Contestant(
                "signxml",
                lambda: XAdESVerifier().verify(signed, x509_cert=certificate, expect_references=2),
                note="no chain, no revocation",
            )
        )
    if _has("xmlsec"):
        found.append(
            Contestant(
                "xmlsec",
                lambda: _xmlsec_verify(scene, signed),
                note="no chain, no revocation, no XAdES checks",
            )
        )
    return found


def _xmlsec_verify(scene: Scene, signed: bytes) -> None:
    import xmlsec
    from lxml import etree

    root = etree.fromstring(signed, etree.XMLParser(huge_tree=True))
    xmlsec.tree.add_ids(root, ["Id"])
    signature = next(root.iter("{http://www.w3.org/2000/09/xmldsig#}Signature"))
    context = xmlsec.SignatureContext()
    context.key = xmlsec.Key.from_memory(
        scene.certificate_pem.read_bytes(), xmlsec.constants.KeyDataFormatCertPem
    )
    context.verify(signature)


def xml_sign(scene: Scene, document: bytes) -> list[Contestant]:
    found = []
    if _has("signxml.xades"):
        import signxml
        from lxml import etree
        from signxml.xades import XAdESSigner

        key, certificate = scene.key_pem.read_bytes(), [scene.certificate_pem.read_text()]

        def run() -> Any:
            signer = XAdESSigner(
                method=signxml.methods.enveloped,
                signature_algorithm="rsa-sha256" if scene.kind == "rsa" else "ecdsa-sha256",
                c14n_algorithm=_INCLUSIVE,
            )
            return etree.tostring(
                signer.sign(etree.fromstring(document), key=key, cert=certificate)
            )

        found.append(Contestant("signxml", run))
    return found


def stream(data: bytes) -> BytesIO:
    return BytesIO(data)
