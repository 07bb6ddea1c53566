"""Bounded memory of pure computations, keyed by full octets, never by a name or a serial number.

Kept are views, single signature checks and whole answers that were good. An answer is kept with
the window of time in which it holds; a failure is never kept as an answer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Hashable

    from esign_kit.asn1.revocation import Crl, OcspResponse
    from esign_kit.trust.evidence import EvidenceIndex

__all__ = ["Bounded", "clear", "crls", "evidence", "ocsp_responses", "signatures"]

Value = TypeVar("Value")


class Bounded(Generic[Value]):
    """A dictionary that forgets its oldest entries above a number or a weight.

    Threads may share it: each step is one operation on a dictionary, and a lost entry costs a
    computation, nothing else.
    """

    __slots__ = ("_entries", "_most", "_weight", "_weight_most")

    def __init__(self, most: int, weight: int = 0) -> None:
        self._entries: dict[Hashable, tuple[Value, int]] = {}
        self._most = most
        self._weight_most = weight
        self._weight = 0

    def get(self, key: Hashable) -> Value | None:
        """Return the value, or ``None``."""
        found = self._entries.get(key)
        return None if found is None else found[0]

    def put(self, key: Hashable, value: Value, weight: int = 0) -> None:
        """Keep a value; one that outweighs the whole is not kept."""
        if self._weight_most and weight > self._weight_most:
            return
        entries = self._entries
        old = entries.pop(key, None)
        entries[key] = (value, weight)
        self._weight += weight - (0 if old is None else old[1])
        while len(entries) > self._most or (self._weight_most and self._weight > self._weight_most):
            try:
                first = next(iter(entries))
            except (StopIteration, RuntimeError):
                break
            gone = entries.pop(first, None)
            if gone is not None:
                self._weight -= gone[1]

    def clear(self) -> None:
        """Forget everything."""
        self._entries.clear()
        self._weight = 0

    def __len__(self) -> int:
        return len(self._entries)


signatures: Bounded[bool] = Bounded(16384, 128 * 1024 * 1024)
"""(octets of the signed object, SubjectPublicKeyInfo) → the signature verifies."""

crls: Bounded[Crl] = Bounded(512, 128 * 1024 * 1024)
evidence: Bounded[EvidenceIndex] = Bounded(128, 128 * 1024 * 1024)
ocsp_responses: Bounded[OcspResponse] = Bounded(4096, 32 * 1024 * 1024)


def clear() -> None:
    """Forget everything that is not tied to a trust store."""
    signatures.clear()
    crls.clear()
    evidence.clear()
    ocsp_responses.clear()
