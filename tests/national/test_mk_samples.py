"""The Macedonian CA certificates: three for one key, none of them an anchor."""

from __future__ import annotations

from datetime import UTC, datetime

import esign_kit as ek
from esign_kit.asn1.certificate import Certificate
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
