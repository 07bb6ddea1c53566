"""The back end of an organisation's cabinet in Uzbekistan, as the story needs it."""

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

if TYPE_CHECKING:
    from collections.abc import Mapping

    from esign_kit.agents import AgentAnswer
    from esign_kit.model.evidence import Fetcher
    from esign_kit.model.http import Transport
    from esign_kit.model.mandate import Decision, Mandate
    from esign_kit.model.principal import Principal
    from esign_kit.profiles import Profile
    from esign_kit.testing.login import FakeEimzo

__all__ = ["CONTRACT_END", "ORIGIN", "Portal", "through_agent"]

ORIGIN = "https://cabinet.example"
CONTRACT_END = datetime(2027, 3, 31, 19, tzinfo=UTC)
"""When the worker's registered labour contract ends."""


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
            ORIGIN + "/back",
            "portal",
            self.endpoint,
        )
        once = MemoryOnceStore()
        self.oneid = OneIdLogin(
            client, profile=self.profile, transport=self.oneid_transport, once=once
        )
        self.cabinet = ChallengeLogin(ORIGIN, profile=self.profile, once=once, purpose="cabinet")
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
                contract_until=CONTRACT_END if contract else None,
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
