"""Edges of time: the last second of an algorithm, the ends of the calendar."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa

import esign_kit as ek
from esign_kit.trust.policy import AlgorithmPolicy, Revocation, ValidationPolicy
from esign_kit.trust.store import TrustStore
from tests.unit.trust import making
from tests.unit.trust.making import DAY, NOW, Ask, ask, crl, issue, root

SECOND = timedelta(seconds=1)


def test_an_end_date_counts_to_its_last_second_whatever_is_kept() -> None:
    end = NOW - 10 * DAY
    top = root()
    leaf = issue("Leaf", top, digest=hashes.SHA384())
    policy = ValidationPolicy(
        revocation=Revocation.NOT_CHECKED,
        algorithms=AlgorithmPolicy().accepting("SHA384", until=end),
    )
    question = Ask(TrustStore([top.der]), policy=policy)
    expected = {0.5: True, -1: True, 0: True, 1: False}
    for seconds in (*expected, *reversed(expected)):
        result = replace(question, at=end + seconds * SECOND)(leaf)
        assert (result.algorithm_problem is None) is expected[seconds], seconds


@pytest.mark.parametrize(
    ("bits", "end"),
    [
        (1024, datetime(2009, 12, 31, 23, 59, 59, tzinfo=UTC)),
        (2048, datetime(2028, 12, 31, 23, 59, 59, tzinfo=UTC)),
    ],
)
def test_a_short_key_counts_to_its_day_wherever_it_stands(monkeypatch, bits, end) -> None:
    short = rsa.generate_private_key(65537, bits)
    usual = making.key
    monkeypatch.setattr(making, "key", lambda number: short if number == -1 else usual(number))
    dates = {"since": end - 100 * DAY, "until": end + 100 * DAY}
    for place in range(3):
        numbers = [-1 if place == n else None for n in range(3)]
        top = root(number=numbers[0] or 800_001, **dates)
        ca = issue("CA", top, ca=True, number=numbers[1] or 800_002, **dates)
        leaf = issue("Leaf", ca, number=numbers[2] or 800_003, **dates)
        assert ask(leaf, top, [ca], at=end).algorithm_problem is None
        late = ask(leaf, top, [ca], at=end + SECOND)
        assert f"RSA with {bits} bits" in late.algorithm_detail


@pytest.mark.parametrize("year", [1, 9999])
def test_the_ends_of_the_calendar_are_times_like_others(year: int) -> None:
    top = root()
    leaf = issue("Leaf", top)
    at = datetime(year, 12, 31, 23, 59, 59, tzinfo=UTC)
    report = ek.validate_certificate(
        leaf.der, trust=ek.TrustStore([top.der]), evidence=[crl(top)], at=at
    )
    assert report.sub_indication in ("OUT_OF_BOUNDS_NO_POE", "OUT_OF_BOUNDS_NOT_REVOKED")
    policy = ek.ValidationPolicy(evidence_until=datetime.max.replace(tzinfo=UTC))
    report = ek.validate_certificate(
        leaf.der, trust=ek.TrustStore([top.der]), evidence=[crl(top)], at=NOW, policy=policy
    )
    assert report.indication is ek.Indication.TOTAL_PASSED
