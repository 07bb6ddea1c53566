"""Certificates at hand, by subject: what a path can be built from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from esign_kit.asn1 import names
from esign_kit.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from esign_kit.asn1.certificate import Certificate

__all__ = ["Pool"]


class Pool:
    """Certificates by subject.

    Nearly always an issuer's name stands in its certificate as it stands in those below. Other
    spellings of the same name (RFC 5280 § 7.1) are indexed when somebody asks for them.

    Attributes:
        signers: octets of those that could sign evidence, once somebody has looked for them.
    """

    __slots__ = ("_spellings", "all", "by_subject", "signers")

    def __init__(self, certificates: Iterable[Certificate]) -> None:
        self.all: tuple[Certificate, ...] = tuple(dict.fromkeys(certificates))
        self.by_subject: dict[bytes, list[Certificate]] = {}
        for certificate in self.all:
            self.by_subject.setdefault(certificate.subject, []).append(certificate)
        self._spellings: dict[object, list[bytes]] | None = None
        self.signers: tuple[bytes, ...] | None = None

    def named(self, name: bytes) -> Sequence[Certificate]:
        """Return the certificates with just these octets as subject."""
        return self.by_subject.get(name, ())

    def otherwise(self, name: bytes) -> Sequence[Certificate]:
        """Return the certificates with the same name in other octets."""
        if len(self.by_subject) == (name in self.by_subject):
            return ()
        if self._spellings is None:
            self._spellings = {}
            for subject in self.by_subject:
                try:
                    key = names.normalised(subject)
                except InputError:
                    continue
                self._spellings.setdefault(key, []).append(subject)
        try:
            spellings = self._spellings.get(names.normalised(name), ())
        except InputError:
            return ()
        return [c for other in spellings if other != name for c in self.by_subject[other]]
