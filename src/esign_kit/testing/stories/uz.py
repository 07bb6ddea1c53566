"""Uzbekistan: the cabinet of an organisation, and a worker who is let in.

Personal login through OneID first; then the key of the organisation; then a worker is let in by
PINFL, for one branch and some actions, as long as the labour contract lasts. The worker signs with
the own key. After the description of the login to my.mehnat.uz.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import esign_kit as ek
from esign_kit.eid.grants import granted_by_key
from esign_kit.testing.login import FakeEimzo, FakeOneId
from esign_kit.testing.pki import FixturePKI
from esign_kit.testing.stories.uz_portal import CONTRACT_END, Portal, through_agent

if TYPE_CHECKING:
    from datetime import datetime

    from esign_kit.login import Login
    from esign_kit.model.mandate import Mandate
    from esign_kit.model.principal import Principal
    from esign_kit.testing.entity import Entity
    from esign_kit.testing.stories.telling import Telling

__all__ = ["tell"]

_STIR = "200000001"
_UNIT, _OTHER_UNIT = "200000001/hr", "200000001/sales"
_ACTIONS = ("uz-mehnat:cabinet.enter", "uz-mehnat:vacancy.publish")
_ENTER, _PUBLISH, _STAFFING = (*_ACTIONS, "uz-mehnat:staffing.edit")


def tell(telling: Telling) -> None:
    """Tell the story."""
    pki = FixturePKI("uz", at="2026-11-02T05:00:00Z")
    director, worker, other = (pki.country.person_number(n) for n in (7, 8, 9))
    oneid = FakeOneId(
        pin=director,
        birth_date="",
        full_name="KARIMOVA DILNOZA BAXTIYOR QIZI",
        first_name="DILNOZA",
        sur_name="KARIMOVA",
        mid_name="BAXTIYOR QIZI",
        legal_info=[{"is_basic": True, "le_tin": _STIR, "le_name": '"NAMUNA" MCHJ'}],
    )
    portal = Portal(pki.profile, pki, oneid, oneid.endpoint, b"secret of this browser's session")
    company = ek.Identifier("UZ", "STIR", _STIR)
    person = _personal_login(telling, pki, portal, oneid, company)
    key = pki.employee(
        director,
        _STIR,
        role="head",
        surname="Karimova",
        given_name="Dilnoza",
        patronymic="Baxtiyor qizi",
        organisation_name='"NAMUNA" MCHJ',
    )
    head = _organisation_key(telling, pki, portal, person, company, key)
    mandate = _delegate(telling, pki, portal, head, key, worker)
    _worker(telling, pki, portal, company, mandate, (worker, other), key)


def _through_oneid(portal: Portal, oneid: FakeOneId, at: datetime, **changes: str) -> Login:
    going = portal.oneid.begin(session_secret=portal.session_secret, at=at)
    back = oneid.log_in(going.url, **changes)
    return portal.oneid.finish(back, going.pending, session_secret=portal.session_secret, at=at)


def _personal_login(
    telling: Telling,
    pki: FixturePKI,
    portal: Portal,
    oneid: FakeOneId,
    company: ek.Identifier,
) -> Principal:
    secret = portal.session_secret
    telling.scene("First everybody logs in as a person, through OneID")
    going = portal.oneid.begin(session_secret=secret, at=pki.now)
    back = oneid.log_in(going.url)
    login = portal.oneid.finish(back, going.pending, session_secret=secret, at=pki.now)
    person = login.principal
    telling.who("OneID says that this is", person)
    telling.refused(
        "the same call back a second time (replayed)",
        "login.state-used",
        lambda: portal.oneid.finish(back, going.pending, session_secret=secret, at=pki.now),
    )
    begun = portal.oneid.begin(session_secret=b"secret of another browser", at=pki.now)
    telling.refused(
        "a call back for the login of another browser",
        "login.state-foreign",
        lambda: portal.oneid.finish(
            oneid.log_in(begun.url), begun.pending, session_secret=secret, at=pki.now
        ),
    )
    swapped = _through_oneid(
        portal, oneid, pki.now, sur_name="BAXTIYOR QIZI", mid_name="KARIMOVA"
    ).principal
    name = swapped.person.name if swapped.person else None
    telling.step(
        "OneID swaps sur_name and mid_name: the family name is found, the person is the same",
        f"family {name.family if name else '?'}; {'; '.join(swapped.notes)}",
        holds=name is not None
        and name.family == "KARIMOVA"
        and swapped.identifier == person.identifier,
    )
    telling.step(
        "OneID links the person to an organisation; that is a name on a list and gives no right",
        f"UZ/STIR/*****{_STIR[-4:]}",
        holds=not person.mandates,
    )
    telling.denied(
        "entering the organisation's cabinet with the personal login alone",
        portal.may(person, _ENTER, company, _UNIT, pki.now),
        "mandate-missing",
    )
    return person


def _organisation_key(
    telling: Telling,
    pki: FixturePKI,
    portal: Portal,
    person: Principal,
    company: ek.Identifier,
    key: Entity,
) -> Principal:
    secret = portal.session_secret
    telling.scene("Then the key of the organisation opens its cabinet")
    challenge = portal.cabinet.issue(session_secret=secret, at=pki.now)
    answer = through_agent(FakeEimzo(key), challenge.text)
    head = portal.enter_with_key(answer, challenge.pending, person, pki.now)
    telling.who("E-IMZO signs the challenge with the organisation's key: this is", head)
    telling.granted(
        "may she enter the cabinet?", head.may(_ENTER, on_behalf_of=company, at=pki.now)
    )
    stranger = pki.employee(pki.country.person_number(11), _STIR, role="head")
    again = portal.cabinet.issue(session_secret=secret, at=pki.now)
    telling.refused(
        "the organisation's key of another person than the one who logged in",
        "identity.subject-continuity",
        lambda: portal.enter_with_key(stranger.sign(again.text), again.pending, person, pki.now),
    )
    late = portal.cabinet.issue(session_secret=secret, at=pki.now)
    telling.refused(
        "an answer after three minutes (stale challenge)",
        "login.state-expired",
        lambda: portal.enter_with_key(key.sign(late.text), late.pending, person, late.expires),
    )
    return head


def _delegate(
    telling: Telling,
    pki: FixturePKI,
    portal: Portal,
    head: Principal,
    key: Entity,
    worker: str,
) -> Mandate:
    telling.scene("A worker is let in: PINFL, branch and actions, signed with that key")
    document = {"pinfl": worker, "unit": _UNIT, "actions": list(_ACTIONS)}
    signed = key.sign(json.dumps(document).encode())
    without = granted_by_key(
        portal.profile,
        portal.signer(signed, pki.now),
        person=ek.Identifier("UZ", "PINFL", worker),
        unit=_UNIT,
        actions=_ACTIONS,
        contract=None,
    )
    company = without.grantor
    unusable = pki.person(worker)
    telling.denied(
        "using the grant before the labour contract is registered",
        portal.signer(unusable.sign(b"act"), pki.now)
        .with_mandates([without])
        .may(_ENTER, on_behalf_of=company, unit=_UNIT, at=pki.now),
        "mandate-precondition",
    )
    mandate = portal.grant(signed, "contract 17/2026", pki.now)
    telling.step(
        "the contract is registered; the grant is kept with the digest of what was signed",
        f"for {mandate.holder}, unit {_UNIT}, until {mandate.valid_until:%Y-%m-%d}",
        *sorted(mandate.rights),
        holds=mandate.granted_with == (head.identifier.urn() if head.identifier else ""),
    )
    personal = pki.person(pki.country.person_number(7)).sign(json.dumps(document).encode())
    telling.refused(
        "the same grant signed with a personal key",
        "mandate.grantor",
        lambda: portal.grant(personal, "contract 17/2026", pki.now),
    )
    greedy = {**document, "actions": ["uz-mehnat:rights.grant"]}
    telling.refused(
        "a grant of the right to grant",
        "mandate.right",
        lambda: portal.grant(key.sign(json.dumps(greedy).encode()), "contract 17/2026", pki.now),
    )
    return mandate


def _worker(
    telling: Telling,
    pki: FixturePKI,
    portal: Portal,
    company: ek.Identifier,
    mandate: Mandate,
    people: tuple[str, str],
    key: Entity,
) -> None:
    worker, other = (pki.person(number) for number in people)
    telling.scene("The worker acts with the own key; the organisation's key is not needed")
    pki.travel(days=7)
    challenge = portal.cabinet.issue(session_secret=portal.session_secret, at=pki.now)
    visitor = portal.cabinet.finish(
        through_agent(FakeEimzo(worker), challenge.text),
        challenge.pending,
        session_secret=portal.session_secret,
        at=pki.now,
        fetcher=portal.fetcher,
    ).principal
    telling.who("the worker enters: another person than the director, by another key", visitor)
    telling.granted(
        "may the worker enter the organisation's cabinet?",
        portal.may(visitor, _ENTER, company, _UNIT, pki.now),
    )
    act = b'{"act": "publish a vacancy", "unit": "200000001/hr"}'
    signed = worker.sign(act)
    signer = portal.signer(signed, pki.now)
    telling.who("the vacancy is signed by", signer)
    telling.granted(
        "may the worker publish it for the organisation?",
        portal.may(signer, _PUBLISH, company, _UNIT, pki.now),
    )
    telling.granted(
        "and for a team below the branch?",
        portal.may(signer, _PUBLISH, company, _UNIT + "/north", pki.now),
    )
    telling.denied(
        "another branch (unit not allowed)",
        portal.may(signer, _PUBLISH, company, _OTHER_UNIT, pki.now),
        "mandate-unit",
    )
    telling.denied(
        "an action that was not ticked",
        portal.may(signer, _STAFFING, company, _UNIT, pki.now),
        "mandate-right",
    )
    stranger = portal.signer(other.sign(act), pki.now)
    telling.denied(
        "another person's key",
        portal.may(stranger, _PUBLISH, company, _UNIT, pki.now),
        "mandate-missing",
    )
    telling.denied(
        "another person with the worker's mandate in hand",
        stranger.with_mandates([mandate]).may(
            _PUBLISH, on_behalf_of=company, unit=_UNIT, at=pki.now
        ),
        "mandate-holder",
    )
    onward = json.dumps({"pinfl": people[1], "unit": _UNIT, "actions": [_PUBLISH]}).encode()
    telling.refused(
        "the worker lets somebody else in",
        "mandate.grantor",
        lambda: portal.grant(worker.sign(onward), "contract 18/2026", pki.now),
    )
    kept = ek.bundle.make(
        signed, profile=portal.profile, fetcher=portal.fetcher, at=pki.now, mandates=[mandate]
    )
    again = ek.bundle.verify(kept, trust=pki.trust)
    telling.step(
        "the proof is kept: the act, who signed it, and the mandate, in one file",
        f"{again.report.indication}; mandates: {len(again.mandates)}",
        holds=again.identical and len(again.mandates) == 1,
    )
    pki.revoke(key)
    telling.granted(
        "the director leaves and her key is revoked: what it granted before stays",
        portal.may(signer, _PUBLISH, company, _UNIT, pki.now),
    )
    telling.denied(
        "after the end of the labour contract",
        portal.may(signer, _PUBLISH, company, _UNIT, CONTRACT_END),
        "mandate-time",
    )
    portal.mandates.revoke(mandate, pki.now)
    telling.denied(
        "after the organisation took the mandate back",
        portal.may(signer, _PUBLISH, company, _UNIT, pki.now),
        "mandate-revocation",
    )
