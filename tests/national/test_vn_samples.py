"""Every file of Viet Nam gives the outcome that is known of it, through the public surface."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from typing import Any

import pytest

import esign_kit as ek
from tests.corpora import national


def when(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def policy() -> ek.ValidationPolicy:
    return ek.profile("vn").policy.with_(revocation=ek.Revocation.NOT_CHECKED)


def validate(path: Any, at: str, trust: ek.TrustStore | None = None) -> ek.CertificateReport:
    return ek.validate_certificate(
        path,
        trust=trust or ek.profile("vn").trust,
        policy=policy(),
        at=when(at),
        purpose=ek.Purpose.ANY,
    )


@pytest.mark.parametrize(
    ("name", "at"),
    [
        ("viettel-ca-rs-2022", "2024-06-01"),
        ("vnpt-smartca-rs-2021", "2024-06-01"),
        ("fastca-sha256-2020", "2024-06-01"),
        ("fpt-ca-2019", "2021-06-01"),
    ],
)
def test_issuing_authorities_chain_to_the_built_in_roots(name: str, at: str) -> None:
    answer = validate(national("vn", "subordinate", f"{name}.der"), at)
    assert answer.indication == "TOTAL_PASSED", answer.checks


def test_organisation_certificate() -> None:
    path = national("vn", "samples", "viettel-ca-rs-org-sample.der")
    assert validate(path, "2025-01-01").indication == "TOTAL_PASSED"
    subject = ek.describe(path)
    assert subject.kind == "ORGANISATION"
    assert subject.person is None
    assert subject.organisation is not None
    assert subject.organisation.identifier == ek.Identifier("VN", "MST", "0107074780")
    assert "MOBINO" in subject.organisation.name
    assert [role.role for role in subject.roles] == ["HEAD"]


def test_old_tree_counts_for_the_past_only() -> None:
    path = national("vn", "samples", "fpt-gdt-test01-ee.der")
    assert validate(path, "2021-06-01").indication == "TOTAL_PASSED"
    late = validate(path, "2026-01-01")
    assert late.indication == "INDETERMINATE"
    assert late.check("algorithm-strength").status != "PASSED"


def test_branch_number() -> None:
    subject = ek.describe(national("vn", "samples", "fpt-gdt-test01-ee.der"))
    assert subject.identifier is not None
    assert subject.identifier.value == "0100231226998"
    assert dict(subject.identifier.derived.extra) == {"parent": "0100231226", "branch": "998"}


@pytest.mark.parametrize("name", ["lookalike-fpt-ca-2020", "lookalike-mic-root-2019"])
def test_lookalikes_are_never_trusted(name: str) -> None:
    answer = validate(national("vn", "negative", f"{name}.der"), "2021-06-01")
    assert answer.indication != "TOTAL_PASSED"


def test_tax_notice_is_intact_and_says_what_it_covers() -> None:
    report = ek.verify(
        national("vn", "samples", "tax-notice-authority-signature.xml"),
        profile="vn",
        policy=policy(),
        at=when("2025-01-04"),
    )
    signature = report.only
    assert signature.check("reference-digest").status == "PASSED"
    assert signature.check("signature-value").status == "PASSED"
    # The container around the signed blocks is not covered, and the issuer is not public.
    assert signature.check("coverage").status == "INDETERMINATE"
    assert signature.check("certificate-chain").status == "INDETERMINATE"
    assert report.indication == "INDETERMINATE"


def test_tax_notice_with_one_octet_changed_fails() -> None:
    data = national("vn", "samples", "tax-notice-authority-signature.xml").read_bytes()
    text = b"</"
    changed = data.replace(
        b"</" + _first_signed_tag(data), b" " + text + _first_signed_tag(data), 1
    )
    assert changed != data
    report = ek.verify(changed, profile="vn", policy=policy(), at=when("2025-01-04"))
    assert report.indication == "TOTAL_FAILED"
    assert report.sub_indication == "HASH_FAILURE"


def _first_signed_tag(data: bytes) -> bytes:
    import re

    match = re.search(rb"<([A-Za-z]+)>[^<]+</\1>", data)
    assert match is not None
    return match[1]


def test_authority_is_named_and_not_identified() -> None:
    report = ek.verify(
        national("vn", "samples", "tax-notice-authority-signature.xml"),
        profile="vn",
        at=when("2025-01-04"),
    )
    subject = ek.describe(report.only.signing_certificate_der)
    assert subject.kind == "ORGANISATION"
    assert subject.organisation is not None
    assert not subject.organisation.identified
    assert subject.assurance.identity == "NONE"


def test_raw_signature_is_over_the_text_and_not_over_what_it_decodes_to() -> None:
    sample = json.loads(
        national("vn", "samples", "gdt-test01-raw-signature.json").read_text("utf-8")
    )
    certificate = national("vn", "samples", "fpt-gdt-test01-ee.der")
    signature = base64.b64decode(sample["signature_b64"])
    text = sample["data_text"].encode("ascii")

    def check(data: bytes) -> ek.VerificationReport:
        return ek.verify(
            signature,
            detached=[ek.Document(data)],
            certificates=[certificate],
            profile="vn",
            policy=policy(),
            at=when("2021-06-01"),
        )

    assert check(text).indication == "TOTAL_PASSED", check(text).checks
    assert check(base64.b64decode(text)).indication == "TOTAL_FAILED"
    who = ek.identify(check(text).only, profile="vn")
    assert who.kind == "ORGANISATION"
    assert who.identifier == ek.Identifier("VN", "MST", "0100231226998")


def test_enveloped_with_wrong_digest_fails() -> None:
    """The block under the signature holds a bare SHA-1 without DigestInfo (RFC 8017 § 9.2 asks it).

    So both fail by the standard: the digest of the document, and the value.
    """
    report = ek.verify(
        national("vn", "negative", "customs-enveloped-digest-mismatch.xml"),
        profile="vn",
        policy=policy(),
        at=when("2018-01-01"),
    )
    assert report.indication == "TOTAL_FAILED"
    assert report.only.check("reference-digest").status == "FAILED"


@pytest.mark.parametrize("account", [1, 2])
@pytest.mark.parametrize("level", [1, 2, 3, 4])
def test_two_scales_of_one_decree(account: int, level: int) -> None:
    from esign_kit.eid.assurance import assess_login

    found = assess_login(
        ek.profile("vn"), {"account_level": account, "authentication_level": level}
    )
    assert found.identity == {1: "LOW", 2: "SUBSTANTIAL"}[account]
    assert found.authentication == {1: "LOW", 2: "SUBSTANTIAL", 3: "SUBSTANTIAL", 4: "HIGH"}[level]
    # What is only recalled is told beside it and counts when the deployer confirms it.
    if account == 2:
        assert any(reason.recalled and reason.value == "HIGH" for reason in found.reasons)
        confirmed = ek.profile("vn").confirming("vn-account-2-presence")
        higher = assess_login(confirmed, {"account_level": 2, "authentication_level": level})
        assert higher.identity == "HIGH"
        assert any(reason.overridden for reason in higher.reasons)


def test_an_acr_means_something_only_with_its_issuer() -> None:
    from esign_kit.eid.assurance import assess_login

    profile = ek.profile("vn")
    keycloak = "http://sso.dancuquocgia.gov.vn:8080/auth/realms/citizen"
    found = assess_login(profile, {"issuer": keycloak, "acr": "1"})
    assert found.authentication == "UNKNOWN"
    assert any(reason.rule == "unknown-acr" for reason in found.reasons)
    portal = "https://xacthuc.dichvucong.gov.vn/oauth2/token"
    assert assess_login(profile, {"issuer": portal, "acr": "LoA1"}).authentication == "LOW"
    assert assess_login(profile, {"issuer": "https://other", "acr": "LoA1"}).authentication == (
        "UNKNOWN"
    )
