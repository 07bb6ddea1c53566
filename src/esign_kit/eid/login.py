"""From the validated claims of a login to a principal. Validating a token is not done here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from esign_kit.eid.assurance import assess_login
from esign_kit.errors import AssuranceError, IdentityError, ProfileError
from esign_kit.model.identifier import Identifier, Provenance, Source
from esign_kit.model.principal import (
    Organisation,
    Person,
    PersonName,
    Principal,
    PrincipalKind,
    Proof,
    ProofKind,
)
from esign_kit.model.schemes import IdentifierKind

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from esign_kit.model.assurance import Assurance, Level
    from esign_kit.profiles.data import Profile

__all__ = ["identify_login"]

_NAME = ("full_name", "HoVaTen", "name")


def identify_login(
    claims: Mapping[str, Any],
    *,
    profile: Profile,
    login: str,
    at: datetime,
    facts: Mapping[str, Any] | None = None,
    reference: str = "",
    minimum: Level | Assurance | None = None,
) -> Principal:
    """Return who logged in, from claims that the caller has validated.

    Which claim holds which number is a table of the profile. An account that names an organisation
    and no person is an organisation's (VN, account type 2); organisations that a register links to
    a person give no right.

    Args:
        claims: of the token or of the user-info answer.
        profile: the country.
        login: name of the login system in the profile (``"oneid"``).
        at: when the login happened; aware.
        facts: more facts for the assurance table (``registration``, ``account_level``, …).
        reference: session id, for the proof.
        minimum: as in ``identify``.

    Raises:
        ProfileError: the profile has no such login system.
        IdentityError: no number, two numbers of one kind, or a malformed one.
        AssuranceError: less than ``minimum``.
    """
    if at.tzinfo is None:
        raise ValueError("at without a time zone")
    row = next((r for r in profile.data.get("logins", ()) if r["name"] == login), None)
    if row is None:
        raise ProfileError(f"{profile.name}: no login system {login!r}")
    numbers = _numbers(claims, row.get("claims", {}), Provenance(Source.LOGIN, login, at=at))
    people = [n for n in numbers if n.kind in (IdentifierKind.PERSON, IdentifierKind.DOCUMENT)]
    firms = [n for n in numbers if n.kind in (IdentifierKind.ORGANISATION, IdentifierKind.TAX)]
    links = tuple(n for n in numbers if n.kind is IdentifierKind.ACCOUNT)
    hook = profile.hook("login_facts")
    merged = {"login": login, **(hook(claims) if hook else {}), **(facts or {})}
    assurance = assess_login(profile, merged, at=at)
    subject: Person | Organisation
    if people:
        people.sort(key=lambda n: n.kind is not IdentifierKind.PERSON)
        subject, kind = Person(tuple(people), _name(claims), links), PrincipalKind.PERSON
    elif firms:
        subject, kind = Organisation(tuple(dict.fromkeys(firms))), PrincipalKind.ORGANISATION
    else:
        raise IdentityError("the login names no number", code="identity.missing")
    missing = assurance.missing(minimum) if minimum is not None else ()
    if missing:
        raise AssuranceError(
            "not sure enough: " + "; ".join(missing), needed=minimum, found=assurance
        )
    proof = Proof(
        ProofKind.LOGIN, at, reference=reference, subjects=subject.identifiers, assurance=assurance
    )
    return Principal(kind, subject, profile.name, at, assurance=assurance, established_by=(proof,))


def _numbers(
    claims: Mapping[str, Any], table: Mapping[str, str], provenance: Provenance
) -> list[Identifier]:
    """Read the claims that the table names as ``CC/SCHEME``; blanks count as absent."""
    found: list[Identifier] = []
    for claim, meaning in table.items():
        country, slash, scheme = meaning.partition("/")
        value = claims.get(claim)
        if not slash or " " in scheme or value in (None, ""):
            continue
        if not isinstance(value, str):
            # A number would have lost its leading zeros on the way.
            raise IdentityError(f"the claim {claim} is no text", code="identity.identifier")
        found.append(Identifier(country, scheme, value, provenance=provenance))
    for item in found:
        twins = {o.value for o in found if (o.country, o.scheme) == (item.country, item.scheme)}
        if len(twins) > 1:
            raise IdentityError(f"the login names {len(twins)} numbers of {item.scheme}")
    return list(dict.fromkeys(found))


def _name(claims: Mapping[str, Any]) -> PersonName | None:
    for claim in _NAME:
        value = claims.get(claim)
        if isinstance(value, str) and value.strip():
            return PersonName(" ".join(value.split())[:256])
    return None
