"""FakeOidc: an OpenID provider that can lie in every field."""

from __future__ import annotations

import json
from base64 import b64decode, urlsafe_b64encode
from hashlib import sha256
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, parse_qsl, unquote_plus, urlencode, urlsplit

from esign_kit.algorithms import signature_algorithm
from esign_kit.crypto import der_to_plain
from esign_kit.login.oidc import OidcClient, OidcProvider
from esign_kit.login.secret import Secret
from esign_kit.model.http import HttpResponse
from esign_kit.testing import keys

if TYPE_CHECKING:
    from datetime import datetime

    from esign_kit.model.http import HttpRequest

__all__ = ["LIES", "FakeOidc"]

LIES = (
    "nonce", "no-nonce", "audience", "two-audiences", "azp", "issuer", "expired", "no-exp",
    "future", "old", "not-yet", "alg-none", "alg-hs256", "alg-other", "wrong-key", "unknown-kid",
    "own-key-in-header", "crit", "bad-signature", "changed-payload", "at-hash", "no-sub",
    "code-hash", "userinfo-sub", "no-id-token", "double-claim", "text-exp", "encrypted",
    "down", "keys-down",
)  # fmt: skip
"""Everything it can lie about; add names to ``fake.lies``."""

_JOSE = {"RS256": "RSA-SHA256", "PS256": "RSA-PSS-SHA256", "ES256": "ECDSA-SHA256"}


class FakeOidc:
    """An OpenID provider in memory.

    Attributes:
        claims: what it says of whoever logs in (beside ``iss``, ``aud``, times and nonce).
        userinfo: what stands in userinfo instead; ``None`` for no such resource.
        certificates: the further resource of mygov ID.
        lies: see :data:`LIES`.
        now: its time.
    """

    def __init__(
        self,
        *,
        at: datetime,
        issuer: str | None = "https://login.test",
        base: str = "https://login.test",
        client_id: str = "portal",
        client_secret: str = "portal-secret",  # noqa: S107
        redirect_uri: str = "https://portal.test/cb",
        algorithm: str = "RS256",
        claims: dict[str, Any] | None = None,
        userinfo: dict[str, Any] | None = None,
        certificates: Any = None,
    ) -> None:
        """Make one; ``issuer=None`` leaves the issuer out of tokens."""
        self.now = at
        self.issuer = issuer
        self.base = base
        self.client_id = client_id
        self.client_secret = client_secret
        self.redirect_uri = redirect_uri
        self.algorithm = algorithm
        self.claims: dict[str, Any] = {"sub": "subject-1", **(claims or {})}
        self.userinfo = userinfo
        self.certificates = certificates
        self.lies: set[str] = set()
        self.requests: list[HttpRequest] = []
        self._codes: dict[str, dict[str, str]] = {}
        self._tokens: dict[str, str] = {}
        self._generation = 0
        self.rotate()

    def rotate(self) -> None:
        """Replace the signing key, as providers do without notice."""
        self._generation += 1
        self.key_id = f"key-{self._generation}"
        kind = "ec" if self.algorithm == "ES256" else "rsa"
        self._key = keys.make(kind, b"oidc %d" % self._generation, self._generation - 1)
        self._stranger = keys.make(kind, b"oidc stranger", 3)

    def provider(self, **options: Any) -> OidcProvider:
        """Return what a portal would be told about it."""
        given: dict[str, Any] = {
            "jwks_uri": f"{self.base}/jwks",
            "userinfo_endpoint": f"{self.base}/userinfo" if self.userinfo is not None else "",
            "end_session_endpoint": f"{self.base}/logout",
            **options,
        }
        name = given.pop("name", "fake")
        return OidcProvider(
            name, self.issuer, f"{self.base}/authorize", f"{self.base}/token", **given
        )

    def client(self, **options: Any) -> OidcClient:
        """Return what a portal got at registration."""
        return OidcClient(self.client_id, self.redirect_uri, Secret(self.client_secret), **options)

    def discovery(self) -> dict[str, Any]:
        """Return discovery data."""
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.base}/authorize",
            "token_endpoint": f"{self.base}/token",
            "jwks_uri": f"{self.base}/jwks",
            "userinfo_endpoint": f"{self.base}/userinfo",
            "id_token_signing_alg_values_supported": [self.algorithm],
        }

    def log_in(self, url: str, **claims: Any) -> dict[str, str]:
        """Be the browser and the person: return the parameters of the call back."""
        self.claims.update(claims)
        query = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
        if query.get("client_id") != self.client_id or query.get("response_type") != "code":
            return {"error": "invalid_request", "state": query.get("state", "")}
        if query["redirect_uri"] != self.redirect_uri:
            return {"error": "invalid_request", "state": query.get("state", "")}
        code = _word(b"code " + query["state"].encode())
        self._codes[code] = query
        return {"code": code, "state": query["state"]}

    def refuse(self, url: str, error: str = "access_denied") -> dict[str, str]:
        """Be a person who cancels."""
        query = parse_qs(urlsplit(url).query)
        return {"error": error, "state": query["state"][0]}

    def location(self, url: str) -> str:
        """Return where the browser is sent back to, with its query."""
        return f"{self.redirect_uri}?{urlencode(self.log_in(url))}"

    def send(self, request: HttpRequest) -> HttpResponse:
        """Answer the portal's back end (or, at ``/authorize``, a browser)."""
        self.requests.append(request)
        path = urlsplit(request.url).path
        if "down" in self.lies:
            return HttpResponse(503)
        if path.endswith("/jwks"):
            return HttpResponse(503) if "keys-down" in self.lies else _json(self.key_set())
        if path.endswith("/token"):
            return self._token(request)
        if path.endswith("/authorize"):
            return HttpResponse(302, self.location(request.url).encode(), "text/uri-list")
        bearer = _field(request, "Authorization").removeprefix("Bearer ")
        if bearer not in self._tokens:
            return _json({"error": "invalid_token"}, 401)
        if path.endswith("/certificates"):
            return _json(self.certificates)
        subject = "subject-2" if "userinfo-sub" in self.lies else self._tokens[bearer]
        return _json({"sub": subject, **(self.userinfo or {})})

    def key_set(self) -> dict[str, Any]:
        """Return the JSON Web Key Set."""
        return {"keys": [_jwk(self._key, self.key_id, self.algorithm)]}

    def _token(self, request: HttpRequest) -> HttpResponse:
        fields = dict(parse_qsl((request.body or b"").decode()))
        given = (fields.get("client_id", ""), fields.get("client_secret", ""))
        basic = _field(request, "Authorization")
        if basic.startswith("Basic "):
            pair = b64decode(basic[6:]).decode().split(":")
            given = (unquote_plus(pair[0]), unquote_plus(pair[1]))
        if given != (self.client_id, self.client_secret):
            return _json({"error": "invalid_client"}, 401)
        begun = self._codes.pop(fields.get("code", ""), None)
        verifier = fields.get("code_verifier", "").encode()
        if begun is None or _word(verifier) != begun.get("code_challenge"):
            return _json({"error": "invalid_grant"}, 400)
        access = _word(b"access " + fields["code"].encode())
        self._tokens[access] = str(self.claims.get("sub"))
        answer = {"access_token": access, "token_type": "Bearer", "expires_in": 300}
        if "no-id-token" not in self.lies:
            answer["id_token"] = self.id_token(begun.get("nonce", ""), access)
        return _json(answer)

    def id_token(self, nonce: str, access: str = "") -> str:
        """Return a token, with all lies that concern it."""
        lies = self.lies
        now = int(self.now.timestamp())
        claims: dict[str, Any] = {
            "aud": self.client_id,
            "iat": now,
            "exp": now + 300,
            "auth_time": now,
            "nonce": nonce,
            "at_hash": _half(access),
            **self.claims,
        }
        if self.issuer is not None:
            claims["iss"] = self.issuer
        changes: dict[str, dict[str, Any]] = {
            "nonce": {"nonce": "another"},
            "no-nonce": {"nonce": None},
            "audience": {"aud": "another-portal"},
            "two-audiences": {"aud": [self.client_id, "another-portal"]},
            "azp": {"azp": "another-portal"},
            "issuer": {"iss": "https://evil.test"},
            "expired": {"iat": now - 600, "exp": now - 300},
            "no-exp": {"exp": None},
            "future": {"iat": now + 3600, "exp": now + 7200},
            "old": {"iat": now - 3600},
            "not-yet": {"nbf": now + 3600},
            "at-hash": {"at_hash": _half("another")},
            "code-hash": {"c_hash": _half("another")},
            "no-sub": {"sub": None},
            "text-exp": {"exp": "tomorrow"},
        }
        for lie, change in changes.items():
            if lie in lies:
                claims.update(change)
        return self._sign({key: value for key, value in claims.items() if value is not None})

    def _sign(self, claims: dict[str, Any]) -> str:
        lies = self.lies
        header: dict[str, Any] = {"alg": self.algorithm, "kid": self.key_id, "typ": "JWT"}
        key = self._key
        if "wrong-key" in lies:
            key = self._stranger
        if "unknown-kid" in lies:
            header["kid"] = "nobody"
        if "own-key-in-header" in lies:
            key = self._stranger
            header["jwk"] = _jwk(key, self.key_id, self.algorithm)
        if "crit" in lies:
            header["crit"] = ["exp"]
        for lie, name in (("alg-none", "none"), ("alg-hs256", "HS256"), ("alg-other", "RS512")):
            if lie in lies:
                header["alg"] = name
        body = json.dumps(claims).encode()
        if "double-claim" in lies:
            body = body[:-1] + b', "sub": "subject-9"}'
        signed = f"{_b64(json.dumps(header).encode())}.{_b64(body)}".encode()
        value = self._value(key, header["alg"], signed)
        if "bad-signature" in lies:
            value = value[:-1] + bytes([value[-1] ^ 1])
        if "changed-payload" in lies:
            other = json.dumps({**claims, "sub": "subject-9"}).encode()
            signed = signed.split(b".")[0] + b"." + _b64(other).encode()
        token = f"{signed.decode()}.{_b64(value)}"
        return f"{token}.x.y" if "encrypted" in lies else token

    def _value(self, key: keys.AnyKey, name: str, signed: bytes) -> bytes:
        if name == "none":
            return b""
        if name == "HS256":
            from hmac import digest

            # The classic confusion: the public key, in the form of the set, taken as a MAC key.
            public = json.dumps(_jwk(self._key, self.key_id, self.algorithm)).encode()
            return digest(public, signed, "sha256")
        algorithm = signature_algorithm(_JOSE.get(name, "RSA-SHA512"))
        value = key.sign(signed, algorithm)
        return der_to_plain(value, 32) if name == "ES256" else value


def _jwk(key: keys.AnyKey, key_id: str, algorithm: str) -> dict[str, str]:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
    from cryptography.hazmat.primitives.serialization import load_der_public_key

    public = load_der_public_key(key.spki)
    row = {"kid": key_id, "use": "sig", "alg": algorithm}
    if isinstance(public, RSAPublicKey):
        numbers = public.public_numbers()
        return {**row, "kty": "RSA", "n": _number(numbers.n), "e": _number(numbers.e)}
    if isinstance(public, EllipticCurvePublicKey):
        point = public.public_numbers()
        x, y = (_b64(value.to_bytes(32, "big")) for value in (point.x, point.y))
        return {**row, "kty": "EC", "crv": "P-256", "x": x, "y": y}
    raise TypeError("no such key in this fake")


def _number(value: int) -> str:
    return _b64(value.to_bytes((value.bit_length() + 7) // 8, "big"))


def _b64(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def _word(data: bytes) -> str:
    return _b64(sha256(data).digest())


def _half(text: str) -> str:
    return _b64(sha256(text.encode()).digest()[:16])


def _field(request: HttpRequest, name: str) -> str:
    return next((v for k, v in request.headers.items() if k.lower() == name.lower()), "")


def _json(data: Any, status: int = 200) -> HttpResponse:
    return HttpResponse(status, json.dumps(data).encode(), "application/json")
