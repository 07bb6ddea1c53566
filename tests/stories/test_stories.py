"""The five stories: told to the end, the same each time, and able to fail."""

from __future__ import annotations

import logging
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from esign_kit.testing.stories import STORIES, Telling, tell

if TYPE_CHECKING:
    from esign_kit.testing.stories import Sentence

# The refusals that each story must show, by the word that the library gives for them.
REFUSALS = {
    "kz": {
        "login.state-used",
        "login.state-expired",
        "login.state-foreign",
        "agents.cancelled",
        "login.challenge-purpose",
        "login.challenge-content",
        "identity.subject-continuity",
        "portal.content",
        "portal.other-request",
        "portal.sender",
        "signature.rejected",
    },
    "uz": {
        "login.state-used",
        "login.state-expired",
        "login.state-foreign",
        "identity.subject-continuity",
        "mandate-missing",
        "mandate-precondition",
        "mandate.grantor",
        "mandate.right",
        "mandate-unit",
        "mandate-right",
        "mandate-holder",
        "mandate-time",
        "mandate-revocation",
    },
    "mk": {
        "login.state-used",
        "login.saml-issuer",
        "login.saml-audience",
        "login.saml-request",
        "login.saml-expired",
        "login.saml-unsigned",
        "login.saml-digest",
        "identity.assurance",
        "mandate-missing",
        "mandate-precondition",
        "mandate-holder",
        "mandate-time",
        "mandate-revocation",
        "person-unknown",
    },
    "vn": {
        "login.token-issuer",
        "login.token-nonce",
        "login.token-audience",
        "login.token-signature",
        "identity.assurance",
        "mandate.procedure",
        "mandate.depth",
        "mandate.wider",
        "mandate-procedure",
        "mandate-territory",
        "mandate-missing",
        "mandate-chain",
        "mandate-depth",
        "mandate-revocation",
        "signer-missing",
        "HASH_FAILURE",
    },
    "az": {
        "login.not-matched",
        "identity.assurance",
        "identity.subject-continuity",
        "mandate-missing",
        "portal.contact",
        "HASH_FAILURE",
        "not for signing",
    },
}


@pytest.fixture(scope="module")
def told() -> dict[str, Telling]:
    return {country: tell(country) for country in REFUSALS}


@pytest.mark.parametrize("country", sorted(REFUSALS))
def test_every_step_and_every_refusal_comes_out_as_told(
    country: str, told: dict[str, Telling]
) -> None:
    assert [item for item in told[country].sentences if not item.holds] == []
    assert told[country].holds


@pytest.mark.parametrize("country", sorted(REFUSALS))
def test_a_story_shows_its_refusals(country: str, told: dict[str, Telling]) -> None:
    said = " ".join(line for item in told[country].refusals for line in item.details)
    assert {code for code in REFUSALS[country] if code not in said} == set()


@pytest.mark.parametrize("country", sorted(REFUSALS))
def test_a_story_is_the_same_each_time(country: str, told: dict[str, Telling]) -> None:
    assert tell(country).sentences == told[country].sentences


@pytest.mark.parametrize("country", sorted(REFUSALS))
def test_the_command_tells_it(country: str) -> None:
    esign = Path(sys.executable).with_name("esign")
    done = subprocess.run([esign, "demo", country], capture_output=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout.decode() + done.stderr.decode()
    out = done.stdout.decode()
    assert "refusals, 0 not as told" in out
    assert f"docs/stories/{country}.md" in out


@pytest.mark.parametrize("country", sorted(REFUSALS))
def test_nothing_secret_is_logged_or_told(
    country: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every random value and every secret that a story makes is a marker; none may come out."""
    from esign_kit.login import pending, secret

    made: set[str] = set()
    real = pending.token_urlsafe

    def token(size: int = 32) -> str:
        made.add(value := real(size))
        return value

    monkeypatch.setattr(pending, "token_urlsafe", token)
    begin = secret.Secret.__init__

    def remember(self: object, value: object) -> None:
        begin(self, value)  # type: ignore[arg-type]
        made.update(filter(None, [self.reveal()]))  # type: ignore[attr-defined]

    monkeypatch.setattr(secret.Secret, "__init__", remember)
    caplog.set_level(logging.DEBUG)
    said = tell(country)
    text = caplog.text + "".join(f"{item.text} {item.details}" for item in said.sentences)
    # Azerbaijan's two numbers need neither a nonce nor a token.
    assert made or country == "az"
    assert [value for value in made if value in text] == []
    assert "secret of this browser" not in text


def test_a_story_that_goes_wrong_fails() -> None:
    heard: list[Sentence] = []
    telling = Telling("a test", heard.append)
    telling.step("a step")
    assert not telling.holds  # a story without a refusal proves nothing
    telling.refused("an act that nobody refuses", "some.code", lambda: None)
    assert not telling.holds
    assert [item.holds for item in heard] == [True, False]


def test_a_refusal_for_another_reason_is_not_as_told() -> None:
    from esign_kit.errors import InputError

    def act() -> None:
        raise InputError("another reason", code="input.malformed")

    telling = Telling("a test")
    telling.step("a step")
    telling.refused("an act", "portal.content", act)
    assert not telling.holds


def test_every_story_has_a_test_and_a_page() -> None:
    pages = Path(__file__).resolve().parents[2] / "docs" / "stories"
    assert set(STORIES) == set(REFUSALS) == {page.stem for page in pages.glob("??.md")}


def _everybody_is_the_same(**_: object) -> object:
    from esign_kit.model.report import Check, CheckStatus

    return Check("subject-continuity", CheckStatus.PASSED)


SABOTAGE = {
    "what was used may be used again": (
        "kz",
        "login.once.MemoryOnceStore.use",
        lambda *_, **__: True,
    ),
    "everybody is the same person": (
        "kz",
        "testing.stories.kz.subject_continuity",
        _everybody_is_the_same,
    ),
    "every unit is allowed": ("uz", "model.decision.covers_unit", lambda *_: True),
    "no precondition counts": (
        "mk",
        "model.decision._chain",
        lambda *_: [],
    ),
    "every chain fits": ("vn", "model.mandate.MandateScope.within", lambda *_: ()),
    "one signer fills all places": (
        "vn",
        "eid.decision._seats",
        lambda principals, wanted: dict.fromkeys(wanted, principals[0]),
    ),
    "nothing is missing": ("az", "model.assurance.Assurance.missing", lambda *_, **__: ()),
}


@pytest.mark.parametrize("name", sorted(SABOTAGE))
def test_a_story_notices_a_broken_library(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    country, target, replacement = SABOTAGE[name]
    tell(country)  # everything is imported before it is broken
    monkeypatch.setattr(f"esign_kit.{target}", replacement)
    assert not tell(country).holds
