"""What we sign for a country has its shape, verifies under its profile, and names its signer."""

from __future__ import annotations

import pytest

import esign_kit as ek
from esign_kit.testing import FixturePKI

XML = "<өтініш><сома>1500</сома></өтініш>".encode()
COUNTRIES = ("kz", "uz", "mk", "vn", "az", "eidas")


@pytest.fixture(scope="module", params=COUNTRIES)
def pki(request: pytest.FixtureRequest) -> FixturePKI:
    return FixturePKI(request.param, key=None if request.param == "uz" else "ec")


@pytest.mark.parametrize("packaging", ["enveloping", "detached"])
def test_cades(pki: FixturePKI, packaging: str) -> None:
    document = ek.Document(b"application", name="application.json")
    signed = pki.person().sign(document, format="cades", packaging=packaging, profile=pki.profile)
    report = ek.verify(
        signed,
        detached=[document] if packaging == "detached" else [],
        profile=pki.profile,
        evidence=pki.evidence(),
        at=pki.now,
    )
    assert report.indication == "TOTAL_PASSED", report.only.checks
    assert report.only.level == "CAdES-BASELINE-B"
    assert ek.identify(report.only, profile=pki.profile).identifier is not None


def test_xades(pki: FixturePKI) -> None:
    if pki.country.code == "UZ":
        # No XML identifier of O'z DSt algorithms is known; that is said, not guessed.
        with pytest.raises(ek.UnsupportedError):
            pki.person().sign(XML, format="xades", packaging="enveloped", profile=pki.profile)
        return
    signed = pki.person().sign(XML, format="xades", packaging="enveloped", profile=pki.profile)
    report = ek.verify(signed, profile=pki.profile, evidence=pki.evidence(), at=pki.now)
    assert report.indication == "TOTAL_PASSED", report.only.checks
    assert report.only.level == "XAdES-BASELINE-B"
    if pki.country.code == "KZ":
        assert b"REC-xml-c14n-20010315#WithComments" in signed
        assert b"enveloped-signature" in signed


@pytest.mark.parametrize("key", ["gost-2015", "gost-2004", "rsa"])
def test_kazakh_keys_of_the_country(key: str) -> None:
    pki = FixturePKI("kz", key=key)
    for format, packaging, data in (("cades", "enveloping", b"x"), ("xades", "enveloped", XML)):
        signed = pki.employee(role="head").sign(
            data, format=format, packaging=packaging, profile=pki.profile
        )
        report = ek.verify(signed, profile=pki.profile, evidence=pki.evidence(), at=pki.now)
        assert report.indication == "TOTAL_PASSED", report.only.checks
        who = ek.identify(report.only, profile=pki.profile, minimum=ek.Assurance.SUBSTANTIAL)
        assert who.organisation is not None


def test_exact_national_forms_are_not_etsi() -> None:
    uz = FixturePKI("uz")
    signed = uz.person().sign(
        b"x", format="cades", packaging="enveloping", profile_conventions="uz"
    )
    report = ek.verify(signed, profile=uz.profile, evidence=uz.evidence(), at=uz.now)
    assert (report.indication, report.only.level) == ("TOTAL_PASSED", "CMS-NOT-ETSI")
    kz = FixturePKI("kz", key="ec")
    signed = kz.person().sign(XML, format="xades", packaging="enveloped", profile_conventions="kz")
    report = ek.verify(signed, profile=kz.profile, evidence=kz.evidence(), at=kz.now)
    assert (report.indication, report.only.level) == ("TOTAL_PASSED", "XML-NOT-ETSI")
