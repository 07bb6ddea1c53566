"""Viet Nam: six procedures under delegation, and a tax notice with two signatures.

The People's Committee of a province delegates six procedures of unemployment insurance to its
department, the department to the employment centre, the centre to its officers; the list is closed
and the chain has an end. A tax notice needs the head of the authority and the authority. After the
decision on the pilot from 21 July 2025, and the form of the tax authority's notices.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import esign_kit as ek
from esign_kit.eid.decision import all_of
from esign_kit.eid.grants import from_authority
from esign_kit.eid.identity import subject_continuity
from esign_kit.eid.mandate import MandateRegister, delegate
from esign_kit.login import MemoryOnceStore, OidcLogin
from esign_kit.login.oidc import vn_portal, vneid
from esign_kit.model.mandate import MandateScope
from esign_kit.testing.login import FakeOidc
from esign_kit.testing.pki import FixturePKI
from esign_kit.testing.stories.vn_notice import tell_notice

if TYPE_CHECKING:
    from esign_kit.login import OidcProvider
    from esign_kit.model.evidence import Fetcher
    from esign_kit.model.mandate import Decision, Mandate
    from esign_kit.model.principal import Principal
    from esign_kit.profiles import Profile
    from esign_kit.testing.entity import Entity
    from esign_kit.testing.stories.telling import Telling

__all__ = ["tell"]

_RIGHT = "vn-labour:settle"
_NOTICE, _SETTLE, _TRANSFER = "job-search-notice", "benefit-settlement", "benefit-transfer"
_SIX = (
    _NOTICE,
    _SETTLE,
    "benefit-suspension",
    "benefit-continuation",
    "benefit-termination",
    _TRANSFER,
)
_BEGIN = datetime(2025, 7, 20, 17, tzinfo=UTC)
_PORTAL_ISSUER = "https://xacthuc.dichvucong.gov.vn/oauth2/token"
_VNEID_ISSUER = "http://sso.dancuquocgia.gov.vn:8080/auth/realms/citizen"
_SECRET = b"secret of this browser's session"
_LOW = ek.Assurance.demand(authentication="LOW")


@dataclass
class Portal:
    """The back end of the employment service of a province."""

    profile: Profile
    fetcher: Fetcher
    committee: ek.Identifier
    territory: str

    def __post_init__(self) -> None:
        self.mandates = MandateRegister()

    def signer(self, signed: bytes, at: datetime) -> Principal:
        """Return who signed, with what was delegated to that person."""
        report = ek.verify(signed, profile=self.profile, fetcher=self.fetcher, at=at).only
        principal = ek.identify(report, profile=self.profile)
        held = self.mandates.of(principal.identifier) if principal.identifier else ()
        return principal.with_mandates(held)

    def may_settle(self, officer: Principal, procedure: str, territory: str = "") -> Decision:
        """Decide whether an officer may carry out a procedure here."""
        return officer.may(
            _RIGHT,
            on_behalf_of=self.committee,
            procedure=procedure,
            territory=territory or self.territory,
        )


def tell(telling: Telling) -> None:
    """Tell the story."""
    pki = FixturePKI("vn", at="2026-11-02T02:00:00Z")
    numbers = [pki.country.organisation_number(n) for n in range(1, 6)]
    committee, department, centre, other_committee, other_centre = (
        ek.Identifier("VN", "MST", number) for number in numbers
    )
    portal = Portal(pki.profile, pki, committee, "01")
    officer = pki.person(pki.country.person_number(5), surname="Trần", given_name="Thị Thử")
    _log_in(telling, pki, officer)
    top = _delegations(telling, pki, portal, (committee, department, centre), officer)
    signed = _settle(telling, pki, portal, officer)
    _transfer(telling, pki, portal, signed, (other_committee, other_centre))
    _take_back(telling, pki, portal, officer, top)
    tell_notice(telling, pki)


def _log_in(telling: Telling, pki: FixturePKI, officer: Entity) -> None:
    number = officer.values["person"]
    claims = {"acr": "LoA1", "LoaiTaiKhoan": "1", "SoDinhDanh": number, "HoVaTen": "TRẦN THỊ THỬ"}
    fake = FakeOidc(at=pki.now, issuer=_PORTAL_ISSUER, base="https://login.test", claims=claims)

    def login(provider: OidcProvider) -> Principal:
        flow = OidcLogin(
            provider,
            fake.client(),
            profile=pki.profile,
            transport=fake,
            once=MemoryOnceStore(),
        )
        going = flow.begin(session_secret=_SECRET, at=pki.now)
        back = fake.log_in(going.url)
        return flow.finish(
            back, going.pending, session_secret=_SECRET, at=pki.now, minimum=_LOW
        ).principal

    telling.scene("The officer logs in at the national portal (OpenID Connect)")
    portal = vn_portal(base=fake.base, userinfo_endpoint="")
    telling.who("the portal's token says", login(portal))
    for lie, text, code in (
        ("issuer", "a token of another issuer", "login.token-issuer"),
        ("nonce", "a token of another login (replayed)", "login.token-nonce"),
        ("audience", "a token for another portal", "login.token-audience"),
        ("wrong-key", "a token signed with another key", "login.token-signature"),
    ):
        fake.lies = {lie}
        telling.refused(text, code, lambda: login(portal))
    fake.lies = set()
    fake.issuer = _VNEID_ISSUER
    fake.claims = {"sub": "subject-1", "acr": "LoA1", "preferred_username": number}
    other = vneid(
        authorization_endpoint=f"{fake.base}/authorize",
        token_endpoint=f"{fake.base}/token",
        jwks_uri=f"{fake.base}/jwks",
    )
    telling.refused(
        "the portal's word LoA1 out of the mouth of VNeID (acr of another issuer)",
        "identity.assurance",
        lambda: login(other),
    )
    fake.claims["acr"] = "1"
    telling.refused(
        "VNeID's own acr 1, which says: in this session, and no level",
        "identity.assurance",
        lambda: login(other),
    )


def _delegations(
    telling: Telling,
    pki: FixturePKI,
    portal: Portal,
    chain: tuple[ek.Identifier, ek.Identifier, ek.Identifier],
    officer: Entity,
) -> Mandate:
    committee, department, centre = chain
    telling.scene("The People's Committee delegates: department, employment centre, officer")
    top = from_authority(
        portal.profile,
        grantor=committee,
        holder=department,
        procedures=_SIX,
        territory=portal.territory,
        act="decision 2170/2025",
        valid_from=_BEGIN,
    )
    telling.step(
        "by an act, to the department: six procedures, one province, two more steps",
        ", ".join(sorted(top.scope.procedures or ())),
    )
    middle = delegate(top, holder=centre, rights=top.rights, may_sub_delegate=1)
    number = ek.Identifier("VN", "CCCD", str(officer.values["person"]))
    narrow = replace(middle.scope, procedures=frozenset({_NOTICE, _SETTLE, _TRANSFER}))
    last = delegate(middle, holder=number, rights=middle.rights, scope=narrow)
    portal.mandates.add(last)
    telling.step(
        "the centre, and then its officer, who gets three of the six",
        f"{last.holder}: {', '.join(sorted(last.scope.procedures or ()))}",
        holds=last.depth == 2,
    )
    telling.refused(
        "the committee delegates a procedure that is not among the six",
        "mandate.procedure",
        lambda: from_authority(
            portal.profile,
            grantor=committee,
            holder=department,
            procedures=("work-permit",),
            territory=portal.territory,
            act="decision 1",
            valid_from=_BEGIN,
        ),
    )
    clerk = ek.Identifier("VN", "CCCD", pki.country.person_number(6))
    telling.refused(
        "the officer passes it on (chain too deep)",
        "mandate.depth",
        lambda: delegate(last, holder=clerk, rights=last.rights),
    )
    telling.refused(
        "the centre passes on a procedure that it does not hold",
        "mandate.wider",
        lambda: delegate(
            replace(middle, scope=narrow), holder=clerk, rights=middle.rights, scope=middle.scope
        ),
    )
    wide = MandateScope(procedures=narrow.procedures, territory=frozenset({"79"}))
    telling.refused(
        "the centre delegates for another province",
        "mandate.wider",
        lambda: delegate(middle, holder=clerk, rights=middle.rights, scope=wide),
    )
    return top


def _settle(telling: Telling, pki: FixturePKI, portal: Portal, officer: Entity) -> Principal:
    telling.scene("The officer settles a case and signs with the own key")
    decision = json.dumps({"procedure": _SETTLE, "case": "VN-01-2026-88"}).encode()
    principal = portal.signer(officer.sign(decision), pki.now)
    telling.who("the decision is signed by", principal)
    telling.checked(
        "who signed is who logged in",
        subject_continuity(
            login=ek.Identifier("VN", "CCCD", str(officer.values["person"])),
            signature=principal.identifier,
        ),
    )
    telling.granted("may this officer settle it?", portal.may_settle(principal, _SETTLE))
    telling.denied(
        "a procedure of the six that was not passed on to the officer",
        portal.may_settle(principal, "benefit-suspension"),
        "mandate-procedure",
    )
    telling.denied(
        "a procedure outside the six",
        portal.may_settle(principal, "work-permit"),
        "mandate-procedure",
    )
    telling.denied(
        "a case of another province",
        portal.may_settle(principal, _SETTLE, territory="79"),
        "mandate-territory",
    )
    stranger = pki.person(pki.country.person_number(6))
    telling.denied(
        "another person's key",
        portal.may_settle(portal.signer(stranger.sign(decision), pki.now), _SETTLE),
        "mandate-missing",
    )
    mandate = principal.mandates[0]
    broken = replace(
        mandate, parent=replace(mandate.parent, holder=portal.committee) if mandate.parent else None
    )
    telling.denied(
        "a chain with a link of somebody else in it (broken)",
        portal.may_settle(replace(principal, mandates=(broken,)), _SETTLE),
        "mandate-chain",
    )
    deep = replace(mandate, grantor=mandate.holder, parent=mandate)
    telling.denied(
        "a chain with one link more than allowed (too deep), made by hand",
        portal.may_settle(replace(principal, mandates=(deep,)), _SETTLE),
        "mandate-depth",
    )
    return principal


def _transfer(
    telling: Telling,
    pki: FixturePKI,
    portal: Portal,
    officer: Principal,
    other: tuple[ek.Identifier, ek.Identifier],
) -> None:
    committee, centre = other
    telling.scene("A transfer between provinces needs the centres of both")
    there = pki.person(pki.country.person_number(9))
    second = Portal(portal.profile, portal.fetcher, committee, "79")
    top = from_authority(
        portal.profile,
        grantor=committee,
        holder=centre,
        procedures=_SIX,
        territory="79",
        act="decision 3000/2025",
        valid_from=_BEGIN,
    )
    number = ek.Identifier("VN", "CCCD", str(there.values["person"]))
    second.mandates.add(delegate(top, holder=number, rights=top.rights))
    mine = portal.may_settle(officer, _TRANSFER)
    theirs = second.may_settle(second.signer(there.sign(b"transfer"), pki.now), _TRANSFER)
    telling.granted("both officers signed", all_of("transfer", (mine, theirs)))
    alone = second.may_settle(officer, _TRANSFER)
    telling.denied(
        "one officer for both provinces", all_of("transfer", (mine, alone)), "mandate-missing"
    )


def _take_back(
    telling: Telling, pki: FixturePKI, portal: Portal, officer: Entity, top: Mandate
) -> None:
    telling.scene("The committee takes the delegation back")
    before = portal.signer(officer.sign(b"decision of yesterday"), pki.now)
    pki.travel(days=1)
    portal.mandates.revoke(top, pki.now)
    after = portal.signer(officer.sign(b"decision of today"), pki.now)
    telling.denied(
        "the officer goes on: everything below fell with it",
        portal.may_settle(after, _SETTLE),
        "mandate-revocation",
    )
    held = portal.mandates.of(before.identifier) if before.identifier else ()
    telling.granted(
        "what was decided before stays", portal.may_settle(before.with_mandates(held), _SETTLE)
    )
