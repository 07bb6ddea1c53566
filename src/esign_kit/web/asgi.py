"""For any ASGI application: FastAPI, Starlette, a plain function. Nothing of them is imported.

    app.add_middleware(EsignMiddleware, portal=portal, documents=documents)

A request of the application finds the visitor under ``scope["esign"]``; so does a web socket, where
it was opened by a page of the portal.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from http.cookies import CookieError, SimpleCookie
from typing import TYPE_CHECKING, Any

from esign_kit.web.sessions import MemorySessions, new_name
from esign_kit.web.site import Answer, Site

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, MutableMapping

    from esign_kit.model.principal import Principal
    from esign_kit.web.portal import KeyPortal
    from esign_kit.web.sessions import Sessions

    Scope = MutableMapping[str, Any]
    Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
    Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
    Application = Callable[[Scope, Receive, Send], Awaitable[None]]

__all__ = ["EsignMiddleware", "Visitor"]

_MARGIN = 64 * 1024


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who is there.

    Attributes:
        principal: who logged in; ``None`` for everybody else.
    """

    principal: Principal | None = None


class EsignMiddleware:
    """Serves the pages of a portal and tells the application who is there.

    Args:
        app: the application.
        portal: see :class:`~esign_kit.web.portal.KeyPortal`.
        sessions: where sessions are kept; in the memory of this process by default.
        lifetime: how long a session lasts after its last use.
        **site: ``documents``, ``on_upload``, ``prefix``, ``after_login``, ``after_upload`` as in
            :class:`~esign_kit.web.site.Site`; both functions run in a thread of their own.
    """

    def __init__(
        self,
        app: Application,
        *,
        portal: KeyPortal,
        sessions: Sessions | None = None,
        lifetime: timedelta = timedelta(minutes=30),
        **site: Any,
    ) -> None:
        self._app = app
        self._portal = portal
        self._sessions = sessions if sessions is not None else MemorySessions()
        self._lifetime = lifetime
        self._site = Site(portal, **site)
        self._secure = portal.origin.startswith("https://")
        # The prefix binds the cookie to this host, to https and to the whole site (RFC 6265bis).
        self._cookie = "__Host-esign" if self._secure else "esign"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer under the prefix; all else is for the application."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        headers = _headers(scope)
        name = self._name(headers.get("cookie", ""))
        below = self._below(scope) if scope["type"] == "http" else None
        if scope["type"] == "websocket" and headers.get("origin") != self._portal.origin:
            # Cookies go along with sockets of any site; there is no token that could stop them.
            name = ""
        if below is None:
            session = await asyncio.to_thread(self._load, name)
            scope["esign"] = Visitor(self._portal.principal(session) if session else None)
            await self._app(scope, receive, send)
            return
        body = await _body(receive, self._portal.size * 2 + _MARGIN)
        if body is None:
            await _send(send, Answer(413, b'{"code": "request.size", "hint": ""}'), [])
            return
        answer, cookie = await asyncio.to_thread(
            self._handle, name, str(scope["method"]), below, headers, body
        )
        await _send(send, answer, [cookie] if cookie else [])

    def _below(self, scope: Scope) -> str | None:
        path = str(scope["path"]).removeprefix(str(scope.get("root_path", "")))
        start = self._site.prefix + "/"
        return path[len(start) :] if path.startswith(start) else None

    def _load(self, name: str) -> dict[str, Any] | None:
        return self._sessions.load(name, at=self._portal.clock()) if name else None

    def _handle(
        self, name: str, method: str, path: str, headers: dict[str, str], body: bytes
    ) -> tuple[Answer, str]:
        held = self._load(name)
        session = dict(held or {})
        answer = self._site.handle(session, method, path, headers, body)
        cookie = ""
        if session != (held or {}) or answer.renew:
            # A name that nobody made here is never taken over.
            create = held is None or answer.renew
            if create:
                if held is not None:
                    self._sessions.delete(name)
                name = new_name()
                cookie = self._set_cookie(name)
            now = self._portal.clock()
            until = now + self._lifetime
            self._sessions.save(name, session, until=until, at=now, create=create)
        return answer, cookie

    def _set_cookie(self, name: str) -> str:
        secure = "; Secure" if self._secure else ""
        return f"{self._cookie}={name}; Path=/; HttpOnly; SameSite=Lax{secure}"

    def _name(self, text: str) -> str:
        try:
            found = SimpleCookie(text).get(self._cookie)
        except CookieError:
            return ""
        return found.value if found is not None else ""


def _headers(scope: Scope) -> dict[str, str]:
    found: dict[str, str] = {}
    for raw, value in scope["headers"]:
        key, text = raw.decode("latin-1").lower(), value.decode("latin-1")
        # A field that stands twice is joined as HTTP says, and then equals nothing that we expect.
        joiner = "; " if key == "cookie" else ", "
        found[key] = f"{found[key]}{joiner}{text}" if key in found else text
    return found


async def _body(receive: Receive, limit: int) -> bytes | None:
    parts = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        parts += message.get("body", b"")
        if len(parts) > limit:
            return None
        if not message.get("more_body", False):
            return bytes(parts)


async def _send(send: Send, answer: Answer, cookies: list[str]) -> None:
    headers = {**answer.headers, "Content-Type": answer.media_type}
    headers["Content-Length"] = str(len(answer.body))
    pairs = [
        (key.lower().encode("ascii"), value.encode("latin-1")) for key, value in headers.items()
    ]
    pairs += [(b"set-cookie", cookie.encode("ascii")) for cookie in cookies]
    await send({"type": "http.response.start", "status": answer.status, "headers": pairs})
    await send({"type": "http.response.body", "body": answer.body})
