"""Document number and personal number of one card: the number is matched, nobody is authenticated.

Two static numbers say that a person of that number exists. They do not say who typed them, so the
principal has identity MATCHED and authentication NONE, and no session may be built on it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from esign_kit.errors import EsignError
from esign_kit.login import faults
from esign_kit.login.pending import aware
from esign_kit.login.result import Claimed, Login, conclude, passed
from esign_kit.model.identifier import Claim, Identifier, Provenance, Source
from esign_kit.model.principal import Person, PersonName

if TYPE_CHECKING:
    from datetime import date, datetime

    from esign_kit.profiles.data import Profile

__all__ = ["MatchedLogin", "Register", "RegisterEntry"]


@dataclass(frozen=True, slots=True, repr=False)
class RegisterEntry:
    """What the register holds under a document number."""

    fin: str
    name: str = ""
    birth_date: date | None = None
    valid_until: date | None = None


class Register(Protocol):
    """The population register, as far as it is asked."""

    def find(self, document: Identifier) -> RegisterEntry | None:
        """Return the holder of a document; ``None`` if there is no such document."""
        ...


class MatchedLogin:
    """Matches a document number with a FIN (e-sosial.az).

    The answer to a wrong pair and to an unknown document is the same, so that the form tells
    nobody which numbers exist. How often one visitor may try is for the portal to bound.

    Args:
        profile: ``profile("az")`` or one derived from it.
        register: who knows the documents.
    """

    __slots__ = ("_profile", "_register")

    def __init__(self, profile: Profile, register: Register) -> None:
        self._profile = profile
        self._register = register

    def match(self, *, document: str, fin: str, at: datetime, contact: str = "") -> Login:
        """Match the two numbers.

        Args:
            contact: what the applicant states; the result goes there and nowhere else. It stands
                in ``claims["contact"]``.

        Raises:
            LoginRefusedError: they do not belong together.
        """
        moment = aware(at)
        try:
            card = Identifier("AZ", "IDC", document.strip().upper())
            number = Identifier("AZ", "FIN", fin.strip().upper())
        except EsignError:
            raise self._no() from None
        entry = self._register.find(card)
        if entry is None or entry.fin != number.value:
            raise self._no()
        if entry.valid_until is not None and entry.valid_until < moment.date():
            raise self._no()
        where = Provenance(Source.REGISTER, issuer="population register", at=moment, rule="az:IDC")
        person = Person(
            (Identifier("AZ", "FIN", number.value, provenance=where),),
            PersonName(entry.name) if entry.name else None,
            (Identifier("AZ", "IDC", card.value, provenance=where),),
            Claim(entry.birth_date, where) if entry.birth_date else None,
        )
        claimed = Claimed(
            person=person,
            facts={"login": "e-sosial"},
            notes=("matched with the register; who typed the numbers is not known",),
        )
        return conclude(
            claimed,
            self._profile,
            at=moment,
            evidence=f"{card.urn()} {number.urn()}".encode(),
            checks=(passed("register-match", "document and personal number belong together"),),
            claims={"contact": contact} if contact else {},
        )

    @staticmethod
    def _no() -> EsignError:
        return faults.refused("login.not-matched", "document number and FIN do not belong together")
