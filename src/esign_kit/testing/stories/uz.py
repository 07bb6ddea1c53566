"""Uzbekistan: the cabinet of an organisation, and a worker who is let in.

Personal login through OneID first; then the key of the organisation; then a worker is let in by
PINFL, for one branch and some actions, as long as the labour contract lasts. The worker signs with
the own key. After the description of the login to my.mehnat.uz.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import TYPE_CHECKING

import esign_kit as ek
from esign_kit.agents import eimzo
from esign_kit.eid.grants import granted_by_key
from esign_kit.eid.identity import subject_continuity
from esign_kit.eid.mandate import MandateRegister
from esign_kit.errors import IdentityError
from esign_kit.login import ChallengeLogin, MemoryOnceStore, OneIdClient, OneIdLogin, Secret
from esign_kit.testing.login import FakeEimzo, FakeOneId
from esign_kit.testing.pki import FixturePKI

if TYPE_CHECKING:
    from collections.abc import Mapping

    from esign_kit.agents import AgentAnswer
    from esign_kit.login import Login
    from esign_kit.model.evidence import Fetcher
    from esign_kit.model.http import Transport
    from esign_kit.model.mandate import Decision, Mandate
    from esign_kit.model.principal import Principal
    from esign_kit.profiles import Profile
    from esign_kit.testing.entity import Entity
    from esign_kit.testing.stories.telling import Telling

__all__ = ["tell"]

_STIR = "200000001"
_UNIT, _OTHER_UNIT = "200000001/hr", "200000001/sales"
_ACTIONS = ("uz-mehnat:cabinet.enter", "uz-mehnat:vacancy.publish")
_ENTER, _PUBLISH, _STAFFING = (*_ACTIONS, "uz-mehnat:staffing.edit")
_CONTRACT_END = datetime(2027, 3, 31, 19, tzinfo=UTC)
_ORIGIN = "https://cabinet.example"


@dataclass
class Portal:
    """The back end of the cabinet."""

    profile: Profile
    fetcher: Fetcher
    oneid_transport: Transport
    endpoint: str
    session_secret: bytes

    def __post_init__(self) -> None:
        client = OneIdClient(
            "portal",
            Secret("portal-secret"),
            _ORIGIN + "/back",
            "portal",
            self.endpoint,
        )
        once = MemoryOnceStore()
        self.oneid = OneIdLogin(
            client, profile=self.profile, transport=self.oneid_transport, once=once
        )
        self.cabinet = ChallengeLogin(_ORIGIN, profile=self.profile, once=once, purpose="cabinet")
        self.mandates = MandateRegister()

    def enter_with_key(
        self, answer: bytes, pending: str, person: Principal, at: datetime
    ) -> Principal:
        """Let the holder of an organisation's key in: the same person as at OneID."""
        login = self.cabinet.finish(
            answer, pending, session_secret=self.session_secret, at=at, fetcher=self.fetcher
        )
        same = subject_continuity(login=person.identifier, signature=login.principal.identifier)
        if same.status != "PASSED":
            raise IdentityError(same.detail, code=same.code, hint=same.hint)
        return login.principal

    def signer(self, signed: bytes, at: datetime) -> Principal:
        """Return who signed a file."""
        report = ek.verify(signed, profile=self.profile, fetcher=self.fetcher, at=at).only
        return ek.identify(report, profile=self.profile)

    def grant(self, signed: bytes, contract: str | None, at: datetime) -> Mandate:
        """Take a signed grant: the mandate is made of what was signed."""
        report = ek.verify(signed, profile=self.profile, fetcher=self.fetcher, at=at).only
        grantor = ek.identify(report, profile=self.profile)
        stated = json.loads(report.signed[0].octets or b"{}")
        return self.mandates.add(
            granted_by_key(
                self.profile,
                grantor,
                person=ek.Identifier("UZ", "PINFL", stated["pinfl"]),
                unit=stated["unit"],
                actions=stated["actions"],
                contract=contract,
                contract_until=_CONTRACT_END if contract else None,
                evidence_digest=sha256(signed).hexdigest(),
            )
        )

    def may(
        self, person: Principal, right: str, organisation: ek.Identifier, unit: str, at: datetime
    ) -> Decision:
        """Decide with all that was granted to the person and not taken back."""
        held = self.mandates.of(person.identifier) if person.identifier else ()
        return person.with_mandates(held).may(right, on_behalf_of=organisation, unit=unit, at=at)


def through_agent(agent: FakeEimzo, octets: bytes) -> bytes:
    """Have E-IMZO sign with its first key: the page carries requests there and answers back."""

    def ask(request: Mapping[str, object]) -> AgentAnswer:
        return eimzo.read_answer(agent.answer(json.dumps(request)))

    key = eimzo.read_certificates(ask(eimzo.list_all_certificates()))[0]
    loaded = ask(eimzo.load_key(key))
    return ask(eimzo.create_pkcs7(octets, str(loaded.data["keyId"]))).result


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
    act = b'{"act": "publish a vacancy", "unit": "200000001/hr"}'
    signer = portal.signer(worker.sign(act), pki.now)
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
    pki.revoke(key)
    telling.granted(
        "the director leaves and her key is revoked: what it granted before stays",
        portal.may(signer, _PUBLISH, company, _UNIT, pki.now),
    )
    telling.denied(
        "after the end of the labour contract",
        portal.may(signer, _PUBLISH, company, _UNIT, _CONTRACT_END),
        "mandate-time",
    )
    portal.mandates.revoke(mandate, pki.now)
    telling.denied(
        "after the organisation took the mandate back",
        portal.may(signer, _PUBLISH, company, _UNIT, pki.now),
        "mandate-revocation",
    )
