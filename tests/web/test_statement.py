"""Every principal of the five stories goes through a session and comes back the same."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from esign_kit.testing.stories import STORIES, Telling, tell
from esign_kit.web import principal_from_data

if TYPE_CHECKING:
    from esign_kit.model.principal import Principal


@pytest.mark.parametrize("country", sorted(STORIES))
def test_principals_survive_a_session(country: str, monkeypatch: pytest.MonkeyPatch) -> None:
    met: list[Principal] = []
    monkeypatch.setattr(Telling, "who", lambda _self, _text, who: met.append(who))
    tell(country)
    assert met
    for who in met:
        data = json.loads(json.dumps(who.to_dict()))
        again = principal_from_data(data)
        assert again.to_dict() == who.to_dict()
        assert again.holders == who.holders
        assert again.assurance == who.assurance
        assert again.mandates == who.mandates


def test_mandates_come_back_with_their_chain(monkeypatch: pytest.MonkeyPatch) -> None:
    met: list[Principal] = []
    monkeypatch.setattr(Telling, "who", lambda _self, _text, who: met.append(who))
    tell("vn")
    officer = next(who for who in met if who.mandates)
    again = principal_from_data(json.loads(json.dumps(officer.to_dict())))
    assert again.mandates[0].depth == 2
    assert again.mandates[0].root == officer.mandates[0].root
