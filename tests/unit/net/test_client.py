"""HttpClient: what secrets travel with goes where it was told, and nowhere else."""

from __future__ import annotations

from typing import Any

import pytest

import esign_kit as ek
from esign_kit.model.http import HttpRequest, HttpResponse
from esign_kit.net import Guard, HttpClient
from esign_kit.testing.login import LoopbackLogin


class Fake:
    def __init__(self, answer: HttpResponse) -> None:
        self.answer = answer
        self.requests: list[HttpRequest] = []

    def send(self, request: HttpRequest) -> HttpResponse:
        self.requests.append(request)
        return self.answer


def ask(fake: Fake, request: dict[str, Any] | None = None, **options: Any) -> HttpResponse:
    with LoopbackLogin(fake) as server:
        client = HttpClient(**{"plain_http": {"127.0.0.1"}, **options})
        given = {"method": "GET", "url": server.url + "/path?a=b%2Bc", **(request or {})}
        return client.send(HttpRequest(**given))


def test_an_exchange() -> None:
    fake = Fake(HttpResponse(401, b'{"error": 1}', "application/json"))
    answer = ask(fake, {"method": "POST", "body": b"x=1", "headers": {"Authorization": "Bearer t"}})
    # The status is the caller's to judge.
    assert (answer.status, answer.body, answer.media_type) == (
        401, b'{"error": 1}', "application/json",
    )  # fmt: skip
    (sent,) = fake.requests
    assert sent.body == b"x=1"
    assert sent.headers["Authorization"] == "Bearer t"
    assert sent.url.endswith("/path?a=b%2Bc")


def test_a_redirect_is_not_followed() -> None:
    fake = Fake(HttpResponse(302, b"http://127.0.0.1:1/elsewhere"))
    assert ask(fake).status == 302
    assert len(fake.requests) == 1


def test_a_large_answer() -> None:
    with pytest.raises(ek.EvidenceError) as caught:
        ask(Fake(HttpResponse(200, b"x" * 2000)), limit=1000)
    assert caught.value.code == "fetch.too-large"


@pytest.mark.parametrize(
    ("url", "options", "code"),
    [
        ("http://login.test/", {}, "fetch.scheme"),
        ("ftp://login.test/", {}, "fetch.scheme"),
        ("https://127.0.0.1/", {}, "fetch.address"),
        ("https://169.254.169.254/", {}, "fetch.address"),
        ("https://user:word@login.test/", {}, "fetch.url"),
        ("http://127.0.0.1:1/", {"plain_http": {"127.0.0.1"}}, "fetch.connect"),
        ("https://x.test/", {"guard": Guard(resolve=lambda *_: ["10.0.0.1"])}, "fetch.address"),
    ],
)
def test_where_nothing_is_sent(url: str, options: dict[str, Any], code: str) -> None:
    with pytest.raises(ek.EvidenceError) as caught:
        HttpClient(**options).send(HttpRequest("GET", url))
    assert caught.value.code == code


def test_a_field_cannot_hold_another() -> None:
    fake = Fake(HttpResponse(200))
    with pytest.raises(ek.EvidenceError) as caught:
        ask(fake, {"headers": {"X-Real-IP": "1\r\nX-Evil: SECRET"}})
    assert caught.value.code == "fetch.protocol"
    assert "SECRET" not in str(caught.value)
    assert fake.requests == []


def test_a_silent_server() -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}/"
        with pytest.raises(ek.EvidenceError) as caught:
            HttpClient(plain_http={"127.0.0.1"}, seconds=0.2).send(HttpRequest("GET", url))
    assert caught.value.code == "fetch.timeout"
