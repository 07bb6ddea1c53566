"""pyHanko's CMS layer, both ways. It reads one signer per CMS."""

from __future__ import annotations

import asyncio
from io import BytesIO
from typing import Any

import pytest

from tests.interop.conftest import PAYLOAD, Country, assert_passed, module

pytestmark = pytest.mark.filterwarnings("ignore")


def _context(country: Country) -> Any:
    certvalidator = module("pyhanko_certvalidator")
    x509 = module("asn1crypto.x509")
    return certvalidator.ValidationContext(
        trust_roots=[x509.Certificate.load(country.pki.root.certificate.der)],
        other_certs=[x509.Certificate.load(country.pki.issuing.certificate.der)],
        allow_fetching=False,
    )


@pytest.mark.parametrize("packaging", ["attached", "detached"])
def test_pyhanko_accepts_ours(country: Country, packaging: str) -> None:
    validation = module("pyhanko.sign.validation")
    cms = module("asn1crypto.cms")
    module("asn1crypto.tsp")
    signed = country.person.sign(PAYLOAD, format="cades", packaging=packaging)
    data = cms.ContentInfo.load(signed)["content"]
    if packaging == "detached":
        status = asyncio.run(
            validation.async_validate_detached_cms(
                BytesIO(PAYLOAD), data, signer_validation_context=_context(country)
            )
        )
    else:
        generic = module("pyhanko.sign.validation.generic_cms")
        status = asyncio.run(
            generic.async_validate_cms_signature(data, validation_context=_context(country))
        )
    assert status.intact
    assert status.valid
    assert status.trusted


@pytest.mark.parametrize("detached", [False, True])
@pytest.mark.parametrize("cades", [False, True])
def test_we_accept_pyhanko(country: Country, detached: bool, cades: bool) -> None:
    signers = module("pyhanko.sign.signers")
    signer = signers.SimpleSigner.load(
        str(country.key), str(country.certificate), ca_chain_files=(str(country.issuing),)
    )
    made = asyncio.run(
        signer.async_sign_general_data(PAYLOAD, "sha256", detached=detached, use_cades=cades)
    )
    report = country.verify(made.dump(), detached=[PAYLOAD] if detached else ())
    assert_passed(report)
    assert report.only.signing_certificate_der == country.person.certificate_der
