"""Proofs of existence (EN 319 102-1 § 5.6.2.1): what is proven to have existed, and since when."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

from esign_kit.model.evidence import ProofOfExistence

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

__all__ = ["ProofsOfExistence"]


class ProofsOfExistence:
    """The earliest proof for each object; everything at hand exists now.

    Objects are known by the SHA-256 of their octets, so that a proof for one certificate never
    serves another with the same name and number.

    Args:
        now: the time of validation, aware: what is at hand exists now.
        proofs: what time-stamps or a trusted archive prove.
    """

    __slots__ = ("_proofs", "now")

    def __init__(self, now: datetime, proofs: Iterable[ProofOfExistence] = ()) -> None:
        self.now = now
        self._proofs: dict[bytes, ProofOfExistence] = {}
        for proof in proofs:
            self.add(proof)

    def add(self, proof: ProofOfExistence) -> None:
        """Take one more proof; the earlier one of the same object stays."""
        known = self._proofs.get(proof.subject)
        if known is None or proof.at < known.at:
            self._proofs[proof.subject] = proof

    def prove(self, octets: bytes, at: datetime, source: str) -> None:
        """Take a proof for an object."""
        self.add(ProofOfExistence(sha256(octets).digest(), at, source))

    def earliest(self, octets: bytes) -> datetime:
        """Return since when the object is proven to exist; now, where nothing says more."""
        found = self._proofs.get(sha256(octets).digest())
        return self.now if found is None else min(found.at, self.now)

    def proven(self, octets: bytes, at: datetime) -> bool:
        """Tell whether the object is proven to have existed at, or before, that time."""
        return self.earliest(octets) <= at

    def __iter__(self) -> Iterator[ProofOfExistence]:
        return iter(self._proofs.values())

    def __len__(self) -> int:
        return len(self._proofs)
