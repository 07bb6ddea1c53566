"""The exit codes that other programs rely on."""

from __future__ import annotations

import pytest

from esign_kit import errors
from esign_kit.cli import exits
from esign_kit.model.report import Indication


def test_the_codes_are_pinned() -> None:
    assert (
        exits.PASSED,
        exits.FAILED,
        exits.USAGE,
        exits.INDETERMINATE,
        exits.UNREADABLE,
        exits.UNAVAILABLE,
    ) == (0, 1, 2, 3, 4, 5)


@pytest.mark.parametrize(
    ("indication", "code"),
    [
        (Indication.TOTAL_PASSED, 0),
        (Indication.TOTAL_FAILED, 1),
        (Indication.INDETERMINATE, 3),
    ],
)
def test_a_verdict_has_its_code(indication: Indication, code: int) -> None:
    assert exits.for_indication(indication) == code


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.InputError("x"), 4),
        (errors.LimitError("x"), 4),
        (errors.UnsupportedError("x"), 4),
        (errors.KeyStoreError("x"), 5),
        (errors.CancelledError("x"), 5),
        (errors.EvidenceError("x"), 5),
        (errors.ProfileError("x"), 2),
        (errors.SigningError("x"), 1),
    ],
)
def test_an_error_has_its_code(error: errors.EsignError, code: int) -> None:
    assert exits.for_error(error) == code
