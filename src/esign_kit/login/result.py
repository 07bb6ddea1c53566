"""What a login gives: where to send the browser, and in the end who came."""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from esign_kit.eid.assurance import assess_login
from esign_kit.eid.identity import subject_continuity
from esign_kit.errors import AssuranceError, EsignError
from esign_kit.login import faults
from esign_kit.model.identifier import Identifier, Provenance, Source
from esign_kit.model.principal import (
    Organisation,
    Person,
    Principal,
    PrincipalKind,
    Proof,
    ProofKind,
    System,
)
from esign_kit.model.report import Check, CheckStatus

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from esign_kit.login.secret import Secret
    from esign_kit.model.assurance import Assurance
    from esign_kit.model.levels import Level
    from esign_kit.model.mandate import Mandate
    from esign_kit.profiles.data import Profile

__all__ = ["Claimed", "Login", "Redirect", "check_subject", "conclude", "identifier", "passed"]


@dataclass(frozen=True, slots=True, repr=False)
class Redirect:
    """The first half of a login.

    Attributes:
        url: where the browser goes.
        pending: sealed; keep it in this browser's session and give it to ``finish``.
        form: fields to post to ``url``; empty for a plain redirect.
    """

    url: str
    pending: str
    form: Mapping[str, str] = field(default_factory=dict)

    def __repr__(self) -> str:
        return f"Redirect({self.url.partition('?')[0]!r}, ***)"


@dataclass(frozen=True, slots=True, repr=False)
class Login:
    """The second half of a login: who came, and what was looked at.

    ``repr()`` shows the principal only, with masked numbers.

    Attributes:
        principal: with one proof of kind LOGIN and the assurance vector.
        checks: every check by name; all passed, or there would be no login.
        claims: what the provider said, as it said it; personal data, not for logs.
        tokens: for a log-out or a further request to the provider.
    """

    principal: Principal
    checks: tuple[Check, ...] = ()
    claims: Mapping[str, Any] = field(default_factory=dict)
    tokens: Mapping[str, Secret] = field(default_factory=dict)

    def check(self, name: str) -> Check:
        """Return the check of that name; raises ``KeyError``."""
        for item in self.checks:
            if item.name == name:
                return item
        raise KeyError(name)

    def to_dict(self) -> dict[str, Any]:
        """Return plain data, as a statement to be kept as proof; no token is in it."""
        return {
            "schema": "esign-kit/login/1",
            "principal": self.principal.to_dict(),
            "checks": [item.to_dict() for item in self.checks],
        }

    def __repr__(self) -> str:
        return f"Login({self.principal})"


@dataclass(frozen=True, slots=True, repr=False)
class Claimed:
    """What a provider's claims say, read by the rules of its dialect; not yet a principal.

    Attributes:
        facts: for the assurance table of the profile.
        organisation: of an organisation's account, or one that the claims name beside a person.
    """

    kind: PrincipalKind = PrincipalKind.PERSON
    person: Person | None = None
    organisation: Organisation | None = None
    mandates: tuple[Mandate, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    reference: str = ""


def passed(name: str, detail: str = "", **facts: Any) -> Check:
    """Return a check that passed."""
    return Check(name, CheckStatus.PASSED, detail=detail, facts=facts)


def identifier(
    country: str, scheme: str, value: object, *, issuer: str, at: datetime, claim: str
) -> Identifier:
    """Return a number that a provider stated.

    Raises:
        LoginAnswerError: it is none of that scheme.
    """
    if not isinstance(value, str):
        raise faults.answer("login.answer-identifier", f"{claim} is no text")
    where = Provenance(Source.LOGIN, issuer=issuer, at=at, rule=f"{claim}:{scheme}")
    try:
        return Identifier(country, scheme, value, provenance=where)
    except EsignError as error:
        raise faults.from_esign(
            error, "login.answer-identifier", f"{claim} is no {scheme}"
        ) from None


def check_subject(found: Identifier | None, expected: Identifier | str | None) -> tuple[Check, ...]:
    """Check that the one who came is the one who was expected (subject continuity).

    Raises:
        LoginAnswerError: somebody else, or nobody with a number.
    """
    if not expected:
        return ()
    wanted = Identifier.parse(expected) if isinstance(expected, str) else expected
    check = subject_continuity(login=found, payload=wanted)
    if check.status is not CheckStatus.PASSED:
        raise faults.answer("login.subject", check.detail or "nobody came who has a number")
    return (check,)


def conclude(
    claimed: Claimed,
    profile: Profile,
    *,
    at: datetime,
    evidence: bytes,
    checks: tuple[Check, ...],
    minimum: Level | Assurance | None = None,
    expected: Identifier | str | None = None,
    claims: Mapping[str, Any] | None = None,
    tokens: Mapping[str, Secret] | None = None,
    assurance: Assurance | None = None,
) -> Login:
    """Make the principal out of claims that were found good.

    Args:
        evidence: the token, assertion or answer; its digest goes into the proof.
        minimum: what is demanded at least.
        expected: who has to be the one that came.

    Raises:
        LoginAnswerError: nobody with a number, or somebody else than expected.
        AssuranceError: less than ``minimum``.
    """
    holder: Person | Organisation | System | None = claimed.person
    if claimed.kind is PrincipalKind.ORGANISATION:
        holder = claimed.organisation
    if holder is None or holder.identifier is None:
        raise faults.answer("login.no-identifier", "the provider states no number of a person")
    if assurance is None:
        assurance = assess_login(profile, claimed.facts, at=at)
    checks = (*checks, *check_subject(holder.identifier, expected))
    missing = assurance.missing(minimum) if minimum is not None else ()
    if missing:
        raise AssuranceError(
            "not sure enough: " + "; ".join(missing),
            needed=minimum,
            found=assurance,
            hint="log in by a stronger way, for example with your key",
        )
    proof = Proof(
        ProofKind.LOGIN,
        at,
        digest=sha256(evidence).hexdigest(),
        reference=claimed.reference[:128],
        subjects=holder.identifiers,
        assurance=assurance,
    )
    other = claimed.organisation if claimed.kind is PrincipalKind.PERSON else None
    principal = Principal(
        kind=claimed.kind,
        subject=holder,
        profile=profile.name,
        at=at,
        acting_for=claimed.mandates[0] if len(claimed.mandates) == 1 else None,
        mandates=claimed.mandates,
        assurance=assurance,
        established_by=(proof,),
        affiliation=other if not claimed.mandates else None,
        represented=other,
        notes=(*claimed.notes, *(f"profile changed: {item}" for item in profile.overrides)),
    )
    return Login(principal, checks, dict(claims or {}), dict(tokens or {}))
