"""Schemes of national identifiers: what a number looks like, what it tells, what must be hidden.

A scheme is named, never guessed: a Kazakh IIN, a Kazakh BIN and a Vietnamese CCCD are all twelve
digits. A check digit is told as a status and never a gate, because genuine numbers fail it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from esign_kit.errors import IdentityError

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date

__all__ = [
    "DerivedFacts",
    "IdentifierKind",
    "IdentifierStatus",
    "Scheme",
    "register_scheme",
    "scheme",
    "schemes",
]


class IdentifierKind(StrEnum):
    """What an identifier stands for; kinds never mix in one field of a principal."""

    PERSON = "PERSON"
    """A number of a natural person for life."""
    DOCUMENT = "DOCUMENT"
    """A number of an identity document or card; it changes when the document does."""
    ORGANISATION = "ORGANISATION"
    TAX = "TAX"
    """A tax number, which persons and organisations may have."""
    SYSTEM = "SYSTEM"
    ACCOUNT = "ACCOUNT"


class IdentifierStatus(StrEnum):
    """How far the form of an identifier was checked. It says nothing about its holder."""

    CHECKSUM_OK = "CHECKSUM_OK"
    FORMAT_OK = "FORMAT_OK"
    """The form fits; there is no check digit, or it does not fit."""
    UNVERIFIED = "UNVERIFIED"
    """The form is unknown to us; passed through as it stands."""


@dataclass(frozen=True, slots=True)
class DerivedFacts:
    """What a number itself tells.

    Attributes:
        birth_date: as coded in the number; ``None`` where the date is impossible or not coded.
        sex: ``"M"``, ``"F"`` or ``None``.
        extra: further parts by name (``"parent"``, ``"branch"``, ``"type"``).
        findings: what does not fit (``"check-digit"``, ``"impossible-date"``).
    """

    birth_date: date | None = None
    sex: str | None = None
    extra: tuple[tuple[str, str], ...] = ()
    findings: tuple[str, ...] = ()


_NO_FACTS = DerivedFacts()


@dataclass(frozen=True, slots=True)
class Scheme:
    """One kind of number.

    Attributes:
        country: ISO 3166-1 alpha-2, or ``"*"`` where every country may have it.
        name: national name (``"IIN"``).
        pattern: regular expression of the normalised value, ASCII, matched in full.
        normalise: takes the value as written; ``None`` leaves it.
        checksum: tells whether the check digit fits; ``None`` where there is none.
        facts: reads :class:`DerivedFacts` out of the value.
        visible: how many characters at the end a masked form shows; ``None`` shows all.
        prefixes: prefixes that name the scheme inside a value (``"MST:"``), exact.
        semantics: identity type of EN 319 412-1 § 5.1.3 or § 5.1.4 that is written.
        reads: further identity types that are read as this scheme.
        gate: a value that does not fit ``pattern`` is refused; else it is UNVERIFIED.
    """

    country: str
    name: str
    kind: IdentifierKind
    pattern: str
    title: str = ""
    normalise: Callable[[str], str] | None = None
    checksum: Callable[[str], bool] | None = None
    facts: Callable[[str], DerivedFacts] | None = None
    visible: Callable[[str], int | None] | int | None = None
    prefixes: tuple[str, ...] = ()
    semantics: str | None = None
    reads: tuple[str, ...] = ()
    gate: bool = True

    def fits(self, value: str) -> bool:
        """Tell whether a normalised value has the form."""
        return re.fullmatch(self.pattern, value, re.ASCII) is not None

    def read(self, text: str) -> tuple[str, IdentifierStatus]:
        """Return the normalised value and its status.

        Raises:
            IdentityError: the value is no number of this scheme; code ``identity.lookalike``
                where it only looks like one.
        """
        value = self.normalise(text) if self.normalise else text
        if self.fits(value):
            if self.checksum is not None and self.checksum(value):
                return value, IdentifierStatus.CHECKSUM_OK
            return value, IdentifierStatus.FORMAT_OK
        if not value.isascii() or any(not " " <= character <= "~" for character in value):
            raise IdentityError(
                f"{self.country} {self.name}: holds characters that only look like the right ones",
                code="identity.lookalike",
                hint="identifiers are ASCII digits and capital letters; nothing is folded",
            )
        if not self.gate and 0 < len(value) <= 64 and value == value.strip():
            return value, IdentifierStatus.UNVERIFIED
        raise IdentityError(
            f"{self.country} {self.name}: {len(value)} characters that do not have its form",
            code="identity.identifier",
        )

    def derive(self, value: str) -> DerivedFacts:
        """Return what the value itself tells; findings are diagnostics, never a refusal."""
        facts = self.facts(value) if self.facts else _NO_FACTS
        if self.checksum is None or not self.fits(value) or self.checksum(value):
            return facts
        findings = ("check-digit", *facts.findings)
        return DerivedFacts(facts.birth_date, facts.sex, facts.extra, findings)

    def mask(self, value: str) -> str:
        """Return the value with its front hidden, where birth date and sex are coded."""
        shown = self.visible(value) if callable(self.visible) else self.visible
        if shown is None:
            return value
        return "*" * max(len(value) - shown, 0) + (value[-shown:] if shown else "")


_table: dict[tuple[str, str], Scheme] = {}
_ALIASES = {
    ("AZ", "VÖEN"): "VOEN",
    ("AZ", "FİN"): "FIN",
    ("AZ", "PIN"): "FIN",
    ("UZ", "JSHSHIR"): "PINFL",
    ("UZ", "INN"): "STIR",
}


def register_scheme(item: Scheme) -> None:
    """Add a scheme.

    Raises:
        ValueError: another scheme of that name exists, or holds the same prefix.
    """
    held = _table.get((item.country, item.name))
    if held is not None and held is not item:
        raise ValueError(f"{item.country}/{item.name} is there already")
    for other in _table.values():
        if other is not item and set(other.prefixes) & set(item.prefixes):
            raise ValueError(f"{item.country}/{item.name}: prefix of {other.country}/{other.name}")
    _table[item.country, item.name] = item


def scheme(country: str, name: str) -> Scheme:
    """Return the scheme of that name, the country's own before the one of all countries.

    Raises:
        IdentityError: no such scheme.
    """
    name = _ALIASES.get((country, name), name)
    found = _table.get((country, name))
    if found is None and re.fullmatch("[A-Z]{2}", country):
        found = _table.get(("*", name))
    if found is None:
        raise IdentityError(
            f"no identifier scheme {country}/{name}",
            code="identity.scheme",
            hint="name the scheme first, as in Identifier('KZ', 'IIN', …)",
        )
    return found


def schemes() -> tuple[Scheme, ...]:
    """Return all schemes."""
    return tuple(_table.values())


# The built-in numbers register themselves; imported last, because they need the types above.
from esign_kit.model import numbers as _numbers  # noqa: E402, F401
