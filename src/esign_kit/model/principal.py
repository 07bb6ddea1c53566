"""Who it was: person, organisation or system, for whom, with what right, how surely.

A principal always says how it was established (``established_by``); one is made by ``identify``
from a report that passed, or by a login adapter from validated claims.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from esign_kit.errors import IdentityError
from esign_kit.model.assurance import (
    NO_ASSURANCE,
    Assurance,
    AuthenticationLevel,
    FederationLevel,
    IdentityLevel,
    Level,
    Reason,
    SignatureLevel,
)
from esign_kit.model.decision import decide
from esign_kit.model.holders import Organisation, Person, PersonName, StatedRole, System
from esign_kit.model.identifier import Claim, Identifier, Provenance, Source
from esign_kit.model.mandate import (
    Decision,
    DecisionStep,
    Evidence,
    Mandate,
    MandateScope,
    Role,
    Sector,
)
from esign_kit.model.schemes import IdentifierKind, IdentifierStatus

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

__all__ = [
    "Assurance",
    "AuthenticationLevel",
    "Claim",
    "Decision",
    "DecisionStep",
    "Evidence",
    "FederationLevel",
    "Identifier",
    "IdentifierKind",
    "IdentifierStatus",
    "IdentityLevel",
    "Level",
    "Mandate",
    "MandateScope",
    "Organisation",
    "Person",
    "PersonName",
    "Principal",
    "PrincipalKind",
    "Proof",
    "ProofKind",
    "Provenance",
    "Reason",
    "Role",
    "Sector",
    "SignatureLevel",
    "Source",
    "StatedRole",
    "Subject",
    "System",
]


class PrincipalKind(StrEnum):
    """What acts."""

    PERSON = "PERSON"
    ORGANISATION = "ORGANISATION"
    SYSTEM = "SYSTEM"


class ProofKind(StrEnum):
    """How a principal was established."""

    SIGNATURE = "SIGNATURE"
    LOGIN = "LOGIN"
    COUNTER = "COUNTER"


@dataclass(frozen=True, slots=True)
class Subject:
    """What a certificate *says* about its holder. Claims only: nobody vouched for it here.

    Attributes:
        purposes: what the key is for, by the profile's rules (``"SIGNING"``).
        mandates: what the certificate would give if it were trusted.
        notes: what a reader should know (test identity, look-alikes, recalled facts).
        assurance: what the certificate would support if it were trusted and the signature good.
    """

    profile: str
    kind: PrincipalKind
    person: Person | None = None
    organisation: Organisation | None = None
    system: System | None = None
    roles: tuple[StatedRole, ...] = ()
    mandates: tuple[Mandate, ...] = ()
    purposes: frozenset[str] = frozenset()
    policies: tuple[str, ...] = ()
    issuer: str = ""
    serial: str = ""
    not_before: datetime | None = None
    not_after: datetime | None = None
    assurance: Assurance = NO_ASSURANCE
    notes: tuple[str, ...] = ()

    @property
    def identifiers(self) -> tuple[Identifier, ...]:
        """Numbers of the one whose key it is, whatever its kind."""
        holder = _holder(self.kind, self.person, self.organisation, self.system)
        return holder.identifiers if holder else ()

    @property
    def identifier(self) -> Identifier | None:
        """The first of :attr:`identifiers`."""
        return self.identifiers[0] if self.identifiers else None

    def __str__(self) -> str:
        acting = _holder(self.kind, self.person, self.organisation, self.system)
        other = self.organisation if self.kind is not PrincipalKind.ORGANISATION else None
        return _words(acting, other, self.mandates)

    def to_dict(self) -> dict[str, Any]:
        """Return plain data."""
        return {
            "schema": "esign-kit/subject/1",
            "trusted": None,
            "profile": self.profile,
            "kind": str(self.kind),
            "person": self.person.to_dict() if self.person else None,
            "organisation": self.organisation.to_dict() if self.organisation else None,
            "system": self.system.to_dict() if self.system else None,
            "roles": [role.to_dict() for role in self.roles],
            "mandates": [mandate.to_dict() for mandate in self.mandates],
            "purposes": sorted(self.purposes),
            "policies": list(self.policies),
            "issuer": self.issuer,
            "serial": self.serial,
            "not_before": self.not_before.isoformat() if self.not_before else None,
            "not_after": self.not_after.isoformat() if self.not_after else None,
            "assurance": self.assurance.to_dict(),
            "notes": list(self.notes),
        }


def _holder(
    kind: PrincipalKind,
    person: Person | None,
    organisation: Organisation | None,
    system: System | None,
) -> Person | Organisation | System | None:
    if kind is PrincipalKind.PERSON:
        return person
    return organisation if kind is PrincipalKind.ORGANISATION else system


def _words(
    acting: Person | Organisation | System | None,
    organisation: Organisation | None,
    mandates: tuple[Mandate, ...],
) -> str:
    """Return who it is for people; numbers are masked."""
    if acting is None:
        return "nobody who is named"
    name = acting.name.raw if isinstance(acting.name, PersonName) else acting.name or ""
    parts = [name or "without a name"]
    if acting.identifier is not None:
        parts.append(f"({acting.identifier})")
    if organisation is not None:
        title = "; ".join(mandate.title for mandate in mandates if mandate.title)
        number = f" ({organisation.identifier})" if organisation.identifier else ""
        word = "for" if mandates else "of"
        parts.append(f"{word} {organisation.name or 'an organisation'}{number}")
        if title:
            parts.append(f"as {title}")
    return " ".join(parts)


@dataclass(frozen=True, slots=True)
class Proof:
    """One thing that established a principal.

    Attributes:
        digest: SHA-256 of the signing certificate or of the token, hexadecimal.
        reference: what it is called in the report (signature id, session id).
        at: the proven time.
        subjects: identifiers that it speaks about.
        assurance: what this proof alone supports.
    """

    kind: ProofKind
    at: datetime
    digest: str = ""
    reference: str = ""
    subjects: tuple[Identifier, ...] = ()
    assurance: Assurance = NO_ASSURANCE

    def to_dict(self) -> dict[str, Any]:
        """Return plain data."""
        return {
            "kind": str(self.kind),
            "at": self.at.isoformat(),
            "digest": self.digest,
            "reference": self.reference,
            "subjects": [item.to_dict() for item in self.subjects],
            "assurance": self.assurance.to_dict(),
        }


@dataclass(frozen=True, slots=True)
class Principal:
    """Who acts, for whom, and how surely that is known.

    Attributes:
        subject: the one whose key or session it is.
        acting_for: the one mandate that was chosen; ``None`` acts for itself.
        mandates: all that are available.
        affiliation: an organisation that the certificate names without identifying it; it gives
            no right.
        assurance: see :class:`Assurance`; a signature speaks for the signed payload only.
        at: the proven time for which all this holds; UTC.
    """

    kind: PrincipalKind
    subject: Person | Organisation | System
    profile: str
    at: datetime
    acting_for: Mandate | None = None
    mandates: tuple[Mandate, ...] = ()
    assurance: Assurance = NO_ASSURANCE
    established_by: tuple[Proof, ...] = ()
    roles: tuple[StatedRole, ...] = ()
    affiliation: Organisation | None = None
    represented: Organisation | None = None
    notes: tuple[str, ...] = ()

    @property
    def person(self) -> Person | None:
        """The natural person; ``None`` where an organisation or a system acts."""
        return self.subject if isinstance(self.subject, Person) else None

    @property
    def organisation(self) -> Organisation | None:
        """The organisation that acts, or the one that is acted for by the chosen mandate."""
        if isinstance(self.subject, Organisation):
            return self.subject
        if self.acting_for is None:
            return None
        if self.represented and self.acting_for.grantor in self.represented.identifiers:
            return self.represented
        return Organisation((self.acting_for.grantor,))

    @property
    def organization(self) -> Organisation | None:
        """The same as :attr:`organisation`, in the other spelling."""
        return self.organisation

    @property
    def system(self) -> System | None:
        """The information system; ``None`` where a person or an organisation acts."""
        return self.subject if isinstance(self.subject, System) else None

    @property
    def identifier(self) -> Identifier | None:
        """The first identifier of the one who acts."""
        return self.subject.identifier

    @property
    def holders(self) -> frozenset[Identifier]:
        """Identifiers in whose name a mandate may be used.

        A document's number stands in only where no number of the person is known.
        """
        subject = self.subject
        documents = subject.documents if isinstance(subject, Person) else ()
        return frozenset(subject.identifiers or documents)

    def __str__(self) -> str:
        other = None if isinstance(self.subject, Organisation) else self.represented
        return _words(self.subject, other, self.mandates)

    def may(
        self,
        right: str,
        *,
        on_behalf_of: Identifier | None = None,
        at: datetime | None = None,
        unit: str | None = None,
        procedure: str | None = None,
        territory: str | None = None,
        sector: Sector | None = None,
    ) -> Decision:
        """Decide whether this principal may use a right, with the reasons.

        Args:
            right: ``"<system>:<action>"`` or ``"<system>:<action>:<procedure>"``.
            on_behalf_of: for whom; the chosen mandate's grantor, else oneself.
            at: the moment of the act; the proven time of the principal by default.
            unit: id of the department or branch.
            procedure: code of the procedure.
            territory: code of the province.
            sector: of the employer, where the mandate is for one only.
        """
        moment = at or self.at
        target = on_behalf_of
        if target is None and self.acting_for is not None:
            target = self.acting_for.grantor
        if target is None or target in self.holders:
            known = bool(self.holders)
            step = DecisionStep("self", known, "acts for itself" if known else "nobody identified")
            code = "" if known else "identity-unknown"
            return Decision(known, right, moment, target, code, None, (step,))
        offered = self.mandates if self.acting_for is None else (self.acting_for, *self.mandates)
        return decide(
            right,
            holders=self.holders,
            mandates=dict.fromkeys(offered),
            on_behalf_of=target,
            at=moment,
            unit=unit,
            procedure=procedure,
            territory=territory,
            sector=sector,
        )

    def act_for(self, organisation: Identifier) -> Principal:
        """Return the same principal with the mandate of that organisation chosen.

        Raises:
            IdentityError: no mandate of it, or more than one (choose with ``acting_with``).
        """
        found = [m for m in self.mandates if organisation in (m.grantor, m.root.grantor)]
        if len(found) != 1:
            raise IdentityError(
                f"{len(found)} mandates to act for {organisation}", code="identity.mandate"
            )
        return replace(self, acting_for=found[0])

    def acting_with(self, mandate: Mandate) -> Principal:
        """Return the same principal with this mandate available and chosen.

        Raises:
            IdentityError: it was granted to somebody else.
        """
        if mandate.holder not in self.holders:
            raise IdentityError(
                f"the mandate is granted to {mandate.holder}", code="identity.mandate-holder"
            )
        return self.with_mandates((mandate,), chosen=mandate)

    def with_mandates(
        self, mandates: Iterable[Mandate], *, chosen: Mandate | None = None
    ) -> Principal:
        """Return the same principal with more mandates at hand."""
        merged = tuple(dict.fromkeys((*self.mandates, *mandates)))
        return replace(self, mandates=merged, acting_for=chosen or self.acting_for)

    def to_dict(self) -> dict[str, Any]:
        """Return plain data, with numbers unmasked."""
        organisation = self.organisation
        return {
            "schema": "esign-kit/principal/1",
            "kind": str(self.kind),
            "profile": self.profile,
            "at": self.at.isoformat(),
            "person": self.person.to_dict() if self.person else None,
            "organisation": organisation.to_dict() if organisation else None,
            "system": self.system.to_dict() if self.system else None,
            "affiliation": self.affiliation.to_dict() if self.affiliation else None,
            "roles": [role.to_dict() for role in self.roles],
            "acting_for": self.acting_for.to_dict() if self.acting_for else None,
            "mandates": [mandate.to_dict() for mandate in self.mandates],
            "assurance": self.assurance.to_dict(),
            "established_by": [proof.to_dict() for proof in self.established_by],
            "notes": list(self.notes),
        }
