"""OneID: the dialect, the traps of its answer, and what is refused."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

import esign_kit as ek
from esign_kit.errors import (
    LoginAnswerError,
    LoginError,
    LoginProviderError,
    LoginRefusedError,
    LoginStateError,
)
from esign_kit.login import MemoryOnceStore, OneIdClient, OneIdLogin, Secret
from esign_kit.login.oneid import read_answer
from esign_kit.testing.login import FakeOneId
from tests.corpora import national

AT = datetime(2026, 11, 21, 12, tzinfo=UTC)
SESSION = b"a session secret of this browser"


def login_with(fake: FakeOneId, **options: Any) -> OneIdLogin:
    client = OneIdClient(
        fake.client_id,
        Secret(fake.client_secret),
        "https://portal.test/cb",
        "portal",
        fake.endpoint,
    )
    return OneIdLogin(
        client, profile=ek.profile("uz"), transport=fake, once=MemoryOnceStore(), **options
    )


def run(fake: FakeOneId, login: OneIdLogin | None = None, **options: Any) -> Any:
    login = login or login_with(fake)
    begun = login.begin(session_secret=SESSION, at=AT)
    query = fake.log_in(begun.url)
    return login.finish(query, begun.pending, session_secret=SESSION, at=AT, **options)


def test_password_login_of_a_confirmed_account() -> None:
    done = run(FakeOneId())
    who = done.principal
    assert who.person.identifier == ek.Identifier("UZ", "PINFL", "30101900000004")
    levels = who.assurance
    assert (levels.identity, levels.authentication, levels.federation) == (
        "SUBSTANTIAL",
        "LOW",
        "BEARER_UNSIGNED",
    )
    (proof,) = who.established_by
    assert (proof.kind, proof.at, proof.reference) == ("LOGIN", AT, "fixture-session")
    assert {check.name for check in done.checks} == {"state", "answer"}
    assert json.dumps(done.to_dict())
    assert "30101900000004" not in repr(done)


@pytest.mark.parametrize(
    ("method", "valid", "identity", "authentication"),
    [
        ("LOGINPASSMETHOD", "false", "LOW", "LOW"),
        ("MOBILEMETHOD", True, "SUBSTANTIAL", "SUBSTANTIAL"),
        ("PKCSMETHOD", "true", "SUBSTANTIAL", "SUBSTANTIAL"),
        # An account that was never confirmed stays low whatever the method says.
        ("PKCSMETHOD", "false", "LOW", "LOW"),
        ("QR", None, "LOW", "LOW"),
        ("NEWMETHOD", "true", "SUBSTANTIAL", "LOW"),
        # Several methods count as the weakest.
        (["PKCSMETHOD", "LOGINPASSMETHOD"], "true", "SUBSTANTIAL", "LOW"),
        ("MOBILEMETHOD", "maybe", "LOW", "SUBSTANTIAL"),
    ],
)
def test_account_and_method_feed_two_axes(
    method: Any, valid: Any, identity: str, authentication: str
) -> None:
    who = run(FakeOneId(auth_method=method, valid=valid)).principal
    assert (who.assurance.identity, who.assurance.authentication) == (identity, authentication)


def test_the_organisation_of_an_organisation_key_and_of_nothing_else() -> None:
    rows = [{"is_basic": True, "tin": "301234567", "le_tin": "301234567", "le_name": "SAVDO"}]
    fake = FakeOneId(
        auth_method="LEPKCSMETHOD", pkcs_legal_tin="301234567", legal_info=rows, user_type="L"
    )
    who = run(fake).principal
    assert who.kind == "PERSON"
    assert who.affiliation.identifier == ek.Identifier("UZ", "STIR", "301234567")
    assert who.affiliation.name == "SAVDO"
    assert who.mandates == ()
    right = "uz-mehnat:cabinet.enter"
    stir = ek.Identifier("UZ", "STIR", "301234567")
    assert not who.may(right, on_behalf_of=stir).granted
    given = run(fake, login_with(fake, organisation_key_rights=frozenset({right}))).principal
    assert given.may(right, on_behalf_of=stir).granted
    assert not given.may("uz-mehnat:rights.grant", on_behalf_of=stir).granted
    assert given.mandates[0].source == "ORGANISATION_KEY"
    # The field means nothing with another method.
    other = run(FakeOneId(auth_method="PKCSMETHOD", pkcs_legal_tin="301234567")).principal
    assert other.affiliation is None
    assert any("LEPKCSMETHOD" in note for note in other.notes)


@pytest.mark.parametrize(
    ("fields", "parts"),
    [
        ({}, ("TESTOV", "TEST", "TESTOVICH")),
        ({"sur_name": "TESTOVICH", "mid_name": "TESTOV"}, ("TESTOV", "TEST", "TESTOVICH")),
        # Without a full name the form of a patronymic decides.
        (
            {"full_name": "", "sur_name": "KARIM O‘G‘LI", "mid_name": "ALIYEV"},
            ("ALIYEV", "TEST", "KARIM O‘G‘LI"),
        ),
        ({"full_name": "", "sur_name": "KARIM", "mid_name": "ALIYEV"}, (None, "TEST", None)),
    ],
)
def test_swapped_names(fields: dict[str, str], parts: tuple[Any, ...]) -> None:
    name = run(FakeOneId(**fields)).principal.person.name
    assert (name.family, name.given, name.patronymic) == parts


def test_what_contradicts_itself_is_refused() -> None:
    for changes, code in (
        ({"pin": None}, "login.no-identifier"),
        ({"pin": "123"}, "login.answer-identifier"),
        ({"birth_date": "1991-01-01"}, "login.answer-contradiction"),
        ({"ret_cd": "1"}, "login.refused"),
        ({"ret_cd": None}, "login.refused"),
        ({"ret_cd": True}, "login.refused"),
    ):
        with pytest.raises(LoginError) as caught:
            run(FakeOneId(**changes))
        assert caught.value.code == code
        assert caught.value.hint


@pytest.mark.parametrize(
    ("lie", "error", "code"),
    [
        ("down", LoginProviderError, "login.provider-answer"),
        ("client", LoginProviderError, "login.provider-client"),
        ("no-token", LoginProviderError, "login.provider-answer"),
        ("ret-cd", LoginRefusedError, "login.refused"),
    ],
)
def test_a_provider_that_fails(lie: str, error: type[LoginError], code: str) -> None:
    fake = FakeOneId()
    fake.lies.add(lie)
    with pytest.raises(error) as caught:
        run(fake)
    assert caught.value.code == code


def test_the_state_is_of_this_browser_and_used_once() -> None:
    fake = FakeOneId()
    login = login_with(fake)
    begun = login.begin(session_secret=SESSION, at=AT)
    other = login.begin(session_secret=b"the secret of another browser", at=AT)
    query = fake.log_in(begun.url)
    cases: list[tuple[Any, Any, Any, datetime, str]] = [
        (query, None, SESSION, AT, "login.state-missing"),
        (query, other.pending, SESSION, AT, "login.state-foreign"),
        (query, begun.pending, b"the secret of another browser", AT, "login.state-foreign"),
        (fake.log_in(other.url), begun.pending, SESSION, AT, "login.state-foreign"),
        ({**query, "state": ""}, begun.pending, SESSION, AT, "login.state-foreign"),
        (query, begun.pending[:-3] + "AAA", SESSION, AT, "login.state-foreign"),
        (query, "x", SESSION, AT, "login.state-foreign"),
        (query, begun.pending, SESSION, AT + timedelta(minutes=10), "login.state-expired"),
    ]
    for given, pending, secret, at, code in cases:
        with pytest.raises(LoginStateError) as caught:
            login.finish(given, pending, session_secret=secret, at=at)
        assert caught.value.code == code
    login.finish(query, begun.pending, session_secret=SESSION, at=AT)
    with pytest.raises(LoginStateError) as caught:
        login.finish(query, begun.pending, session_secret=SESSION, at=AT)
    assert caught.value.code == "login.state-used"


def test_a_parameter_that_stands_twice_is_refused() -> None:
    fake = FakeOneId()
    login = login_with(fake)
    begun = login.begin(session_secret=SESSION, at=AT)
    query = fake.log_in(begun.url)
    with pytest.raises(LoginAnswerError):
        login.finish(
            {**query, "state": [query["state"], query["state"]]},
            begun.pending,
            session_secret=SESSION,
            at=AT,
        )


def test_step_up_must_be_the_same_person() -> None:
    fake = FakeOneId()
    login = login_with(fake)
    same = ek.Identifier("UZ", "PINFL", "30101900000004")
    begun = login.begin(session_secret=SESSION, at=AT, expected=same)
    done = login.finish(fake.log_in(begun.url), begun.pending, session_secret=SESSION, at=AT)
    assert done.check("subject-continuity").status == "PASSED"
    other = ek.Identifier("UZ", "PINFL", "61508030000012")
    begun = login.begin(session_secret=SESSION, at=AT, expected=other)
    with pytest.raises(LoginAnswerError) as caught:
        login.finish(fake.log_in(begun.url), begun.pending, session_secret=SESSION, at=AT)
    assert caught.value.code == "login.subject"


def test_secrets_travel_in_the_body() -> None:
    fake = FakeOneId()
    login = login_with(fake)
    begun = login.begin(session_secret=SESSION, at=AT)
    done = login.finish(fake.log_in(begun.url), begun.pending, session_secret=SESSION, at=AT)
    login.log_out(done)
    assert len(fake.requests) == 3
    assert all("secret" not in request.url for request in fake.requests)
    with pytest.raises(LoginProviderError):
        login.log_out(done)


def test_minimum() -> None:
    with pytest.raises(ek.AssuranceError):
        run(FakeOneId(), minimum=ek.Level.SUBSTANTIAL)
    assert run(FakeOneId(auth_method="MOBILEMETHOD"), minimum=ek.Level.SUBSTANTIAL)


@pytest.mark.parametrize(
    "name",
    [
        "oneid_identify_legal_pkcs",
        "oneid_identify_mobile_boolean_valid",
        "oneid_identify_old_generation",
        "oneid_identify_password_unverified",
        "oneid_identify_person_pkcs",
    ],
)
def test_public_samples(name: str) -> None:
    data = json.loads(national("uz", "responses", f"{name}.json").read_bytes())
    read = read_answer(data, at=AT)
    assert read.claimed.person is not None
    assert read.claimed.person.identifier == ek.Identifier("UZ", "PINFL", "30101900000004")
    assert (read.organisation_key is not None) == (name == "oneid_identify_legal_pkcs")
    assert read.claimed.person.name is not None
    assert read.claimed.person.name.patronymic == "TESTOVICH"
