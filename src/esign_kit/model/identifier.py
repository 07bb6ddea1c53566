"""Identifiers: a number together with its country and its scheme, and where it was read."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from esign_kit.errors import IdentityError
from esign_kit.model.schemes import (
    DerivedFacts,
    IdentifierKind,
    IdentifierStatus,
    Scheme,
    scheme,
    schemes,
)

if TYPE_CHECKING:
    from datetime import datetime

__all__ = ["Claim", "Identifier", "Provenance", "Source"]


class Source(StrEnum):
    """Where a statement comes from."""

    CERTIFICATE = "CERTIFICATE"
    LOGIN = "LOGIN"
    REGISTER = "REGISTER"
    PAPER = "PAPER"
    EMPLOYER = "EMPLOYER"
    COUNTER = "COUNTER"
    """A person stood before an officer."""
    ORGANISATION_KEY = "ORGANISATION_KEY"
    """Whoever holds the key of an organisation."""
    DERIVED = "DERIVED"
    """Computed from another statement, such as a birth date from a number."""
    SELF_ASSERTED = "SELF_ASSERTED"


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where a statement was read.

    Attributes:
        source: see :class:`Source`.
        issuer: who said so, for people.
        digest: SHA-256 of the document that says so, hexadecimal; may be empty.
        at: when it was said; ``None`` where that is unknown.
        rule: the rule that read it (``"kz:serialNumber:IIN"``).
        notes: what was done to it on the way (``"O read as 0"``).
    """

    source: Source
    issuer: str = ""
    digest: str = ""
    at: datetime | None = None
    rule: str = ""
    notes: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return plain data."""
        return {
            "source": str(self.source),
            "issuer": self.issuer,
            "digest": self.digest,
            "at": self.at.isoformat() if self.at else None,
            "rule": self.rule,
            "notes": list(self.notes),
        }


@dataclass(frozen=True, slots=True, repr=False)
class Claim:
    """A value that is only worth as much as its provenance (a birth date, a sex).

    ``repr()`` leaves the value out: it goes into logs.
    """

    value: Any
    provenance: Provenance

    def __repr__(self) -> str:
        return f"Claim(***, {self.provenance.source})"

    def to_dict(self) -> dict[str, Any]:
        """Return plain data."""
        value = self.value.isoformat() if hasattr(self.value, "isoformat") else self.value
        return {"value": value, "provenance": self.provenance.to_dict()}


@dataclass(frozen=True, slots=True, repr=False)
class Identifier:
    """A number that names one person, organisation or document in one scheme of one country.

    Two identifiers are the same only if country, scheme and normalised value agree. The text forms
    ``repr()`` and ``str()`` hide the part that tells birth date and sex; ``value`` is the number.

    Args:
        country: ISO 3166-1 alpha-2, capitals.
        scheme: national name (``"IIN"``), or an identity type of EN 319 412-1 (``"PNO"``).
        value: the number; normalised on construction.

    Raises:
        IdentityError: no such scheme, or no number of it.
    """

    country: str
    scheme: str
    value: str
    raw: str = field(default="", compare=False)
    status: IdentifierStatus = field(default=IdentifierStatus.UNVERIFIED, compare=False)
    provenance: Provenance | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        found = scheme(self.country, self.scheme)
        value, status = found.read(self.value)
        put = object.__setattr__
        put(self, "scheme", found.name)
        put(self, "raw", self.raw or self.value)
        put(self, "value", value)
        put(self, "status", status)

    @property
    def kind(self) -> IdentifierKind:
        """What it stands for."""
        return self._scheme.kind

    @property
    def _scheme(self) -> Scheme:
        return scheme(self.country, self.scheme)

    @property
    def derived(self) -> DerivedFacts:
        """What the number itself tells; only as sure as a number is."""
        return self._scheme.derive(self.value)

    @property
    def masked(self) -> str:
        """The value with its telling front hidden."""
        return self._scheme.mask(self.value)

    def urn(self) -> str:
        """Return ``urn:esign-kit:id:<cc>:<scheme>:<value>``."""
        return f"urn:esign-kit:id:{self.country.lower()}:{self.scheme.lower()}:{self.value}"

    def semantics(self) -> str | None:
        """Return the semantics identifier of EN 319 412-1 § 5.1; ``None`` if it has none."""
        code = self._scheme.semantics
        if code is None:
            return None
        # An LEI stands under the pseudo country of EN 319 412-1 § 5.1.4.
        return f"{code}{self.country}-{self.value}"

    def is_same(self, other: Identifier) -> bool:
        """Tell whether both name the same holder: country, scheme and value agree."""
        return self == other

    @classmethod
    def parse(cls, text: str, *, provenance: Provenance | None = None) -> Identifier:
        """Read a text that names its scheme.

        Understood are ``KZ/IIN/900101300017``, ``urn:esign-kit:id:kz:iin:…``, semantics
        identifiers (``PNOKZ-…``, EN 319 412-1) and national prefixes (``IIN…``, ``MST:…``).

        Raises:
            IdentityError: the scheme is not named, or the value is none of it. Bare digits are
                always refused: twelve digits are an IIN, a BIN or a CCCD.
        """
        country, name, value = _split(text)
        return cls(country, name, value, raw=text, provenance=provenance)

    def to_dict(self) -> dict[str, Any]:
        """Return plain data, with the number unmasked."""
        return {
            "country": self.country,
            "scheme": self.scheme,
            "value": self.value,
            "kind": str(self.kind),
            "status": str(self.status),
            "semantics": self.semantics(),
            "findings": list(self.derived.findings),
            "provenance": self.provenance.to_dict() if self.provenance else None,
        }

    def __str__(self) -> str:
        return f"{self.country}/{self.scheme}/{self.masked}"

    def __format__(self, spec: str) -> str:
        return format(str(self), spec)

    def __repr__(self) -> str:
        return f"Identifier({self.country!r}, {self.scheme!r}, {self.masked!r})"


_URN = re.compile(r"urn:esign-kit:id:([a-z]{2}):([a-z]{2,12}):(.+)", re.ASCII)
_PATH = re.compile(r"([A-Z]{2})/([^/]{2,12})/(.+)")
_SEMANTICS = re.compile(r"([A-Z]{3})([A-Z]{2})-(.+)", re.ASCII)


def _split(text: str) -> tuple[str, str, str]:
    if match := _PATH.fullmatch(text):
        return match[1], match[2], match[3]
    if match := _URN.fullmatch(text):
        return match[1].upper(), match[2].upper(), match[3]
    if match := _SEMANTICS.fullmatch(text):
        return match[2], scheme_for_semantics(match[1], match[2]), match[3]
    for item in schemes():
        for prefix in item.prefixes:
            if text.startswith(prefix) and len(text) > len(prefix):
                return item.country, item.name, text[len(prefix) :]
    if not text.isascii():
        raise IdentityError(
            "holds characters that only look like the right ones", code="identity.lookalike"
        )
    raise IdentityError(
        "the scheme of this identifier is not named",
        code="identity.scheme",
        hint="write it as KZ/IIN/…, PNOKZ-… or with its national prefix; digits alone say nothing",
    )


def scheme_for_semantics(code: str, country: str) -> str:
    """Return the scheme behind an identity type of EN 319 412-1 in that country.

    Raises:
        IdentityError: no such identity type.
    """
    for item in schemes():
        if item.country == country and item.semantics == code:
            return item.name
    for item in schemes():
        if item.country == country and code in item.reads:
            return item.name
    return scheme(country, code).name
