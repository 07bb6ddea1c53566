"""Do the signatures of a file stand as their schemas say? Answered when somebody asks.

No verdict hangs on the answer (EN 319 102-1 § 5.2.2 fails what cannot be processed, and the reader
sees to that), so verifying does not pay for it.
"""

from __future__ import annotations

from esign_kit.xmldsig import names as ds
from esign_kit.xmldsig.parser import parse_fragment

__all__ = ["Structures"]


class Structures:
    """The answers for all signatures of one file, found together at the first question.

    Until then the octets of the file are kept, and not the tree that was made of them.
    """

    __slots__ = ("_faults", "_octets")

    def __init__(self, octets: bytes) -> None:
        self._octets = octets
        self._faults: tuple[tuple[str, ...], ...] | None = None

    def of(self, number: int) -> tuple[str, ...]:
        """Return where a signature breaks its schemas, in words; the first one is number 1."""
        if self._faults is None:
            from esign_kit.xades.conformity import faults_of

            root = parse_fragment(self._octets)
            self._faults = tuple([faults_of(element) for element in root.iter(ds.SIGNATURE)])
            self._octets = b""
        return self._faults[number - 1]
