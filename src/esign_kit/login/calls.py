"""Asking a provider, and reading JSON that anybody may have written."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from esign_kit.errors import EvidenceError
from esign_kit.login import faults
from esign_kit.model.http import HttpRequest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from esign_kit.model.http import HttpResponse, Transport

__all__ = ["get", "join", "json_object", "json_value", "post_form", "send"]

_MAX_JSON = 2 * 1024 * 1024
_FORM = "application/x-www-form-urlencoded"


def send(transport: Transport, request: HttpRequest, what: str) -> HttpResponse:
    """Send a request.

    Raises:
        LoginProviderError: no answer came.
    """
    try:
        return transport.send(request)
    except EvidenceError as error:
        # Without its cause: what a transport raises may quote the request.
        raise faults.provider(
            "login.provider-unreachable", f"{what}: {error.detail} [{error.code}]"
        ) from None


def post_form(
    transport: Transport,
    url: str,
    fields: Mapping[str, str],
    what: str,
    headers: Mapping[str, str] | None = None,
) -> HttpResponse:
    """Post a form; secrets stand in the body, never in the address."""
    body = urlencode(fields).encode("ascii")
    request = HttpRequest("POST", url, {"Content-Type": _FORM, **(headers or {})}, body)
    return send(transport, request, what)


def get(
    transport: Transport, url: str, what: str, headers: Mapping[str, str] | None = None
) -> HttpResponse:
    """Ask for a resource."""
    return send(transport, HttpRequest("GET", url, dict(headers or {})), what)


def join(url: str, fields: Mapping[str, str]) -> str:
    """Return an address with these fields added to its query."""
    return f"{url}{'&' if '?' in url else '?'}{urlencode(fields)}"


def json_object(data: bytes | str, what: str) -> dict[str, Any]:
    """Read a JSON object; a name that stands twice is refused.

    Raises:
        LoginProviderError: it is none.
    """
    found = json_value(data, what)
    if not isinstance(found, dict):
        raise faults.provider("login.provider-answer", f"{what}: no JSON object")
    return found


def json_value(data: bytes | str, what: str) -> Any:
    """Read JSON; a name that stands twice is refused.

    Raises:
        LoginProviderError: it is none.
    """
    try:
        if len(data) > _MAX_JSON:
            raise ValueError
        return json.loads(data, object_pairs_hook=_unique, parse_constant=_refuse)
    except (ValueError, RecursionError):
        raise faults.provider("login.provider-answer", f"{what}: no proper JSON") from None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError
    return found


def _refuse(_: str) -> None:
    raise ValueError
