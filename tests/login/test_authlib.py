"""Authlib as the OpenID provider: its grant, its PKCE, its tokens and its key set."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

import esign_kit as ek
from esign_kit.errors import LoginAnswerError, LoginRefusedError
from esign_kit.login import MemoryOnceStore, OidcClient, OidcLogin, OidcProvider, Secret
from esign_kit.model.http import HttpRequest, HttpResponse
from tests.login.conftest import peer

pytestmark = pytest.mark.filterwarnings("ignore")

SESSION = b"a session secret of this browser"
ISSUER, PORTAL = "https://login.test", "https://portal.test/cb"


class Client:
    """What Authlib asks of a registered client."""

    client_id = "portal"

    def check_client_secret(self, value: str) -> bool:
        return value == "portal-secret"

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        return method in ("client_secret_post", "client_secret_basic")

    def check_grant_type(self, value: str) -> bool:
        return value == "authorization_code"

    def check_response_type(self, value: str) -> bool:
        return value == "code"

    def check_redirect_uri(self, value: str) -> bool:
        return value == PORTAL

    def get_default_redirect_uri(self) -> str:
        return PORTAL

    def get_allowed_scope(self, scope: str) -> str:
        return scope

    def get_client_id(self) -> str:
        return self.client_id


class Code:
    """An authorization code as Authlib keeps it."""

    def __init__(self, code: str, request: Any) -> None:
        data = request.payload.data
        self.code = code
        self.nonce = data.get("nonce")
        self.code_challenge = data.get("code_challenge")
        self.code_challenge_method = data.get("code_challenge_method")
        self.redirect_uri = data.get("redirect_uri")
        self.scope = data.get("scope")

    def get_redirect_uri(self) -> str:
        return str(self.redirect_uri)

    def get_scope(self) -> str:
        return str(self.scope)

    def get_nonce(self) -> Any:
        return self.nonce

    def get_auth_time(self) -> int:
        return int(time.time())

    def get_acr(self) -> Any:
        return None

    def get_amr(self) -> Any:
        return None


class Provider:
    """Authlib's authorization server behind our transport."""

    def __init__(self) -> None:
        self.key = peer("joserfc.jwk").RSAKey.generate_key(2048, {"kid": "k1", "use": "sig"})
        self.subject = {"sub": "s1", "preferred_username": "001090000001", "acr": "1"}
        self.codes: dict[str, Code] = {}
        self.server = _server(self)

    def authorize(self, url: str) -> dict[str, str]:
        request = self.server.create_oauth2_request(HttpRequest("GET", url))
        grant = self.server.get_consent_grant(request, end_user="user")
        request.user = "user"
        _, _, headers = self.server.create_authorization_response(
            request, grant_user="user", grant=grant
        )
        query = parse_qs(urlsplit(dict(headers)["Location"]).query)
        return {name: values[0] for name, values in query.items()}

    def send(self, request: HttpRequest) -> HttpResponse:
        if request.url.endswith("/jwks"):
            body = json.dumps({"keys": [self.key.as_dict(private=False)]}).encode()
            return HttpResponse(200, body, "application/json")
        status, body, _ = self.server.create_token_response(
            self.server.create_oauth2_request(request)
        )
        return HttpResponse(status, json.dumps(body).encode(), "application/json")


def _server(owner: Provider) -> Any:
    rfc6749 = peer("authlib.oauth2.rfc6749")
    payloads = peer("authlib.oauth2.rfc6749.requests")
    code_flow = peer("authlib.oidc.core.grants").OpenIDCode
    challenge = peer("authlib.oauth2.rfc7636").CodeChallenge

    class Server(rfc6749.AuthorizationServer):  # type: ignore[misc, name-defined]
        def query_client(self, client_id: str) -> Any:
            return Client() if client_id == Client.client_id else None

        def save_token(self, token: Any, request: Any) -> None:
            pass

        def send_signal(self, name: str, *args: Any, **kwargs: Any) -> None:
            pass

        def create_oauth2_request(self, request: Any) -> Any:
            if not isinstance(request, HttpRequest):
                return request
            text = (request.body or b"").decode() or urlsplit(request.url).query
            fields = {name: values[0] for name, values in parse_qs(text).items()}
            made = rfc6749.OAuth2Request(request.method, request.url, headers=request.headers)
            made.payload = payloads.BasicOAuth2Payload(fields)
            # Authlib reads a posted form through this name too.
            type(made).form = property(lambda self: self.payload.data)
            return made

        def handle_response(self, status: int, body: Any, headers: Any) -> Any:
            return status, body, headers

    class Grant(rfc6749.grants.AuthorizationCodeGrant):  # type: ignore[misc, name-defined]
        TOKEN_ENDPOINT_AUTH_METHODS = ("client_secret_basic", "client_secret_post")

        def save_authorization_code(self, code: str, request: Any) -> None:
            owner.codes[code] = Code(code, request)

        def query_authorization_code(self, code: str, client: Any) -> Any:
            return owner.codes.get(code)

        def delete_authorization_code(self, item: Any) -> None:
            owner.codes.pop(item.code, None)

        def authenticate_user(self, item: Any) -> str:
            return "user"

    class Openid(code_flow):  # type: ignore[misc, valid-type]
        def exists_nonce(self, nonce: str, request: Any) -> bool:
            return False

        def get_jwt_config(self, grant: Any, client: Any = None) -> dict[str, Any]:
            key = owner.key.as_dict(private=True)
            return {"key": key, "alg": "RS256", "iss": ISSUER, "exp": 300, "kid": "k1"}

        def generate_user_info(self, user: Any, scope: str) -> Any:
            return peer("authlib.oidc.core").UserInfo(**owner.subject)

    server = Server(scopes_supported=["openid"])
    generator = peer("authlib.oauth2.rfc6750").BearerTokenGenerator(
        lambda *args, **kwargs: "access-token-of-authlib"
    )
    server.register_token_generator("default", generator)
    server.register_grant(Grant, [Openid(require_nonce=True), challenge(required=True)])
    return server


@pytest.fixture(scope="module")
def authlib() -> Provider:
    peer("authlib")
    return Provider()


def login_with(provider: Provider, **options: Any) -> OidcLogin:
    known = OidcProvider(
        "vneid", ISSUER, f"{ISSUER}/authorize", f"{ISSUER}/token", f"{ISSUER}/jwks",
        dialect="vneid", require_at_hash=True,
    )  # fmt: skip
    client = OidcClient("portal", PORTAL, Secret("portal-secret"), **options)
    return OidcLogin(
        known, client, profile=ek.profile("vn"), transport=provider, once=MemoryOnceStore()
    )


@pytest.mark.parametrize("authentication", ["post", "basic"])
def test_good(authlib: Provider, authentication: str) -> None:
    login = login_with(authlib, authentication=authentication)
    begun = login.begin(session_secret=SESSION, at=datetime.now(UTC))
    query = authlib.authorize(begun.url)
    done = login.finish(query, begun.pending, session_secret=SESSION, at=datetime.now(UTC))
    assert done.principal.identifier == ek.Identifier("VN", "CCCD", "001090000001")
    assert done.principal.assurance.federation == "SIGNED"


def test_pkce_and_single_use_by_the_provider(authlib: Provider) -> None:
    login = login_with(authlib)
    first = login.begin(session_secret=SESSION, at=datetime.now(UTC))
    second = login.begin(session_secret=SESSION, at=datetime.now(UTC))
    stolen = authlib.authorize(first.url)["code"]
    query = {**authlib.authorize(second.url), "code": stolen}
    with pytest.raises(LoginRefusedError) as caught:
        login.finish(query, second.pending, session_secret=SESSION, at=datetime.now(UTC))
    assert "invalid_grant" in caught.value.detail


def test_another_nonce(authlib: Provider) -> None:
    login = login_with(authlib)
    begun = login.begin(session_secret=SESSION, at=datetime.now(UTC))
    query = authlib.authorize(begun.url)
    authlib.codes[query["code"]].nonce = "of another login"
    with pytest.raises(LoginAnswerError) as caught:
        login.finish(query, begun.pending, session_secret=SESSION, at=datetime.now(UTC))
    assert caught.value.code == "login.token-nonce"
