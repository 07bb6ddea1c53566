"""The errors of logins, each with its word to the person at the browser."""

from __future__ import annotations

from esign_kit.errors import (
    EsignError,
    LoginAnswerError,
    LoginError,
    LoginProviderError,
    LoginRefusedError,
    LoginStateError,
)

__all__ = ["answer", "from_esign", "provider", "refused", "shown", "state"]

_AGAIN = "please begin the login again"
_HINTS = {
    "login.state-missing": _AGAIN,
    "login.state-foreign": _AGAIN + ", in the same browser window",
    "login.state-expired": "the login took too long; " + _AGAIN,
    "login.state-used": "this login was already used; " + _AGAIN,
    "login.cancelled": "you cancelled the login; begin again when you are ready",
    "login.refused": "the login system did not let you in; try another way to log in there",
    "login.provider-unreachable": "the login system does not answer; please try again later",
    "login.provider-answer": "the login system answered badly; please try again later",
    "login.provider-client": "this portal is not set up rightly at the login system; tell its "
    "operator",
    "login.store-unavailable": "logins are not possible at the moment; please try again later",
    "login.no-identifier": "your account there has no confirmed personal number; confirm it with "
    "your key or mobile identity, then log in again",
    "login.subject": "log in as the person who began this application",
    "login.account-inactive": "your account at the login system is not active",
    "login.challenge-clock": "the clock of your computer is wrong; set it and log in again",
    "login.challenge-content": "the key signed something else than this login; " + _AGAIN,
    "login.challenge-rejected": "the signature could not be accepted; check that your certificate "
    "is valid and meant for logins",
    "login.challenge-purpose": "choose the key that is meant for logins",
    "login.not-matched": "check the document number and the personal number on your card",
}


def _hint(code: str, hint: str) -> str:
    return hint or _HINTS.get(code, _AGAIN)


def state(code: str, detail: str) -> LoginStateError:
    """Return an error about the beginning of a login."""
    return LoginStateError(detail, code=code, hint=_hint(code, ""))


def refused(code: str, detail: str) -> LoginRefusedError:
    """Return an error that says no."""
    return LoginRefusedError(detail, code=code, hint=_hint(code, ""))


def provider(code: str, detail: str) -> LoginProviderError:
    """Return an error about the provider."""
    return LoginProviderError(detail, code=code, hint=_hint(code, ""))


def answer(code: str, detail: str, hint: str = "") -> LoginAnswerError:
    """Return an error about what was answered."""
    return LoginAnswerError(detail, code=code, hint=_hint(code, hint))


def from_esign(error: EsignError, code: str, what: str) -> LoginError:
    """Return an error of another room as one about an answer; its words hold no numbers."""
    if isinstance(error, LoginError):
        return error
    return answer(code, f"{what}: {error.detail} [{error.code}]")


def shown(text: object, limit: int = 80) -> str:
    """Return foreign text for a log: short, on one line, without control characters."""
    plain = "".join(c if c.isprintable() else "?" for c in str(text))
    return plain if len(plain) <= limit else plain[:limit] + "…"
