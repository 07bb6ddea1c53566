"""Every file of Uzbekistan gives the outcome that its manifest states."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

import esign_kit as ek
from tests.corpora import national

AT = datetime(2026, 6, 1, tzinfo=UTC)
PERSON, ORGANISATION_HOLDER, STIR = "30101900000004", "61508030000012", "301234567"


def uz() -> Any:
    """The country's rules over the anchors of the synthetic test PKI."""
    return ek.profile("uz").with_trust(
        ek.TrustStore.from_path(national("uz", "synthetic", "root.cer"))
    )


def verify(name: str, **options: Any) -> ek.VerificationReport:
    profile = uz()
    return ek.verify(
        national("uz", "synthetic", name),
        profile=profile,
        policy=profile.policy.with_(revocation=ek.Revocation.NOT_CHECKED),
        certificates=[national("uz", "synthetic", "ca.cer")],
        at=AT,
        **options,
    )


def test_no_file_of_the_manifest_is_forgotten() -> None:
    manifest = json.loads(national("uz", "synthetic", "manifest.json").read_text("utf-8"))
    assert set(manifest["expect"]) == set(_GOOD) | set(_BAD)


_GOOD = {
    "attached_person.p7": ("OZDST1092-GOST34311-CP", [(PERSON, None)]),
    "attached_person_ber.p7": ("OZDST1092-GOST34311-CP", [(PERSON, None)]),
    "detached_org.p7": ("OZDST1092-GOST34311-CP", [(ORGANISATION_HOLDER, STIR)]),
    "attached_two_signers_ber.p7": (
        "OZDST1092-GOST34311-CP",
        [(PERSON, None), (ORGANISATION_HOLDER, STIR)],
    ),
    "attached_ozmst.p7": ("OZMST286-GOST34311-CP-2024", [(ORGANISATION_HOLDER, STIR)]),
    "attached_paramset_1_2.p7": ("OZDST1092-GOST34311-CP", [(PERSON, None)]),
    "auth_challenge.p7": ("OZDST1092-GOST34311-CP", [(ORGANISATION_HOLDER, STIR)]),
}
_BAD = {
    "bad_content.p7": ("TOTAL_FAILED", "HASH_FAILURE"),
    "bad_signature.p7": ("TOTAL_FAILED", "SIG_CRYPTO_FAILURE"),
    "bad_chain_self_issued.p7": ("INDETERMINATE", "NO_CERTIFICATE_CHAIN_FOUND"),
}


@pytest.mark.parametrize("name", sorted(_GOOD))
def test_good(name: str) -> None:
    algorithm, signers = _GOOD[name]
    detached = []
    if name.startswith("detached"):
        detached = [ek.Document.from_path(national("uz", "synthetic", "document.bin"))]
    report = verify(name, detached=detached)
    assert report.indication == "TOTAL_PASSED", report.checks
    assert {signature.algorithm for signature in report} == {algorithm}
    # Without a signing-certificate attribute it is CMS, and no CAdES.
    assert {signature.level for signature in report} == {"CMS-NOT-ETSI"}
    found = []
    for signature in report:
        who = ek.identify(signature, profile=uz(), minimum=ek.Assurance.SUBSTANTIAL)
        assert who.person is not None
        assert who.person.identifier is not None
        assert who.person.identifier.scheme == "PINFL"
        organisation = who.organisation.identifier if who.organisation else None
        found.append((who.person.identifier.value, organisation.value if organisation else None))
    assert found == signers


@pytest.mark.parametrize("name", sorted(_BAD))
def test_bad(name: str) -> None:
    report = verify(name)
    assert (report.indication, report.sub_indication) == _BAD[name]
    with pytest.raises(ek.SignatureRejected):
        ek.identify(report.only, profile=uz())


def test_the_bad_chain_has_a_right_signature() -> None:
    assert verify("bad_chain_self_issued.p7").only.check("signature-value").status == "PASSED"


def test_challenge_content_is_the_challenge() -> None:
    (scope,) = verify("auth_challenge.p7").only.signed
    assert scope.octets is not None
    assert len(scope.octets) == 36


def test_real_issuing_centre_chains_to_the_built_in_root() -> None:
    policy = ek.profile("uz").policy.with_(revocation=ek.Revocation.NOT_CHECKED)
    for at, passes in ((datetime(2020, 6, 1, tzinfo=UTC), True), (AT, False)):
        answer = ek.validate_certificate(
            national("uz", "certs", "uz_ca_e-imzo_2018_2022.cer"),
            trust=ek.profile("uz").trust,
            policy=policy,
            at=at,
            purpose=ek.Purpose.ANY,
        )
        assert (answer.indication == "TOTAL_PASSED") is passes


def test_certificate_of_another_authority_is_of_an_unknown_issuer() -> None:
    answer = ek.validate_certificate(
        national("uz", "certs", "uz_mvd_endentity_paramset_1_2.cer"),
        trust=ek.profile("uz").trust,
        policy=ek.profile("uz").policy,
        at=AT,
        purpose=ek.Purpose.ANY,
    )
    assert answer.sub_indication == "NO_CERTIFICATE_CHAIN_FOUND"


def test_synthetic_keys_are_nobody_under_the_production_root() -> None:
    report = ek.verify(national("uz", "synthetic", "attached_person.p7"), profile="uz", at=AT)
    assert report.sub_indication == "NO_CERTIFICATE_CHAIN_FOUND"


# ── traps ─────────────────────────────────────────────────────────────────────────────────────


def test_placeholders_make_no_organisation() -> None:
    subject = ek.describe(national("uz", "synthetic", "person.cer"))
    assert subject.organisation is None
    assert subject.mandates == ()
    assert not any(role.name == "title" for role in subject.roles)


def test_the_organisation_is_known_by_its_own_attribute_only() -> None:
    subject = ek.describe(national("uz", "synthetic", "org.cer"))
    assert subject.kind == "PERSON"
    (mandate,) = subject.mandates
    assert mandate.grantor == ek.Identifier("UZ", "STIR", STIR)
    assert mandate.holder == ek.Identifier("UZ", "PINFL", ORGANISATION_HOLDER)
    assert mandate.source == "ORGANISATION_KEY"
    assert mandate.role == "HEAD"
    # The holder's own tax number is a link and neither the person nor the organisation.
    assert subject.person is not None
    (link,) = subject.person.links
    assert link == ek.Identifier("UZ", "STIR", "498765432")


@pytest.mark.parametrize("name", ["person", "org", "org_ozmst", "person_paramset_1_2"])
def test_birth_date_and_sex_come_from_the_number_and_say_so(name: str) -> None:
    person = ek.describe(national("uz", "synthetic", f"{name}.cer")).person
    assert person is not None
    assert person.birth_date is not None
    assert person.birth_date.provenance.source == "DERIVED"
    assert str(person.birth_date.value) not in repr(person)
