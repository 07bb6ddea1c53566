"""FakeOneId: the one address of OneID with its four steps, and people who log in there."""

from __future__ import annotations

import json
from base64 import b64encode
from hashlib import sha256
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

from esign_kit.model.http import HttpResponse

if TYPE_CHECKING:
    from esign_kit.model.http import HttpRequest

__all__ = ["FakeOneId"]


class FakeOneId:
    """An OneID in memory.

    Attributes:
        answer: what ``identify`` says of whoever logs in; change it as the test needs.
        lies: names of what goes wrong: ``"ret-cd"``, ``"client"``, ``"no-token"``, ``"down"``.
        requests: what was asked, in order.
    """

    def __init__(
        self,
        *,
        client_id: str = "portal",
        client_secret: str = "portal-secret",  # noqa: S107
        endpoint: str = "https://oneid.test/sso/oauth/Authorization.do",
        **answer: Any,
    ) -> None:
        """Make one with a person who logged in by password; keywords change the answer."""
        self.client_id = client_id
        self.client_secret = client_secret
        self.endpoint = endpoint
        self.lies: set[str] = set()
        self.requests: list[HttpRequest] = []
        self.answer: dict[str, Any] = {
            "ret_cd": "0",
            "sess_id": "fixture-session",
            "valid": "true",
            "validation_method": ["MOBILEMETHOD"],
            "auth_method": "LOGINPASSMETHOD",
            "pin": "30101900000004",
            "user_id": "ttestov",
            "user_type": "I",
            "full_name": "TESTOV TEST TESTOVICH",
            "first_name": "TEST",
            "sur_name": "TESTOV",
            "mid_name": "TESTOVICH",
            "birth_date": "1990-01-01",
            "legal_info": [],
            **answer,
        }
        self._codes: dict[str, str] = {}
        self._tokens: set[str] = set()

    def log_in(self, url: str, **changes: Any) -> dict[str, str]:
        """Be the browser and the person: return the parameters of the call back.

        Args:
            url: where the portal sent the browser.
            **changes: to the answer, for this and later logins.
        """
        self.answer.update(changes)
        query = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
        if query.get("response_type") != "one_code" or query.get("client_id") != self.client_id:
            return {"error": "invalid_request", "state": query.get("state", "")}
        # Codes of OneID are base64 with + / =, which a careless client loses on the way.
        code = "+/" + b64encode(sha256(query["state"].encode()).digest()).decode()
        self._codes[code] = query["redirect_uri"]
        return {"code": code, "state": query["state"]}

    def location(self, url: str) -> str:
        """Return where the browser is sent back to, with its query."""
        query = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
        return f"{query['redirect_uri']}?{urlencode(self.log_in(url))}"

    def send(self, request: HttpRequest) -> HttpResponse:
        """Answer the portal's back end."""
        self.requests.append(request)
        if "down" in self.lies:
            return HttpResponse(503)
        if request.method == "GET":
            return HttpResponse(302, self.location(request.url).encode(), "text/uri-list")
        fields = dict(parse_qsl((request.body or b"").decode()))
        if "client" in self.lies or (fields.get("client_id"), fields.get("client_secret")) != (
            self.client_id,
            self.client_secret,
        ):
            return _json(
                {"message": "ClientSecretException", "error": "CLIENT_SECRET_NOT_FOUND"}, 400
            )
        step = fields.get("grant_type")
        if step == "one_authorization_code":
            return self._token(fields)
        if step in ("one_access_token_identify", "one_log_out"):
            if fields.get("access_token") not in self._tokens or "ret-cd" in self.lies:
                return _json({"ret_cd": "1"})
            if step == "one_log_out":
                self._tokens.discard(fields["access_token"])
                return _json({"ret_cd": "0"})
            return _json(self.answer)
        return _json({"message": "unsupported grant"}, 400)

    def _token(self, fields: dict[str, str]) -> HttpResponse:
        redirect_uri = self._codes.pop(fields.get("code", ""), None)
        if redirect_uri is None or redirect_uri != fields.get("redirect_uri"):
            return _json({"message": "invalid code"}, 400)
        if "no-token" in self.lies:
            return _json({"token_type": "bearer"})
        token = b64encode(sha256(fields["code"].encode()).digest()).decode()
        self._tokens.add(token)
        return _json(
            {
                "scope": self.client_id,
                "expires_in": 500000,
                "token_type": "bearer",
                "refresh_token": "",
                "access_token": token,
            }
        )


def _json(data: dict[str, Any], status: int = 200) -> HttpResponse:
    return HttpResponse(status, json.dumps(data).encode(), "application/json")
