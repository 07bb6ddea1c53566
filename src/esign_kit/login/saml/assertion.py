"""What an assertion must say (Core § 2, Profiles § 4.1.4.3), and what it says about the person."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

from esign_kit.login import faults
from esign_kit.login.result import Claimed, identifier, passed
from esign_kit.login.saml import names
from esign_kit.login.saml.response import child, text_of
from esign_kit.model.identifier import Claim, Provenance, Source
from esign_kit.model.principal import Organisation, Person, PersonName, PrincipalKind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from esign_kit.login.saml.parties import SamlIdentityProvider
    from esign_kit.model.identifier import Identifier
    from esign_kit.model.report import Check
    from esign_kit.xmldsig import Element

__all__ = ["Statement", "check_assertion", "read_subject"]

_INSTANT = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2})(\.[0-9]{1,9})?(Z|[+-][0-9]{2}:[0-9]{2})",
    re.ASCII,
)
_CLASSES = "urn:oasis:names:tc:SAML:2.0:ac:classes:"
_METHODS = {
    "Password": "password",
    "PasswordProtectedTransport": "password",
    # A class that names a certificate does not tell where its key is; a file is the weaker case.
    "X509": "certificate-file",
    "SoftwarePKI": "certificate-file",
    "TLSClient": "certificate-file",
    "SmartcardPKI": "certificate-token",
}


@dataclass(frozen=True, slots=True, repr=False)
class Statement:
    """What was stated, once everything around it was found good."""

    id: str
    expires: datetime
    name_id: str
    session: str
    context: str
    attributes: Mapping[str, tuple[str, ...]]
    checks: tuple[Check, ...] = field(default=())


def check_assertion(
    assertion: Element,
    provider: SamlIdentityProvider,
    *,
    audience: str,
    recipient: str,
    request_id: str,
    at: datetime,
) -> Statement:
    """Check an assertion that was signed.

    Raises:
        LoginAnswerError: the first thing that does not hold.
    """
    if assertion.get("Version") != "2.0" or not assertion.get("ID"):
        raise faults.answer("login.saml-structure", "no version, or no ID")
    issuer = child(assertion, names.ISSUER)
    if issuer is None or text_of(issuer) != provider.entity_id:
        raise faults.answer("login.saml-issuer", "the assertion comes from another provider")
    _check_conditions(assertion, audience, provider, at)
    subject = child(assertion, names.SUBJECT)
    if subject is None:
        raise faults.answer("login.saml-structure", "the assertion has no subject")
    expires = _check_confirmation(subject, provider, recipient, request_id, at)
    name = child(subject, names.NAME_ID)
    session, context = _authentication(assertion, provider, at)
    return Statement(
        id=assertion.get("ID") or "",
        expires=expires,
        name_id=text_of(name) if name is not None else "",
        session=session,
        context=context,
        attributes=_attributes(assertion),
        checks=(
            passed("saml-issuer", provider.entity_id),
            passed("saml-audience", audience),
            passed("saml-recipient", recipient),
            passed("saml-request", "answers the request of this browser"),
            passed("saml-times", f"holds until {expires.isoformat()}"),
        ),
    )


def _check_conditions(
    assertion: Element, audience: str, provider: SamlIdentityProvider, at: datetime
) -> None:
    conditions = child(assertion, names.CONDITIONS)
    if conditions is None:
        raise faults.answer("login.saml-audience", "the assertion has no conditions")
    _check_window(conditions, provider, at)
    restrictions = []
    for item in conditions:
        if item.tag == names.AUDIENCES:
            restrictions.append(item)
        elif item.tag not in (names.ONE_TIME, names.PROXY):
            # Core § 2.5.1: a condition that is not understood leaves the assertion undecided.
            raise faults.answer("login.saml-condition", "a condition that is not known")
    if not restrictions:
        raise faults.answer("login.saml-audience", "the assertion is for no particular portal")
    for item in restrictions:
        if audience not in [text_of(each) for each in item if each.tag == names.AUDIENCE]:
            raise faults.answer("login.saml-audience", "the assertion is for another portal")


def _check_confirmation(
    subject: Element,
    provider: SamlIdentityProvider,
    recipient: str,
    request_id: str,
    at: datetime,
) -> datetime:
    """Return until when the bearer confirmation holds; one must hold in every part."""
    problems = []
    for item in subject:
        if item.tag != names.CONFIRMATION or item.get("Method") != names.BEARER:
            continue
        data = child(item, names.CONFIRMATION_DATA)
        expires = _time(data, "NotOnOrAfter") if data is not None else None
        if data is None or expires is None:
            problems.append(("login.saml-times", "a confirmation without an end"))
        elif data.get("Recipient") != recipient:
            problems.append(("login.saml-recipient", "the assertion is for another address"))
        elif data.get("InResponseTo") != request_id:
            problems.append(("login.saml-request", "the assertion answers another request"))
        elif data.get("NotBefore") is not None:
            problems.append(("login.saml-times", "a bearer confirmation has no NotBefore"))
        elif at >= expires + provider.skew:
            problems.append(("login.saml-expired", f"it expired at {expires.isoformat()}"))
        else:
            return expires
    code, detail = problems[0] if problems else ("login.saml-subject", "no bearer confirmation")
    raise faults.answer(code, detail)


def _authentication(
    assertion: Element, provider: SamlIdentityProvider, at: datetime
) -> tuple[str, str]:
    statements = [item for item in assertion if item.tag == names.AUTHN]
    if len(statements) != 1:
        raise faults.answer(
            "login.saml-structure", f"{len(statements)} statements of a login; one is expected"
        )
    moment = _time(statements[0], "AuthnInstant")
    if moment is None or moment > at + provider.skew:
        raise faults.answer("login.saml-times", "the login lies in the future, or nowhere")
    end = _time(statements[0], "SessionNotOnOrAfter")
    if end is not None and at >= end + provider.skew:
        raise faults.answer("login.saml-expired", "the session at the provider is over")
    context = child(statements[0], names.CONTEXT)
    reference = child(context, names.CONTEXT_CLASS) if context is not None else None
    word = text_of(reference) if reference is not None else ""
    return statements[0].get("SessionIndex") or "", word


def _check_window(element: Element, provider: SamlIdentityProvider, at: datetime) -> None:
    begin, end = _time(element, "NotBefore"), _time(element, "NotOnOrAfter")
    if begin is not None and at < begin - provider.skew:
        raise faults.answer("login.saml-times", "the assertion does not hold yet")
    if end is not None and at >= end + provider.skew:
        raise faults.answer("login.saml-expired", f"the assertion expired at {end.isoformat()}")


def _time(element: Element, name: str) -> datetime | None:
    value = element.get(name)
    if value is None:
        return None
    match = _INSTANT.fullmatch(value.strip())
    try:
        if match is None:
            raise ValueError
        zone = "+00:00" if match[3] == "Z" else match[3]
        return datetime.fromisoformat(match[1] + zone).astimezone(UTC)
    except (ValueError, OverflowError):
        raise faults.answer("login.saml-times", f"{name} is no time") from None


def _attributes(assertion: Element) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for statement in assertion:
        if statement.tag != names.ATTRIBUTES:
            continue
        for item in statement:
            if item.tag != names.ATTRIBUTE:
                raise faults.answer("login.saml-attribute", "an attribute that is not read")
            name = item.get("Name") or ""
            if not name or name in found:
                raise faults.answer("login.saml-attribute", "an attribute stands twice")
            values = [text_of(each) for each in item if each.tag == names.VALUE]
            found[name] = tuple(values)
    return found


def read_subject(statement: Statement, provider: SamlIdentityProvider, *, at: datetime) -> Claimed:
    """Read who it is, by the deployer's table of attributes.

    Raises:
        LoginAnswerError: nobody with a number, a malformed one, or several values for one.
    """
    numbers: dict[str, list[Identifier]] = {"person": [], "organisation": []}
    texts: dict[str, str] = {}
    facts: dict[str, object] = {"token_signed": True, "assertion_signed": True}
    if provider.name_id and statement.name_id:
        numbers["person"].append(
            _number(provider.name_id, statement.name_id, provider, at, "NameID")
        )
    for name, meaning in provider.attributes.items():
        values = statement.attributes.get(name, ())
        if not values:
            continue
        if meaning.startswith("fact:"):
            facts[meaning[5:]] = [_truth(value) for value in values[:16]]
            continue
        if len(values) > 1:
            raise faults.answer("login.saml-attribute", f"several values of {faults.shown(name)}")
        target, _, place = meaning.rpartition(":")
        if target == "eidas":
            numbers[place].append(_eidas(place, values[0], provider, at))
        elif "/" in place:
            number = _number(place, values[0], provider, at, name)
            numbers["organisation" if target == "organisation" else "person"].append(number)
        else:
            texts[meaning] = values[0][:256]
    facts.update(_context(statement.context, provider))
    return _claimed(numbers, texts, facts, statement, provider, at)


def _claimed(
    numbers: Mapping[str, list[Identifier]],
    texts: Mapping[str, str],
    facts: Mapping[str, object],
    statement: Statement,
    provider: SamlIdentityProvider,
    at: datetime,
) -> Claimed:
    family, given = texts.get("family"), texts.get("given")
    patronymic = texts.get("patronymic")
    raw = texts.get("name") or " ".join(part for part in (family, given, patronymic) if part)
    name = PersonName(raw, family, given, patronymic) if raw else None
    organisation = None
    if numbers["organisation"] or texts.get("organisation_name"):
        organisation = Organisation(
            tuple(numbers["organisation"]), texts.get("organisation_name", "")
        )
    person = Person(tuple(numbers["person"]), name, (), _born(texts, provider, at))
    alone = bool(numbers["organisation"]) and not numbers["person"]
    return Claimed(
        PrincipalKind.ORGANISATION if alone else PrincipalKind.PERSON,
        None if alone else person,
        organisation,
        facts=facts,
        reference=statement.session or statement.id,
    )


def _context(word: str, provider: SamlIdentityProvider) -> dict[str, object]:
    """A class of SAML is a method; anything else is a level of this provider."""
    method = _METHODS.get(word.removeprefix(_CLASSES)) if word.startswith(_CLASSES) else None
    found: dict[str, object] = {"issuer": provider.entity_id}
    if method:
        found["method"] = method
    elif word:
        found["acr"] = word
    return found


def _number(
    place: str, value: str, provider: SamlIdentityProvider, at: datetime, claim: str
) -> Identifier:
    country, _, scheme = place.partition("/")
    return identifier(country, scheme, value, issuer=provider.entity_id, at=at, claim=claim)


def _eidas(place: str, value: str, provider: SamlIdentityProvider, at: datetime) -> Identifier:
    """``ES/AT/0263…``: who gave it out, for whom, and the number itself."""
    match = re.fullmatch(r"([A-Z]{2})/([A-Z]{2})/([!-~]{1,190})", value, re.ASCII)
    if not match:
        raise faults.answer("login.answer-identifier", "no uniqueness identifier of eIDAS")
    scheme = "EIDAS" if place == "person" else "EIDASLP"
    return identifier(match[1], scheme, match[3], issuer=provider.entity_id, at=at, claim="eIDAS")


def _truth(value: str) -> str | bool:
    return {"true": True, "false": False}.get(value.lower(), value[:64])


def _born(texts: Mapping[str, str], provider: SamlIdentityProvider, at: datetime) -> Claim | None:
    try:
        day = date.fromisoformat(texts.get("birth_date", ""))
    except ValueError:
        return None
    where = Provenance(Source.LOGIN, issuer=provider.entity_id, at=at, rule="birth date")
    return Claim(day, where)
