"""Identifiers at the edge: what a person typed, and what is printed on a card.

Inside the library nothing is folded. At the input boundary a little is, by name and with a note in
the provenance, because people type ``O`` for ``0`` and put blanks between groups.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from esign_kit.errors import IdentityError
from esign_kit.model.identifier import Identifier, Provenance, Source

if TYPE_CHECKING:
    from datetime import datetime

__all__ = ["fin_of_card_line", "typed"]

_BLANKS = str.maketrans("", "", " \t\u00a0\u202f")
_LETTER_O = {("AZ", "FIN")}
"""Schemes without the letter O, in which a typed one means the digit."""
_NO_DASHES = {("AZ", "VOEN"), ("UZ", "STIR"), ("UZ", "PINFL"), ("KZ", "IIN"), ("KZ", "BIN")}
"""Schemes without dashes; in a Vietnamese tax code a dash divides the branch."""


def typed(country: str, scheme: str, text: str, *, at: datetime | None = None) -> Identifier:
    """Return an identifier that a person typed; self-asserted, so identity is CLAIMED at best.

    Taken away: blanks around and between groups, and dashes where the scheme knows none. Letters
    go up by ASCII rules. Where the scheme has no ``O``, it is read as ``0``. Each is noted.

    Raises:
        IdentityError: what is left is no number of the scheme, or only looks like one.
    """
    if len(text) > 256:
        raise IdentityError("too long to be an identifier", code="identity.identifier")
    notes = []
    value = text.strip()
    closed = value.translate(_BLANKS)
    if closed != value:
        notes.append("blanks between groups taken away")
    value = closed
    if value.isascii() and value.upper() != value:
        value = value.upper()
        notes.append("letters written in capitals")
    if (country, scheme) in _NO_DASHES and "-" in value:
        value = value.replace("-", "")
        notes.append("dashes taken away")
    if (country, scheme) in _LETTER_O and "O" in value:
        value = value.replace("O", "0")
        notes.append("letter O read as digit 0")
    provenance = Provenance(
        Source.SELF_ASSERTED, at=at, rule=f"typed:{country}/{scheme}", notes=tuple(notes)
    )
    return Identifier(country, scheme, value, raw=text, provenance=provenance)


def fin_of_card_line(line: str, *, at: datetime | None = None) -> Identifier:
    """Return the FIN out of the bottom line of an old Azerbaijani identity card.

    It is the first seven of the last eight characters; the eighth is a check digit of the line.

    Raises:
        IdentityError: no such line.
    """
    plain = line.strip()
    if len(plain) < 8 or not plain.isascii() or not plain[-1].isdigit():
        raise IdentityError("no bottom line of an identity card", code="identity.identifier")
    provenance = Provenance(
        Source.SELF_ASSERTED, at=at, rule="card-line:AZ/FIN", notes=("read from a card's line",)
    )
    return Identifier("AZ", "FIN", plain[-8:-1], raw=line, provenance=provenance)
