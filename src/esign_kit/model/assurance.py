"""Assurance as a vector: four ordered axes, each value with the reason for it.

One number is not enough: a certificate login proves presence, a register match proves a number, a
company's key says nothing about the person. ``overall`` is there for those who want one word.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, ClassVar

from esign_kit.model.levels import (
    AXES,
    AuthenticationLevel,
    FederationLevel,
    IdentityLevel,
    Level,
    SignatureLevel,
)

if TYPE_CHECKING:
    from datetime import datetime, timedelta

__all__ = [
    "AXES",
    "NO_ASSURANCE",
    "Assurance",
    "AuthenticationLevel",
    "FederationLevel",
    "IdentityLevel",
    "Level",
    "Reason",
    "SignatureLevel",
]


@dataclass(frozen=True, slots=True, order=True)
class Reason:
    """Why an axis has its value.

    Attributes:
        axis: name of the axis.
        value: the value that the rule gave.
        rule: id of the rule in the profile's table.
        input: what the rule looked at (issuer, acr, method, policy OID, …).
        table: version of the table.
        detail: for people.
        overridden: the deployer changed this rule.
        recalled: the fact behind the rule is not verified; it was told and did not decide.
    """

    axis: str
    value: str
    rule: str
    input: str = ""
    table: str = ""
    detail: str = ""
    overridden: bool = False
    recalled: bool = False

    def to_dict(self) -> dict[str, Any]:
        """Return plain data."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


@dataclass(frozen=True, slots=True)
class Assurance:
    """How surely: identity, authentication, signature, federation, and why.

    A value other than UNKNOWN cannot be constructed without a reason for its axis.

    Attributes:
        regime: law under which ``signature`` has its word (``"KZ"``, ``"EU"``); what is qualified
            in one regime is not so in another.
        at: when the evidence was fresh; for rules on age.
    """

    identity: IdentityLevel = IdentityLevel.UNKNOWN
    authentication: AuthenticationLevel = AuthenticationLevel.UNKNOWN
    signature: SignatureLevel = SignatureLevel.UNKNOWN
    federation: FederationLevel = FederationLevel.UNKNOWN
    regime: str | None = None
    reasons: tuple[Reason, ...] = ()
    at: datetime | None = field(default=None, compare=False)

    UNKNOWN: ClassVar[Level]
    NONE: ClassVar[Level]
    LOW: ClassVar[Level]
    SUBSTANTIAL: ClassVar[Level]
    HIGH: ClassVar[Level]

    def __post_init__(self) -> None:
        argued = {reason.axis for reason in self.reasons if not reason.recalled}
        for axis, kind in AXES.items():
            value = kind(getattr(self, axis))
            object.__setattr__(self, axis, value)
            if value != "UNKNOWN" and axis not in argued:
                raise ValueError(f"{axis} {value} without a reason")
        object.__setattr__(self, "reasons", tuple(sorted(set(self.reasons))))

    @property
    def overall(self) -> Level:
        """The lower of identity and authentication, in the words of eIDAS.

        What is below LOW on the identity axis (CLAIMED, MATCHED) counts as NONE.
        """
        words = []
        for value in (self.identity, self.authentication):
            words.append(Level(value) if value in Level.__members__ else Level.NONE)
        return words[0].lesser(words[1])

    @classmethod
    def demand(
        cls,
        *,
        identity: str = "UNKNOWN",
        authentication: str = "UNKNOWN",
        signature: str = "UNKNOWN",
        federation: str = "UNKNOWN",
        regime: str | None = None,
    ) -> Assurance:
        """Return a vector to ask for, as in ``identify(minimum=…)``."""
        levels = {
            "identity": identity,
            "authentication": authentication,
            "signature": signature,
            "federation": federation,
        }
        reasons = tuple(
            Reason(axis, str(value), "demanded by the caller") for axis, value in levels.items()
        )
        typed: dict[str, Any] = {axis: AXES[axis](value) for axis, value in levels.items()}
        return cls(**typed, regime=regime, reasons=reasons)

    @classmethod
    def of(cls, axis: str, value: str, reason: Reason, *, regime: str | None = None) -> Assurance:
        """Return a vector that says something about one axis."""
        typed: dict[str, Any] = {axis: AXES[axis](value)}
        return cls(**typed, regime=regime, reasons=(reason,))

    def missing(
        self,
        minimum: Level | str | Assurance,
        *,
        recognised: frozenset[tuple[str, str]] = frozenset(),
    ) -> tuple[str, ...]:
        """Return what is missing to reach ``minimum``; empty if it is reached.

        Args:
            minimum: an overall level, or a vector of which UNKNOWN axes ask nothing.
            recognised: pairs (regime found, regime asked) whose signatures count as equal.
        """
        if isinstance(minimum, str):
            minimum = Level(minimum)
            if self.overall >= minimum:
                return ()
            return (f"overall {self.overall}, needed {minimum}",)
        found = [
            f"{axis} {getattr(self, axis)}, needed {getattr(minimum, axis)}"
            for axis in AXES
            if not getattr(self, axis) >= getattr(minimum, axis)
        ]
        asked = minimum.regime
        mine = self.regime or "nobody"
        foreign = asked is not None and asked != mine and (mine, asked) not in recognised
        if foreign and minimum.signature > SignatureLevel.NONE:
            found.append(f"signature under the law of {mine}, needed {asked}")
        return tuple(found)

    def meets(
        self, minimum: Level | Assurance, *, recognised: frozenset[tuple[str, str]] = frozenset()
    ) -> bool:
        """Tell whether ``minimum`` is reached."""
        return not self.missing(minimum, recognised=recognised)

    def __and__(self, other: Assurance) -> Assurance:
        """Compose along a chain (session, token, login, enrolment): the lower value of each axis.

        A reason whose level was lost stays, so that the report shows the whole chain.
        """
        if not isinstance(other, Assurance):
            return NotImplemented
        return self._compose(other, "lesser")

    def strengthened_by(self, other: Assurance) -> Assurance:
        """Return the higher value of each axis, for two proofs of the *same* subject.

        The caller must know that the subject is the same; ``eid.assurance.join`` checks it.
        """
        return self._compose(other, "greater")

    def _compose(self, other: Assurance, how: str) -> Assurance:
        values: dict[str, Any] = {
            axis: getattr(getattr(self, axis), how)(getattr(other, axis)) for axis in AXES
        }
        regime = self.regime if self.regime == other.regime else None
        if how == "greater" and self.regime != other.regime:
            regime = (self if self.signature >= other.signature else other).regime
        moments = [at for at in (self.at, other.at) if at is not None]
        return Assurance(
            **values,
            regime=regime,
            reasons=self.reasons + other.reasons,
            at=min(moments) if moments else None,
        )

    def aged(self, now: datetime, **most: timedelta) -> Assurance:
        """Return what is left at ``now``: an axis that is older than its limit says nothing more.

        Args:
            now: aware.
            most: greatest age by axis (``authentication=timedelta(minutes=15)``).

        Raises:
            ValueError: no such axis, or it is not known when the evidence was fresh.
        """
        unknown = set(most) - set(AXES)
        if unknown:
            raise ValueError(f"no axis {', '.join(sorted(unknown))}")
        if self.at is None:
            raise ValueError("it is not known when this was fresh")
        stale = {axis for axis, age in most.items() if now - self.at > age}
        levels: dict[str, Any] = {axis: AXES[axis]("UNKNOWN") for axis in stale}
        notes = tuple(
            Reason(axis, "UNKNOWN", "too-old", detail=f"older than {most[axis]}")
            for axis in sorted(stale)
        )
        return replace(self, **levels, reasons=(*self.reasons, *notes))

    def with_reason(self, reason: Reason) -> Assurance:
        """Return a copy with one more reason."""
        return replace(self, reasons=(*self.reasons, reason))

    def to_dict(self) -> dict[str, Any]:
        """Return plain data."""
        return {
            **{axis: str(getattr(self, axis)) for axis in AXES},
            "regime": self.regime,
            "overall": str(self.overall),
            "at": self.at.isoformat() if self.at else None,
            "reasons": [reason.to_dict() for reason in self.reasons],
        }


for _level in Level:
    setattr(Assurance, _level.name, _level)

NO_ASSURANCE = Assurance()
"""Nothing is said on any axis."""
