"""North Macedonia: an employer's access without a token.

A user always comes as a person, by the single login (SEN, eID of the low level). Who acts for a
private employer needs, besides, the paper form "authorisation for access", certified and accepted
at the employment centre. The certificate that was needed before gives no access any more. After the
notice of the Employment Agency of 31 January 2022.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

import esign_kit as ek
from esign_kit.eid.grants import employer_access, paper_authorisation
from esign_kit.eid.mandate import MandateRegister
from esign_kit.login import MemoryOnceStore, SamlLogin, SamlServiceProvider
from esign_kit.model.mandate import Sector
from esign_kit.testing.login import FakeSaml
from esign_kit.testing.pki import FixturePKI

if TYPE_CHECKING:
    from datetime import datetime

    from esign_kit.login import Redirect
    from esign_kit.model.evidence import Fetcher
    from esign_kit.model.mandate import Decision, Mandate
    from esign_kit.model.principal import Principal
    from esign_kit.profiles import Profile
    from esign_kit.testing.stories.telling import Telling

__all__ = ["tell"]

_SECRET = b"secret of this browser's session"
_OFFICE = "Employment Centre Tetovo"
_LOW = ek.Assurance.demand(identity="LOW", authentication="LOW")
_EIDAS_LOW = "http://eidas.europa.eu/NotNotified/LoA/low"
# Names of attributes are given by the operator of SEN to each portal.
_ATTRIBUTES = {
    "embg": "MK/EMBG",
    "name": "name",
    "registration": "fact:registration",
    "method": "fact:method",
}


@dataclass
class Portal:
    """The back end of the employers' portal."""

    profile: Profile
    fetcher: Fetcher
    sen: FakeSaml
    sectors: dict[ek.Identifier, Sector]

    def __post_init__(self) -> None:
        self.forms = MandateRegister()
        self.logins = self.login_at(self.sen)

    def login_at(self, provider: FakeSaml) -> SamlLogin:
        """Return the login at one provider; the portal has one."""
        return SamlLogin(
            provider.provider(attributes=_ATTRIBUTES),
            SamlServiceProvider("https://portal.example", "https://portal.example/acs"),
            profile=self.profile,
            once=MemoryOnceStore(),
        )

    def finish(self, form: dict[str, str], going: Redirect, at: datetime) -> Principal:
        """Take the posted answer; eID of the low level is the least."""
        login = self.logins.finish(form, going.pending, session_secret=_SECRET, at=at, minimum=_LOW)
        return login.principal

    def may_enter(self, person: Principal, employer: ek.Identifier, at: datetime) -> Decision:
        """Decide on the employer's pages, with all forms of this person."""
        held = self.forms.of(person.identifier) if person.identifier else ()
        return employer_access(
            self.profile,
            person.with_mandates(held),
            organisation=employer,
            sector=self.sectors.get(employer, Sector.UNKNOWN),
            at=at,
        )


def tell(telling: Telling) -> None:
    """Tell the story."""
    pki = FixturePKI("mk", at="2026-11-02T08:00:00Z")
    embg, other = (pki.country.person_number(n) for n in (5, 6))
    employer, public, unknown = (
        ek.Identifier("MK", "EDB", pki.country.organisation_number(n)) for n in (1, 2, 3)
    )
    sen = FakeSaml(
        at=pki.now,
        attributes={
            "embg": embg,
            "name": "Shqipe Ademi",
            "registration": "tax-account",
            "method": "password",
        },
    )
    sectors = {employer: Sector.PRIVATE, public: Sector.PUBLIC}
    portal = Portal(pki.profile, pki, sen, sectors)
    person = _log_in(telling, pki, portal)
    form = _form(telling, pki, portal, person, employer)
    _others(telling, pki, portal, person, (public, unknown))
    _token(telling, pki, portal, employer, other)
    _end(telling, pki, portal, person, employer, form)


def _log_in(telling: Telling, pki: FixturePKI, portal: Portal) -> Principal:
    sen = portal.sen
    telling.scene("The user comes as a person, by the single login (SAML 2.0)")
    going = portal.logins.begin(session_secret=_SECRET, at=pki.now)
    form = sen.log_in(going)
    person = portal.finish(form, going, pki.now)
    telling.who("SEN says that this is", person)
    telling.refused(
        "the same answer a second time (replayed)",
        "login.state-used",
        lambda: portal.finish(form, going, pki.now),
    )
    for lie, text, code in (
        ("issuer", "an assertion of another provider", "login.saml-issuer"),
        ("audience", "an assertion for another portal", "login.saml-audience"),
        ("request", "an answer to another request", "login.saml-request"),
        ("expired", "an assertion that is over", "login.saml-expired"),
        ("unsigned", "an assertion that nobody signed", "login.saml-unsigned"),
        ("changed", "a number that was changed after signing", "login.saml-digest"),
    ):
        sen.lies = {lie}
        again = portal.logins.begin(session_secret=_SECRET, at=pki.now)
        answer = sen.log_in(again)
        telling.refused(
            text,
            code,
            lambda answer=answer, again=again: portal.finish(  # type: ignore[misc]
                answer, again, pki.now
            ),
        )
    sen.lies = set()
    _other_issuer(telling, pki, portal)
    telling.step(
        "services for individuals are open: the person acts for themselves",
        holds=person.may("mk-epuna:individual").granted,
    )
    return person


def _other_issuer(telling: Telling, pki: FixturePKI, portal: Portal) -> None:
    """The word "low" counts out of the mouth of the one who may say it."""
    bank = FakeSaml(
        at=pki.now,
        entity_id="https://bank.test",
        attributes=dict(portal.sen.attributes),
        context=_EIDAS_LOW,
    )
    flow = portal.login_at(bank)
    going = flow.begin(session_secret=_SECRET, at=pki.now)
    form = bank.log_in(going)
    telling.refused(
        "a bank's login states the level low (acr of another issuer)",
        "identity.assurance",
        lambda: flow.finish(form, going.pending, session_secret=_SECRET, at=pki.now, minimum=_LOW),
    )


def _form(
    telling: Telling,
    pki: FixturePKI,
    portal: Portal,
    person: Principal,
    employer: ek.Identifier,
) -> Mandate:
    telling.scene("For a private employer the paper form is needed, accepted at the office")
    telling.denied(
        "entering the employer's pages without a form (paper form missing)",
        portal.may_enter(person, employer, pki.now),
        "mandate-missing",
    )
    holder = person.identifier
    if holder is None:
        raise LookupError("the login gave no number")

    def accepted(certified: bool, whose: ek.Identifier = holder) -> Mandate:
        return paper_authorisation(
            portal.profile,
            person=whose,
            organisation=employer,
            sector=Sector.PRIVATE,
            office=_OFFICE,
            form="0117/2026",
            certified=certified,
            accepted_at=pki.now,
            officer="officer 12",
        )

    uncertified = person.with_mandates([accepted(certified=False)])
    telling.denied(
        "a form without the certification",
        employer_access(
            portal.profile, uncertified, organisation=employer, sector=Sector.PRIVATE, at=pki.now
        ),
        "mandate-precondition",
    )
    neighbour = ek.Identifier("MK", "EMBG", pki.country.person_number(6))
    telling.denied(
        "the form of somebody else",
        employer_access(
            portal.profile,
            person.with_mandates([accepted(certified=True, whose=neighbour)]),
            organisation=employer,
            sector=Sector.PRIVATE,
            at=pki.now,
        ),
        "mandate-holder",
    )
    telling.denied(
        "yesterday, before the office accepted it",
        employer_access(
            portal.profile,
            person.with_mandates([accepted(certified=True)]),
            organisation=employer,
            sector=Sector.PRIVATE,
            at=pki.now - timedelta(days=1),
        ),
        "mandate-time",
    )
    form = portal.forms.add(accepted(certified=True))
    facts = dict(form.evidence[0].facts)
    telling.step(
        f"form {form.evidence[0].pointer}, certified, accepted by {facts['office']}",
        f"{facts['officer']} lets {form.holder} act for {form.grantor}",
        holds=str(form.source) == "PAPER",
    )
    telling.granted("now the employer's pages open", portal.may_enter(person, employer, pki.now))
    return form


def _others(
    telling: Telling,
    pki: FixturePKI,
    portal: Portal,
    person: Principal,
    others: tuple[ek.Identifier, ek.Identifier],
) -> None:
    public, unknown = others
    telling.scene("The form is for one private employer")
    decision = portal.may_enter(person, public, pki.now)
    telling.granted("a public body needs no form by this rule, and the decision says so", decision)
    telling.step("what it says", *decision.reasons, holds=decision.mandate is None)
    telling.denied(
        "an employer of whom nobody knows whether it is private or public",
        portal.may_enter(person, unknown, pki.now),
        "mandate-missing",
    )


def _token(
    telling: Telling, pki: FixturePKI, portal: Portal, employer: ek.Identifier, other: str
) -> None:
    telling.scene("The old way, a certificate with the employer in it, gives no access")
    token = pki.employee(other, employer.value, role="head")
    report = ek.verify(
        token.sign(b"let me in"), profile=portal.profile, fetcher=portal.fetcher, at=pki.now
    ).only
    holder = ek.identify(report, profile=portal.profile)
    telling.who("the certificate of the manager", holder)
    telling.denied(
        "entering with it", portal.may_enter(holder, employer, pki.now), "mandate-missing"
    )
    seal = pki.organisation(employer.value)
    sealed = ek.verify(
        seal.sign(b"let us in"), profile=portal.profile, fetcher=portal.fetcher, at=pki.now
    ).only
    telling.denied(
        "entering as the employer itself: a user always comes as a person",
        portal.may_enter(ek.identify(sealed, profile=portal.profile), employer, pki.now),
        "person-unknown",
    )


def _end(
    telling: Telling,
    pki: FixturePKI,
    portal: Portal,
    person: Principal,
    employer: ek.Identifier,
    form: Mandate,
) -> None:
    telling.scene("The form ends")
    limited = replace(form, valid_until=pki.now + timedelta(days=365))
    telling.denied(
        "a form for one year, a year later (paper form expired)",
        employer_access(
            portal.profile,
            person.with_mandates([limited]),
            organisation=employer,
            sector=Sector.PRIVATE,
            at=pki.now + timedelta(days=365),
        ),
        "mandate-time",
    )
    pki.travel(days=30)
    portal.forms.revoke(form, pki.now)
    telling.denied(
        "the employer lodged another form, which replaces this one",
        portal.may_enter(person, employer, pki.now),
        "mandate-revocation",
    )
    telling.granted(
        "what was done before it ended stays",
        portal.may_enter(person, employer, pki.now - timedelta(days=1)),
    )
