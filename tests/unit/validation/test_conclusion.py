"""The conclusion is a conjunction: what did not run is never good."""

from __future__ import annotations

from itertools import product

import pytest

from esign_kit.model.report import CHECK_NAMES, Check, CheckStatus, Indication, SubIndication
from esign_kit.validation.process import conclude

GOOD = {name: Check(name, CheckStatus.PASSED) for name in CHECK_NAMES}


def _with(**changes: Check) -> list[Check]:
    return list(
        {**GOOD, **{name.replace("_", "-"): check for name, check in changes.items()}}.values()
    )


def test_all_passed() -> None:
    assert conclude(GOOD.values()) == (Indication.TOTAL_PASSED, None)


@pytest.mark.parametrize("name", CHECK_NAMES)
def test_a_failed_check_fails_the_signature(name: str) -> None:
    failed = Check(name, CheckStatus.FAILED, SubIndication.HASH_FAILURE)
    checks = [failed if check.name == name else check for check in GOOD.values()]
    assert conclude(checks) == (Indication.TOTAL_FAILED, SubIndication.HASH_FAILURE)


@pytest.mark.parametrize("name", CHECK_NAMES)
def test_an_indeterminate_check_is_never_passed(name: str) -> None:
    open_ = Check(name, CheckStatus.INDETERMINATE, SubIndication.TRY_LATER)
    checks = [open_ if check.name == name else check for check in GOOD.values()]
    assert conclude(checks) == (Indication.INDETERMINATE, SubIndication.TRY_LATER)


@pytest.mark.parametrize(
    "name", ["format", "signing-certificate", "signature-value", "certificate-chain"]
)
def test_what_must_run_and_did_not_is_indeterminate(name: str) -> None:
    checks = [
        Check(name, CheckStatus.NOT_RUN) if check.name == name else check for check in GOOD.values()
    ]
    assert conclude(checks)[0] is Indication.INDETERMINATE


def test_the_first_step_of_the_process_names_the_reason() -> None:
    for first, second in product(("format", "reference-digest"), ("signature-value", "revocation")):
        checks = [
            Check(first, CheckStatus.FAILED, SubIndication.FORMAT_FAILURE),
            Check(second, CheckStatus.FAILED, SubIndication.REVOKED),
        ]
        assert conclude(checks)[1] is SubIndication.FORMAT_FAILURE
        assert conclude(checks[::-1])[1] is SubIndication.FORMAT_FAILURE


def test_failed_outweighs_indeterminate() -> None:
    checks = [
        Check("format", CheckStatus.INDETERMINATE, SubIndication.SIG_CONSTRAINTS_FAILURE),
        Check("signature-value", CheckStatus.FAILED, SubIndication.SIG_CRYPTO_FAILURE),
    ]
    assert conclude(checks) == (Indication.TOTAL_FAILED, SubIndication.SIG_CRYPTO_FAILURE)


def test_silent_checks_inform_but_do_not_decide() -> None:
    checks = _with(timestamp=Check("timestamp", CheckStatus.FAILED, SubIndication.HASH_FAILURE))
    assert conclude(checks, {"timestamp"}) == (Indication.TOTAL_PASSED, None)


CERTAIN = {
    SubIndication.FORMAT_FAILURE,
    SubIndication.HASH_FAILURE,
    SubIndication.SIG_CRYPTO_FAILURE,
    SubIndication.REVOKED,
    SubIndication.EXPIRED,
    SubIndication.NOT_YET_VALID,
}


@pytest.mark.parametrize("sub", list(SubIndication))
def test_a_sub_indication_stands_under_the_indication_of_table_6(sub: SubIndication) -> None:
    checks = [
        Check("profile", CheckStatus.FAILED, sub) if check.name == "profile" else check
        for check in GOOD.values()
    ]
    wanted = Indication.TOTAL_FAILED if sub in CERTAIN else Indication.INDETERMINATE
    assert conclude(checks) == (wanted, sub)
