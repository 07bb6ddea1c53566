"""Edges of time: the last second of an algorithm, the ends of the calendar."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa

import esign_kit as ek
from esign_kit.asn1.reader import encode, encode_integer, read_all
from esign_kit.asn1.revocation import Crl
from esign_kit.trust.policy import AlgorithmPolicy, Revocation, ValidationPolicy
from esign_kit.trust.store import TrustStore
from tests.unit.trust import making
from tests.unit.trust.making import DAY, NOW, Ask, Entity, ask, crl, issue, root, signed

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


# ── a day that its month does not have ────────────────────────────────────────────────────────

NO_DAY = b"0230000000Z"


def _changed(der: bytes, field: int, value: bytes, by: Entity) -> bytes:
    """Return a CRL with another value in one field, signed anew."""
    fields = [item.raw for item in read_all(Crl.load(der).tbs).items()]
    fields[field] = value
    return signed(encode(0x30, *fields), by, by).der


@pytest.mark.parametrize("year", ["2026", "2027"])
def test_a_certificate_may_end_on_a_day_that_is_none(year: str) -> None:
    top = root()
    leaf = issue("Leaf", top)
    fields = [item.raw for item in read_all(leaf.view.tbs).items()]
    fields[4] = encode(
        0x30, encode(0x17, b"250101000000Z"), encode(0x18, year.encode("ascii") + NO_DAY)
    )
    changed = signed(encode(0x30, *fields), leaf, top)
    report = ek.validate_certificate(
        changed.der, trust=ek.TrustStore([top.der]), evidence=[crl(top)], at=NOW
    )
    ended = year == "2026"
    assert (report.indication == "TOTAL_PASSED") is not ended
    if ended:
        assert "expired on 2026-02-30 00:00:00 UTC" in report.check("certificate-chain").detail
    assert report.to_dict()["indication"] == report.indication


def test_a_list_may_hold_until_a_day_that_is_none() -> None:
    end = datetime(2027, 6, 1, tzinfo=UTC)
    top = root(until=end)
    leaf = issue("Leaf", top, until=end)
    changed = _changed(crl(top), 4, encode(0x18, b"2027" + NO_DAY), top)
    question = {"trust": ek.TrustStore([top.der]), "evidence": [changed]}
    report = ek.validate_certificate(leaf.der, at=NOW, **question)
    assert (report.indication, report.valid_until) == ("TOTAL_PASSED", None)
    late = ek.validate_certificate(leaf.der, at=datetime(2027, 3, 1, tzinfo=UTC), **question)
    assert late.check("revocation").code == "revocation.stale"


def test_a_revocation_may_come_on_a_day_that_is_none() -> None:
    march = datetime(2027, 3, 1, tzinfo=UTC)
    top = root(until=march + 100 * DAY)
    leaf = issue("Leaf", top, until=march + 100 * DAY)
    listed = crl(top, [leaf], this=march, until=march + DAY)
    date = encode(0x18, b"2027" + NO_DAY)
    entry = encode(0x30, encode_integer(leaf.view.serial), date)
    changed = _changed(listed, 5, encode(0x30, entry), top)
    question = {
        "trust": ek.TrustStore([top.der]),
        "evidence": [changed, crl(top, until=march)],
        "policy": ek.ValidationPolicy(evidence_until=march),
    }
    before = ek.validate_certificate(leaf.der, at=NOW, **question)
    assert before.indication == "TOTAL_PASSED"
    after = ek.validate_certificate(leaf.der, at=march, **question)
    assert "was revoked on 2027-02-30 00:00:00 UTC" in after.check("revocation").detail
