"""The flow: authorise in the browser, exchange the code, check the token, ask for more, log out."""

from __future__ import annotations

from base64 import b64encode, urlsafe_b64encode
from hashlib import sha256
from typing import TYPE_CHECKING, Any
from urllib.parse import quote_plus

from esign_kit.login import calls, faults
from esign_kit.login.oidc.dialects import read_claims
from esign_kit.login.oidc.keys import KeyRing
from esign_kit.login.oidc.token import check_claims, check_token_hash, verify_token
from esign_kit.login.pending import LIFETIME, aware, begin, parameter, resume, seal
from esign_kit.login.result import Login, Redirect, conclude, passed
from esign_kit.login.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime, timedelta

    from esign_kit.login.oidc.provider import OidcClient, OidcProvider
    from esign_kit.login.once import OnceStore
    from esign_kit.login.pending import Pending
    from esign_kit.model.assurance import Assurance
    from esign_kit.model.http import Transport
    from esign_kit.model.identifier import Identifier
    from esign_kit.model.levels import Level
    from esign_kit.profiles.data import Profile

__all__ = ["OidcLogin"]

_WITH_TOKENS = ("userProfileUri", "logoutUri")
"""Claims of Viet Nam's portal that hold a bearer token of the ministry's server; dropped unread."""
_CANCELLED = frozenset({"access_denied", "user_cancelled", "login_required", "consent_required"})


class OidcLogin:
    """Login through one OpenID provider.

    Args:
        provider: see :class:`OidcProvider`; ``vneid``, ``vn_portal``, ``mygovid`` are known.
        client: what the provider gave at registration.
        profile: whose identity and assurance rules hold.
        transport: the way to the provider, for example ``esign_kit.net.HttpClient()``.
        once: remembers which logins were finished.
        lifetime: how long the person may take.
        ring: keys to share between several objects.
    """

    protocol = "oidc"

    def __init__(
        self,
        provider: OidcProvider,
        client: OidcClient,
        *,
        profile: Profile,
        transport: Transport,
        once: OnceStore,
        lifetime: timedelta = LIFETIME,
        ring: KeyRing | None = None,
    ) -> None:
        self._provider = provider
        self._client = client
        self._profile = profile
        self._transport = transport
        self._once = once
        self._lifetime = lifetime
        self._ring = ring or KeyRing(provider, transport)

    def begin(
        self,
        *,
        session_secret: bytes,
        at: datetime,
        expected: Identifier | None = None,
        prompt: str = "",
    ) -> Redirect:
        """Return where the browser goes, with state, nonce and PKCE S256.

        Args:
            session_secret: of this browser's session, 16 octets or more.
            expected: who has to come back (a step-up in a running session).
            prompt: as in OpenID Connect (``"login"`` asks for a fresh login).
        """
        provider, client = self._provider, self._client
        pending = begin(
            self.protocol,
            provider.name,
            at=at,
            lifetime=self._lifetime,
            nonce=True,
            verifier=True,
            extra={"expected": expected.urn() if expected else ""},
        )
        hashed = sha256(pending.verifier.encode("ascii")).digest()
        query = {
            "response_type": "code",
            "client_id": client.client_id,
            "redirect_uri": client.redirect_uri,
            "scope": " ".join(provider.scopes),
            "state": pending.state,
            "nonce": pending.nonce,
            "code_challenge": urlsafe_b64encode(hashed).rstrip(b"=").decode("ascii"),
            "code_challenge_method": "S256",
        }
        if provider.acr_values:
            query["acr_values"] = " ".join(provider.acr_values)
        if provider.max_age is not None:
            query["max_age"] = str(int(provider.max_age.total_seconds()))
        if prompt:
            query["prompt"] = prompt
        url = calls.join(provider.authorization_endpoint, query)
        return Redirect(url, seal(pending, session_secret))

    def finish(
        self,
        query: Mapping[str, str | Sequence[str]],
        pending: str | None,
        *,
        session_secret: bytes,
        at: datetime,
        minimum: Level | Assurance | None = None,
    ) -> Login:
        """Exchange the code, check everything, and return who came.

        Args:
            query: the parameters of the call back.
            pending: what ``begin`` gave to this session.
            minimum: what is demanded at least.

        Raises:
            LoginError: see the tree in ``esign_kit.errors``.
            AssuranceError: less than ``minimum``.
            UnsupportedError: joserfc is not installed.
        """
        moment = aware(at)
        begun = resume(
            pending,
            session_secret,
            query,
            "state",
            protocol=self.protocol,
            provider=self._provider.name,
            once=self._once,
            at=moment,
        )
        code = self._code(query)
        tokens = self._exchange(code, begun)
        raw = tokens["id_token"].reveal()
        claims, algorithm = verify_token(raw, self._ring, self._provider, at=moment)
        checks = check_claims(
            claims,
            self._provider,
            client_id=self._client.client_id,
            nonce=begun.nonce,
            begun=begun.issued,
            at=moment,
        )
        access = tokens.get("access_token", Secret("")).reveal()
        required = self._provider.require_at_hash
        check_token_hash(claims, "at_hash", access, algorithm, required=required)
        check_token_hash(claims, "c_hash", code, algorithm, required=False)
        merged = {**self._userinfo(access, claims["sub"]), **claims}
        for name in _WITH_TOKENS:
            merged.pop(name, None)
        claimed = read_claims(
            merged,
            self._provider,
            self._profile,
            at=moment,
            signed=claims,
            structures=self._structures(access),
        )
        return conclude(
            claimed,
            self._profile,
            at=moment,
            evidence=raw.encode("ascii"),
            checks=(
                passed("state", "begun in this browser, used once"),
                passed("token-signature", algorithm),
                *checks,
            ),
            minimum=minimum,
            expected=begun.extra["expected"] or None,
            claims=merged,
            tokens=tokens,
        )

    def log_out_url(self, login: Login, *, return_to: str = "") -> str:
        """Return where to send the browser to log out at the provider too; empty if nowhere.

        The address holds the id_token, as the protocol wants it: redirect to it, do not log it.
        """
        if not self._provider.end_session_endpoint:
            return ""
        query = {"id_token_hint": login.tokens["id_token"].reveal()}
        if return_to:
            query["post_logout_redirect_uri"] = return_to
        return calls.join(self._provider.end_session_endpoint, query)

    def _code(self, query: Mapping[str, str | Sequence[str]]) -> str:
        error = parameter(query, "error")
        if error in _CANCELLED:
            raise faults.refused("login.cancelled", f"the provider answered {error}")
        if error:
            raise faults.refused(
                "login.refused", f"the provider answered {faults.shown(error, 60)!r}"
            )
        issuer = parameter(query, "iss")
        if issuer and self._provider.issuer is not None and issuer != self._provider.issuer:
            # RFC 9207: the answer of another provider, brought here to mix the two up.
            raise faults.answer("login.token-issuer", "the answer comes from another provider")
        code = parameter(query, "code")
        if not code:
            raise faults.refused("login.cancelled", "the provider sent no code")
        return code

    def _exchange(self, code: str, begun: Pending) -> dict[str, Secret]:
        client, what = self._client, f"{self._provider.name} token"
        fields = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": client.redirect_uri,
            "code_verifier": begun.verifier,
        }
        headers = {}
        secret = client.client_secret
        if secret is not None and client.authentication == "basic":
            # RFC 6749 § 2.3.1: both parts are form-encoded first.
            pair = f"{quote_plus(client.client_id)}:{quote_plus(secret.reveal())}"
            headers["Authorization"] = "Basic " + b64encode(pair.encode()).decode("ascii")
        else:
            fields["client_id"] = client.client_id
            if secret is not None:
                fields["client_secret"] = secret.reveal()
        url = self._provider.token_endpoint
        answer = calls.post_form(self._transport, url, fields, what, headers)
        data = calls.json_object(answer.body, what)
        if answer.status != 200:
            word = faults.shown(data.get("error", ""), 60)
            if word == "invalid_client":
                raise faults.provider("login.provider-client", f"{what}: {word}")
            if word == "invalid_grant":
                raise faults.refused("login.refused", f"{what}: {word}: used, late or foreign")
            raise faults.provider("login.provider-answer", f"{what}: {answer.status} {word}")
        found = {
            name: Secret(data[name])
            for name in ("id_token", "access_token", "refresh_token")
            if isinstance(data.get(name), str)
        }
        if "id_token" not in found:
            raise faults.provider("login.provider-answer", f"{what}: no id_token")
        return found

    def _userinfo(self, access: str, subject: str) -> dict[str, Any]:
        url, what = self._provider.userinfo_endpoint, f"{self._provider.name} userinfo"
        if not url:
            return {}
        data = self._resource(url, access, what)
        if not isinstance(data, dict):
            raise faults.provider("login.provider-answer", f"{what}: no JSON object")
        if data.get("sub") != subject:
            # Core § 5.3.2: without this a swapped access token brings somebody else's data.
            raise faults.answer("login.userinfo-subject", "userinfo is of another subject")
        return data

    def _structures(self, access: str) -> Any:
        url = self._provider.resource_url
        if not url:
            return None
        return self._resource(url, access, f"{self._provider.name} certificates")

    def _resource(self, url: str, access: str, what: str) -> Any:
        if not access:
            raise faults.provider("login.provider-answer", f"{what}: no access token")
        headers = {"Authorization": f"Bearer {access}"}
        answer = calls.get(self._transport, url, what, headers)
        if answer.status != 200:
            raise faults.provider("login.provider-answer", f"{what}: {answer.status}")
        return calls.json_value(answer.body, what)
