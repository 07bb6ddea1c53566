"""Traps that Kazakh files set, one test each; the samples themselves are in test_kz_samples."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from typing import Any

import pytest

import esign_kit as ek
from esign_kit.asn1.certificate import Certificate, load_certificates
from esign_kit.testing import FixturePKI
from tests.corpora import national

NOW = datetime(2026, 8, 20, tzinfo=UTC)
STAMPED = "gost2015_individual_attached_tsp.der"


def sample(*parts: str) -> bytes:
    return national("kz", *parts).read_bytes()


def both() -> Any:
    return ek.profile("kz:test").with_anchors(ek.profile("kz").trust)


def crls() -> list[bytes]:
    return [path.read_bytes() for path in sorted(national("kz", "crl").iterdir())]


def no_revocation(profile: Any) -> ek.ValidationPolicy:
    return profile.policy.with_(
        revocation=ek.Revocation.NOT_CHECKED, revocation_for_timestamps=ek.Revocation.NOT_CHECKED
    )


def test_two_roots_of_one_name_are_told_apart_by_their_key() -> None:
    anchors = [anchor.certificate for anchor in ek.profile("kz").trust]
    old, new = (
        next(
            c
            for c in anchors
            if c.label == "НЕГІЗГІ КУӘЛАНДЫРУШЫ ОРТАЛЫҚ (RSA)" and year in c.not_before
        )
        for year in (b"2015", b"2020")
    )
    assert old.spki != new.spki
    issuing = next(c for c in anchors if "(RSA) 2022" in c.label)
    for roots, found in (([old], False), ([new], True), ([old, new], True)):
        answer = ek.validate_certificate(
            issuing.der,
            trust=ek.TrustStore([c.der for c in roots]),
            policy=no_revocation(ek.profile("kz")),
            at=NOW,
            purpose=ek.Purpose.ANY,
        )
        assert (answer.check("certificate-chain").status == "PASSED") is found


def test_two_spellings_of_one_authority_stay_two() -> None:
    labels = {anchor.certificate.label for anchor in ek.profile("kz:test").trust}
    assert "ҰКО 3.0 (RSA TEST)" in labels
    assert "ҰҚО 3.0 (RSA TEST)" in labels


@pytest.mark.parametrize(
    ("surname", "given", "patronymic"),
    [
        ("Ким", "Виктория", "Олеговна"),
        ("Қасымов", "Нұрлан", None),
        ("Smith", "Anna Maria Lee", None),
    ],
)
def test_given_name_and_patronymic(surname: str, given: str, patronymic: str | None) -> None:
    pki = FixturePKI("kz", key="ec")
    entity = pki.person(surname=surname, given_name=given, patronymic=patronymic)
    person = ek.describe(entity.certificate).person
    assert person is not None
    assert person.name is not None
    assert person.name.family == surname.upper()
    assert person.name.given == given.upper()
    assert person.name.patronymic == (patronymic.upper() if patronymic else None)


def test_test_identities_fail_their_check_digit_and_still_verify_under_test_anchors() -> None:
    report = ek.verify(sample("cms", STAMPED), profile=both(), evidence=crls(), at=NOW)
    assert report.indication == "TOTAL_PASSED"
    who = ek.identify(report.only, profile=both())
    assert who.identifier is not None
    assert "check-digit" in who.identifier.derived.findings
    assert any("test identity" in note for note in who.notes)


def test_key_encipherment_beside_non_repudiation_is_a_signing_key() -> None:
    report = ek.verify(
        sample("cms", "two_signers_gost2015_rsa_attached.der"), profile="kz:test", at=NOW
    )
    der = next(s for s in report if s.algorithm.startswith("GOST3410")).signing_certificate_der
    view = Certificate.load(der or b"")
    assert {"content_commitment", "key_encipherment"} <= (view.key_usage or frozenset())
    assert "SIGNING" in ek.describe(view).purposes


def test_production_verifier_does_not_know_test_keys() -> None:
    report = ek.verify(sample("cms", STAMPED), profile="kz", evidence=crls(), at=NOW)
    assert report.sub_indication == "NO_CERTIFICATE_CHAIN_FOUND"
    with pytest.raises(ek.SignatureRejected):
        ek.identify(report.only, profile=ek.profile("kz"))


def test_token_of_another_family_than_the_signer() -> None:
    report = ek.verify(
        sample("cms", "gost2015_ceo_attached_tsp_gost2004tsa.der"),
        profile="kz:test",
        evidence=crls(),
        at=NOW,
    )
    assert report.only.algorithm == "GOST3410-STREEBOG-512"
    (stamp,) = report.only.timestamps
    assert stamp.indication == "TOTAL_PASSED"


def test_negative_serial_in_a_token() -> None:
    report = ek.verify(sample("tsp", "tsp_token_prod_gost2004_2020.der"), profile="kz", at=NOW)
    (stamp,) = report.only.timestamps
    assert stamp.serial is not None
    assert stamp.serial < 0
    assert stamp.token_intact is True


def test_delta_list_below_its_base_says_nothing() -> None:
    with ek.Pkcs12.open(
        national("kz", "p12", "2026_gost2015_can_sign.p12"), password="Qwerty12"
    ) as s:
        (key,) = s.keys()
    for evidence in (
        [sample("crl", "nca_gost2022_d_test_2025.crl")],
        [sample("crl", "nca_gost2022_test_2025.crl")],  # past its nextUpdate
    ):
        answer = ek.validate_certificate(
            key.certificate,
            trust=ek.profile("kz:test").trust,
            evidence=evidence,
            policy=ek.profile("kz").policy,
            at=NOW,
        )
        assert answer.sub_indication == "TRY_LATER"


def test_empty_list_is_no_evidence_and_no_crash() -> None:
    report = ek.verify(sample("cms", STAMPED), profile=both(), evidence=[b""], at=NOW)
    assert report.sub_indication == "TRY_LATER"
    assert report.only.check("revocation").status == "INDETERMINATE"


def test_serial_that_was_never_issued_is_revoked_at_1970_with_hold() -> None:
    from esign_kit.asn1.revocation import OcspResponse

    response = OcspResponse.load(sample("ocsp", "ocsp_response_individual_2015.bin"))
    (single,) = response.responses
    assert (single.status, single.revoked_at[:4], single.reason) == ("revoked", b"1970", 6)


def test_hold_since_1970_does_not_pass() -> None:
    pki = FixturePKI("kz", key="ec")
    entity = pki.person()
    pki.hold(entity, at="1970-01-01")
    report = ek.verify(
        entity.sign(b"x", format="cades", packaging="enveloping"),
        profile=pki.profile,
        evidence=[pki.ocsp(entity)],
        at=pki.now,
    )
    assert report.indication != "TOTAL_PASSED"
    assert report.only.check("revocation").status != "PASSED"


@pytest.mark.parametrize("remove", ["certificates", "signers"])
def test_cms_without_signers_or_certificates(remove: str) -> None:
    asn1crypto = pytest.importorskip("asn1crypto.cms")
    content = asn1crypto.ContentInfo.load(sample("cms", "rsa_individual_attached.der"))
    data = content["content"]
    if remove == "signers":
        data["signer_infos"] = []
    else:
        data["certificates"] = None
    try:
        report = ek.verify(content.dump(force=True), profile="kz:test", at=NOW)
    except ek.InputError:
        assert remove == "signers"
        return
    assert report.indication != "TOTAL_PASSED"
    if remove == "certificates":
        assert report.sub_indication == "NO_SIGNING_CERTIFICATE_FOUND"


def test_all_wrappings_of_one_cms() -> None:
    der = sample("cms", STAMPED)
    text = base64.b64encode(der)
    lines = b"\r\n".join(text[i : i + 64] for i in range(0, len(text), 64))
    pem = b"-----BEGIN CMS-----\n" + lines + b"\n-----END CMS-----\n"
    wrappings = {
        "der": der,
        "base64": text,
        "base64 with CRLF": lines,
        "pem CMS": pem,
        "pem PKCS7": pem.replace(b"CMS", b"PKCS7"),
        "base64 of pem": base64.b64encode(pem),
    }
    for name, octets in wrappings.items():
        report = ek.verify(octets, profile=both(), evidence=crls(), at=NOW)
        assert report.indication == "TOTAL_PASSED", name


def test_employee_is_refused_with_the_role_named() -> None:
    pki = FixturePKI("kz", key="ec")
    clerk = pki.employee(role="employee")
    report = ek.verify(
        clerk.sign(b"x", format="cades", packaging="enveloping"),
        profile=pki.profile,
        evidence=pki.evidence(),
        at=pki.now,
    )
    who = ek.identify(report.only, profile=pki.profile)
    assert who.acting_for is not None
    decision = who.may("kz:sign", on_behalf_of=who.acting_for.grantor)
    assert decision.code == "mandate-right"
    assert decision.mandate is not None
    assert "employee" in decision.mandate.title


def test_role_and_right_end_with_the_certificate() -> None:
    pki = FixturePKI("kz", key="ec")
    report = ek.verify(
        pki.near_miss("expired", holder="employee", role="head").sign(
            b"x", format="cades", packaging="enveloping"
        ),
        profile=pki.profile,
        evidence=pki.evidence(),
        at=pki.now,
    )
    assert not report.only.passed


def test_unknown_identifiers_appear_dotted() -> None:
    report = ek.verify(sample("cms", STAMPED), profile="kz:test", at=NOW)
    policies = ek.describe(report.only.signing_certificate_der).policies
    assert policies == ("1.2.398.3.3.2",)


def test_a_malformed_distribution_point_is_no_crash() -> None:
    (authority,) = load_certificates(sample("ca", "prod", "nca_gost.pem"))
    assert any("URL=" in url or " " in url for url in authority.crl_urls)
    answer = ek.validate_certificate(
        authority.der,
        trust=ek.TrustStore([sample("ca", "prod", "root_gost.pem")]),
        policy=ek.ValidationPolicy(),
        at=datetime(2020, 6, 1, tzinfo=UTC),
        purpose=ek.Purpose.ANY,
    )
    assert answer.sub_indication == "TRY_LATER"
