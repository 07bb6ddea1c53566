"""Countries in memory look like the real ones, and so do their mistakes."""

from __future__ import annotations

from typing import Any

import pytest

import esign_kit as ek
from esign_kit.testing import FixturePKI, der

EXPECTED = {
    # country: scheme of the person, of the organisation, has an employee a mandate, regime
    "kz": ("IIN", "BIN", True, "KZ"),
    "uz": ("PINFL", "STIR", True, "UZ"),
    "mk": ("EMBG", "EDB", False, "MK"),
    "vn": ("CCCD", "MST", False, "VN"),
    "az": ("FIN", "VOEN", True, "AZ"),
    "eidas": ("PNO", "NTR", False, "EU"),
}


@pytest.fixture(scope="module", params=sorted(EXPECTED))
def nation(request: pytest.FixtureRequest) -> tuple[str, FixturePKI]:
    return request.param, FixturePKI(request.param)


def identify(pki: FixturePKI, entity: Any, **options: Any) -> Any:
    report = ek.verify(
        entity.sign(b"application", format="cades", packaging="enveloping"),
        profile=pki.profile,
        evidence=pki.evidence(),
        at=pki.now,
    )
    assert report.indication == "TOTAL_PASSED", report.only.checks
    return ek.identify(report.only, profile=pki.profile, **options)


def test_person(nation: tuple[str, FixturePKI]) -> None:
    name, pki = nation
    who = identify(pki, pki.person(), minimum=ek.Assurance.SUBSTANTIAL)
    assert who.kind == "PERSON"
    assert who.identifier.scheme == EXPECTED[name][0]
    assert who.organisation is None
    assert who.assurance.regime == EXPECTED[name][3]
    assert who.identifier.value not in repr(who)


def test_organisation(nation: tuple[str, FixturePKI]) -> None:
    name, pki = nation
    who = identify(pki, pki.organisation())
    assert who.kind == "ORGANISATION"
    assert who.person is None
    assert who.identifier.scheme == EXPECTED[name][1]
    assert who.organisation.name


def test_employee(nation: tuple[str, FixturePKI]) -> None:
    name, pki = nation
    who = identify(pki, pki.employee(role="head"))
    assert who.kind == "PERSON"
    assert bool(who.mandates) is EXPECTED[name][2]
    if who.mandates:
        assert who.acting_for.role == "HEAD"
        assert who.organisation.identifier.scheme == EXPECTED[name][1]
    else:
        # Named in the certificate: an affiliation that gives no right.
        assert who.affiliation is not None
        assert who.affiliation.identified is (name != "vn")


@pytest.mark.parametrize("kind", ["expired", "revoked", "forged", "never-issued"])
def test_near_misses(nation: tuple[str, FixturePKI], kind: str) -> None:
    _, pki = nation
    entity = pki.near_miss(kind)
    evidence = [pki.ocsp(entity)] if kind == "never-issued" else pki.evidence()
    report = ek.verify(
        entity.sign(b"application", format="cades", packaging="enveloping"),
        profile=pki.profile,
        evidence=evidence,
        at=pki.now,
    )
    with pytest.raises(ek.SignatureRejected):
        ek.identify(report.only, profile=pki.profile)


@pytest.mark.parametrize("kind", ["two-numbers", "look-alike"])
def test_near_misses_of_identity_are_nobody(nation: tuple[str, FixturePKI], kind: str) -> None:
    _, pki = nation
    entity = pki.near_miss(kind)
    with pytest.raises(ek.IdentityError):
        ek.describe(entity.certificate, pki.profile)
    report = ek.verify(
        entity.sign(b"application", format="cades", packaging="enveloping"),
        profile=pki.profile,
        evidence=pki.evidence(),
        at=pki.now,
    )
    assert report.indication != "TOTAL_PASSED"
    assert report.only.check("certificate-chain").status == "PASSED"
    assert report.only.check("profile").status == "FAILED"


def test_an_organisation_with_a_name_only_gives_no_right(nation: tuple[str, FixturePKI]) -> None:
    _, pki = nation
    who = identify(pki, pki.near_miss("named-organisation", role="head"))
    assert who.mandates == ()
    assert who.organisation is None
    assert who.affiliation is None or not who.affiliation.identified


def test_company_named_but_not_identified() -> None:
    pki = FixturePKI("uz")
    rows = [
        ("2.5.4.3", "SINOVA SINOV", der.UTF8),
        ("2.5.4.10", '"SINOV" MCHJ', der.UTF8),
        ("2.5.4.12", "DIREKTOR", der.UTF8),
        ("2.5.4.6", "UZ", der.PRINTABLE),
        ("1.2.860.3.16.1.2", "61508030000012", der.UTF8),
    ]
    who = identify(pki, pki.issue("person", subject=der.name(rows)))
    assert who.mandates == ()
    assert who.affiliation is not None
    assert not who.affiliation.identified
    assert "named, not identified" in " ".join(who.notes)


def test_without_a_personal_number_the_tax_number_is_all_there_is() -> None:
    pki = FixturePKI("uz")
    rows = [
        ("2.5.4.3", "TEST", der.UTF8),
        ("2.5.4.6", "UZ", der.PRINTABLE),
        ("0.9.2342.19200300.100.1.1", "512345678", der.UTF8),
    ]
    who = identify(pki, pki.issue("person", subject=der.name(rows)))
    assert who.identifier == ek.Identifier("UZ", "STIR", "512345678")


@pytest.mark.parametrize(
    ("country", "row"),
    [
        ("mk", ("2.5.4.5", "4F2A99", der.PRINTABLE)),  # an opaque number of the CA's own
        ("mk", ("2.5.4.5", "TINMK-4030000375897", der.PRINTABLE)),
        ("az", ("2.5.4.5", "5VBK5VR", der.PRINTABLE)),
        ("vn", ("0.9.2342.19200300.100.1.1", "XYZ:001090000001", der.UTF8)),
        ("vn", ("0.9.2342.19200300.100.1.1", "001090000001", der.UTF8)),
    ],
)
def test_what_the_profile_does_not_know_is_no_identifier(
    country: str, row: tuple[str, str, int]
) -> None:
    pki = FixturePKI(country)
    subject = der.name(
        [("2.5.4.6", country.upper(), der.PRINTABLE), ("2.5.4.3", "X", der.UTF8), row]
    )
    described = ek.describe(pki.issue("person", subject=subject).certificate, pki.profile)
    assert described.identifiers == ()
    assert described.assurance.identity == "NONE"


def test_untidy_prefix_in_viet_nam() -> None:
    pki = FixturePKI("vn")
    uid = "0.9.2342.19200300.100.1.1"
    subject = der.name([("2.5.4.6", "VN", der.PRINTABLE), (uid, "cccd : 001090000001", der.UTF8)])
    described = ek.describe(pki.issue("person", subject=subject).certificate)
    assert described.identifier == ek.Identifier("VN", "CCCD", "001090000001")


def test_the_number_of_one_country_means_nothing_under_another() -> None:
    kz, vn = FixturePKI("kz", key="ec"), FixturePKI("vn", key="ec")
    report = ek.verify(
        kz.person().sign(b"x", format="cades", packaging="enveloping"),
        trust=kz.trust | vn.trust,
        evidence=kz.evidence(),
        at=kz.now,
    )
    assert report.indication == "TOTAL_PASSED"
    with pytest.raises(ek.IdentityError) as caught:
        ek.identify(report.only, profile=vn.profile)
    assert caught.value.code == "identity.foreign-anchor"
