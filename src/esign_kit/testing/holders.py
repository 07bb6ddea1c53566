"""What is known about a holder: given values, and made-up ones where none were given."""

from __future__ import annotations

import re
from binascii import crc32
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from esign_kit.testing.pki import FixturePKI

__all__ = ["values_of"]


def values_of(
    pki: FixturePKI,
    kind: str,
    *,
    person: str | None,
    organisation: str | None,
    role: str | None,
    system: str | None,
    surname: str | None,
    given_name: str | None,
    patronymic: str | None,
    organisation_name: str | None,
    title: str | None,
) -> dict[str, str | None]:
    """Return the values that templates of a layout may name.

    The same identifier always has the same made-up name, whatever was issued before.
    """
    table = pki.country
    values: dict[str, str | None] = {
        "country": table.code,
        "role": role,
        "system": system,
        "person": None,
        "organisation": None,
    }
    if kind in ("person", "employee"):
        number = person if person is not None else table.person_number(_next(pki, "person"))
        names = table.names[_index(number, len(table.names))]
        family = surname if surname is not None else names[0]
        given = given_name if given_name is not None else names[1]
        father = patronymic if patronymic is not None else names[2] if surname is None else None
        values |= {
            "person": number,
            "surname": family,
            "given_name": given,
            "patronymic": father,
            "surname_upper": family.upper(),
            "given_name_upper": given.upper(),
            "patronymic_upper": father.upper() if father else None,
            "person_semantics": _semantics(number, "PNO", table.code),
        }
    if kind in ("employee", "organisation", "system"):
        number = (
            organisation
            if organisation is not None
            else table.organisation_number(1 if kind == "system" else _next(pki, "organisation"))
        )
        known = table.organisations[_index(number, len(table.organisations))]
        values |= {
            "organisation": number,
            "organisation_name": organisation_name if organisation_name is not None else known,
            "organisation_semantics": _semantics(number, "NTR", table.code),
        }
    values["title"] = title if title is not None else table.titles.get(role or "")
    return values


def _next(pki: FixturePKI, what: str) -> int:
    return pki.count(what)


def _index(number: str, size: int) -> int:
    return crc32(number.encode()) % size


def _semantics(number: str, kind: str, code: str) -> str:
    """Return the identifier in the form of EN 319 412-1 § 5.1.3; one that has it stays."""
    if re.match(r"[A-Z]{3}[A-Z]{2}-", number):
        return number
    return f"{kind}{code}-{number}"
