"""Another seed is another country, for every kind of key."""

from __future__ import annotations

import pytest

import esign_kit as ek
from esign_kit.testing import FixturePKI


@pytest.mark.parametrize("key", ["rsa", "ec", "ed25519"])
def test_another_seed_gives_other_authorities(key: str) -> None:
    first, second = FixturePKI("kz", key=key), FixturePKI("kz", key=key, seed="other")
    assert first.root.certificate.spki != second.root.certificate.spki
    assert first.issuing.certificate.spki != second.issuing.certificate.spki


@pytest.mark.parametrize("key", ["rsa", "ec"])
def test_the_near_miss_of_another_country_does_not_pass(key: str) -> None:
    pki = FixturePKI("kz", key=key)
    stranger = pki.near_miss("other-country")
    report = ek.verify(
        stranger.sign(b"x", format="cades", packaging="enveloping"),
        trust=pki.trust,
        evidence=pki.evidence(),
        at=pki.now,
    )
    assert report.indication != "TOTAL_PASSED"
