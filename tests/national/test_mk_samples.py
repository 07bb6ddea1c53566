"""The Macedonian CA certificates: three for one key, none of them an anchor."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import esign_kit as ek
from esign_kit.asn1.certificate import Certificate
from esign_kit.testing import FixturePKI
from tests.corpora import national


def test_three_certificates_for_one_key() -> None:
    three = [
        Certificate.load(national("mk", f"kibstrust-qualified-cs-2015-{x}.der").read_bytes())
        for x in "abc"
    ]
    assert len({c.spki for c in three}) == 1
    assert len({c.subject for c in three}) == 1
    assert len({c.subject_key_identifier for c in three}) == 1
    assert len({c.serial for c in three}) == 3


def test_the_samples_are_helpers_of_the_profile_and_trusted_by_nobody() -> None:
    profile = ek.profile("mk")
    assert len(profile.trust) == 0
    names = sorted(path.name for path in national("mk").glob("*.der"))
    assert len(names) == 5
    helpers = {certificate.der for certificate in profile.trust.intermediates}
    for name in names:
        der = national("mk", name).read_bytes()
        assert der in helpers
        answer = ek.validate_certificate(
            der,
            trust=profile.trust,
            policy=profile.policy,
            at=datetime(2018, 12, 1, tzinfo=UTC),
            purpose=ek.Purpose.ANY,
        )
        assert answer.sub_indication == "NO_CERTIFICATE_CHAIN_FOUND"
        subject = ek.describe(der)
        assert subject.identifiers == ()
        assert "certification authority" in " ".join(subject.notes)


def test_profile_says_how_a_deployer_gets_anchors() -> None:
    assert "trusted list" in ek.profile("mk").data["anchors_hint"]
    assert any("TL-MK" in line for line in ek.profile("mk").unsupported)


def test_a_path_goes_through_the_one_certificate_of_the_key_that_is_not_revoked() -> None:
    """As in 2018: three certificates of one CA key, two revoked in May, the third a year later."""
    pki = FixturePKI("mk", at="2018-12-01")
    first = pki.authority("Qualified Services", key="ec")
    others = [pki.authority("Qualified Services", key=first.private_key) for _ in range(2)]
    for other in others:
        pki.revoke(other, at="2018-05-23", reason="superseded")
    pki.revoke(first, at="2019-06-18", reason="superseded")
    signer = pki.person(issuer=first)
    signed = signer.sign(b"x", format="cades", packaging="enveloping", include_chain=False)

    def judge(at: str, helpers: list[Any]) -> ek.VerificationReport:
        pki.travel_to(at)
        return ek.verify(
            signed,
            profile=pki.profile.with_trust(ek.TrustStore([pki.root.certificate.der])),
            certificates=[helper.certificate.der for helper in helpers],
            evidence=[pki.crl(pki.root), pki.crl(first)],
            at=pki.now,
        )

    for helpers in ([first, *others], [*others, first]):
        report = judge("2018-12-01", helpers)
        assert report.indication == "TOTAL_PASSED", report.only.checks
        assert report.only.chain_der[1] == first.certificate.der
    without = judge("2018-12-01", others)
    assert without.indication != "TOTAL_PASSED"
    later = judge("2019-07-01", [first, *others])
    assert later.indication != "TOTAL_PASSED"
    assert "REVOKED" in str(later.sub_indication)
