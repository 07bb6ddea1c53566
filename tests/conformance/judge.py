"""What the library answered, in the verdict words of the suites, and whether that is right.

Words: ``accept`` (the plain answer is yes), ``partial`` (cryptographically sound, but covers less
than a reader sees, and the report says so), ``refuse`` (a verdict that is not yes, or one of the
library's own errors), ``untyped`` (an exception of another kind), ``crash``, ``hang``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import esign_kit as ek
from tests.conformance.model import Row

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PASSED = ek.CheckStatus.PASSED

_RIGHT = {
    "accept": {"accept"},
    # What passes in part only is not good either; the plain answer is not yes.
    "refuse": {"refuse", "partial"},
    "partial": {"partial", "refuse"},
    "either": {"accept", "partial", "refuse"},
    "refuse-or-partial": {"partial", "refuse"},
    "refuse-or-accept-in-time": {"accept", "partial", "refuse"},
    "refuse-or-ignore": {"accept", "partial", "refuse"},
    # The signature is good, its time-stamp is not; see `demands`.
    "refuse-timestamp": {"accept"},
}


def ask(suite: str, name: str, expect: str, question: Callable[[], tuple[str, str, Any]]) -> Row:
    """Put one question; it answers (verdict, note, whatever ``demands`` wants to look at)."""
    try:
        verdict, note, answer = question()
    except ek.EsignError as error:
        return Row(suite, name, expect, "refuse", "refuse" in _RIGHT[expect], _typed(error))
    except MemoryError as error:
        return Row(suite, name, expect, "crash", False, f"out of memory: {error}")
    except Exception as error:
        return Row(suite, name, expect, "untyped", False, _untyped(error))
    right = verdict in _RIGHT[expect]
    if isinstance(answer, str) and answer:
        right, note = False, f"{answer}; {note}"
    return Row(suite, name, expect, verdict, right, note)


def _typed(error: ek.EsignError) -> str:
    return f"{type(error).__name__} {error.code}: {error.detail}"[:300]


def _untyped(error: BaseException) -> str:
    import traceback

    where = traceback.extract_tb(error.__traceback__)[-1]
    place = f"{where.filename.rpartition('/')[2]}:{where.lineno}"
    return f"{type(error).__name__}: {error} at {place}"[:300]


def of_report(report: Any) -> tuple[str, str]:
    """Return the verdict word and a note for a report on signatures."""
    note = f"{report.indication}"
    if report.sub_indication:
        note += f"/{report.sub_indication}"
    first = next((c for c in report.checks if c.status not in (PASSED, "NOT_RUN")), None)
    if first is not None:
        note += f" {first.name} {first.code}: {first.detail}"
    if report.indication is not ek.Indication.TOTAL_PASSED or not report.signatures:
        return "refuse", note[:300]
    if any(_covers_a_part(signature) for signature in report.signatures):
        # A policy let it pass; the report tells what is not covered.
        return "partial", note[:300]
    return "accept", note[:300]


def _covers_a_part(signature: Any) -> bool:
    return any(c.name == "coverage" and c.code == "coverage.partial" for c in signature.checks)


def of_certificate(report: Any) -> tuple[str, str]:
    """Return the verdict word and a note for a report on a certificate."""
    note = f"{report.indication}"
    if report.sub_indication:
        note += f"/{report.sub_indication}"
    first = next((c for c in report.checks if c.status not in (PASSED, "NOT_RUN")), None)
    if first is not None:
        note += f" {first.name} {first.code}: {first.detail}"
    passed = report.indication is ek.Indication.TOTAL_PASSED
    return ("accept" if passed else "refuse"), note[:300]


def intact(signature: Any) -> bool:
    """The value verifies and every reference was found and matches."""
    checks = {check.name: check for check in signature.checks}
    if "signature-value" not in checks or checks["signature-value"].status is not PASSED:
        return False
    digests = checks.get("reference-digest")
    if digests is None:
        return True
    # NOT_RUN: there are no references, the value covers the content itself.
    return digests.status is PASSED or digests.status is ek.CheckStatus.NOT_RUN


def flattened(signatures: Any) -> Iterator[tuple[str, Any]]:
    """Yield (role, report) of all signatures, a counter-signature after what it signs."""
    for signature in signatures:
        yield "master", signature
        for _, counter in flattened(signature.counter_signatures):
            yield "counter", counter


def demands(case: dict[str, Any], report: Any) -> str:
    """Return what a suite's README asks beyond the verdict and the report fails to say.

    Only asked where the answer was yes: a refusal makes no claim.
    """
    if report.indication is not ek.Indication.TOTAL_PASSED:
        return ""
    stamps = [stamp for _, s in flattened(report.signatures) for stamp in s.timestamps]
    threat = case.get("threat", "")
    if case.get("expect") == "refuse-timestamp" or threat in (
        "timestamp-transplant",
        "timestamp-bad",
    ):
        if stamps and all(stamp.indication is ek.Indication.TOTAL_PASSED for stamp in stamps):
            return "a bad time-stamp is reported good"
        if case.get("expect") == "refuse-timestamp":
            if not stamps:
                return "the time-stamp is not reported"
            if any(s.best_signature_time != s.at for s in report.signatures):
                return "a bad time-stamp gave a time"
    if threat == "fake-counter-signature":
        counters = [s for role, s in flattened(report.signatures) if role == "counter"]
        if any(s.passed and not intact(s) for s in counters):
            return "a bad counter-signature is reported good"
    if threat == "unsigned-attributes" and any(s.signing_time for s in report.signatures):
        return "an unsigned time is reported as the claimed time"
    return ""
