"""Is this request from our own page? Origin, fetch metadata, token of the session, kind of body.

Each of the four alone has let somebody through somewhere; a request has to pass all that apply.
"""

from __future__ import annotations

import json
from hmac import compare_digest
from typing import TYPE_CHECKING, Any

from esign_kit.errors import (
    AssuranceError,
    EsignError,
    IdentityError,
    InputError,
    LimitError,
    LoginError,
    SignatureRejected,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["RequestRefused", "check_post", "read_json", "status_of"]


class RequestRefused(EsignError):
    """A request that our own page would not have made."""

    default_code = "request.refused"


def check_post(
    headers: Mapping[str, str], *, origin: str, token: str | None, path_token: bool = True
) -> None:
    """Check a request that changes something.

    Args:
        headers: names in small letters.
        origin: of the portal.
        token: of this session; ``None`` where there is no session yet.
        path_token: ``False`` where the framework has compared its own token.

    Raises:
        RequestRefused: it comes from another site, or from no page of ours.
    """
    stated = headers.get("origin")
    fetched = headers.get("sec-fetch-site")
    if stated is None and fetched is None:
        raise RequestRefused("no Origin and no Sec-Fetch-Site", code="request.origin")
    if stated is not None and stated != origin:
        raise RequestRefused("the request comes from another origin", code="request.origin")
    if fetched is not None and fetched != "same-origin":
        raise RequestRefused("the browser says that it is cross-site", code="request.origin")
    if headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise RequestRefused("the body is not application/json", code="request.content-type")
    if path_token:
        given = headers.get("x-csrf-token", "")
        if not token or not compare_digest(given.encode(), token.encode()):
            raise RequestRefused(
                "the token of the page is not that of the session",
                code="request.token",
                hint="reload the page",
            )


def read_json(body: bytes, *names: str) -> dict[str, str]:
    """Return the named texts of a JSON object.

    Raises:
        InputError: it is none, or one of them is missing or no text.
    """
    try:
        data: Any = json.loads(body)
        return {name: _text(data[name]) for name in names}
    except (ValueError, KeyError, TypeError, RecursionError):
        raise InputError("the body is not what the page sends", code="request.body") from None


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def status_of(error: EsignError) -> int:
    """Return the HTTP status that an error is told with."""
    if isinstance(error, LimitError):
        return 413
    if isinstance(error, (RequestRefused, LoginError, AssuranceError, SignatureRejected)):
        return 403
    if isinstance(error, (InputError, IdentityError)):
        return 400
    return 503
