"""Kazakhstan: a citizen registers as unemployed.

Login with the key for logins; a request that is shown, then signed with the key for signatures; the
answer of the ministry's system, good or a reasoned refusal, bound to the request. After the guide
of the electronic government for the registration of unemployed citizens.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import esign_kit as ek
from esign_kit.agents import ncalayer
from esign_kit.bundle import Attachment
from esign_kit.eid.identity import subject_continuity
from esign_kit.errors import IdentityError, InputError
from esign_kit.login import ChallengeLogin, MemoryOnceStore
from esign_kit.testing.login import FakeNcaLayer
from esign_kit.testing.pki import FixturePKI

if TYPE_CHECKING:
    from datetime import datetime

    from esign_kit.login import Login
    from esign_kit.model.evidence import Fetcher
    from esign_kit.model.principal import Principal
    from esign_kit.model.report import Check
    from esign_kit.profiles import Profile
    from esign_kit.testing.entity import Entity
    from esign_kit.testing.stories.telling import Telling

__all__ = ["tell"]

_CITIZEN, _NEIGHBOUR, _MINISTRY, _STRANGER = (
    "900101300017",
    "800202300025",
    "150240000006",
    "000740000728",
)
_ORIGIN = "https://portal.example"
_QUALIFIED = ek.Assurance.demand(identity="SUBSTANTIAL", signature="QUALIFIED", regime="KZ")


@dataclass
class Portal:
    """The back end: what it knows of one browser session, and its three duties."""

    profile: Profile
    fetcher: Fetcher
    session_secret: bytes
    ministry: ek.Identifier

    def __post_init__(self) -> None:
        self.logins = ChallengeLogin(_ORIGIN, profile=self.profile, once=MemoryOnceStore())

    def log_in(self, answer: bytes, pending: str, at: datetime) -> Login:
        """Take the signed challenge."""
        return self.logins.finish(
            answer, pending, session_secret=self.session_secret, at=at, fetcher=self.fetcher
        )

    def verify(self, signed: bytes, at: datetime) -> ek.SignatureReport:
        """Verify a file with one signature, asking OCSP."""
        return ek.verify(signed, profile=self.profile, fetcher=self.fetcher, at=at).only

    def accept(
        self, report: ek.SignatureReport, shown: bytes, login: Principal
    ) -> tuple[Principal, Check]:
        """Take a signed request: what was shown was signed, by the one who logged in."""
        if [scope.octets for scope in report.signed] != [shown]:
            raise InputError("what was signed is not what was shown", code="portal.content")
        signer = ek.identify(report, profile=self.profile, minimum=_QUALIFIED)
        applicant = ek.Identifier("KZ", "IIN", json.loads(shown)["applicant"])
        return signer, subject_continuity(
            login=login.identifier, signature=signer.identifier, payload=applicant
        )

    def take_answer(self, report: ek.SignatureReport, application: str) -> dict[str, str]:
        """Take the ministry's answer: from its system, and about this request."""
        sender = ek.identify(report, profile=self.profile)
        organisation = sender.represented
        if organisation is None or organisation.identifier != self.ministry:
            raise IdentityError("the answer is not the ministry's", code="portal.sender")
        answer: dict[str, str] = json.loads(report.signed[0].octets or b"{}")
        if answer.get("application") != application:
            raise InputError("the answer is about another request", code="portal.other-request")
        return answer


def through_agent(agent: FakeNcaLayer, octets: bytes, keys: str = "sign") -> bytes:
    """Have NCALayer sign: the page carries the request there and the answer back."""
    request = ncalayer.basics_sign(octets, keys=keys)
    return ncalayer.read_answer(agent.answer(json.dumps(request))).result


def tell(telling: Telling) -> None:
    """Tell the story."""
    pki = FixturePKI("kz", at="2026-11-02T09:00:00Z")
    ministry = ek.Identifier("KZ", "BIN", _MINISTRY)
    portal = Portal(pki.profile, pki, b"secret of this browser's session", ministry)
    login = _log_in(telling, pki, portal)
    signed = _apply(telling, pki, portal, login)
    _answers(telling, pki, portal)
    _keep(telling, pki, portal, login, signed)


def _log_in(telling: Telling, pki: FixturePKI, portal: Portal) -> Login:
    secret = portal.session_secret
    login_key = pki.person(_CITIZEN, purpose="AUTHENTICATION")
    signing_key = pki.person(_CITIZEN)
    agent = FakeNcaLayer(signing_key, login_key=login_key)

    telling.scene("The citizen logs in with the certificate for logins")
    challenge = portal.logins.issue(session_secret=secret, at=pki.now)
    telling.step(
        "the portal issues a challenge that names portal, purpose and time",
        *challenge.text.decode().splitlines()[:3],
        f"good until {challenge.expires:%H:%M:%S}",
    )
    answer = through_agent(agent, challenge.text, keys="login")
    pki.travel(minutes=1)
    login = portal.log_in(answer, challenge.pending, pki.now)
    telling.who("a minute later NCALayer has signed it: this is", login.principal)
    agent.cancels = True
    telling.refused(
        "the citizen cancels in NCALayer",
        "agents.cancelled",
        lambda: through_agent(agent, challenge.text, keys="login"),
    )
    telling.refused(
        "the same answer a second time (replayed)",
        "login.state-used",
        lambda: portal.log_in(answer, challenge.pending, pki.now),
    )
    late = portal.logins.issue(session_secret=secret, at=pki.now)
    late_answer = login_key.sign(late.text, authentication_key=True)
    telling.refused(
        "an answer after three minutes (stale challenge)",
        "login.state-expired",
        lambda: portal.log_in(late_answer, late.pending, late.expires),
    )
    foreign = portal.logins.issue(session_secret=b"secret of another browser", at=pki.now)
    foreign_answer = login_key.sign(foreign.text, authentication_key=True)
    telling.refused(
        "an answer to the challenge of another browser",
        "login.state-foreign",
        lambda: portal.log_in(foreign_answer, foreign.pending, pki.now),
    )
    wrong_key = portal.logins.issue(session_secret=secret, at=pki.now)
    telling.refused(
        "the key for signatures used to log in",
        "login.challenge-purpose",
        lambda: portal.log_in(signing_key.sign(wrong_key.text), wrong_key.pending, pki.now),
    )
    other = portal.logins.issue(session_secret=secret, at=pki.now)
    telling.refused(
        "a login key that signed something else than the challenge",
        "login.challenge-content",
        lambda: portal.log_in(
            login_key.sign(b"transfer all", authentication_key=True), other.pending, pki.now
        ),
    )
    return login


def _request(applicant: str, application: str = "KZ-2026-000117") -> bytes:
    fields = {
        "application": application,
        "service": "registration as unemployed",
        "applicant": applicant,
        "address": {"value": "Астана, Мәңгілік Ел 8", "source": "register", "agreed": True},
        "children": 2,
    }
    return json.dumps(fields, ensure_ascii=False, indent=1).encode()


def _apply(telling: Telling, pki: FixturePKI, portal: Portal, login: Login) -> bytes:
    citizen, neighbour = pki.person(_CITIZEN), pki.person(_NEIGHBOUR)
    login_key = pki.person(_CITIZEN, purpose="AUTHENTICATION")

    telling.scene("The request is reviewed, and signed with the key for signatures")
    shown = _request(_CITIZEN)
    telling.step(f"the portal shows the request KZ-2026-000117 ({len(shown)} octets) and keeps it")
    signed = through_agent(FakeNcaLayer(citizen, login_key=login_key), shown)
    report = portal.verify(signed, pki.now)
    telling.verified("NCALayer gives back a CAdES signature", report)
    signer, same = portal.accept(report, shown, login.principal)
    telling.step("the octets signed are the octets shown", holds=report.signed[0].octets == shown)
    telling.who("signed by", signer)
    telling.checked("who logged in, who signed and who is named are one", same)

    _, other = portal.accept(portal.verify(neighbour.sign(shown), pki.now), shown, login.principal)
    telling.mismatch("the neighbour's key signs the citizen's request", other)
    named = _request(_NEIGHBOUR)
    _, payload = portal.accept(portal.verify(citizen.sign(named), pki.now), named, login.principal)
    telling.mismatch("the citizen signs a request that names the neighbour", payload)
    more = shown.replace(b'"children": 2', b'"children": 7')
    telling.refused(
        "another text is signed than was shown: seven children in place of two",
        "portal.content",
        lambda: portal.accept(portal.verify(citizen.sign(more), pki.now), shown, login.principal),
    )
    telling.rejected(
        "one letter changed after signing",
        portal.verify(signed.replace(b'"children": 2', b'"children": 3'), pki.now),
        "reference-digest",
    )
    telling.rejected(
        "the key for logins signs the request",
        portal.verify(login_key.sign(shown, authentication_key=True), pki.now),
        "profile",
    )
    revoked = pki.person(_CITIZEN)
    stolen = revoked.sign(shown)
    pki.revoke(revoked)
    telling.rejected("a revoked key", portal.verify(stolen, pki.now), "revocation")
    return signed


def _answers(telling: Telling, pki: FixturePKI, portal: Portal) -> None:
    system = pki.system("Еңбек нарығы", _MINISTRY, organisation_name="Еңбек министрлігі")
    stranger = pki.system("Labour market", _STRANGER)

    def answer(signer: Entity, application: str = "KZ-2026-000117", **fields: str) -> bytes:
        body = {"application": application, **fields}
        signed: bytes = signer.sign(json.dumps(body, ensure_ascii=False).encode())
        return signed

    telling.scene("The ministry's system answers, and its answer is verified like any other")
    pki.travel(days=1)
    good = answer(system, outcome="registered", number="2026/4711")
    report = portal.verify(good, pki.now)
    telling.verified("the notice of registration", report)
    telling.who("signed by the system", ek.identify(report, profile=portal.profile))
    found = portal.take_answer(report, "KZ-2026-000117")
    telling.step(
        "it is the ministry's, and about this request",
        f"outcome: {found['outcome']}, number {found['number']}",
        holds=found["outcome"] == "registered",
    )
    no = answer(system, outcome="refused", reason="a labour contract is still in force")
    found = portal.take_answer(portal.verify(no, pki.now), "KZ-2026-000117")
    telling.step(
        "the other outcome: a refusal, signed too, with its reason",
        f"outcome: {found['outcome']}, because {found['reason']}",
        holds=found["outcome"] == "refused" and bool(found["reason"]),
    )
    foreign = answer(system, "KZ-2026-000999", outcome="registered", number="2026/4712")
    telling.refused(
        "the notice of another request",
        "portal.other-request",
        lambda: portal.take_answer(portal.verify(foreign, pki.now), "KZ-2026-000117"),
    )
    false = answer(stranger, outcome="registered", number="2026/4713")
    telling.refused(
        "a notice of another organisation's system with the same name",
        "portal.sender",
        lambda: portal.take_answer(portal.verify(false, pki.now), "KZ-2026-000117"),
    )
    forged = good.replace(b"2026/4711", b"2026/4799")
    telling.rejected(
        "a notice whose number was changed", portal.verify(forged, pki.now), "reference-digest"
    )
    telling.refused(
        "asking the changed notice who signed it",
        "signature.rejected",
        lambda: portal.take_answer(portal.verify(forged, pki.now), "KZ-2026-000117"),
    )


def _keep(telling: Telling, pki: FixturePKI, portal: Portal, login: Login, signed: bytes) -> None:
    telling.scene("The proof is kept in one file")
    statement = json.dumps(login.to_dict(), ensure_ascii=False, default=str).encode()
    kept = ek.bundle.make(
        signed,
        profile=portal.profile,
        fetcher=portal.fetcher,
        at=pki.now,
        attachments=[Attachment("login", "login.json", statement, "application/json")],
    )
    pki.travel(days=3650)
    again = ek.bundle.verify(kept, trust=pki.trust)
    telling.step(
        "ten years later, offline: the same report and the same person, octet for octet",
        f"{again.report.indication}; anchors vouched for: {again.anchors_vouched}; "
        f"attached: {', '.join(item.name for item in again.attachments)}",
        holds=again.identical and again.intact and again.report.indication == "TOTAL_PASSED",
    )
