"""Mandates: who may act for whom, with what right, where, until when; and the decision on it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, fields, replace
from hashlib import sha256
from typing import TYPE_CHECKING, Any, NoReturn

from esign_kit.model.identifier import Identifier, Source
from esign_kit.model.levels import Role, Sector

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from esign_kit.model.assurance import Assurance

__all__ = ["Decision", "DecisionStep", "Evidence", "Mandate", "MandateScope", "Role", "Sector"]

_RIGHT = re.compile(r"[a-z0-9][a-z0-9._-]*(:[A-Za-z0-9][A-Za-z0-9._-]*){1,2}", re.ASCII)
_MAX_CHAIN = 16


@dataclass(frozen=True, slots=True)
class MandateScope:
    """Where a mandate holds. ``None`` is no limit; an empty set allows nothing.

    Attributes:
        units: ids of departments or branches; a unit covers those below it (``"a/b"`` under
            ``"a"``).
        territory: codes of provinces.
        procedures: closed list of procedure codes.
        sector: only for employers of this sector.
    """

    units: frozenset[str] | None = None
    territory: frozenset[str] | None = None
    procedures: frozenset[str] | None = None
    sector: Sector | None = None

    def within(self, wider: MandateScope) -> tuple[str, ...]:
        """Return in which ways this scope is wider than ``wider``; empty if it lies inside."""
        found = []
        for name in ("territory", "procedures"):
            mine, theirs = getattr(self, name), getattr(wider, name)
            if theirs is not None and (mine is None or not mine <= theirs):
                found.append(name)
        if wider.units is not None:
            mine = self.units
            if mine is None or not all(covers_unit(wider.units, unit) for unit in mine):
                found.append("units")
        if wider.sector is not None and self.sector != wider.sector:
            found.append("sector")
        return tuple(found)

    def to_dict(self) -> dict[str, Any]:
        """Return plain data."""
        return {
            name: None if value is None else sorted(value)
            for name, value in (
                ("units", self.units),
                ("territory", self.territory),
                ("procedures", self.procedures),
            )
        } | {"sector": str(self.sector) if self.sector else None}


def covers_unit(units: frozenset[str], unit: str) -> bool:
    """Tell whether a unit is one of them or lies below one."""
    return any(unit == item or unit.startswith(item + "/") for item in units)


@dataclass(frozen=True, slots=True)
class Evidence:
    """What proves a mandate: a digest of it and where it lies.

    Attributes:
        kind: ``"certificate"``, ``"signed-grant"``, ``"form"``, ``"register-answer"``, ….
        digest: SHA-256, hexadecimal; may be empty for paper that was not scanned.
        pointer: where it is kept (form number, register id, certificate serial).
        assurance: how sure the evidence itself is.
        facts: what was certified (``("certified", "yes")``).
    """

    kind: str
    digest: str = ""
    pointer: str = ""
    assurance: Assurance | None = None
    facts: tuple[tuple[str, str], ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return plain data."""
        return {
            "kind": self.kind,
            "digest": self.digest,
            "pointer": self.pointer,
            "assurance": self.assurance.to_dict() if self.assurance else None,
            "facts": dict(self.facts),
        }


@dataclass(frozen=True, slots=True)
class Mandate:
    """The right of a holder to act for a grantor.

    Attributes:
        grantor: the organisation (or person) that is acted for.
        holder: the person, or the organisation, that may act.
        rights: ``"<system>:<action>"`` or ``"<system>:<action>:<procedure>"``; a closed list.
        role: normalised; ``title`` is what the source wrote.
        seal: the right of seal (AZ ``hasStamp``); never assumed.
        valid_from, valid_until: aware times; from inclusive, until exclusive.
        revoked_at: from this instant on it is refused; never before it.
        parent: the mandate that this one was passed on from.
        may_sub_delegate: how many more times it may be passed on.
        unmet: preconditions that are not met (``"labour-contract"``); any refuses.
        source: where it comes from.
        granted_with: the identifier of the key that granted it, judged at the time of granting.
    """

    grantor: Identifier
    holder: Identifier
    rights: frozenset[str] = frozenset()
    role: Role = Role.OTHER
    title: str = ""
    scope: MandateScope = field(default_factory=MandateScope)
    seal: bool = False
    valid_from: datetime | None = None
    valid_until: datetime | None = None
    revoked_at: datetime | None = None
    parent: Mandate | None = None
    may_sub_delegate: int = 0
    unmet: tuple[str, ...] = ()
    source: Source = Source.CERTIFICATE
    evidence: tuple[Evidence, ...] = ()
    granted_with: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "rights", frozenset(self.rights))
        for right in self.rights:
            if not _RIGHT.fullmatch(right):
                raise ValueError(f"no right: {right!r}; write <system>:<action>[:<procedure>]")
        for name in ("valid_from", "valid_until", "revoked_at"):
            value = getattr(self, name)
            if value is not None and value.tzinfo is None:
                raise ValueError(f"{name} without a time zone")
        if self.may_sub_delegate < 0:
            raise ValueError("may_sub_delegate below zero")

    @property
    def id(self) -> str:
        """A name for this grant that does not change when it is revoked."""
        parts = [
            self.grantor.urn(),
            self.holder.urn(),
            *sorted(self.rights),
            str(self.role),
            self.title,
            str(self.valid_from),
            str(self.source),
            *(item.digest + item.pointer for item in self.evidence),
            self.parent.id if self.parent else "",
        ]
        return sha256("\x1f".join(parts).encode()).hexdigest()[:24]

    @property
    def depth(self) -> int:
        """How many mandates stand above this one."""
        return sum(1 for _ in self.chain()) - 1

    def chain(self) -> Iterator[Mandate]:
        """Yield this mandate and those above it, the root last.

        Raises:
            ValueError: more than sixteen.
        """
        item: Mandate | None = self
        for _ in range(_MAX_CHAIN):
            if item is None:
                return
            yield item
            item = item.parent
        if item is not None:
            raise ValueError(f"a mandate chain of more than {_MAX_CHAIN}")

    @property
    def root(self) -> Mandate:
        """The grant at the top of the chain."""
        return list(self.chain())[-1]

    def revoked(self, at: datetime) -> Mandate:
        """Return a copy that is revoked from ``at`` on; an earlier revocation stays."""
        moment = at if self.revoked_at is None else min(at, self.revoked_at)
        return replace(self, revoked_at=moment)

    def to_dict(self) -> dict[str, Any]:
        """Return plain data."""
        moments = {
            name: value.isoformat() if (value := getattr(self, name)) else None
            for name in ("valid_from", "valid_until", "revoked_at")
        }
        return {
            "id": self.id,
            "grantor": self.grantor.to_dict(),
            "holder": self.holder.to_dict(),
            "rights": sorted(self.rights),
            "role": str(self.role),
            "title": self.title,
            "scope": self.scope.to_dict(),
            "seal": self.seal,
            **moments,
            "may_sub_delegate": self.may_sub_delegate,
            "unmet": list(self.unmet),
            "source": str(self.source),
            "evidence": [item.to_dict() for item in self.evidence],
            "granted_with": self.granted_with,
            "parent": self.parent.to_dict() if self.parent else None,
        }


@dataclass(frozen=True, slots=True)
class DecisionStep:
    """One thing that was looked at on the way to a decision."""

    name: str
    passed: bool
    detail: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return plain data."""
        return {item.name: getattr(self, item.name) for item in fields(self)}


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether somebody may do something, and why.

    A decision has no truth value: ``if who.may(...)`` would be true for a refusal in a careless
    library, so it raises; read ``granted``.

    Attributes:
        code: why it was refused (``"mandate-missing"``); empty when granted.
        mandate: the mandate that carries the decision, or the one that came nearest.
        steps: everything that was looked at, in order.
    """

    granted: bool
    right: str
    at: datetime
    on_behalf_of: Identifier | None = None
    code: str = ""
    mandate: Mandate | None = None
    steps: tuple[DecisionStep, ...] = ()

    def __bool__(self) -> NoReturn:
        raise TypeError("a Decision has no truth value; read .granted")

    @property
    def reasons(self) -> tuple[str, ...]:
        """The steps for people; of a refusal only those that failed."""
        return tuple(
            f"{step.name}: {step.detail}" if step.detail else step.name
            for step in self.steps
            if self.granted or not step.passed
        )

    def to_dict(self) -> dict[str, Any]:
        """Return plain data."""
        return {
            "granted": self.granted,
            "right": self.right,
            "at": self.at.isoformat(),
            "on_behalf_of": self.on_behalf_of.to_dict() if self.on_behalf_of else None,
            "code": self.code,
            "mandate": self.mandate.to_dict() if self.mandate else None,
            "steps": [step.to_dict() for step in self.steps],
        }
