"""The flow: authorise in the browser, exchange the code, ask who it is, log out."""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from esign_kit.login import calls, faults
from esign_kit.login.oneid.answer import METHODS, read_answer
from esign_kit.login.pending import LIFETIME, aware, begin, parameter, resume, seal
from esign_kit.login.result import Login, Redirect, conclude, passed
from esign_kit.login.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime, timedelta

    from esign_kit.login.once import OnceStore
    from esign_kit.model.assurance import Assurance
    from esign_kit.model.http import HttpResponse, Transport
    from esign_kit.model.identifier import Identifier
    from esign_kit.model.levels import Level
    from esign_kit.profiles.data import Profile

__all__ = ["ENDPOINT", "OneIdClient", "OneIdLogin"]

ENDPOINT = "https://sso.egov.uz/sso/oauth/Authorization.do"


@dataclass(frozen=True, slots=True)
class OneIdClient:
    """What the operator gave at registration.

    Attributes:
        scope: the name given at registration, often the client's own.
        endpoint: one address for all four steps; test hosts are given by the operator.
    """

    client_id: str
    client_secret: Secret = field(repr=False)
    redirect_uri: str
    scope: str
    endpoint: str = ENDPOINT


class OneIdLogin:
    """Login through OneID.

    Args:
        client: see :class:`OneIdClient`.
        profile: ``profile("uz")`` or one derived from it.
        transport: the way to OneID, for example ``esign_kit.net.HttpClient()``.
        once: remembers which logins were finished.
        lifetime: how long the person may take.
        organisation_key_rights: what a login with an organisation's key (LEPKCSMETHOD) gives;
            nothing by default, for the cabinet asks for that key itself.
    """

    protocol = "oneid"

    def __init__(
        self,
        client: OneIdClient,
        *,
        profile: Profile,
        transport: Transport,
        once: OnceStore,
        lifetime: timedelta = LIFETIME,
        organisation_key_rights: frozenset[str] = frozenset(),
    ) -> None:
        self._client = client
        self._profile = profile
        self._transport = transport
        self._once = once
        self._lifetime = lifetime
        self._rights = organisation_key_rights

    def begin(
        self,
        *,
        session_secret: bytes,
        at: datetime,
        method: str | None = None,
        expected: Identifier | None = None,
    ) -> Redirect:
        """Return where the browser goes.

        Args:
            session_secret: of this browser's session, 16 octets or more.
            method: one of the methods to ask for (``"LEPKCSMETHOD"``); what was asked for is not
                what was done, the answer tells that.
            expected: who has to come back (a step-up in a running session).
        """
        if method is not None and method not in METHODS:
            raise ValueError(f"method is one of {', '.join(METHODS)}")
        client = self._client
        extra = {"method": method or "", "expected": expected.urn() if expected else ""}
        pending = begin(
            self.protocol, client.client_id, at=at, lifetime=self._lifetime, extra=extra
        )
        query = {
            "response_type": "one_code",
            "client_id": client.client_id,
            "redirect_uri": client.redirect_uri,
            "scope": client.scope,
            "state": pending.state,
        }
        if method:
            query["auth_methods"] = method
        return Redirect(calls.join(client.endpoint, query), seal(pending, session_secret))

    def finish(
        self,
        query: Mapping[str, str | Sequence[str]],
        pending: str | None,
        *,
        session_secret: bytes,
        at: datetime,
        minimum: Level | Assurance | None = None,
    ) -> Login:
        """Exchange the code and return who came.

        Args:
            query: the parameters of the call back.
            pending: what ``begin`` gave to this session.
            minimum: what is demanded at least.

        Raises:
            LoginError: see the tree in ``esign_kit.errors``.
            AssuranceError: less than ``minimum``.
        """
        moment = aware(at)
        begun = resume(
            pending,
            session_secret,
            query,
            "state",
            protocol=self.protocol,
            provider=self._client.client_id,
            once=self._once,
            at=moment,
        )
        code = parameter(query, "code")
        if not code:
            raise faults.refused(
                "login.cancelled",
                f"OneID sent no code; error {faults.shown(parameter(query, 'error'), 40)!r}",
            )
        token = self._token(code)
        answer = self._call(
            {
                "grant_type": "one_access_token_identify",
                "access_token": token.reveal(),
                "scope": self._client.scope,
            },
            "identify",
        )
        data = calls.json_object(answer.body, "OneID identify")
        digest = sha256(answer.body).hexdigest()
        read = read_answer(data, at=moment, digest=digest, rights=self._rights)
        return conclude(
            read.claimed,
            self._profile,
            at=moment,
            evidence=answer.body,
            checks=(
                passed("state", "begun in this browser, used once"),
                passed("answer", "ret_cd 0; nothing is signed"),
            ),
            minimum=minimum,
            expected=begun.extra["expected"] or None,
            claims=data,
            tokens={"access_token": token},
        )

    def log_out(self, login: Login) -> None:
        """End the session at OneID, which is one for all portals in this browser.

        Raises:
            LoginProviderError: OneID did not.
        """
        token = login.tokens["access_token"]
        fields = {
            "grant_type": "one_log_out",
            "access_token": token.reveal(),
            "scope": self._client.scope,
        }
        data = calls.json_object(self._call(fields, "log out").body, "OneID log out")
        if data.get("ret_cd") != "0":
            raise faults.provider("login.provider-answer", "OneID did not log out")

    def _token(self, code: str) -> Secret:
        fields = {
            "grant_type": "one_authorization_code",
            "redirect_uri": self._client.redirect_uri,
            "code": code,
        }
        data = calls.json_object(self._call(fields, "token").body, "OneID token")
        token = data.get("access_token")
        if not isinstance(token, str) or not token:
            raise faults.provider("login.provider-answer", "OneID gave no access token")
        return Secret(token)

    def _call(self, fields: dict[str, str], what: str) -> HttpResponse:
        client = self._client
        sent = {
            **fields,
            "client_id": client.client_id,
            "client_secret": client.client_secret.reveal(),
        }
        answer = calls.post_form(self._transport, client.endpoint, sent, f"OneID {what}")
        if answer.status != 200:
            raise _refusal(answer, what)
        return answer


def _refusal(answer: HttpResponse, what: str) -> Exception:
    data: dict[str, Any] = {}
    if answer.body[:1] == b"{":
        data = calls.json_object(answer.body, f"OneID {what}")
    word = faults.shown(data.get("error") or data.get("message") or "", 60)
    detail = f"OneID {what} answered {answer.status} {word}".rstrip()
    if "CLIENT" in word.upper():
        return faults.provider("login.provider-client", detail)
    if 400 <= answer.status < 500:
        return faults.refused("login.refused", detail)
    return faults.provider("login.provider-answer", detail)
