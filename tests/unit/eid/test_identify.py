"""From a report to a principal, and what is refused on the way."""

from __future__ import annotations

import json
import pickle
from datetime import timedelta
from typing import Any

import pytest

import esign_kit as ek
from esign_kit.testing import FixturePKI


@pytest.fixture(scope="module")
def pki() -> FixturePKI:
    return FixturePKI("kz", key="ec")


def report_of(pki: FixturePKI, entity: Any, **options: Any) -> ek.SignatureReport:
    if "authentication_key" in options:
        entity_options = {"authentication_key": options.pop("authentication_key")}
    else:
        entity_options = {}
    signed = entity.sign(b"application", format="cades", packaging="enveloping", **entity_options)
    options.setdefault("profile", pki.profile)
    return ek.verify(signed, evidence=pki.evidence(), at=pki.now, **options).only


def test_head_of_an_organisation(pki: FixturePKI) -> None:
    head = pki.employee(person="900101300017", organisation="000740000728", role="head")
    who = ek.identify(report_of(pki, head), profile=pki.profile, minimum=ek.Assurance.SUBSTANTIAL)
    assert who.kind == "PERSON"
    assert who.person is not None
    assert who.person.identifier == ek.Identifier("KZ", "IIN", "900101300017")
    assert who.organisation is not None
    assert who.organisation is who.organization
    assert who.organisation.identifier == ek.Identifier("KZ", "BIN", "000740000728")
    assert who.at == pki.now
    (proof,) = who.established_by
    assert proof.kind == "SIGNATURE"
    decision = who.may("kz:sign", on_behalf_of=who.organisation.identifier)
    assert decision.granted
    assert decision.mandate is not None
    assert decision.mandate.role == "HEAD"
    with pytest.raises(TypeError, match="truth value"):
        bool(decision)
    data = json.loads(json.dumps(who.to_dict()))
    assert data["person"]["identifiers"][0]["value"] == "900101300017"
    assert "900101300017" not in f"{who} {who!r} {decision!r}"
    assert pickle.loads(pickle.dumps(who)) == who


def test_a_deployer_maps_roles_to_its_own_rights_and_it_shows(pki: FixturePKI) -> None:
    profile = pki.profile.with_rights("head", ["labour:submit"])
    head = pki.employee(role="head")
    who = ek.identify(report_of(pki, head), profile=profile)
    assert who.acting_for is not None
    assert who.may("labour:submit", on_behalf_of=who.acting_for.grantor).granted
    assert any("rights of head" in note for note in who.notes)
    clerk = ek.identify(report_of(pki, pki.employee(role="employee")), profile=profile)
    assert clerk.acting_for is not None
    refused = clerk.may("labour:submit", on_behalf_of=clerk.acting_for.grantor)
    assert (refused.granted, refused.code) == (False, "mandate-right")


def test_citizen_acts_for_itself_and_for_nobody_else(pki: FixturePKI) -> None:
    who = ek.identify(report_of(pki, pki.person()), profile=pki.profile)
    assert who.organisation is None
    assert who.may("labour:submit").granted
    other = ek.Identifier("KZ", "BIN", "000740000728")
    assert who.may("labour:submit", on_behalf_of=other).code == "mandate-missing"


def test_the_mandate_ends_with_the_certificate(pki: FixturePKI) -> None:
    head = pki.employee(role="head")
    who = ek.identify(report_of(pki, head), profile=pki.profile)
    assert who.acting_for is not None
    end = who.acting_for.valid_until
    assert end is not None
    target = who.acting_for.grantor
    assert who.may("kz:sign", on_behalf_of=target, at=end - timedelta(seconds=1)).granted
    assert who.may("kz:sign", on_behalf_of=target, at=end).code == "mandate-time"


def test_organisation_and_system_have_no_person(pki: FixturePKI) -> None:
    office = ek.identify(report_of(pki, pki.organisation()), profile=pki.profile)
    assert (office.kind, office.person) == ("ORGANISATION", None)
    system = ek.identify(report_of(pki, pki.system()), profile=pki.profile)
    assert (system.kind, system.person) == ("SYSTEM", None)
    assert system.system is not None


@pytest.mark.parametrize(
    "kind", ["expired", "revoked", "on-hold", "never-issued", "forged", "other-country"]
)
def test_near_misses_are_nobody(pki: FixturePKI, kind: str) -> None:
    entity = pki.near_miss(kind)
    signed = entity.sign(b"application", format="cades", packaging="enveloping")
    # A CRL cannot tell that a serial was never issued; the responder can.
    evidence = [pki.ocsp(entity)] if kind == "never-issued" else pki.evidence()
    report = ek.verify(signed, profile=pki.profile, evidence=evidence, at=pki.now).only
    assert not report.passed
    with pytest.raises(ek.SignatureRejected) as caught:
        ek.identify(report, profile=pki.profile)
    assert caught.value.report is report


def test_with_another_persons_key_nothing_is_even_made(pki: FixturePKI) -> None:
    with pytest.raises(ek.SigningError):
        pki.near_miss("other-key").sign(b"x", format="cades", packaging="enveloping")


def test_a_login_key_signs_nothing(pki: FixturePKI) -> None:
    login = pki.person(purpose="AUTHENTICATION")
    report = report_of(pki, login, authentication_key=True)
    assert not report.passed
    loose = ek.ValidationPolicy().with_(revocation=ek.Revocation.NOT_CHECKED)
    passed = report_of(
        pki, login, profile=None, trust=pki.trust, policy=loose, authentication_key=True
    )
    assert passed.passed
    with pytest.raises(ek.IdentityError) as caught:
        ek.identify(passed, profile=pki.profile)
    assert caught.value.code == "identity.purpose"


def test_a_scheme_is_bound_to_its_own_anchors(pki: FixturePKI) -> None:
    """A chain that ends elsewhere may be trusted for signatures, and still not give out IINs."""
    report = report_of(pki, pki.person(), profile=None, trust=pki.trust)
    assert report.passed
    with pytest.raises(ek.IdentityError) as caught:
        ek.identify(report, profile=ek.profile("kz"))
    assert caught.value.code == "identity.foreign-anchor"
    own = ek.profile("kz").with_anchors(pki.trust)
    assert any("anchors added" in note for note in ek.identify(report, profile=own).notes)


def test_published_test_identities_are_nobody_in_production(pki: FixturePKI) -> None:
    test = pki.person("123456789011")
    report = report_of(pki, test)
    assert ek.identify(report, profile=pki.profile).identifier is not None
    production = ek.profile("kz").with_anchors(pki.trust)
    with pytest.raises(ek.IdentityError) as caught:
        ek.identify(report, profile=production)
    assert caught.value.code == "identity.test-identity"


def test_minimum(pki: FixturePKI) -> None:
    report = report_of(pki, pki.person())
    with pytest.raises(ek.AssuranceError) as caught:
        ek.identify(report, profile=pki.profile, minimum=ek.Assurance.HIGH)
    assert caught.value.found.overall == "SUBSTANTIAL"
    qualified = ek.Assurance.demand(signature="QUALIFIED", regime="KZ")
    assert ek.identify(report, profile=pki.profile, minimum=qualified).assurance.regime == "KZ"
    with pytest.raises(ek.AssuranceError, match="law of KZ"):
        european = ek.Assurance.demand(signature="QUALIFIED", regime="EU")
        ek.identify(report, profile=pki.profile, minimum=european)


def test_an_override_is_visible_and_decides(pki: FixturePKI) -> None:
    report = report_of(pki, pki.person())
    strict = pki.profile.with_assurance("kz-key-file", authentication="LOW")
    who = ek.identify(report, profile=strict)
    assert who.assurance.overall == ek.Assurance.LOW
    assert any(reason.overridden for reason in who.assurance.reasons)
    assert any("kz-key-file" in note for note in who.notes)


def test_a_timestamp_is_no_signer(pki: FixturePKI) -> None:
    from dataclasses import replace

    report = replace(report_of(pki, pki.person()), format=ek.Format.TIMESTAMP)
    with pytest.raises(ek.IdentityError):
        ek.identify(report, profile=pki.profile)
