"""The three shapes of NCALayer's answers, and its greeting.

``basics`` says ``status`` true with ``body.result``; true without a result is a person who
cancelled; false comes with ``code`` and ``message``. ``commonUtils`` says ``code`` ``"200"`` with
``responseObject``, and any other code is an error, of which one is the cancelling person.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from esign_kit.agents.answer import AgentAnswer, Outcome, read_json, shown
from esign_kit.agents.wrapping import unwrap
from esign_kit.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["read_answer", "read_greeting"]

_CANCELLED = ("action.canceled", "action.cancelled", "action_canceled")
_MAX_RESULTS = 10_000


def read_greeting(text: str | bytes | Mapping[str, Any]) -> str | None:
    """Return the version out of the first message; ``None`` if it is another message."""
    result = read_json(text, "NCALayer").get("result")
    version = result.get("version") if isinstance(result, dict) else None
    return shown(version, 40) if isinstance(version, str) else None


def read_answer(text: str | bytes | Mapping[str, Any]) -> AgentAnswer:
    """Read an answer of either module.

    Signed files are unwrapped (PEM, base64, PEM in base64); other answers stand in ``data``.

    Raises:
        InputError: no answer of NCALayer.
    """
    message = read_json(text, "NCALayer")
    if "status" in message:
        return _basics(message)
    if "code" in message:
        return _common(message)
    raise InputError("this is no answer of NCALayer", code="agents.answer")


def _basics(message: Mapping[str, Any]) -> AgentAnswer:
    if message["status"] is not True:
        return _error(message.get("code"), message.get("message"))
    body = message.get("body")
    if not isinstance(body, dict):
        raise InputError("an answer of basics without a body", code="agents.answer")
    if body.get("result") is None:
        return AgentAnswer(Outcome.CANCELLED)
    return _results(body["result"])


def _common(message: Mapping[str, Any]) -> AgentAnswer:
    if str(message["code"]) != "200":
        return _error(message["code"], message.get("message"))
    if "responseObject" not in message:
        raise InputError("an answer of commonUtils without an object", code="agents.answer")
    return _results(message["responseObject"])


def _error(code: object, text: object) -> AgentAnswer:
    words = shown(text)
    outcome = Outcome.CANCELLED if words.strip().lower() in _CANCELLED else Outcome.ERROR
    return AgentAnswer(outcome, code=shown(code, 60), message=words)


def _results(value: Any) -> AgentAnswer:
    """One result, or a list of one or of several; keys and tokens are no files."""
    if isinstance(value, dict) or value is None:
        return AgentAnswer(Outcome.OK, data={"result": value})
    items = value if isinstance(value, list) else [value]
    if len(items) > _MAX_RESULTS:
        raise InputError("too many results", code="agents.answer")
    if not all(isinstance(item, str) for item in items):
        return AgentAnswer(Outcome.OK, data={"result": value})
    try:
        return AgentAnswer(Outcome.OK, tuple(unwrap(item) for item in items))
    except InputError:
        # Names of storages, a version: not for verifying.
        return AgentAnswer(Outcome.OK, data={"result": value})
