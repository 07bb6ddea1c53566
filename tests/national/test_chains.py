"""Real chains of national authorities at the right times, good and bad, through the engine."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from esign_kit.asn1.revocation import Crl
from esign_kit.model.evidence import Evidence, RevocationStatus
from esign_kit.model.report import SubIndication
from esign_kit.model.signature import Purpose
from esign_kit.trust.engine import validate_path
from esign_kit.trust.files import read_certificates
from esign_kit.trust.policy import AlgorithmPolicy, Revocation, ValidationPolicy
from esign_kit.trust.store import TrustStore
from tests.corpora import national
from tests.unit.trust.making import crl, issue, root

if TYPE_CHECKING:
    from esign_kit.trust.path import PathResult


def certificate(*parts: str) -> Any:
    return read_certificates(national(*parts).read_bytes())[0]


def when(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def ask(
    target: Any,
    anchors: list[Any],
    helpers: list[Any],
    at: str,
    evidence: Evidence | None = None,
    **policy: Any,
) -> PathResult:
    policy.setdefault("revocation", Revocation.NOT_CHECKED)
    return validate_path(
        target,
        trust=TrustStore(anchors),
        helpers=helpers,
        evidence=evidence or Evidence(),
        at=when(at),
        policy=ValidationPolicy().with_(**policy),
        purpose=Purpose.SIGNING,
    )


def holds(result: PathResult) -> bool:
    return (
        result.chain_problem is None
        and result.revocation_problem is None
        and result.algorithm_problem is None
    )


# ── Kazakhstan ────────────────────────────────────────────────────────────────────────────────

RSA = ("nca_rsa_test_old.crt", "root_rsa_test_old.crt")
KZ = {
    # certificate, issuing CA and root, a time within its validity
    "rsa-2020": ("2020_rsa_individual_sign.cer", *RSA, "2020-06-01"),
    "rsa-2022": ("2022_rsa_individual_sign.cer", *RSA, "2022-06-01"),
    "rsa-login": ("2022_rsa_individual_auth.cer", *RSA, "2022-06-01"),
    "gost-2004": (
        "2020_gost2004_ceo_sign.cer",
        "nca_gost_test_old.crt",
        "root_gost_test_old.crt",
        "2020-06-01",
    ),
    "gost-2015": (
        "2026_gost2015_ceo.cer",
        "nca_gost2022_test.cer",
        "root_test_gost_2022.cer",
        "2026-09-01",
    ),
}


@pytest.mark.parametrize("name", KZ)
def test_kz_test_chains(name: str) -> None:
    file, ca, top, at = KZ[name]
    target = certificate("kz", "certs", file)
    anchor, middle = certificate("kz", "ca", "test", top), certificate("kz", "ca", "test", ca)
    result = ask(target, [anchor], [middle], at)
    assert holds(result) and len(result.chain) == 3
    later = ask(target, [anchor], [middle], "2033-01-01")
    assert later.chain_problem is SubIndication.OUT_OF_BOUNDS_NO_POE
    production = certificate("kz", "ca", "prod", "root_rsa_2020.cer")
    foreign = ask(target, [production], [middle, anchor], at)
    assert foreign.chain_problem is SubIndication.NO_CERTIFICATE_CHAIN_FOUND
    assert anchor.label in foreign.chain_detail


def test_kz_production_roots_of_one_name_are_told_apart_by_their_keys() -> None:
    """The roots of 2015 and 2020 differ in their name by one attribute; signatures decide."""
    roots = [
        certificate("kz", "ca", "prod", name)
        for name in ("root_rsa.pem", "root_rsa_2020.cer", "root_gost.pem", "root_gost_2020.cer")
    ]
    for name, root_index, at in (
        ("nca_rsa.pem", 0, "2020-01-01"),
        ("nca_rsa_2022.cer", 1, "2026-01-01"),
        ("nca_gost.pem", 2, "2020-01-01"),
        ("ucgo_gost.cer", 3, "2026-01-01"),
        ("btsd_gost.cer", 3, "2026-01-01"),
    ):
        result = ask(certificate("kz", "ca", "prod", name), roots, [], at)
        # The last was issued in 2019 under a root whose certificate begins in 2020: in the shell
        # model that is no matter at a time at which both are valid.
        assert holds(result) and result.anchor is not None
        assert result.anchor.certificate == roots[root_index]


def test_kz_revocation_lists() -> None:
    ca = certificate("kz", "ca", "test", "nca_rsa_test_old.crt")
    top = certificate("kz", "ca", "test", "root_rsa_test_old.crt")
    target = certificate("kz", "certs", "2022_rsa_individual_sign.cer")
    data = national("kz", "crl", "nca_rsa_test_2022.crl").read_bytes()
    rules = {"revocation": Revocation.TARGET_ONLY}
    result = ask(target, [top], [ca], "2022-06-01", Evidence(crls=(data,)), **rules)
    assert holds(result) and result.revocation[0].source == "CRL"
    stale = ask(target, [top], [ca], "2022-12-01", Evidence(crls=(data,)), **rules)
    assert stale.revocation_problem is SubIndication.TRY_LATER
    # A list of the CA of 2023 has the name of another one, and another key.
    other = national("kz", "crl", "nca_rsa_test_2023.crl").read_bytes()
    foreign = ask(target, [top], [ca], "2022-06-01", Evidence(crls=(other,)), **rules)
    assert foreign.revocation_problem is SubIndication.TRY_LATER


def test_kz_delta_that_does_not_fit_its_base_is_not_applied() -> None:
    delta = Crl.load(national("kz", "crl", "nca_gost2022_d_test_2025.crl").read_bytes())
    assert delta.base_number == 14 and delta.number == 10
    ca = certificate("kz", "ca", "test", "nca_gost2022_test.cer")
    top = certificate("kz", "ca", "test", "root_test_gost_2022.cer")
    target = certificate("kz", "certs", "2026_gost2015_ceo.cer")
    base = national("kz", "crl", "nca_gost2022_test_2026.crl").read_bytes()
    rules = {"revocation": Revocation.TARGET_ONLY}
    only = ask(target, [top], [ca], "2026-09-01", Evidence(crls=(delta.der,)), **rules)
    assert only.revocation_problem is SubIndication.TRY_LATER
    both = ask(target, [top], [ca], "2026-09-01", Evidence(crls=(delta.der, base)), **rules)
    assert holds(both)


def test_kz_ocsp_answers_of_their_day() -> None:
    """Delegated responders with nocheck; there is no nextUpdate, so the age counts."""
    signers = {
        c.serial: c
        for c in read_certificates(
            national("kz", "cms", "two_signers_gost2015_rsa_attached.der").read_bytes()
        )
    }
    rsa = signers[0x4279390A141F5353A62947B61ED65E81741467D1]
    gost = signers[0xFF06211DC82BEB00253FFA000F1DE84ABEF454F]
    tops = [
        certificate("kz", "ca", "test", name)
        for name in ("root_rsa_test_old.crt", "root_test_gost_2022.cer")
    ]
    helpers = [
        certificate("kz", "ca", "test", name)
        for name in ("nca_rsa_test_old.crt", "nca_gost2022_test.cer")
    ]
    answers = Evidence(
        ocsp_responses=tuple(path.read_bytes() for path in sorted(national("kz", "ocsp").iterdir()))
    )
    rules = {"revocation": Revocation.TARGET_ONLY}
    # The responder still says "good" of a certificate that expired half a year before: it may
    # have forgotten it (no archive cut-off), so the answer proves nothing.
    result = ask(rsa, tops, helpers, "2022-09-02T17:00:00", answers, **rules)
    assert result.chain_problem is SubIndication.OUT_OF_BOUNDS_NO_POE
    assert result.revocation[0].status is RevocationStatus.UNKNOWN
    assert "after the certificate expired" in result.revocation_detail
    # "Revoked on 1970-01-01, certificateHold" says that no such certificate was ever issued.
    never = ask(gost, tops, helpers, "2022-09-02T17:00:00", answers, **rules)
    assert never.revocation_problem is SubIndication.REVOKED_NO_POE
    assert "never issued" in never.revocation_detail


# ── Viet Nam ──────────────────────────────────────────────────────────────────────────────────


def test_vn_chains() -> None:
    roots = [
        certificate("vn", "roots", name)
        for name in ("vn-national-root-ca-2014.der", "mic-national-root-ca-2008.der")
    ]
    viettel = certificate("vn", "subordinate", "viettel-ca-rs-2022.der")
    company = certificate("vn", "samples", "viettel-ca-rs-org-sample.der")
    assert holds(ask(company, roots, [viettel], "2025-01-01"))
    for name in ("vnpt-smartca-rs-2021.der", "fastca-sha256-2020.der"):
        assert holds(ask(certificate("vn", "subordinate", name), roots, [], "2024-01-01"))


def test_vn_sha1_issuer_is_a_matter_of_dates() -> None:
    """The CA of 2019 was signed with SHA-1, years after the end of SHA-1."""
    top = certificate("vn", "roots", "mic-national-root-ca-2008.der")
    fpt = certificate("vn", "subordinate", "fpt-ca-2019.der")
    tester = certificate("vn", "samples", "fpt-gdt-test01-ee.der")
    result = ask(tester, [top], [fpt], "2021-01-01")
    assert result.chain_problem is None and len(result.chain) == 3
    assert result.algorithm_problem is SubIndication.CRYPTO_CONSTRAINTS_FAILURE_NO_POE
    assert "SHA1" in result.algorithm_detail and "2012" in result.algorithm_detail
    lenient = AlgorithmPolicy().accepting("SHA1")
    assert holds(ask(tester, [top], [fpt], "2021-01-01", algorithms=lenient))


def test_vn_lookalikes_are_not_trusted() -> None:
    roots = [
        certificate("vn", "roots", name)
        for name in ("vn-national-root-ca-2014.der", "mic-national-root-ca-2008.der")
    ]
    fake_root = certificate("vn", "negative", "lookalike-mic-root-2019.der")
    fake_ca = certificate("vn", "negative", "lookalike-fpt-ca-2020.der")
    for at in ("2021-01-01", "2024-01-01"):
        result = ask(fake_ca, roots, [fake_root], at)
        assert result.chain_problem is SubIndication.NO_CERTIFICATE_CHAIN_FOUND
        assert result.anchor is None


# ── North Macedonia ───────────────────────────────────────────────────────────────────────────


def test_mk_certificates_of_one_key() -> None:
    views = [certificate("mk", f"kibstrust-qualified-cs-2015-{x}.der") for x in "abc"]
    assert len({v.spki for v in views}) == 1 and len({v.subject for v in views}) == 1
    assert len({v.der for v in views}) == 3
    result = ask(views[0], [views[1]], views, "2018-01-01")
    # The issuers are not at hand: a twin with the same key issues nothing for its twin.
    assert result.chain_problem is SubIndication.NO_CERTIFICATE_CHAIN_FOUND


def test_mk_a_signature_between_two_revocations_holds_through_one_certificate_only() -> None:
    """The case of the three KIBS certificates, rebuilt: two revoked in 2018, the third in 2019."""
    options = {"since": when("2015-10-13"), "until": when("2020-10-12")}
    top = root("KibsTrust Certification Authority", **options)
    three = [issue("Qualified", top, ca=True, number=990, **options) for _ in range(3)]
    target = issue("Signer", three[0], since=when("2018-01-01"), until=when("2020-01-01"))
    lists = (
        crl(
            top,
            [
                (three[0], when("2019-06-18T17:09:39"), None),
                (three[1], when("2018-05-23T20:26:09"), None),
                (three[2], when("2018-05-23T20:26:07"), None),
            ],
            this=when("2019-07-01"),
            until=when("2019-10-01"),
        ),
        crl(three[0], this=when("2019-07-01"), until=when("2019-10-01")),
    )
    for at, label in (("2018-12-01", 0), ("2018-03-01", None), ("2019-06-20", "revoked")):
        result = ask(
            target.view,
            [top.der],
            [entity.view for entity in reversed(three)],
            at,
            Evidence(crls=lists),
            revocation=Revocation.REQUIRED,
            evidence_until=when("2019-07-15"),
        )
        if label == "revoked":
            assert result.revocation_problem is SubIndication.REVOKED_CA_NO_POE
            assert len(result.attempts) == 3
            continue
        assert holds(result)
        if label == 0:
            assert result.chain[1].der == three[0].der
            assert [a.code for a in result.attempts] == ["revocation.ca-revoked"] * 2 + [""]
        assert result.revocation[1].status is RevocationStatus.GOOD


# ── Uzbekistan ────────────────────────────────────────────────────────────────────────────────


def test_uz_issuing_centre_under_the_national_root() -> None:
    top = certificate("uz", "certs", "uz_root_eri_2016_2036.cer")
    centre = certificate("uz", "certs", "uz_ca_e-imzo_2018_2022.cer")
    assert holds(ask(centre, [top], [], "2020-01-01"))
    late = ask(centre, [top], [], "2023-01-01")
    assert late.chain_problem is SubIndication.OUT_OF_BOUNDS_NO_POE
    ministry = certificate("uz", "certs", "uz_mvd_endentity_paramset_1_2.cer")
    foreign = ask(ministry, [top], [centre], "2023-01-01")
    assert foreign.chain_problem is SubIndication.NO_CERTIFICATE_CHAIN_FOUND
