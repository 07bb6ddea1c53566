"""Agents that hold a person's key outside of the browser, and the servers of their vendors.

A web page talks to the agent; the portal's back end builds what the page sends and reads what it
brings back. No socket is opened here. An agent's word is never believed: what it made is verified,
its content compared with what was offered, and its signer with who was expected.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from esign_kit.agents.answer import AgentAnswer, Outcome
    from esign_kit.agents.complete import AgentJob, Completed, complete_agent, complete_login
    from esign_kit.agents.wrapping import unwrap

__all__ = [
    "AgentAnswer",
    "AgentJob",
    "Completed",
    "Outcome",
    "complete_agent",
    "complete_login",
    "unwrap",
]

_HOMES = {
    "AgentAnswer": "answer",
    "AgentJob": "complete",
    "Completed": "complete",
    "Outcome": "answer",
    "complete_agent": "complete",
    "complete_login": "complete",
    "unwrap": "wrapping",
}


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'esign_kit.agents' has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(f"esign_kit.agents.{home}"), name)
    globals()[name] = value
    return value
