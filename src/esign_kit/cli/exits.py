"""The exit codes of ``esign``; other programs rely on them and a test pins them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from esign_kit.errors import (
    EsignError,
    EvidenceError,
    InputError,
    KeyStoreError,
    SignatureRejected,
    SigningError,
)

if TYPE_CHECKING:
    from esign_kit.model.report import Indication

__all__ = [
    "FAILED",
    "INDETERMINATE",
    "INTERNAL",
    "INTERRUPTED",
    "PASSED",
    "UNAVAILABLE",
    "UNREADABLE",
    "USAGE",
    "for_error",
    "for_indication",
]

PASSED = 0
FAILED = 1
USAGE = 2
INDETERMINATE = 3
UNREADABLE = 4
UNAVAILABLE = 5
INTERNAL = 70
"""A defect of esign itself (EX_SOFTWARE); never a verdict."""
INTERRUPTED = 130
"""Ctrl-C, as shells count it."""


def for_indication(indication: Indication) -> int:
    """Return the exit code of a verdict."""
    return {"TOTAL_PASSED": PASSED, "TOTAL_FAILED": FAILED}.get(str(indication), INDETERMINATE)


def for_error(error: EsignError) -> int:
    """Return the exit code of a job that could not be done."""
    if error.code in ("output.write", "pki.write"):
        return UNAVAILABLE
    if isinstance(error, InputError):
        return UNREADABLE
    if isinstance(error, (KeyStoreError, EvidenceError)):
        return UNAVAILABLE
    if isinstance(error, SignatureRejected):
        return for_indication(error.report.indication)
    if isinstance(error, SigningError):
        return FAILED
    return USAGE
