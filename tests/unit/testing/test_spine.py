"""Factory, signing and verification together: what is good passes, near misses do not."""

from __future__ import annotations

import pytest

import esign_kit as ek
from esign_kit.model.evidence import FetchPurpose
from esign_kit.testing import FixturePKI

WAYS = [("cades", "attached", b"payload"), ("xades", "enveloped", "<өтініш/>".encode())]


@pytest.mark.parametrize("country", ["xx", "eidas", "kz"])
@pytest.mark.parametrize(("format", "packaging", "data"), WAYS)
def test_a_director_signs(country: str, format: str, packaging: str, data: bytes) -> None:
    pki = FixturePKI(country, at="2026-03-01")
    director = pki.employee(person="900101300017", organization="150240000006", role="head")
    signed = director.sign(data, format=format, packaging=packaging)
    report = ek.verify(signed, profile=pki.profile, fetcher=pki, at=pki.now)
    assert report.indication is ek.Indication.TOTAL_PASSED
    assert report.only.signing_time == pki.now
    who = ek.identify(report.only, profile=pki.profile)
    assert "900101300017" in who.person.identifier.value
    pki.revoke(director, at="2026-03-02")
    pki.travel_to("2026-03-03")
    report = ek.verify(signed, profile=pki.profile, fetcher=pki, at=pki.now)
    assert report.only.sub_indication is ek.SubIndication.REVOKED_NO_POE


@pytest.mark.parametrize(
    # In the others a certificate that names an organisation is no mandate for it.
    ("country", "mandate"),
    [("uz", True), ("mk", False), ("az", True), ("vn", False), ("eidas", False), ("kz", True)],
)
def test_each_country_names_its_people(country: str, mandate: bool) -> None:
    pki = FixturePKI(country)
    for holder in (pki.person(), pki.employee(role="head"), pki.organisation()):
        report = ek.verify(
            holder.sign(b"payload"), profile=pki.profile, evidence=pki.evidence(), at=pki.now
        )
        assert report.indication is ek.Indication.TOTAL_PASSED
        who = ek.identify(report.only, profile=pki.profile)
        number = holder.values["person"] or holder.values["organisation"]
        found = (who.person or who.organisation).identifier
        assert found.value.endswith(number)
        if holder.kind == "employee":
            assert (who.organisation is not None) is mandate
            if mandate:
                assert who.organisation.identifier.value == holder.values["organisation"]


NOT_PASSING = {
    "expired": "OUT_OF_BOUNDS_NO_POE",
    "not-yet-valid": "OUT_OF_BOUNDS_NO_POE",
    "revoked": "REVOKED_NO_POE",
    "on-hold": "TRY_LATER",
    "wrong-usage": "CHAIN_CONSTRAINTS_FAILURE",
    "never-issued": "TRY_LATER",
    "forged": "NO_CERTIFICATE_CHAIN_FOUND",
    "weak-key": "CRYPTO_CONSTRAINTS_FAILURE_NO_POE",
    "sha1": "CRYPTO_CONSTRAINTS_FAILURE_NO_POE",
    "other-country": "NO_CERTIFICATE_CHAIN_FOUND",
}


@pytest.mark.parametrize("kind", NOT_PASSING)
def test_near_misses_do_not_pass(kind: str) -> None:
    pki = FixturePKI()
    # A CRL cannot know what was never issued; an OCSP responder can.
    pki.unreachable.add(FetchPurpose.CRL)
    signed = pki.near_miss(kind).sign(b"payload")
    report = ek.verify(signed, trust=pki.trust, fetcher=pki, at=pki.now)
    assert report.indication is not ek.Indication.TOTAL_PASSED
    assert str(report.only.sub_indication) == NOT_PASSING[kind]


def test_somebody_elses_key_is_refused_before_anything_is_made() -> None:
    with pytest.raises(ek.SigningError):
        FixturePKI().near_miss("other-key").sign(b"payload")


def test_offline_with_evidence() -> None:
    pki = FixturePKI()
    signed = pki.person().sign(b"payload")
    report = ek.verify(signed, trust=pki.trust, evidence=pki.evidence(), at=pki.now)
    assert report.indication is ek.Indication.TOTAL_PASSED
    assert pki.requests == []


def test_a_country_that_is_asked_answers_as_of_its_own_day() -> None:
    pki = FixturePKI("kz", at="2026-03-01")
    director = pki.employee(person="900101300017", organization="150240000006", role="head")
    report = ek.verify(director.sign(b"payload"), profile=pki.profile, fetcher=pki)
    assert report.at == pki.now
    assert report.indication is ek.Indication.TOTAL_PASSED
    pki.revoke(director, at="2026-03-02")
    pki.travel_to("2026-03-03")
    report = ek.verify(director.sign(b"payload"), profile=pki.profile, fetcher=pki)
    assert report.only.sub_indication is ek.SubIndication.REVOKED_NO_POE
    state = ek.validate_certificate(director.certificate, trust=pki.trust, fetcher=pki)
    assert state.at == pki.now


def test_what_the_responder_does_not_know_is_told_beside_a_silent_crl() -> None:
    pki = FixturePKI()
    stranger = pki.near_miss("never-issued")
    evidence = (*pki.evidence(), pki.ocsp(stranger))
    report = ek.verify(stranger.sign(b"x"), trust=pki.trust, evidence=evidence, at=pki.now)
    (check,) = (item for item in report.checks if item.name == "revocation")
    assert "by CRL; did not count" in check.detail
    assert "does not know the certificate" in check.detail
