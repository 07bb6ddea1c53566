"""The words of assurance and their order; the vector that they form is in ``assurance``."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "AXES",
    "AuthenticationLevel",
    "FederationLevel",
    "IdentityLevel",
    "Level",
    "Role",
    "Sector",
    "SignatureLevel",
]


class _Ordered(StrEnum):
    """Ordered as written; UNKNOWN counts as the bottom and is never promoted."""

    @property
    def rank(self) -> int:
        """Position on the axis; 0 is the bottom."""
        return max(list(type(self)).index(self) - 1, 0)

    def _other(self, other: object) -> int:
        if type(other) is not type(self):
            raise TypeError(f"{type(self).__name__} does not compare with {other!r}")
        return other.rank

    def __lt__(self, other: object) -> bool:
        return self.rank < self._other(other)

    def __le__(self, other: object) -> bool:
        return self.rank <= self._other(other)

    def __gt__(self, other: object) -> bool:
        return self.rank > self._other(other)

    def __ge__(self, other: object) -> bool:
        return self.rank >= self._other(other)

    def lesser(self, other: Self) -> Self:
        """Return the lower of both; UNKNOWN below NONE, so that the order of both is no matter."""
        order = list(type(self))
        return min(self, other, key=order.index)

    def greater(self, other: Self) -> Self:
        """Return the higher of both."""
        order = list(type(self))
        return max(self, other, key=order.index)


class Level(_Ordered):
    """The overall word, as in CIR (EU) 2015/1502; below LOW there is no level."""

    UNKNOWN = "UNKNOWN"
    NONE = "NONE"
    LOW = "LOW"
    SUBSTANTIAL = "SUBSTANTIAL"
    HIGH = "HIGH"


class IdentityLevel(_Ordered):
    """How surely the identifier belongs to a real person."""

    UNKNOWN = "UNKNOWN"
    NONE = "NONE"
    CLAIMED = "CLAIMED"
    """The user typed it."""
    MATCHED = "MATCHED"
    """It agrees with a register: the number is real; who typed it is not said."""
    LOW = "LOW"
    SUBSTANTIAL = "SUBSTANTIAL"
    HIGH = "HIGH"


class AuthenticationLevel(_Ordered):
    """How surely the holder was present."""

    UNKNOWN = "UNKNOWN"
    NONE = "NONE"
    LOW = "LOW"
    SUBSTANTIAL = "SUBSTANTIAL"
    HIGH = "HIGH"


class SignatureLevel(_Ordered):
    """What kind of signature was made over this payload; compared inside one regime only."""

    UNKNOWN = "UNKNOWN"
    NONE = "NONE"
    SIMPLE = "SIMPLE"
    ADVANCED = "ADVANCED"
    ADVANCED_QC = "ADVANCED_QC"
    QUALIFIED = "QUALIFIED"


class FederationLevel(_Ordered):
    """How the statement of a login system reached us."""

    UNKNOWN = "UNKNOWN"
    NONE = "NONE"
    BEARER_UNSIGNED = "BEARER_UNSIGNED"
    SIGNED = "SIGNED"
    BOUND = "BOUND"
    """Proof of possession or mutual TLS."""


AXES: Mapping[str, type[_Ordered]] = {
    "identity": IdentityLevel,
    "authentication": AuthenticationLevel,
    "signature": SignatureLevel,
    "federation": FederationLevel,
}
"""The axes in order."""


class Role(StrEnum):
    """The role in words that all countries share."""

    HEAD = "HEAD"
    DEPUTY = "DEPUTY"
    HR = "HR"
    ACCOUNTANT = "ACCOUNTANT"
    OFFICER = "OFFICER"
    OTHER = "OTHER"


class Sector(StrEnum):
    """Public or private; the rules for both differ and neither is assumed."""

    PUBLIC = "PUBLIC"
    PRIVATE = "PRIVATE"
    UNKNOWN = "UNKNOWN"
