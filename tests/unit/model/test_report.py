"""Reports: no truth value, worst indication, exceptions only when asked for."""

from __future__ import annotations

import pickle
from datetime import UTC, datetime

import pytest

from esign_kit import InputError, SignatureRejected
from esign_kit.model.report import (
    CHECK_NAMES,
    Check,
    CheckStatus,
    Indication,
    SignatureReport,
    SubIndication,
    VerificationReport,
)
from esign_kit.model.signature import Format, Packaging

AT = datetime(2026, 11, 21, 12, tzinfo=UTC)


def signature(indication: Indication = Indication.TOTAL_PASSED) -> SignatureReport:
    status = CheckStatus.PASSED
    sub = None
    if indication is not Indication.TOTAL_PASSED:
        sub = SubIndication.HASH_FAILURE
        status = CheckStatus.FAILED
    return SignatureReport(
        id="S-1",
        format=Format.CADES,
        level="CAdES-BASELINE-B",
        packaging=Packaging.DETACHED,
        indication=indication,
        sub_indication=sub,
        checks=tuple(Check(name, status, sub, detail="said") for name in CHECK_NAMES),
        at=AT,
        best_signature_time=AT,
    )


def report(*indications: Indication, quorum: int | None = None) -> VerificationReport:
    return VerificationReport(
        at=AT,
        policy_id="test",
        signatures=tuple(signature(indication) for indication in indications),
        quorum=quorum,
    )


PASSED, OPEN, FAILED = (
    Indication.TOTAL_PASSED,
    Indication.INDETERMINATE,
    Indication.TOTAL_FAILED,
)


def test_a_report_has_no_truth_value() -> None:
    with pytest.raises(TypeError, match="no truth value"):
        bool(report(PASSED))
    with pytest.raises(TypeError, match="no truth value"):
        bool(signature())


@pytest.mark.parametrize(
    ("given", "overall"),
    [
        ((PASSED, PASSED), PASSED),
        ((PASSED, OPEN), OPEN),
        ((OPEN, FAILED, PASSED), FAILED),
        ((), OPEN),
    ],
)
def test_the_worst_signature_decides(given: tuple[Indication, ...], overall: Indication) -> None:
    assert report(*given).indication is overall


def test_a_quorum_may_decide_instead() -> None:
    assert report(PASSED, FAILED, PASSED, quorum=2).indication is PASSED
    assert report(PASSED, FAILED, quorum=2).indication is FAILED


def test_zero_signatures_never_pass_even_with_quorum_zero() -> None:
    assert report(quorum=0).indication is not PASSED


def test_only_wants_exactly_one() -> None:
    assert report(PASSED).only.id == "S-1"
    with pytest.raises(InputError):
        _ = report(PASSED, PASSED).only


def test_raise_for_status_carries_the_report() -> None:
    report(PASSED).raise_for_status()
    bad = report(FAILED)
    with pytest.raises(SignatureRejected) as caught:
        bad.raise_for_status()
    assert caught.value.report is bad


def test_reports_travel_between_processes() -> None:
    copy = pickle.loads(pickle.dumps(report(PASSED, FAILED)))
    assert copy.to_dict() == report(PASSED, FAILED).to_dict()
