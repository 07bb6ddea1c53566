"""One request in, one answer out; the framework's part is to carry both."""

from __future__ import annotations

import json
import logging
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from esign_kit.asn1.names import printable
from esign_kit.errors import EsignError
from esign_kit.web import pages
from esign_kit.web.guard import check_post, read_json, status_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from esign_kit.model.principal import Principal
    from esign_kit.web.portal import KeyPortal, Session, Upload

__all__ = ["Answer", "Site"]

_LOG = logging.getLogger("esign_kit.web")
_SIGN = re.compile(r"sign/([A-Za-z0-9._-]{1,80})(/offer)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Answer:
    """What is answered.

    Attributes:
        renew: somebody logged in or out: the session needs a new name.
    """

    status: int
    body: bytes = b""
    media_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)
    renew: bool = False


class Site:
    """The pages of a :class:`KeyPortal` under one prefix.

    Args:
        documents: returns the octets of a document that this person may sign, by name; ``None``
            if there is none for them. By default there is nothing to sign.
        on_upload: takes what was accepted; what it raises reaches the framework.
        prefix: path under which the pages stand, without a slash at its end.
        after_login, after_upload: where the browser goes then.
    """

    def __init__(
        self,
        portal: KeyPortal,
        *,
        documents: Callable[[Principal, str], bytes | None] | None = None,
        on_upload: Callable[[Upload], None] | None = None,
        prefix: str = "/esign",
        after_login: str = "/",
        after_upload: str = "/",
    ) -> None:
        self.portal = portal
        self.prefix = prefix.rstrip("/")
        self._documents = documents
        self._on_upload = on_upload
        self._after_login = after_login
        self._after_upload = after_upload

    def handle(
        self,
        session: Session,
        method: str,
        path: str,
        headers: Mapping[str, str],
        body: bytes,
        *,
        token: str | None = None,
    ) -> Answer:
        """Answer a request.

        Args:
            session: of this browser; it is changed in place.
            path: below the prefix, without a slash at its beginning.
            headers: names in small letters.
            token: the framework's own token, where the framework compares it itself.
        """
        try:
            if method in ("GET", "HEAD"):
                return self._get(session, path, token)
            if method != "POST":
                return self._error(405, "request.method", "")
            own = session.get("esign.token") if token is None else None
            check_post(headers, origin=self.portal.origin, token=own, path_token=token is None)
            return self._post(session, path, body)
        except EsignError as error:
            # The word for the log and the word for the person are kept apart.
            _LOG.info("%s: %s", error.code, printable(error.detail))
            return self._error(status_of(error), error.code, error.hint)

    def _get(self, session: Session, path: str, token: str | None) -> Answer:
        if path == "esign-agent.js":
            return _static(pages.agent_script(), "text/javascript; charset=utf-8")
        if path == "esign.css":
            return _static(pages.style_sheet(), "text/css; charset=utf-8")
        agents = self.portal.agents
        if path == "login":
            shown = token or self.portal.token(session)
            return self._page(pages.login_page(self.prefix, shown, agents, self._after_login))
        match = _SIGN.fullmatch(path)
        if match is None or match[2]:
            return self._error(404, "request.path", "")
        principal = self.portal.principal(session)
        if principal is None:
            return Answer(303, headers={"Location": f"{self.prefix}/login", **_NO_STORE})
        document = self._document(principal, match[1])
        if document is None:
            return self._error(404, "request.path", "there is no such document for you")
        self.portal.offer(session, match[1], document)
        shown = token or self.portal.token(session)
        return self._page(
            pages.sign_page(
                self.prefix, shown, agents, match[1], document, principal, self._after_upload
            )
        )

    def _post(self, session: Session, path: str, body: bytes) -> Answer:
        if path == "challenge":
            return _json(200, self.portal.challenge(session))
        if path == "login":
            answer = read_json(body, "answer")["answer"]
            login = self.portal.log_in(session, answer.encode())
            _LOG.info("logged in: %s", printable(str(login.principal.identifier)))
            return _json(200, {"message": f"Welcome, {login.principal}."}, renew=True)
        if path == "logout":
            self.portal.log_out(session)
            return _json(200, {"message": "You are logged out."}, renew=True)
        match = _SIGN.fullmatch(path)
        principal = self.portal.principal(session)
        document = self._document(principal, match[1]) if match and principal else None
        if match is None or document is None:
            return self._error(404, "request.path", "there is no such document for you")
        if match[2]:
            return _json(200, self.portal.offered(session, match[1], document))
        answer = read_json(body, "answer")["answer"]
        upload = self.portal.accept(session, match[1], document, answer.encode())
        _LOG.info("signed by %s", printable(str(upload.principal.identifier)))
        if self._on_upload is not None:
            self._on_upload(upload)
        return _json(200, {"message": f"Signed by {upload.principal}."})

    def _document(self, principal: Principal, name: str) -> bytes | None:
        return self._documents(principal, name) if self._documents is not None else None

    def _page(self, text: str) -> Answer:
        policy = pages.content_security_policy(self.portal.agents)
        headers = {"Content-Security-Policy": policy, **_NO_STORE}
        return Answer(200, text.encode(), "text/html; charset=utf-8", headers)

    @staticmethod
    def _error(status: int, code: str, hint: str) -> Answer:
        return _json(status, {"code": code, "hint": hint})


_COMMON = {"X-Content-Type-Options": "nosniff", "Referrer-Policy": "same-origin"}
_NO_STORE = {**_COMMON, "Cache-Control": "no-store"}


def _json(status: int, data: Mapping[str, Any], renew: bool = False) -> Answer:
    body = json.dumps(data, ensure_ascii=False).encode()
    return Answer(status, body, "application/json", _NO_STORE, renew)


def _static(body: bytes, media_type: str) -> Answer:
    return Answer(200, body, media_type, {**_COMMON, "Cache-Control": "max-age=3600"})
