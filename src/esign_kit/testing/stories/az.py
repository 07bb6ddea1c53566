"""Azerbaijan: a request by document number and FIN.

Two numbers of one card say that somebody of that number exists, not who typed them. So the request
is taken, its result goes to the stated contact and nowhere else, and where a signature is demanded
the two numbers do not do. After the notice of the Ministry of Labour of March 2020 on e-sosial.az.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING

import esign_kit as ek
from esign_kit.eid.identity import subject_continuity
from esign_kit.errors import AssuranceError, IdentityError
from esign_kit.login import MatchedLogin, RegisterEntry
from esign_kit.testing.pki import FixturePKI

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from esign_kit.login import Login
    from esign_kit.model.evidence import Fetcher
    from esign_kit.model.principal import Principal
    from esign_kit.model.report import Check
    from esign_kit.profiles import Profile
    from esign_kit.testing.stories.telling import Telling

__all__ = ["tell"]

_DOCUMENT, _EXPIRED = "AA1234567", "AA7654321"
_CONTACT, _MINISTRY = "+994 50 000 00 00", "1400000461"
_MATCHED = ek.Assurance.demand(identity="MATCHED")
_SIGNED = ek.Assurance.demand(identity="SUBSTANTIAL", signature="ADVANCED", regime="AZ")


class Register:
    """The population register: a fake with two cards."""

    def __init__(self, cards: Mapping[str, RegisterEntry]) -> None:
        self._cards = cards

    def find(self, document: ek.Identifier) -> RegisterEntry | None:
        """Return the holder of a document."""
        return self._cards.get(document.value)


@dataclass
class Case:
    """A request: who is named, and the one contact that its result may go to."""

    applicant: ek.Identifier
    contact: str
    sent: list[tuple[str, bytes]] = field(default_factory=list)


@dataclass
class Portal:
    """The back end of the portal."""

    profile: Profile
    fetcher: Fetcher
    register: Register

    def __post_init__(self) -> None:
        self.matched = MatchedLogin(self.profile, self.register)

    def apply(self, login: Login, service: str) -> Case:
        """Take a request for a service, if the login is sure enough for it."""
        demanded = _SIGNED if service == "transfer of the pension account" else _MATCHED
        principal = login.principal
        missing = principal.assurance.missing(demanded)
        if missing or principal.identifier is None:
            raise AssuranceError(
                f"{service}: {'; '.join(missing)}",
                needed=demanded,
                found=principal.assurance,
                hint="sign this request with SİMA or with your card",
            )
        return Case(principal.identifier, str(login.claims["contact"]))

    def sign_request(self, case: Case, signed: bytes, at: datetime) -> tuple[Principal, Check]:
        """Take a signed request: surely enough, and by the one who is named."""
        report = ek.verify(signed, profile=self.profile, fetcher=self.fetcher, at=at).only
        signer = ek.identify(report, profile=self.profile, minimum=_SIGNED)
        return signer, subject_continuity(signature=signer.identifier, payload=case.applicant)

    def send(self, case: Case, result: bytes, contact: str) -> None:
        """Send the result to the contact that the applicant stated, and to no other."""
        if contact != case.contact:
            raise IdentityError("another contact than the stated one", code="portal.contact")
        case.sent.append((contact, result))


def tell(telling: Telling) -> None:
    """Tell the story."""
    pki = FixturePKI("az", at="2026-11-02T06:00:00Z")
    fin, other = pki.country.person_number(3), pki.country.person_number(4)
    cards = {
        _DOCUMENT: RegisterEntry(fin, "ƏLİYEVA ŞƏBNƏM", date(1990, 5, 4), date(2031, 5, 4)),
        _EXPIRED: RegisterEntry(fin, "ƏLİYEVA ŞƏBNƏM", date(1990, 5, 4), date(2021, 5, 4)),
    }
    portal = Portal(pki.profile, pki, Register(cards))
    login = _match(telling, pki, portal, fin, other)
    case = _apply(telling, portal, login)
    _certificate(telling, pki, portal, case)
    _sign(telling, pki, portal, login, (fin, other))


def _match(telling: Telling, pki: FixturePKI, portal: Portal, fin: str, other: str) -> Login:
    telling.scene("Document number and FIN are matched with the register")
    login = portal.matched.match(document=_DOCUMENT, fin=fin, at=pki.now, contact=_CONTACT)
    telling.who("the two numbers belong together", login.principal)
    telling.step(
        "that is a match and no authentication: anybody with a photo of the card can type them",
        *login.principal.notes,
        holds=(login.principal.assurance.identity, login.principal.assurance.authentication)
        == ("MATCHED", "NONE"),
    )
    for text, document, number in (
        ("the document with another person's FIN", _DOCUMENT, other),
        ("a document that nobody has: the same words, so that the form tells nothing", "AA0", fin),
        ("an expired card", _EXPIRED, fin),
    ):
        telling.refused(
            text,
            "login.not-matched",
            lambda document=document, number=number: portal.matched.match(  # type: ignore[misc]
                document=document, fin=number, at=pki.now
            ),
        )
    return login


def _apply(telling: Telling, portal: Portal, login: Login) -> Case:
    telling.scene("A request is taken; what it asks for decides how surely one must be known")
    case = portal.apply(login, "certificate of employment")
    telling.step(
        "a certificate of employment: matched is enough",
        f"for {case.applicant}; the result goes to the stated contact",
        holds=case.contact == _CONTACT,
    )
    telling.refused(
        "document number and FIN where a signature is demanded",
        "identity.assurance",
        lambda: portal.apply(login, "transfer of the pension account"),
    )
    telling.denied(
        "acting for an organisation after a match",
        login.principal.may("az:act", on_behalf_of=ek.Identifier("AZ", "VOEN", _MINISTRY)),
        "mandate-missing",
    )
    return case


def _certificate(telling: Telling, pki: FixturePKI, portal: Portal, case: Case) -> None:
    telling.scene(
        "The ministry issues the certificate: sealed by an organisation, signed by nobody"
    )
    seal = pki.organisation(_MINISTRY, organisation_name="Əmək Nazirliyi")
    body = {"certificate": "AZ-2026-31", "fin": case.applicant.value, "employed_since": "2019"}
    sealed = seal.sign(json.dumps(body, ensure_ascii=False).encode())
    report = ek.verify(sealed, profile=portal.profile, fetcher=pki, at=pki.now).only
    telling.verified("the sealed certificate", report)
    issuer = ek.identify(report, profile=portal.profile)
    telling.who("issued by", issuer)
    telling.step(
        "an organisation acts; there is no person in it",
        holds=str(issuer.kind) == "ORGANISATION" and issuer.person is None,
    )
    portal.send(case, sealed, _CONTACT)
    telling.step("sent to the stated contact", holds=[to for to, _ in case.sent] == [_CONTACT])
    telling.refused(
        "a caller asks to have it sent elsewhere",
        "portal.contact",
        lambda: portal.send(case, sealed, "somebody.else@example.com"),
    )
    changed = ek.verify(
        sealed.replace(b"2019", b"2009"), profile=portal.profile, fetcher=pki, at=pki.now
    ).only
    telling.rejected("the certificate with another year", changed, "reference-digest")


def _sign(
    telling: Telling, pki: FixturePKI, portal: Portal, login: Login, people: tuple[str, str]
) -> None:
    telling.scene("The transfer needs a signature: the applicant takes the own key")
    holder = pki.person(people[0], surname="Əliyeva", given_name="Şəbnəm")
    stranger = pki.person(people[1])
    case = Case(ek.Identifier("AZ", "FIN", people[0]), str(login.claims["contact"]))
    text = json.dumps({"request": "transfer", "fin": people[0]}).encode()
    signer, same = portal.sign_request(case, holder.sign(text), pki.now)
    telling.who("signed by", signer)
    telling.checked("who signed and who was matched are one", same)
    _, other = portal.sign_request(case, stranger.sign(text), pki.now)
    telling.mismatch("another person's key signs the request", other)
    seal = pki.organisation(_MINISTRY)
    _, organisation = portal.sign_request(case, seal.sign(text), pki.now)
    telling.mismatch("an organisation's seal in place of the person's signature", organisation)
    login_key = pki.person(people[0], purpose="AUTHENTICATION")
    report = ek.verify(
        login_key.sign(text, authentication_key=True),
        profile=portal.profile,
        fetcher=pki,
        at=pki.now,
    ).only
    telling.rejected("the applicant's key for logins", report, "profile")
