"""Login with a key: bound to origin, purpose, time and session; used once; exactly this text."""

from __future__ import annotations

from base64 import b64encode
from datetime import datetime, timedelta
from typing import Any

import pytest

import esign_kit as ek
from esign_kit.errors import LoginAnswerError, LoginError, LoginStateError, SignatureRejected
from esign_kit.login import ChallengeLogin, MemoryOnceStore
from esign_kit.testing import FixturePKI

SESSION = b"a session secret of this browser"
ORIGIN = "https://portal.test"


@pytest.fixture(scope="module")
def pki() -> FixturePKI:
    return FixturePKI("kz", key="ec")


@pytest.fixture(scope="module")
def holder(pki: FixturePKI) -> Any:
    return pki.person(purpose="AUTHENTICATION")


def login_of(pki: FixturePKI, **options: Any) -> ChallengeLogin:
    return ChallengeLogin(
        options.pop("origin", ORIGIN), profile=pki.profile, once=MemoryOnceStore(), **options
    )


def signed(holder: Any, octets: bytes, **options: Any) -> bytes:
    options.setdefault("authentication_key", True)
    return bytes(holder.sign(octets, **options))


def finish(
    pki: FixturePKI, login: ChallengeLogin, answer: bytes, pending: str | None, **options: Any
) -> Any:
    at: datetime = options.pop("at", pki.now)
    options.setdefault("evidence", pki.evidence())
    options.setdefault("session_secret", SESSION)
    return login.finish(answer, pending, at=at, **options)


@pytest.mark.parametrize("form", ["attached", "detached", "pem", "base64", "xml"])
def test_every_form_an_agent_gives(pki: FixturePKI, holder: Any, form: str) -> None:
    login = login_of(pki)
    issued = login.issue(session_secret=SESSION, at=pki.now)
    if form == "xml":
        answer = signed(holder, issued.xml, format="xades")
    else:
        packaging = "detached" if form == "detached" else "attached"
        answer = signed(holder, issued.text, packaging=packaging)
    if form == "pem":
        body = b64encode(answer).decode()
        lines = "\n".join(body[i : i + 64] for i in range(0, len(body), 64))
        answer = f"-----BEGIN CMS-----\n{lines}\n-----END CMS-----\n".encode()
    if form == "base64":
        answer = b64encode(answer)
    done = finish(pki, login, answer, issued.pending)
    who = done.principal
    assert who.identifier == holder_number(holder)
    (proof,) = who.established_by
    assert (proof.kind, proof.at) == ("LOGIN", pki.now)
    levels = who.assurance
    # A login signs no document, so the signature axis says nothing.
    assert (levels.signature, levels.federation) == ("UNKNOWN", "BOUND")
    assert levels.overall == "SUBSTANTIAL"
    assert done.check("signature-value").status == "PASSED"


def holder_number(holder: Any) -> ek.Identifier:
    return ek.Identifier("KZ", "IIN", str(holder.values["person"]))


def test_raw_value_with_its_certificate(pki: FixturePKI, holder: Any) -> None:
    login = login_of(pki)
    issued = login.issue(session_secret=SESSION, at=pki.now)
    algorithm = holder.key.algorithms[0]
    value = holder.key.sign(issued.text, algorithm)
    done = finish(
        pki, login, value, issued.pending,
        certificates=[holder.certificate_der, *holder.chain_der],
    )  # fmt: skip
    assert done.principal.identifier == holder_number(holder)


def test_the_text_names_what_it_is(pki: FixturePKI) -> None:
    number = ek.Identifier("KZ", "IIN", "900101300017")
    issued = login_of(pki).issue(session_secret=SESSION, at=pki.now, subject=number)
    text = issued.text.decode()
    assert text.startswith("esign-kit login challenge, version 1.")
    assert f"origin: {ORIGIN}\n" in text
    assert "purpose: login\n" in text
    assert "900101300017" not in repr(issued)
    again = login_of(pki).issue(session_secret=SESSION, at=pki.now, subject=number)
    assert again.text != issued.text


@pytest.mark.parametrize(
    "other", ["content", "origin", "purpose", "nonce", "truncated", "two", "nothing", "document"]
)
def test_anything_else_that_was_signed_is_no_login(
    pki: FixturePKI, holder: Any, other: str
) -> None:
    login = login_of(pki)
    issued = login.issue(session_secret=SESSION, at=pki.now)
    text = issued.text
    octets = {
        "content": b"I sell my house",
        "origin": text.replace(b"portal.test", b"other.test"),
        "purpose": text.replace(b"purpose: login", b"purpose: payment"),
        "nonce": login.issue(session_secret=SESSION, at=pki.now).text,
        "truncated": text[:-1],
        "two": text,
        "nothing": text,
        "document": b"<application/>",
    }[other]
    if other == "nothing":
        answer = text
    elif other == "document":
        answer = signed(holder, octets, format="xades")
    else:
        answer = signed(holder, octets)
    if other == "two":
        answer = signed(holder, octets, existing=answer)
    with pytest.raises(LoginAnswerError) as caught:
        finish(pki, login, answer, issued.pending)
    assert caught.value.code == "login.challenge-content"


def test_once_in_time_in_this_session_at_this_portal(pki: FixturePKI, holder: Any) -> None:
    login = login_of(pki)
    issued = login.issue(session_secret=SESSION, at=pki.now)
    answer = signed(holder, issued.text)
    other = login_of(pki, origin="https://other.test")
    payment = ChallengeLogin(ORIGIN, profile=pki.profile, once=MemoryOnceStore(), purpose="step-up")
    for portal, options, code in (
        (login, {"pending": None}, "login.state-missing"),
        (login, {"session_secret": b"another session secret"}, "login.state-foreign"),
        (other, {}, "login.state-foreign"),
        (payment, {}, "login.state-foreign"),
        (login, {"at": pki.now + timedelta(minutes=3)}, "login.state-expired"),
    ):
        given: dict[str, Any] = {"pending": issued.pending, **options}
        pending = given.pop("pending")
        with pytest.raises(LoginStateError) as caught:
            finish(pki, portal, answer, pending, **given)
        assert caught.value.code == code
    finish(pki, login, answer, issued.pending)
    with pytest.raises(LoginStateError) as caught:
        finish(pki, login, answer, issued.pending)
    assert caught.value.code == "login.state-used"


def test_a_failed_answer_uses_the_challenge_up_too(pki: FixturePKI, holder: Any) -> None:
    login = login_of(pki)
    issued = login.issue(session_secret=SESSION, at=pki.now)
    with pytest.raises(LoginAnswerError):
        finish(pki, login, b"nonsense", issued.pending)
    with pytest.raises(LoginStateError):
        finish(pki, login, signed(holder, issued.text), issued.pending)


@pytest.mark.parametrize("kind", ["revoked", "expired", "forged", "other-country"])
def test_certificates_that_do_not_hold(pki: FixturePKI, kind: str) -> None:
    login = login_of(pki)
    issued = login.issue(session_secret=SESSION, at=pki.now)
    answer = signed(pki.near_miss(kind), issued.text, authentication_key=False)
    with pytest.raises(LoginAnswerError) as caught:
        finish(pki, login, answer, issued.pending)
    assert caught.value.code == "login.challenge-rejected"
    cause = caught.value.__cause__
    assert isinstance(cause, SignatureRejected)
    assert not cause.report.passed


def test_without_revocation_answers_nobody_comes_in(pki: FixturePKI, holder: Any) -> None:
    login = login_of(pki)
    issued = login.issue(session_secret=SESSION, at=pki.now)
    with pytest.raises(LoginAnswerError):
        finish(pki, login, signed(holder, issued.text), issued.pending, evidence=())
    issued = login.issue(session_secret=SESSION, at=pki.now)
    answer = signed(holder, issued.text)
    assert finish(pki, login, answer, issued.pending, evidence=(), fetcher=pki)


def test_a_signing_key_of_kazakhstan_is_not_for_logins(pki: FixturePKI) -> None:
    """RSA and EC signing keys there have a sibling for logins; one GOST key serves both."""
    login = login_of(pki)
    issued = login.issue(session_secret=SESSION, at=pki.now)
    answer = signed(pki.person(), issued.text, authentication_key=False)
    with pytest.raises(LoginAnswerError) as caught:
        finish(pki, login, answer, issued.pending)
    assert caught.value.code == "login.challenge-purpose"


def test_another_persons_key(pki: FixturePKI, holder: Any) -> None:
    login = login_of(pki)
    expected = ek.Identifier("KZ", "IIN", "900101300017")
    other = pki.person("850505400015", purpose="AUTHENTICATION")
    issued = login.issue(session_secret=SESSION, at=pki.now, subject=expected)
    with pytest.raises(LoginError) as caught:
        finish(pki, login, signed(other, issued.text), issued.pending)
    assert caught.value.code == "login.subject"
    assert "850505400015" not in str(caught.value)


def test_a_clock_that_is_far_off(pki: FixturePKI, holder: Any) -> None:
    login = login_of(pki)
    issued = login.issue(session_secret=SESSION, at=pki.now)
    answer = signed(holder, issued.text, signing_time=pki.now - timedelta(hours=1))
    with pytest.raises(LoginAnswerError) as caught:
        finish(pki, login, answer, issued.pending)
    assert caught.value.code == "login.challenge-clock"
    patient = login_of(pki, clock=None)
    issued = patient.issue(session_secret=SESSION, at=pki.now)
    answer = signed(holder, issued.text, signing_time=pki.now - timedelta(hours=1))
    assert finish(pki, patient, answer, issued.pending)


def test_minimum(pki: FixturePKI, holder: Any) -> None:
    login = login_of(pki)
    issued = login.issue(session_secret=SESSION, at=pki.now)
    with pytest.raises(ek.AssuranceError):
        finish(pki, login, signed(holder, issued.text), issued.pending, minimum=ek.Level.HIGH)


@pytest.mark.parametrize(
    "origin", ["http://portal.test", "https://portal.test/path", "portal.test", "https://a b"]
)
def test_origins(pki: FixturePKI, origin: str) -> None:
    with pytest.raises(ValueError, match="origin"):
        login_of(pki, origin=origin)


def test_uzbek_key_serves_login_and_signature() -> None:
    pki = FixturePKI("uz", key="ec")
    login = login_of(pki)
    issued = login.issue(session_secret=SESSION, at=pki.now)
    employee = pki.employee()
    answer = employee.sign(issued.text)
    who = finish(pki, login, answer, issued.pending).principal
    assert who.identifier is not None
    assert who.identifier.scheme == "PINFL"
    assert who.mandates


@pytest.mark.parametrize(
    ("country", "kind"), [("kz", "gost-2015"), ("uz", "ozdst"), ("uz", "ozmst")]
)
def test_national_keys(country: str, kind: str) -> None:
    """One GOST key serves logins and signatures; the text keeps them apart."""
    pki = FixturePKI(country, key=kind)
    login = login_of(pki)
    issued = login.issue(session_secret=SESSION, at=pki.now)
    person = pki.person()
    who = finish(pki, login, person.sign(issued.text), issued.pending).principal
    assert who.person is not None
    assert who.person.identified
    # A document that the same key signed is no login, and a login is no document.
    issued = login.issue(session_secret=SESSION, at=pki.now)
    with pytest.raises(LoginAnswerError):
        finish(pki, login, person.sign(b"application"), issued.pending)
