"""Login and upload over plain ASGI: what passes, and each request that must not."""

from __future__ import annotations

import asyncio
import html
import json
import logging
import re
from base64 import b64decode
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

import esign_kit as ek
from esign_kit.login import MemoryOnceStore
from esign_kit.testing import FixturePKI
from esign_kit.web import KeyPortal, MemorySessions, Upload, principal_from_data
from esign_kit.web.asgi import EsignMiddleware

ORIGIN = "https://portal.example"
CITIZEN, NEIGHBOUR = "900101300017", "800202300025"
DOCUMENT = b"I apply.\n<script>alert(1)</script>"


class Answer:
    def __init__(self, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
        self.status = status
        self.headers = {k.decode(): v.decode() for k, v in headers}
        self.body = body

    @property
    def json(self) -> dict[str, str]:
        found: dict[str, str] = json.loads(self.body)
        return found


class Browser:
    """Keeps the cookie and sends what a browser sends from a page of ours."""

    def __init__(self, app: Any) -> None:
        self.app = app
        self.cookie = ""
        self.token = ""

    def send(
        self, method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None
    ) -> Answer:
        given = {"cookie": self.cookie, **(headers or {})}
        scope = {
            "type": "http",
            "method": method,
            "path": path,
            "root_path": "",
            "headers": [(k.encode(), v.encode()) for k, v in given.items() if v],
        }
        sent: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: dict[str, Any]) -> None:
            sent.append(message)

        asyncio.run(self.app(scope, receive, send))
        answer = Answer(sent[0]["status"], sent[0]["headers"], sent[1].get("body", b""))
        if "set-cookie" in answer.headers:
            self.cookie = answer.headers["set-cookie"].partition(";")[0]
        return answer

    def open(self, path: str) -> Answer:
        answer = self.send("GET", path)
        match = re.search(rb'data-token="([^"]*)"', answer.body)
        if match:
            self.token = html.unescape(match[1].decode())
        return answer

    def post(self, path: str, data: Any = None, **changes: str) -> Answer:
        headers = {
            "origin": ORIGIN,
            "sec-fetch-site": "same-origin",
            "content-type": "application/json",
            "x-csrf-token": self.token,
        }
        headers.update({key.replace("_", "-"): value for key, value in changes.items()})
        return self.send("POST", path, json.dumps(data or {}).encode(), headers)


class Desk:
    """A portal with its country, a clock that is set by hand, and what was uploaded."""

    def __init__(self, **options: Any) -> None:
        self.pki = FixturePKI("kz", at="2026-11-02T09:00:00Z", key="ec")
        self.document = DOCUMENT
        self.uploads: list[Upload] = []
        self.sessions = MemorySessions()
        self.portal = KeyPortal(
            ORIGIN,
            profile=self.pki.profile,
            once=MemoryOnceStore(),
            fetcher=self.pki,
            clock=lambda: self.pki.now,
            **options,
        )
        self.app = EsignMiddleware(
            self.home,
            portal=self.portal,
            sessions=self.sessions,
            documents=lambda who, name: self.document if name == "application" else None,
            on_upload=self.uploads.append,
        )
        self.key = self.pki.person(CITIZEN)
        self.login_key = self.pki.person(CITIZEN, purpose="AUTHENTICATION")

    @staticmethod
    async def home(scope: Any, receive: Any, send: Any) -> None:
        who = scope["esign"].principal
        text = str(who) if who else "nobody"
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": text.encode()})

    def answer(self, browser: Browser, key: Any = None) -> str:
        begun = browser.post("/esign/challenge")
        assert begun.status == 200, begun.body
        signer = key or self.login_key
        return self.pem(signer.sign(b64decode(begun.json["data"]), authentication_key=True))

    @staticmethod
    def pem(data: bytes) -> str:
        from base64 import encodebytes

        return f"-----BEGIN CMS-----\n{encodebytes(data).decode()}-----END CMS-----\n"

    def logged_in(self) -> Browser:
        browser = Browser(self.app)
        browser.open("/esign/login")
        done = browser.post("/esign/login", {"answer": self.answer(browser)})
        assert done.status == 200, done.body
        return browser

    def reading(self) -> Browser:
        browser = self.logged_in()
        assert browser.open("/esign/sign/application").status == 200
        return browser

    def upload(self, browser: Browser, signed: bytes) -> Answer:
        return browser.post("/esign/sign/application", {"answer": self.pem(signed)})


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_login_then_signed_upload(desk: Desk) -> None:
    browser = desk.logged_in()
    assert "KZ/IIN/********0017" in browser.send("GET", "/").body.decode()
    page = browser.open("/esign/sign/application")
    assert page.status == 200
    offered = browser.post("/esign/sign/application/offer")
    assert b64decode(offered.json["data"]) == DOCUMENT
    done = desk.upload(browser, desk.key.sign(DOCUMENT))
    assert done.status == 200, done.body
    (upload,) = desk.uploads
    assert upload.document == DOCUMENT
    assert upload.principal.identifier == ek.Identifier("KZ", "IIN", CITIZEN)
    assert upload.report.passed


def test_the_session_carries_the_whole_principal(desk: Desk) -> None:
    head = desk.pki.employee(CITIZEN, "150240000006", role="head")
    report = ek.verify(
        head.sign(b"x"), profile=desk.pki.profile, fetcher=desk.pki, at=desk.pki.now
    ).only
    found = ek.identify(report, profile=desk.pki.profile)
    again = principal_from_data(json.loads(json.dumps(found.to_dict())))
    assert again.to_dict() == found.to_dict()
    assert again == found
    assert again.may("kz:sign").granted
    with pytest.raises(ek.InputError) as caught:
        principal_from_data({**found.to_dict(), "admin": True})
    assert caught.value.code == "session.principal"
    for broken in (None, [], {}, {**found.to_dict(), "kind": "GOD"}):
        with pytest.raises(ek.InputError):
            principal_from_data(broken)


def test_the_page_runs_our_script_only_and_escapes_what_it_shows(desk: Desk) -> None:
    page = desk.logged_in().open("/esign/sign/application")
    assert b"<script>alert(1)" not in page.body
    assert b"&lt;script&gt;alert(1)" in page.body
    policy = page.headers["content-security-policy"]
    assert "script-src 'self';" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert page.headers["cache-control"] == "no-store"


def test_the_cookie_is_bound_to_host_and_https(desk: Desk) -> None:
    answer = Browser(desk.app).send("GET", "/esign/login")
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("__Host-esign=")
    assert {"Path=/", "HttpOnly", "SameSite=Lax", "Secure"} <= set(cookie.split("; "))


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"origin": "https://evil.example"}, "request.origin"),
        ({"origin": "null"}, "request.origin"),
        ({"origin": "https://portal.example.evil.example"}, "request.origin"),
        ({"origin": "http://portal.example"}, "request.origin"),
        ({"origin": "", "sec_fetch_site": ""}, "request.origin"),
        ({"sec_fetch_site": "cross-site"}, "request.origin"),
        ({"sec_fetch_site": "same-site"}, "request.origin"),
        ({"content_type": "text/plain"}, "request.content-type"),
        ({"content_type": "application/x-www-form-urlencoded"}, "request.content-type"),
        ({"x_csrf_token": ""}, "request.token"),
        ({"x_csrf_token": "AAAA"}, "request.token"),
        ({"cookie": ""}, "request.token"),
        ({"cookie": "__Host-esign=planted"}, "request.token"),
    ],
)
def test_requests_of_other_sites_are_refused(
    desk: Desk, changes: dict[str, str], code: str
) -> None:
    browser = desk.reading()
    paths = (
        "/esign/challenge",
        "/esign/login",
        "/esign/logout",
        "/esign/sign/application",
        "/esign/sign/application/offer",
    )
    for path in paths:
        answer = browser.post(path, {"answer": "x"}, **changes)
        assert (answer.status, answer.json["code"]) == (403, code), path
    # Nothing was used up by them.
    browser.open("/esign/sign/application")
    assert desk.upload(browser, desk.key.sign(DOCUMENT)).status == 200


def test_a_replayed_login_is_refused(desk: Desk) -> None:
    browser = Browser(desk.app)
    browser.open("/esign/login")
    answer = desk.answer(browser)
    assert browser.post("/esign/login", {"answer": answer}).status == 200
    browser.open("/esign/login")
    again = browser.post("/esign/login", {"answer": answer})
    assert (again.status, again.json["code"]) == (403, "login.state-missing")
    assert again.json["hint"]


def test_a_session_of_before_cannot_be_brought_back(desk: Desk) -> None:
    """Even with the old state in the store again, a challenge is good once."""
    browser = Browser(desk.app)
    browser.open("/esign/login")
    answer = desk.answer(browser)
    name = browser.cookie.partition("=")[2]
    held = desk.sessions.load(name, at=desk.pki.now)
    assert held is not None
    token = browser.token
    assert browser.post("/esign/login", {"answer": answer}).status == 200
    until = desk.pki.now + timedelta(hours=1)
    desk.sessions.save(name, held, until=until, at=desk.pki.now, create=True)
    browser.cookie, browser.token = f"__Host-esign={name}", token
    again = browser.post("/esign/login", {"answer": answer})
    assert (again.status, again.json["code"]) == (403, "login.state-used")


def test_another_browser_cannot_use_the_answer(desk: Desk) -> None:
    mine, other = Browser(desk.app), Browser(desk.app)
    for browser in (mine, other):
        browser.open("/esign/login")
    answer = desk.answer(mine)
    desk.answer(other)
    stolen = other.post("/esign/login", {"answer": answer})
    assert (stolen.status, stolen.json["code"]) == (403, "login.challenge-content")


def test_a_stale_challenge_is_refused(desk: Desk) -> None:
    browser = Browser(desk.app)
    browser.open("/esign/login")
    answer = desk.answer(browser)
    desk.pki.travel(minutes=4)
    late = browser.post("/esign/login", {"answer": answer})
    assert (late.status, late.json["code"]) == (403, "login.state-expired")


def test_login_gives_the_session_a_new_name(desk: Desk) -> None:
    browser = Browser(desk.app)
    browser.open("/esign/login")
    before = browser.cookie
    assert browser.post("/esign/login", {"answer": desk.answer(browser)}).status == 200
    assert browser.cookie != before
    browser.cookie = before
    assert browser.send("GET", "/").body == b"nobody"


def test_log_out_ends_it(desk: Desk) -> None:
    browser = desk.reading()
    before = browser.cookie
    assert browser.post("/esign/logout").status == 200
    assert browser.send("GET", "/").body == b"nobody"
    browser.cookie = before
    assert browser.send("GET", "/").body == b"nobody"


def test_a_session_ends_by_itself(desk: Desk) -> None:
    browser = desk.logged_in()
    desk.pki.travel(minutes=31)
    assert browser.send("GET", "/").body == b"nobody"


def test_an_upload_counts_once(desk: Desk) -> None:
    browser = desk.reading()
    signed = desk.key.sign(DOCUMENT)
    assert desk.upload(browser, signed).status == 200
    again = desk.upload(browser, signed)
    assert (again.status, again.json["code"]) == (403, "upload.not-offered")
    assert len(desk.uploads) == 1


def test_what_was_shown_is_what_was_signed(desk: Desk) -> None:
    other = desk.upload(desk.reading(), desk.key.sign(b"I give everything away"))
    assert (other.status, other.json["code"]) == (400, "upload.content")
    both = desk.key.sign(DOCUMENT, existing=desk.key.sign(DOCUMENT))
    assert desk.upload(desk.reading(), both).json["code"] == "upload.signatures"
    broken = desk.key.sign(DOCUMENT).replace(b"I apply", b"I adply")
    assert desk.upload(desk.reading(), broken).json["code"] == "signature.rejected"
    assert desk.upload(desk.reading(), b"nothing").status == 400
    browser = desk.reading()
    desk.document = b"another text"
    offered = browser.post("/esign/sign/application/offer")
    assert (offered.status, offered.json["code"]) == (400, "upload.changed")
    changed = desk.upload(browser, desk.key.sign(b"another text"))
    assert changed.json["code"] == "upload.changed"
    assert desk.uploads == []


def test_only_the_one_who_is_logged_in_may_sign(desk: Desk) -> None:
    neighbour = desk.pki.person(NEIGHBOUR)
    other = desk.upload(desk.reading(), neighbour.sign(DOCUMENT))
    assert (other.status, other.json["code"]) == (400, "identity.subject-continuity")
    login = desk.login_key.sign(DOCUMENT, authentication_key=True)
    assert desk.upload(desk.reading(), login).json["code"] == "signature.rejected"
    # The same person as head of a company is the same person.
    head = desk.pki.employee(CITIZEN, "150240000006", role="head")
    assert desk.upload(desk.reading(), head.sign(DOCUMENT)).status == 200


def test_nobody_signs_without_a_login(desk: Desk) -> None:
    browser = Browser(desk.app)
    page = browser.send("GET", "/esign/sign/application")
    assert (page.status, page.headers["location"]) == (303, "/esign/login")
    browser.open("/esign/login")
    answer = desk.upload(browser, desk.key.sign(DOCUMENT))
    assert answer.status == 404


def test_a_login_that_is_not_sure_enough() -> None:
    desk = Desk(login_minimum=ek.Assurance.HIGH)
    browser = Browser(desk.app)
    browser.open("/esign/login")
    answer = browser.post("/esign/login", {"answer": desk.answer(browser)})
    assert (answer.status, answer.json["code"]) == (403, "identity.assurance")


def test_a_signature_that_is_not_enough() -> None:
    desk = Desk(signing_minimum=ek.Assurance.demand(signature="QUALIFIED", regime="EU"))
    answer = desk.upload(desk.reading(), desk.key.sign(DOCUMENT))
    assert (answer.status, answer.json["code"]) == (403, "identity.assurance")


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"answer": 7}', b"\xff", b"[" * 100_000])
def test_bodies_that_our_page_does_not_send(desk: Desk, body: bytes) -> None:
    browser = desk.reading()
    headers = {
        "origin": ORIGIN,
        "content-type": "application/json",
        "x-csrf-token": browser.token,
    }
    answer = browser.send("POST", "/esign/sign/application", body, headers)
    assert (answer.status, answer.json["code"]) == (400, "request.body")


def test_sizes_are_bounded() -> None:
    desk = Desk(size=10_000)
    browser = Browser(desk.app)
    browser.open("/esign/login")
    assert browser.post("/esign/login", {"answer": "x" * 20_000}).status == 413
    assert browser.post("/esign/login", {"answer": "x" * 200_000}).status == 413


def test_other_paths_and_methods(desk: Desk) -> None:
    browser = desk.reading()
    for path in ("/esign/", "/esign/nothing", "/esign/sign/", "/esign/sign/../x"):
        assert browser.send("GET", path).status == 404, path
    assert browser.send("GET", "/esign/sign/another").status == 404
    assert browser.send("PUT", "/esign/login").status == 405
    assert browser.send("GET", "/esignature").status == 200  # the application's
    script = browser.send("GET", "/esign/esign-agent.js")
    assert script.headers["content-type"].startswith("text/javascript")
    assert b"WebSocket" in script.body


def test_nothing_secret_is_logged(
    desk: Desk, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each random value is a marker; none of them, no number and no answer may be logged."""
    from esign_kit.login import pending
    from esign_kit.web import portal, sessions

    made: set[str] = set()
    for module in (pending, portal, sessions):
        real = module.token_urlsafe

        def token(size: int = 32, real: Any = real) -> str:
            made.add(value := real(size))
            return str(value)

        monkeypatch.setattr(module, "token_urlsafe", token)
    caplog.set_level(logging.DEBUG)
    browser = desk.reading()
    signed = desk.key.sign(DOCUMENT)
    desk.upload(browser, signed)
    desk.upload(browser, signed)
    browser.post("/esign/login", {"answer": "nonsense"})
    desk.upload(desk.reading(), desk.pki.person(NEIGHBOUR).sign(DOCUMENT))
    text = caplog.text
    assert "logged in: KZ/IIN/********0017" in text
    assert "upload.not-offered" in text
    assert len(made) >= 8
    assert [value for value in made if value in text] == []
    assert CITIZEN not in text
    assert desk.pem(signed).splitlines()[1] not in text


def test_sessions_make_room() -> None:
    now = datetime(2026, 11, 2, tzinfo=UTC)
    held = MemorySessions(limit=3)
    until = now + timedelta(hours=1)
    held.save("who", {"esign.principal": {}}, until=until, at=now, create=True)
    for number in range(10):
        held.save(str(number), {}, until=until, at=now, create=True)
    assert len(held) == 3
    assert held.load("who", at=now) is not None
    assert held.load("9", at=now) is not None
    assert held.load("9", at=now + timedelta(hours=2)) is None


def test_a_request_that_ends_after_the_log_out_brings_nothing_back(desk: Desk) -> None:
    browser = desk.logged_in()
    name = browser.cookie.partition("=")[2]

    def documents(*_: Any) -> bytes:
        desk.sessions.delete(name)  # as if the person logged out in another tab right now
        return DOCUMENT

    app = EsignMiddleware(
        desk.home, portal=desk.portal, sessions=desk.sessions, documents=documents
    )
    slow = Browser(app)
    slow.cookie = browser.cookie
    assert slow.send("GET", "/esign/sign/application").status == 200
    assert browser.send("GET", "/").body == b"nobody"


def test_a_web_socket_of_another_site_is_nobody(desk: Desk) -> None:
    browser = desk.logged_in()
    seen: list[Any] = []

    async def application(scope: Any, receive: Any, send: Any) -> None:
        seen.append(scope["esign"].principal)

    app = EsignMiddleware(application, portal=desk.portal, sessions=desk.sessions)
    for origin in (ORIGIN, "https://evil.example"):
        headers = [(b"cookie", browser.cookie.encode()), (b"origin", origin.encode())]
        scope = {"type": "websocket", "path": "/live", "headers": headers}
        asyncio.run(app(scope, None, None))  # type: ignore[arg-type]
    assert str(seen[0].identifier) == "KZ/IIN/********0017"
    assert seen[1] is None
