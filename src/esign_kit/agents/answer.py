"""What an agent answered: done, cancelled, or an error by name."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from esign_kit.errors import CancelledError, InputError, KeyStoreError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["AgentAnswer", "Outcome", "read_json", "shown"]

_MAX_ANSWER = 96 * 1024 * 1024


class Outcome(StrEnum):
    """How it ended."""

    OK = "OK"
    CANCELLED = "CANCELLED"
    ERROR = "ERROR"


@dataclass(frozen=True, slots=True, repr=False)
class AgentAnswer:
    """One answer.

    Attributes:
        results: signed files as octets, or texts as UTF-8, in the order of what was offered.
        code: of the agent; empty where it gives none.
        message: of the agent, for a log; foreign text.
        data: further plain data (lists of keys, versions).
    """

    outcome: Outcome
    results: tuple[bytes, ...] = ()
    code: str = ""
    message: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        """The agent did what it was asked for; what it made is still to be verified."""
        return self.outcome is Outcome.OK

    @property
    def result(self) -> bytes:
        """The only result.

        Raises:
            CancelledError: the person said no.
            KeyStoreError: the agent gave an error.
            InputError: none, or several.
        """
        self.raise_for_outcome()
        if len(self.results) != 1:
            raise InputError(
                f"{len(self.results)} results where one is expected", code="agents.results"
            )
        return self.results[0]

    def raise_for_outcome(self) -> None:
        """Raise unless it ended well.

        Raises:
            CancelledError: the person said no.
            KeyStoreError: the agent gave an error.
        """
        if self.outcome is Outcome.CANCELLED:
            raise CancelledError(
                "the person cancelled at the agent",
                code="agents.cancelled",
                hint="sign again when you are ready",
            )
        if self.outcome is Outcome.ERROR:
            raise KeyStoreError(
                f"the agent answered {self.code or 'an error'}: {self.message}".rstrip(": "),
                code="agents.error",
                hint="look at the window of the agent; start it again if there is none",
            )

    def __repr__(self) -> str:
        return f"AgentAnswer({self.outcome}, {len(self.results)} results, {self.code!r})"


def read_json(text: str | bytes | Mapping[str, Any], what: str) -> Mapping[str, Any]:
    """Return a JSON object.

    Raises:
        InputError: it is none.
    """
    if not isinstance(text, (str, bytes)):
        return text
    try:
        if len(text) > _MAX_ANSWER:
            raise ValueError
        found = json.loads(text)
    except (ValueError, RecursionError):
        raise InputError(f"{what}: no JSON", code="agents.answer") from None
    if not isinstance(found, dict):
        raise InputError(f"{what}: no JSON object", code="agents.answer")
    return found


def shown(value: object, limit: int = 200) -> str:
    """Return foreign text on one line, short and without control characters."""
    text = "" if value is None else str(value)
    plain = "".join(c if c.isprintable() else " " for c in text)
    return plain[:limit]
