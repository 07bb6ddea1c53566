"""CAPIWS, the local web-socket service: one JSON request, one JSON answer."""

from __future__ import annotations

import re
from base64 import b64encode
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from esign_kit.agents.answer import AgentAnswer, Outcome, read_json, shown
from esign_kit.agents.wrapping import unwrap
from esign_kit.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "ADDRESS",
    "STATUSES",
    "EimzoCertificate",
    "api_key",
    "create_pkcs7",
    "list_all_certificates",
    "load_key",
    "read_answer",
    "read_certificates",
    "version",
]

ADDRESS = "wss://127.0.0.1:64443/service/cryptapi"
"""From https pages; from http pages it is ``ws://127.0.0.1:64646/service/cryptapi``."""

STATUSES: Mapping[int, str] = {
    0: "no such function",
    -1010: "the key is not loaded",
    -1011: "the key pair is not known",
    -1019: "the PIN has a wrong length",
    -1020: "the API key of this site is not valid",
    -1021: "the site is not identified",
    -1022: "the site may not use the agent",
    -2002: "the key file is missing",
    -2006: "the certificate is not in the container",
    -2010: "the key file is missing",
    -2011: "the disk cannot be read",
    -2024: "the certificate is not in the container",
    -3000: "the agent is busy",
    -3001: "the agent waits for the person",
    -5000: "the password was not entered",
    -5001: "cancelled",
    -5002: "cancelled",
    -5003: "the disk is not plugged in",
    -9999: "another error",
}
"""What the numbers mean, as far as integrators know; a number is not the same elsewhere."""

_CANCELLED = frozenset({-5000, -5001, -5002})
_WRONG_PASSWORD = "BadPaddingException"  # noqa: S105 - what old versions write
_KEYS = (
    "cn", "name", "surname", "l", "st", "c", "o", "uid", "1.2.860.3.16.1.2", "t",
    "1.2.860.3.16.1.1", "ou", "businesscategory", "serialnumber", "validfrom", "validto", "e",
)  # fmt: skip
_FIELD = re.compile(
    r"(?:^|,)(" + "|".join(re.escape(key) for key in _KEYS) + r"|[0-9]+(?:\.[0-9]+)+)=",
    re.ASCII | re.IGNORECASE,
)


def version() -> dict[str, Any]:
    """Return a request for the version."""
    return {"name": "version"}


def api_key(*pairs: str) -> dict[str, Any]:
    """Return the request that shows the site's keys: domain, key, domain, key, …."""
    return {"name": "apikey", "arguments": list(pairs)}


def list_all_certificates() -> dict[str, Any]:
    """Return a request for all keys in files."""
    return {"plugin": "pfx", "name": "list_all_certificates"}


def load_key(certificate: EimzoCertificate) -> dict[str, Any]:
    """Return a request to load a key; the person is asked for the password."""
    arguments = [certificate.disk, certificate.path, certificate.name, certificate.alias]
    return {"plugin": "pfx", "name": "load_key", "arguments": arguments}


def create_pkcs7(data: bytes, key: str, *, detached: bool = False) -> dict[str, Any]:
    """Return a request to sign.

    Args:
        key: what ``load_key`` gave, or ``"idcard"``, ``"baikey"``, ``"ckc"`` for a device.
        detached: leave the content out of the CMS.
    """
    arguments = [b64encode(data).decode("ascii"), key, "yes" if detached else "no"]
    return {"plugin": "pkcs7", "name": "create_pkcs7", "arguments": arguments}


def read_answer(text: str | bytes | Mapping[str, Any]) -> AgentAnswer:
    """Read an answer. A CMS stands in ``results``, everything else in ``data``.

    Raises:
        InputError: no answer of the service.
    """
    message = read_json(text, "E-IMZO")
    success = message.get("success")
    if not isinstance(success, bool):
        raise InputError("this is no answer of E-IMZO", code="agents.answer")
    status = message.get("status")
    number = status if isinstance(status, int) and not isinstance(status, bool) else None
    data = {key: value for key, value in message.items() if key not in ("success", "pkcs7_64")}
    if not success:
        reason = shown(message.get("reason"))
        if _WRONG_PASSWORD in reason:
            reason = "the password is wrong"
        words = STATUSES.get(number, "") if number is not None else ""
        outcome = Outcome.CANCELLED if number in _CANCELLED else Outcome.ERROR
        code = "" if number is None else str(number)
        return AgentAnswer(outcome, code=code, message=words or reason, data=data)
    signed = message.get("pkcs7_64")
    if signed is None:
        return AgentAnswer(Outcome.OK, data=data)
    if not isinstance(signed, str):
        raise InputError("pkcs7_64 is no text", code="agents.answer")
    return AgentAnswer(Outcome.OK, (unwrap(signed),), data=data)


@dataclass(frozen=True, slots=True)
class EimzoCertificate:
    """A key that the agent offers; what it says of itself is for show, never for logins.

    Attributes:
        fields: of the alias, by lower-case name.
    """

    disk: str
    path: str
    name: str
    alias: str
    fields: Mapping[str, str]

    @property
    def common_name(self) -> str:
        """The holder's name in capitals."""
        return self.fields.get("cn", "").upper()

    @property
    def personal_number(self) -> str:
        """PINFL as the alias states it; may be empty."""
        return self.fields.get("1.2.860.3.16.1.2", "")

    @property
    def organisation_number(self) -> str:
        """STIR of the organisation; empty for a personal key, whatever ``o`` says."""
        return self.fields.get("1.2.860.3.16.1.1", "")


def read_certificates(answer: AgentAnswer) -> tuple[EimzoCertificate, ...]:
    """Return the keys of an answer to ``list_all_certificates``.

    Raises:
        CancelledError, KeyStoreError: it is no good answer.
        InputError: it lists no keys.
    """
    answer.raise_for_outcome()
    rows = answer.data.get("certificates")
    if not isinstance(rows, list):
        raise InputError("the answer lists no certificates", code="agents.answer")
    found = []
    for row in rows[:10_000]:
        if isinstance(row, dict) and all(
            isinstance(row.get(key), str) for key in ("disk", "path", "name", "alias")
        ):
            fields = read_alias(row["alias"])
            found.append(
                EimzoCertificate(row["disk"], row["path"], row["name"], row["alias"], fields)
            )
    return tuple(found)


def read_alias(alias: str) -> dict[str, str]:
    """Take an alias apart: values hold commas, so only a known name after a comma begins one."""
    found: dict[str, str] = {}
    matches = list(_FIELD.finditer(alias[:4096]))
    for match, following in zip(matches, [*matches[1:], None], strict=True):
        end = following.start() if following else len(alias)
        found.setdefault(match[1].lower(), alias[match.end() : end])
    return found
