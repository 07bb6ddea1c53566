"""How a story is told: every sentence is checked while it is said.

A story is a function that does what a portal's back end would do and tells each step to a
``Telling``. A step that did not come out as told, and a refusal that did not refuse, make the whole
story fail.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from esign_kit.asn1.names import printable
from esign_kit.errors import EsignError

if TYPE_CHECKING:
    from collections.abc import Callable

    from esign_kit.model.assurance import Assurance
    from esign_kit.model.mandate import Decision
    from esign_kit.model.principal import Principal
    from esign_kit.model.report import Check, SignatureReport

__all__ = ["Sentence", "Telling"]


@dataclass(frozen=True, slots=True)
class Sentence:
    """One thing that was said.

    Attributes:
        kind: ``"scene"``, ``"step"`` or ``"refusal"``.
        text: for people.
        details: what the library answered, one line each.
        holds: it came out as told.
    """

    kind: str
    text: str
    details: tuple[str, ...] = ()
    holds: bool = True


class Telling:
    """A story while it is told.

    Attributes:
        title: of the story.
        sentences: what was said so far.
    """

    def __init__(self, title: str, listener: Callable[[Sentence], None] | None = None) -> None:
        self.title = title
        self.sentences: list[Sentence] = []
        self._listener = listener

    @property
    def holds(self) -> bool:
        """Every step and every refusal came out as told, and there were some of both."""
        kinds = {sentence.kind for sentence in self.sentences}
        return kinds >= {"step", "refusal"} and all(item.holds for item in self.sentences)

    @property
    def refusals(self) -> tuple[Sentence, ...]:
        """The refusals, in order."""
        return tuple(item for item in self.sentences if item.kind == "refusal")

    def scene(self, text: str) -> None:
        """Begin a part."""
        self._say(Sentence("scene", text))

    def step(self, text: str, *details: str, holds: bool = True) -> None:
        """Tell a step; ``holds`` is the thing that has to be true."""
        self._say(Sentence("step", text, details, holds))

    def verified(self, text: str, report: SignatureReport) -> None:
        """Tell that a signature passed."""
        checks = ", ".join(check.name for check in report.checks if check.status == "PASSED")
        self.step(text, f"{report.indication}: {checks}", holds=report.passed)

    def who(self, text: str, principal: Principal) -> None:
        """Tell who somebody is, for whom, and how surely."""
        self.step(text, str(principal), how_surely(principal.assurance))

    def checked(self, text: str, check: Check) -> None:
        """Tell that a named check passed."""
        self.step(text, f"{check.name}: {check.detail}", holds=check.status == "PASSED")

    def granted(self, text: str, decision: Decision) -> None:
        """Tell a decision that grants."""
        self.step(text, *_decided(decision), holds=decision.granted)

    def denied(self, text: str, decision: Decision, code: str) -> None:
        """Tell a decision that has to refuse, for this reason."""
        holds = not decision.granted and decision.code == code
        self._say(Sentence("refusal", text, _decided(decision), holds))

    def mismatch(self, text: str, check: Check) -> None:
        """Tell a named check that has to fail."""
        detail = f"{check.code}: {check.detail}"
        self._say(Sentence("refusal", text, (detail,), check.status == "FAILED"))

    def rejected(self, text: str, report: SignatureReport, check: str) -> None:
        """Tell a signature that must not pass, because of the check of this name."""
        failed = report.check(check)
        detail = f"{report.indication}, {report.sub_indication}; {check}: {failed.detail}"
        holds = not report.passed and failed.status in ("FAILED", "INDETERMINATE")
        self._say(Sentence("refusal", text, (detail,), holds))

    def refused(self, text: str, code: str, act: Callable[[], Any]) -> EsignError | None:
        """Tell an act that has to end in the error of this code; return the error."""
        try:
            act()
        except EsignError as error:
            details = [f"{error.code}: {error.detail}"]
            if error.hint:
                details.append(f"the person reads: {error.hint}")
            self._say(Sentence("refusal", text, tuple(details), error.code == code))
            return error
        self._say(Sentence("refusal", text, (f"expected {code}; nothing was refused",), False))
        return None

    def _say(self, sentence: Sentence) -> None:
        details = tuple(printable(detail) for detail in sentence.details)
        said = Sentence(sentence.kind, printable(sentence.text), details, bool(sentence.holds))
        self.sentences.append(said)
        if self._listener is not None:
            self._listener(said)


def how_surely(assurance: Assurance) -> str:
    """Return the four axes in one line."""
    signature = f"{assurance.signature} ({assurance.regime})" if assurance.regime else "none"
    return (
        f"identity {assurance.identity}, authentication {assurance.authentication}, "
        f"signature {signature}, federation {assurance.federation}"
    )


def _decided(decision: Decision) -> tuple[str, ...]:
    if decision.granted:
        looked = ", ".join(dict.fromkeys(step.name for step in decision.steps))
        return (f"{decision.right}: granted, after a look at {looked}",)
    return (f"{decision.right}: refused, {decision.code}", "; ".join(decision.reasons))
