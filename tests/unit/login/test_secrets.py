"""No secret, code, token or personal number in anything that ends in a log."""

from __future__ import annotations

import logging
import pickle
import traceback
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

pytest.importorskip("joserfc")

import esign_kit as ek
from esign_kit.errors import LoginError
from esign_kit.login import (
    MatchedLogin,
    MemoryOnceStore,
    OidcLogin,
    OneIdClient,
    OneIdLogin,
    RedisOnceStore,
    RegisterEntry,
    SamlLogin,
    SamlServiceProvider,
    Secret,
)
from esign_kit.login.pending import Pending, begin, open_sealed, seal
from esign_kit.model.http import HttpRequest, HttpResponse
from esign_kit.testing.login import FakeOidc, FakeOneId, FakeSaml
from esign_kit.testing.login.oidc import LIES as OIDC_LIES
from esign_kit.testing.login.saml import LIES as SAML_LIES

AT = datetime(2026, 11, 21, 12, tzinfo=UTC)
SESSION = b"MARKER session secret of this browser"
PIN = "30101900000004"


def told(error: BaseException) -> str:
    return "".join(traceback.format_exception(error)) + repr(error) + str(error)


def assert_clean(text: str, words: set[str]) -> None:
    for word in words:
        assert word not in text, word[:12]


def oidc_words(fake: FakeOidc, begun: Any, query: dict[str, str]) -> set[str]:
    words = {query["code"], query["state"], fake.client_secret, begun.pending}
    words |= set(fake._tokens)
    pending = open_sealed(begun.pending, SESSION, protocol="oidc", provider="fake", at=AT)
    return words | {pending.nonce, pending.verifier}


@pytest.mark.parametrize("lie", ["", *OIDC_LIES])
def test_openid(lie: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    fake = FakeOidc(at=AT, claims={"number": "PNO-MARKER"}, userinfo={}, client_secret="MARKER-s")
    made: list[str] = []
    original = fake.id_token
    fake.id_token = lambda *a: made.append(original(*a)) or made[-1]  # type: ignore[method-assign, func-returns-value]
    if lie:
        fake.lies.add(lie)
    login = OidcLogin(
        fake.provider(identifiers={"number": "EE/PNO"}), fake.client(), profile=ek.profile("eidas"),
        transport=fake, once=MemoryOnceStore(),
    )  # fmt: skip
    begun = login.begin(session_secret=SESSION, at=AT)
    query = fake.log_in(begun.url)
    words = oidc_words(fake, begun, query)
    try:
        done = login.finish(query, begun.pending, session_secret=SESSION, at=AT)
        text = repr(done) + str(done) + repr(done.tokens) + repr(done.to_dict()["checks"])
    except LoginError as error:
        text = told(error)
    words |= {part for token in made for part in token.split(".") if len(part) > 8}
    words |= set(fake._tokens)
    text += repr(begun) + repr(login) + repr(fake.client()) + caplog.text
    text += repr(fake.requests)
    assert_clean(text, words | {"MARKER"})


@pytest.mark.parametrize("lie", ["", "ret-cd", "client", "no-token", "down"])
def test_oneid(lie: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    fake = FakeOneId(client_secret="MARKER-secret")
    if lie:
        fake.lies.add(lie)
    client = OneIdClient(
        fake.client_id,
        Secret(fake.client_secret),
        "https://portal.test/cb",
        "portal",
        fake.endpoint,
    )
    login = OneIdLogin(client, profile=ek.profile("uz"), transport=fake, once=MemoryOnceStore())
    begun = login.begin(session_secret=SESSION, at=AT)
    query = fake.log_in(begun.url)
    try:
        done = login.finish(query, begun.pending, session_secret=SESSION, at=AT)
        text = repr(done) + str(done) + repr(done.tokens)
    except LoginError as error:
        text = told(error)
    text += repr(begun) + repr(client) + caplog.text + repr(fake.requests)
    assert_clean(text, {query["code"], query["state"], PIN, "MARKER", *fake._tokens})


@pytest.mark.parametrize("lie", ["", *SAML_LIES])
def test_saml(lie: str) -> None:
    fake = FakeSaml(at=AT, attributes={"embg": "0101990450006"})
    if lie:
        fake.lies.add(lie)
    login = SamlLogin(
        fake.provider(attributes={"embg": "MK/EMBG"}),
        SamlServiceProvider("https://portal.test/saml", "https://portal.test/acs"),
        profile=ek.profile("mk"),
        once=MemoryOnceStore(),
    )
    begun = login.begin(session_secret=SESSION, at=AT)
    form = fake.log_in(begun)
    try:
        text = repr(login.finish(form, begun.pending, session_secret=SESSION, at=AT))
    except LoginError as error:
        text = told(error)
    words = {form["RelayState"], form["SAMLResponse"][:60], "0101990450006", "MARKER"}
    assert_clean(text + repr(begun), words)


def test_secrets_hide_and_do_not_travel() -> None:
    secret = Secret("MARKER")
    assert "MARKER" not in f"{secret} {secret!r} {[secret]}"
    assert secret.reveal() == "MARKER"
    assert secret == Secret("MARKER") != Secret("other")
    assert secret != "MARKER"
    with pytest.raises(TypeError):
        pickle.dumps(secret)
    assert "q=MARKER" not in repr(HttpRequest("GET", "https://x.test/?q=MARKER"))
    assert "MARKER" not in repr(HttpResponse(200, b"MARKER"))


def test_sealed_logins() -> None:
    begun = begin("oidc", "x", at=AT, nonce=True, verifier=True, extra={"a": ["b"]})
    sealed = seal(begun, SESSION)
    assert open_sealed(sealed, SESSION, protocol="oidc", provider="x", at=AT) == begun
    assert begun.nonce not in repr(begun)
    with pytest.raises(ValueError, match="16"):
        seal(begun, b"short")
    with pytest.raises(ValueError, match="zone"):
        begin("oidc", "x", at=datetime(2026, 1, 1))
    body, _, mac = sealed.partition(".")
    for bad in (body, f"{body}.", f"{body}x.{mac}", f"{body}.{mac}.{mac}", "é.é", sealed * 400):
        with pytest.raises(LoginError):
            open_sealed(bad, SESSION, protocol="oidc", provider="x", at=AT)
    assert isinstance(begun, Pending)


def test_the_store_never_forgets_too_early() -> None:
    store = MemoryOnceStore(limit=2)
    later = AT + timedelta(minutes=5)
    assert store.use("a", until=later, at=AT)
    assert not store.use("a", until=later, at=AT)
    assert store.use("b", until=later, at=AT)
    # Full: nothing is let in until something expires.
    assert not store.use("c", until=later, at=AT)
    assert store.use("c", until=later + timedelta(minutes=5), at=later)
    assert len(store) == 1


class FakeRedis:
    def __init__(self) -> None:
        self.held: dict[str, int] = {}

    def set(self, name: str, value: bytes, *, nx: bool, ex: int) -> bool | None:
        assert nx
        if name in self.held:
            return None
        self.held[name] = ex
        return True


def test_a_shared_store() -> None:
    client = FakeRedis()
    store = RedisOnceStore(client)
    assert store.use("a", until=AT + timedelta(minutes=5), at=AT)
    assert not RedisOnceStore(client).use("a", until=AT + timedelta(minutes=5), at=AT)
    assert client.held == {"esign-kit:once:a": 301}
    with pytest.raises(LoginError) as caught:
        RedisOnceStore(None).use("a", until=AT, at=AT)
    assert caught.value.code == "login.store-unavailable"


# ── two numbers of one card ───────────────────────────────────────────────────────────────────


class Register:
    def __init__(self) -> None:
        past = (AT - timedelta(days=1)).date()
        self.rows = {
            "AA1234567": RegisterEntry("5VBK5VR", "Əli Məmmədov", valid_until=AT.date()),
            "AA7777777": RegisterEntry("5VBK5VR", valid_until=past),
        }

    def find(self, document: ek.Identifier) -> RegisterEntry | None:
        return self.rows.get(document.value)


def test_matched_is_not_authenticated() -> None:
    login = MatchedLogin(ek.profile("az"), Register())
    done = login.match(document="AA1234567", fin="5VBK5VR", at=AT, contact="a@example.test")
    who = done.principal
    assert who.identifier == ek.Identifier("AZ", "FIN", "5VBK5VR")
    levels = who.assurance
    assert (levels.identity, levels.authentication) == ("MATCHED", "NONE")
    assert levels.overall == "NONE"
    assert done.claims["contact"] == "a@example.test"
    with pytest.raises(ek.AssuranceError):
        raise_below(levels)
    said = set()
    for document, fin in (
        ("AA1234567", "5VBK5VS"), ("AA7654321", "5VBK5VR"), ("AA1234567", "x"), ("", ""),
        ("AA12 34567", "5VBK5VR"), ("AA7777777", "5VBK5VR"),
    ):  # fmt: skip
        with pytest.raises(LoginError) as caught:
            login.match(document=document, fin=fin, at=AT)
        said.add((caught.value.code, caught.value.detail, caught.value.hint))
    # One answer to all: the form tells nobody which numbers exist.
    assert len(said) == 1


def raise_below(levels: ek.Assurance) -> None:
    if not levels.meets(ek.Level.LOW):
        raise ek.AssuranceError("too little", needed=ek.Level.LOW, found=levels)
