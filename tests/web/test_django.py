"""Django: its own token, its own sessions, and the same refusals. One project for this process."""

from __future__ import annotations

import html
import json
import re
import sys
from base64 import b64decode
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest

pytest.importorskip("django")

from django.conf import settings
from django.test import Client

from esign_kit.login import MemoryOnceStore
from esign_kit.testing import FixturePKI
from esign_kit.web import KeyPortal, Upload

if TYPE_CHECKING:
    from collections.abc import Iterator

ORIGIN = "https://portal.example"
CITIZEN, NEIGHBOUR = "900101300017", "800202300025"
DOCUMENT = b"I apply."


@pytest.fixture(scope="module")
def project() -> Iterator[Any]:
    """Configure Django once; ``project.site`` is changed by each desk."""
    urls = ModuleType("esign_kit_django_project")
    sys.modules[urls.__name__] = urls
    if not settings.configured:
        settings.configure(
            ALLOWED_HOSTS=["portal.example"],
            CACHES={"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}},
            LOGGING_CONFIG=None,
            MIDDLEWARE=["django.contrib.sessions.middleware.SessionMiddleware"],
            ROOT_URLCONF=urls.__name__,
            SECRET_KEY="of this test",
            SECURE_PROXY_SSL_HEADER=("HTTP_X_FORWARDED_PROTO", "https"),
            SESSION_COOKIE_SECURE=True,
            SESSION_ENGINE="django.contrib.sessions.backends.cache",
            USE_TZ=True,
        )
    import django

    django.setup()
    yield urls
    del sys.modules[urls.__name__]


class Desk:
    def __init__(self, project: Any) -> None:
        from django.http import HttpRequest, HttpResponse
        from django.urls import clear_url_caches, include, path

        from esign_kit.web.django import Site, esign_urls, principal_of

        self.pki = FixturePKI("kz", at="2026-11-02T09:00:00Z", key="ec")
        self.uploads: list[Upload] = []
        portal = KeyPortal(
            ORIGIN,
            profile=self.pki.profile,
            once=MemoryOnceStore(),
            fetcher=self.pki,
            clock=lambda: self.pki.now,
        )
        site = Site(
            portal,
            documents=lambda who, name: DOCUMENT if name == "application" else None,
            on_upload=self.uploads.append,
        )

        def home(request: HttpRequest) -> HttpResponse:
            return HttpResponse(str(principal_of(request, site) or "nobody"))

        project.urlpatterns = [path("", home), path("esign/", include(esign_urls(site)))]
        clear_url_caches()
        self.key = self.pki.person(CITIZEN)
        self.login_key = self.pki.person(CITIZEN, purpose="AUTHENTICATION")


class Browser:
    def __init__(self) -> None:
        self.client = Client(
            enforce_csrf_checks=True, HTTP_HOST="portal.example", HTTP_X_FORWARDED_PROTO="https"
        )
        self.token = ""

    def open(self, path: str) -> Any:
        answer = self.client.get(path)
        match = re.search(rb'data-token="([^"]*)"', answer.content)
        if match:
            self.token = html.unescape(match[1].decode())
        return answer

    def post(self, path: str, data: Any = None, **changes: str) -> Any:
        headers = {"origin": ORIGIN, "sec-fetch-site": "same-origin", "x-csrftoken": self.token}
        headers.update({key.replace("_", "-"): value for key, value in changes.items()})
        return self.client.post(
            path,
            json.dumps(data or {}),
            content_type=headers.pop("content-type", "application/json"),
            headers={key: value for key, value in headers.items() if value},
        )


@pytest.fixture
def desk(project: Any) -> Desk:
    return Desk(project)


def answer_of(desk: Desk, browser: Browser) -> str:
    begun = browser.post("/esign/challenge")
    assert begun.status_code == 200, begun.content
    signed = desk.login_key.sign(b64decode(begun.json()["data"]), authentication_key=True)
    return pem(signed)


def pem(data: bytes) -> str:
    from base64 import encodebytes

    return f"-----BEGIN CMS-----\n{encodebytes(data).decode()}-----END CMS-----\n"


def logged_in(desk: Desk) -> Browser:
    browser = Browser()
    browser.open("/esign/login")
    done = browser.post("/esign/login", {"answer": answer_of(desk, browser)})
    assert done.status_code == 200, done.content
    return browser


def test_login_and_upload(desk: Desk) -> None:
    browser = Browser()
    browser.open("/esign/login")
    answer = answer_of(desk, browser)
    before = browser.client.cookies["sessionid"].value
    assert browser.post("/esign/login", {"answer": answer}).status_code == 200
    assert browser.client.cookies["sessionid"].value != before
    assert "KZ/IIN/********0017" in browser.client.get("/").content.decode()
    page = browser.open("/esign/sign/application")
    assert "script-src 'self';" in page.headers["Content-Security-Policy"]
    signed = {"answer": pem(desk.key.sign(DOCUMENT))}
    assert browser.post("/esign/sign/application", signed).status_code == 200
    assert [item.document for item in desk.uploads] == [DOCUMENT]
    again = browser.post("/esign/sign/application", signed)
    assert (again.status_code, again.json()["code"]) == (403, "upload.not-offered")
    browser.open("/esign/login")
    replayed = browser.post("/esign/login", {"answer": answer})
    assert (replayed.status_code, replayed.json()["code"]) == (403, "login.state-missing")
    browser.open("/esign/login")
    assert browser.post("/esign/logout").status_code == 200
    assert browser.client.get("/").content == b"nobody"


@pytest.mark.parametrize(
    "changes",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"sec_fetch_site": "cross-site"},
        {"content_type": "text/plain"},
        {"x_csrftoken": ""},
        {"x_csrftoken": "A" * 32},
    ],
)
def test_other_sites_are_refused(desk: Desk, changes: dict[str, str]) -> None:
    browser = logged_in(desk)
    browser.open("/esign/sign/application")
    signed = {"answer": pem(desk.key.sign(DOCUMENT))}
    for path in ("/esign/logout", "/esign/challenge", "/esign/sign/application"):
        assert browser.post(path, signed, **changes).status_code == 403, path
    assert desk.uploads == []
    assert browser.post("/esign/sign/application", signed).status_code == 200


def test_another_person_and_a_stale_challenge(desk: Desk) -> None:
    browser = logged_in(desk)
    browser.open("/esign/sign/application")
    other = pem(desk.pki.person(NEIGHBOUR).sign(DOCUMENT))
    refused = browser.post("/esign/sign/application", {"answer": other})
    assert refused.json()["code"] == "identity.subject-continuity"
    late = Browser()
    late.open("/esign/login")
    answer = answer_of(desk, late)
    desk.pki.travel(minutes=4)
    refused = late.post("/esign/login", {"answer": answer})
    assert (refused.status_code, refused.json()["code"]) == (403, "login.state-expired")


def test_nobody_and_other_paths(desk: Desk) -> None:
    browser = Browser()
    assert browser.client.get("/esign/sign/application").status_code == 303
    assert browser.client.get("/esign/nothing").status_code == 404
    assert browser.client.put("/esign/login").status_code in (403, 405)
    assert browser.client.get("/").content == b"nobody"
