"""Every Kazakh sample file gives the outcome that is known of it, through the public surface.

Most certificates are expired and few of their CRLs are public: such files are judged at a time
within their validity and without revocation, and, at a later time, must not pass.
"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest

import esign_kit as ek
from tests.corpora import national

if TYPE_CHECKING:
    from pathlib import Path

NOW = datetime(2026, 8, 20, tzinfo=UTC)


def when(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def kz(*parts: str) -> Path:
    return national("kz", *parts)


@cache
def evidence() -> tuple[bytes, ...]:
    return tuple(path.read_bytes() for path in sorted(kz("crl").iterdir()))


def test_profile() -> Any:
    return ek.profile("kz", environment="test")


test_profile.__test__ = False  # type: ignore[attr-defined]


@cache
def both_environments() -> Any:
    """Test keys stamped by the production authority need both sets of anchors, by name."""
    return test_profile().with_anchors(ek.profile("kz").trust)


def lenient(profile: Any) -> ek.ValidationPolicy:
    return profile.policy.with_(
        revocation=ek.Revocation.NOT_CHECKED, revocation_for_timestamps=ek.Revocation.NOT_CHECKED
    )


# ── CMS ───────────────────────────────────────────────────────────────────────────────────────

INDIVIDUAL, HEAD = "individual", "head"


@pytest.mark.parametrize(
    ("name", "document", "proven"),
    [
        ("gost2015_individual_attached_tsp.der", None, "2026-07-20T09:08:07"),
        (
            "gost2015_individual_detached_tsp.der",
            "gost2015_individual_detached_tsp.document.txt",
            "2026-07-20T09:08:07",
        ),
        ("gost2015_ceo_attached_tsp.der", None, "2026-07-20T09:10:09"),
        ("gost2015_ceo_attached_tsp_gost2004tsa.der", None, "2025-02-24T19:23:14"),
    ],
)
def test_stamped_gost_2015_passes_with_its_crl(
    name: str, document: str | None, proven: str
) -> None:
    detached = [ek.Document.from_path(kz("cms", document))] if document else []
    report = ek.verify(
        kz("cms", name), detached=detached, profile=both_environments(), evidence=evidence(), at=NOW
    )
    assert report.indication == "TOTAL_PASSED", report.only.checks
    signature = report.only
    assert signature.algorithm == "GOST3410-STREEBOG-512"
    assert signature.best_signature_time == when(proven)
    who = ek.identify(signature, profile=both_environments(), minimum=ek.Assurance.SUBSTANTIAL)
    assert who.person is not None
    assert who.person.identifier == ek.Identifier("KZ", "IIN", "123456789011")
    if "ceo" in name:
        assert who.organisation is not None
        assert who.organisation.identifier == ek.Identifier("KZ", "BIN", "123456789021")
        assert who.may("kz:sign", on_behalf_of=who.organisation.identifier).granted
    else:
        assert who.organisation is None


def test_without_the_document_a_detached_signature_is_indeterminate() -> None:
    report = ek.verify(kz("cms", "gost2004_hr_detached_nodoc.pem"), profile=test_profile(), at=NOW)
    assert report.sub_indication == "SIGNED_DATA_NOT_FOUND"
    assert report.only.check("signature-value").status == "PASSED"


@pytest.mark.parametrize(
    ("name", "at", "algorithm"),
    [
        ("cms/gost2004_ceo_attached.der", "2020-08-01", "GOST34310-GOST34311-TEST"),
        ("cms/rsa_individual_attached.der", "2020-08-01", "RSA-SHA256"),
        ("xml/gost2004_ceo_enveloped.xml", "2020-08-01", "GOST34310-GOST34311-TEST"),
        ("xml/rsa_individual_enveloped.xml", "2020-08-01", "RSA-SHA256"),
    ],
)
def test_expired_chains_pass_in_their_time_and_are_indeterminate_later(
    name: str, at: str, algorithm: str
) -> None:
    policy = lenient(test_profile())
    path = kz(*name.split("/"))
    then = ek.verify(path, profile=test_profile(), policy=policy, at=when(at))
    assert then.indication == "TOTAL_PASSED", then.only.checks
    assert then.only.algorithm == algorithm
    later = ek.verify(path, profile=test_profile(), policy=policy, at=NOW)
    assert later.indication == "INDETERMINATE"
    assert later.sub_indication == "OUT_OF_BOUNDS_NO_POE"


@pytest.mark.parametrize(
    "name", ["cms/rsa_ceo_authkey_attached.der", "xml/rsa_ceo_authkey_enveloped.xml"]
)
def test_an_authentication_key_signs_no_document(name: str) -> None:
    report = ek.verify(
        kz(*name.split("/")),
        profile=test_profile(),
        policy=lenient(test_profile()),
        at=when("2020-08-01"),
    )
    assert report.indication != "TOTAL_PASSED"
    assert report.only.check("signature-value").status == "PASSED"
    check = report.only.check("profile")
    assert (check.status, check.code) == ("FAILED", "profile.key-purpose")
    with pytest.raises(ek.SignatureRejected):
        ek.identify(report.only, profile=test_profile())


def test_an_authentication_key_is_refused_even_where_a_loose_policy_let_it_pass() -> None:
    report = ek.verify(
        kz("cms", "rsa_ceo_authkey_attached.der"),
        trust=test_profile().trust,
        policy=ek.ValidationPolicy().with_(revocation=ek.Revocation.NOT_CHECKED),
        at=when("2020-08-01"),
    )
    assert report.indication == "TOTAL_PASSED"
    with pytest.raises(ek.IdentityError) as caught:
        ek.identify(report.only, profile=test_profile())
    assert caught.value.code == "identity.purpose"


def test_one_bad_signer_of_two_is_told_by_signer() -> None:
    report = ek.verify(
        kz("cms", "cosigned_detached_gost2004_BADSIG_plus_rsa.der"),
        detached=[
            ek.Document.from_path(
                kz("cms", "cosigned_detached_gost2004_BADSIG_plus_rsa.document.xml")
            )
        ],
        profile="kz",
        policy=lenient(ek.profile("kz")),
        at=when("2020-11-01"),
    )
    bad, good = report.signatures
    assert (bad.indication, bad.sub_indication) == ("TOTAL_FAILED", "SIG_CRYPTO_FAILURE")
    assert bad.check("reference-digest").status == "PASSED"
    for name in ("reference-digest", "signature-value", "timestamp"):
        assert good.check(name).status == "PASSED", good.check(name)
    assert report.indication == "TOTAL_FAILED"


@pytest.mark.parametrize("path", ["cms/two_signers_gost2015_rsa_attached.der"])
def test_two_signers_of_two_families(path: str) -> None:
    policy = lenient(test_profile())

    def read(at: str) -> tuple[Any, ...]:
        path_of = kz(*path.split("/"))
        return ek.verify(path_of, profile=test_profile(), policy=policy, at=when(at)).signatures

    by_time = {at: read(at) for at in ("2021-12-01", "2023-01-01")}
    for signatures in by_time.values():
        assert len(signatures) == 2
        for signature in signatures:
            assert signature.check("reference-digest").status == "PASSED"
            assert signature.check("signature-value").status == "PASSED"
    # No moment has both certificates in force: the RSA one ended before the other began.
    rsa = next(s for s in by_time["2021-12-01"] if s.algorithm.startswith("RSA"))
    gost = next(s for s in by_time["2023-01-01"] if s.algorithm.startswith("GOST3410"))
    assert rsa.indication == gost.indication == "TOTAL_PASSED"


def test_the_issuer_before_2018_is_unknown_and_not_a_bad_signature() -> None:
    policy = lenient(ek.profile("kz"))
    report = ek.verify(
        kz("cms", "gost2004_prodca_hr_attached_tsp2018.pem"), profile="kz", policy=policy, at=NOW
    )
    signature = report.only
    assert signature.check("signature-value").status == "PASSED"
    assert signature.check("reference-digest").status == "PASSED"
    assert report.indication == "INDETERMINATE"
    (stamp,) = signature.timestamps
    assert stamp.imprint_intact is True
    assert stamp.token_intact is True


def test_container_with_a_manifest() -> None:
    path = kz("cms", "ncamanifest_container_with_tsp.zip")
    policy = lenient(ek.profile("kz"))
    report = ek.verify(path, profile="kz", policy=policy, at=when("2021-05-04"))
    assert report.indication == "TOTAL_PASSED", report.only.checks
    assert [scope.name for scope in report.only.signed] == ["META-INF/NCAManifest.xml", "wsse.txt"]
    assert report.only.best_signature_time == when("2021-05-03T14:36:05")


# ── XML ───────────────────────────────────────────────────────────────────────────────────────


def test_two_xml_signatures_last_in_first_out() -> None:
    policy = lenient(test_profile())
    path = kz("xml", "two_signatures_rsa_then_gost2015.xml")
    early = ek.verify(path, profile=test_profile(), policy=policy, at=when("2021-12-01"))
    late = ek.verify(path, profile=test_profile(), policy=policy, at=when("2023-01-01"))
    assert [s.algorithm.split("-")[0] for s in early] == ["RSA", "GOST3410"]
    assert early.signatures[0].indication == "TOTAL_PASSED", early.signatures[0].checks
    assert late.signatures[1].indication == "TOTAL_PASSED", late.signatures[1].checks
    assert late.signatures[0].check("signature-value").status == "PASSED"


def test_wsse_covers_the_body_and_says_so() -> None:
    policy = lenient(test_profile())
    path = kz("xml", "wsse_soap_rsa.xml")
    at = when("2021-12-01")
    whole = ek.verify(path, profile=test_profile(), policy=policy, at=at)
    assert whole.only.check("signature-value").status == "PASSED"
    assert whole.only.check("coverage").status == "INDETERMINATE"
    assert whole.indication != "TOTAL_PASSED"
    part = policy.with_(coverage=ek.CoverageRule.ANY)
    report = ek.verify(path, profile=test_profile(), policy=part, at=at)
    assert report.indication == "TOTAL_PASSED", report.only.checks


def test_wsse_with_collapsed_blanks_fails_in_the_value_only() -> None:
    report = ek.verify(
        kz("xml", "wsse_soap_rsa_BROKEN_whitespace.xml"),
        profile=test_profile(),
        policy=lenient(test_profile()),
        at=when("2021-12-01"),
    )
    assert report.only.check("reference-digest").status == "PASSED"
    assert report.only.check("signature-value").status == "FAILED"
    assert (report.indication, report.sub_indication) == ("TOTAL_FAILED", "SIG_CRYPTO_FAILURE")


# ── keys, CRLs, OCSP, time-stamps, authorities ────────────────────────────────────────────────

_KEYS = [
    # file, role name, kind of key use, revoked by the CRL, judged at
    ("2026_gost2015_individual", "individual", False, "2026-08-20"),
    ("2026_gost2015_ceo", "head", False, "2026-08-20"),
    ("2026_gost2015_can_sign", "sign", False, "2026-08-20"),
    ("2026_gost2015_infosystem", "legal-entity-system", False, "2026-08-20"),
    ("2026_gost2015_treasury", "treasury", True, "2026-08-20"),
    ("2026_gost2015_employee", "employee", True, "2026-08-20"),
    ("2026_gost2015_individual_revoked", "individual", True, "2026-08-20"),
    ("2023_gost2004_hr", "hr", False, "2023-12-01"),
    ("2023_gost2004_financial", "sign-financial", False, "2023-12-01"),
    ("2023_gost2004_can_sign_revoked", "sign", True, "2023-12-01"),
    ("2023_rsa_individual_sign", "individual", False, "2023-12-01"),
    ("2023_rsa_individual_auth", "individual", False, "2023-12-01"),
    ("2023_rsa_ceo_auth", "head", False, "2023-12-01"),
    ("2023_rsa_individual_sign_revoked", "individual", True, "2023-12-01"),
]


@pytest.mark.parametrize(("name", "role", "revoked", "at"), _KEYS)
def test_key_store_role_and_revocation(name: str, role: str, revoked: bool, at: str) -> None:
    with ek.Pkcs12.open(kz("p12", f"{name}.p12"), password="Qwerty12") as store:
        (key,) = store.keys()
    subject = ek.describe(key.certificate, ek.profile("kz"))
    assert role in {item.name for item in subject.roles}
    assert ("auth" in name) == ("SIGNING" not in subject.purposes)
    answer = ek.validate_certificate(
        key.certificate,
        trust=test_profile().trust,
        evidence=evidence(),
        policy=test_profile().policy.with_(key_usages=ek.ValidationPolicy().key_usages),
        at=when(at),
    )
    if name == "2026_gost2015_individual_revoked":
        # On hold, which can be lifted: EN 319 102-1 § 5.2.6.4 says TRY_LATER.
        assert answer.sub_indication == "TRY_LATER"
        assert "certificateHold" in answer.check("revocation").detail
    elif revoked:
        assert answer.sub_indication in ("REVOKED", "REVOKED_NO_POE"), answer.checks
    else:
        assert answer.indication == "TOTAL_PASSED", answer.checks


def test_information_system_has_no_person() -> None:
    with ek.Pkcs12.open(kz("p12", "2026_gost2015_infosystem.p12"), password="Qwerty12") as store:
        (key,) = store.keys()
    subject = ek.describe(key.certificate)
    assert subject.kind == "SYSTEM"
    assert subject.person is None
    assert subject.system is not None
    assert subject.system.identifier == ek.Identifier("KZ", "OID", "1.2.398.6.10.1.1")
    assert subject.organisation is not None
    assert subject.organisation.identified


def test_ocsp_answer_good_in_its_minute() -> None:
    answer = ek.validate_certificate(
        kz("certs", "2022_rsa_individual_sign.cer"),
        trust=test_profile().trust,
        evidence=[kz("ocsp", "ocsp_response_individual_sign_2004.bin").read_bytes()],
        policy=test_profile().policy,
        at=when("2022-09-02T17:00:00"),
    )
    # The answer is about another serial of the same authority: it says nothing here.
    assert answer.sub_indication == "TRY_LATER"


def test_tsp_tokens_are_intact() -> None:
    for name, profile in (
        ("tsp_token_prod_gost2004_2020.der", "kz"),
        ("tsp_token.bin", "kz:test"),
        ("tsp_response.bin", "kz:test"),
    ):
        report = ek.verify(kz("tsp", name), profile=profile, at=when("2022-10-01"))
        (stamp,) = report.only.timestamps
        assert stamp.token_intact is True, name
        assert stamp.check("certificate-chain").status == "PASSED", name


@pytest.mark.parametrize("environment", ["production", "test"])
def test_every_authority_of_the_profile_verifies(environment: str) -> None:
    profile = ek.profile("kz", environment=environment)
    roots = [a for a in profile.trust if a.certificate.self_issued]
    others = [a.certificate for a in profile.trust if not a.certificate.self_issued]
    assert len(roots) >= 4
    assert len(others) >= 5
    for certificate in others:
        answer = ek.validate_certificate(
            certificate.der,
            trust=ek.TrustStore(roots),
            policy=ek.ValidationPolicy().with_(revocation=ek.Revocation.NOT_CHECKED),
            at=max(certificate.not_before_time, when("2020-10-01")),
            purpose=ek.Purpose.ANY,
        )
        assert answer.check("certificate-chain").status == "PASSED", (certificate, answer.checks)


def test_sample_certificates_name_their_holders() -> None:
    expected = {
        "2018_gost2004_prod_hr_test_person.pem": ("123456789012", "hr", True),
        "2020_gost2004_ceo_sign.cer": ("123456789011", "head", True),
        "2020_rsa_individual_sign.cer": ("123456789011", "individual", True),
        "2022_rsa_individual_auth.cer": ("123456789011", "individual", False),
        "2022_rsa_individual_sign.cer": ("123456789011", "individual", True),
        "2026_gost2015_ceo.cer": ("123456789011", "head", True),
        "2026_gost2015_individual.cer": ("123456789011", "individual", True),
    }
    assert {path.name for path in kz("certs").iterdir()} == set(expected)
    for name, (iin, role, signs) in expected.items():
        subject = ek.describe(kz("certs", name))
        assert subject.identifier == ek.Identifier("KZ", "IIN", iin), name
        assert role in {item.name for item in subject.roles}, name
        assert ("SIGNING" in subject.purposes) is signs, name
