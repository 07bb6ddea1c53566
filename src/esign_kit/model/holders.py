"""Who can hold a key or a session: persons, organisations, systems; and what roles are stated."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from esign_kit.model.levels import Role, Sector
from esign_kit.model.schemes import IdentifierKind

if TYPE_CHECKING:
    from esign_kit.model.identifier import Claim, Identifier

__all__ = ["Organisation", "Person", "PersonName", "StatedRole", "System"]


@dataclass(frozen=True, slots=True)
class PersonName:
    """A name as written, and its parts where the source tells them apart.

    Names are for show and never for matching: letters of two scripts can look alike.

    Attributes:
        script: ISO 15924 code of the letters (``"Cyrl"``); ``"Zyyy"`` where they are mixed.
    """

    raw: str
    family: str | None = None
    given: str | None = None
    patronymic: str | None = None
    script: str = ""
    language: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return plain data."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


@dataclass(frozen=True, slots=True)
class Person:
    """A natural person.

    Attributes:
        identifiers: numbers of the person for life; kinds never mix in one field.
        links: numbers of another kind that the same source states: a card, a passport, a personal
            tax number. They are kept apart and are not used to tell who it is.
        birth_date, sex: with provenance; computed from a number they say so.
    """

    identifiers: tuple[Identifier, ...] = ()
    name: PersonName | None = None
    links: tuple[Identifier, ...] = ()
    birth_date: Claim | None = None
    sex: Claim | None = None

    @property
    def identifier(self) -> Identifier | None:
        """The first identifier; ``None`` where the source tells no number."""
        return self.identifiers[0] if self.identifiers else None

    @property
    def documents(self) -> tuple[Identifier, ...]:
        """Numbers of identity documents, out of :attr:`links`."""
        return tuple(link for link in self.links if link.kind is IdentifierKind.DOCUMENT)

    @property
    def identified(self) -> bool:
        """A number of the person or of a document is known, not only a name."""
        return bool(self.identifiers or self.documents)

    def to_dict(self) -> dict[str, Any]:
        """Return plain data."""
        return {
            "identifiers": [item.to_dict() for item in self.identifiers],
            "identified": self.identified,
            "name": self.name.to_dict() if self.name else None,
            "links": [item.to_dict() for item in self.links],
            "birth_date": self.birth_date.to_dict() if self.birth_date else None,
            "sex": self.sex.to_dict() if self.sex else None,
        }


@dataclass(frozen=True, slots=True)
class Organisation:
    """A legal person, a public body or a branch of one; with a name only it is not identified."""

    identifiers: tuple[Identifier, ...] = ()
    name: str = ""
    sector: Sector = Sector.UNKNOWN
    unit: str = ""

    @property
    def identifier(self) -> Identifier | None:
        """The first identifier; ``None`` where only a name is known."""
        return self.identifiers[0] if self.identifiers else None

    @property
    def identified(self) -> bool:
        """A number is known, not only a name."""
        return bool(self.identifiers)

    def to_dict(self) -> dict[str, Any]:
        """Return plain data."""
        return {
            "identifiers": [item.to_dict() for item in self.identifiers],
            "identified": self.identified,
            "name": self.name,
            "sector": str(self.sector),
            "unit": self.unit,
        }


@dataclass(frozen=True, slots=True)
class System:
    """An information system; no person stands behind its key."""

    identifiers: tuple[Identifier, ...] = ()
    name: str = ""

    @property
    def identifier(self) -> Identifier | None:
        """The first identifier."""
        return self.identifiers[0] if self.identifiers else None

    def to_dict(self) -> dict[str, Any]:
        """Return plain data."""
        return {"identifiers": [item.to_dict() for item in self.identifiers], "name": self.name}


@dataclass(frozen=True, slots=True)
class StatedRole:
    """A role that a certificate states; an unknown OID is kept and gives no right."""

    oid: str
    name: str = ""
    title: str = ""
    role: Role = Role.OTHER
    recalled: bool = False

    def to_dict(self) -> dict[str, Any]:
        """Return plain data."""
        return {
            "oid": self.oid,
            "name": self.name,
            "title": self.title,
            "role": str(self.role),
            "recalled": self.recalled,
        }
