"""What the questions of one call share: views, pools and answers that no second one works out anew.

A file with a hundred signers asks a hundred times for paths through the same authorities. This
memory lives as long as the call, whatever ``policy.cache`` says; nobody sees it afterwards.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from esign_kit.asn1.certificate import readable_certificates
from esign_kit.trust.pool import Pool

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from esign_kit.asn1.certificate import Certificate
    from esign_kit.model.evidence import Evidence
    from esign_kit.trust.cache import Bounded
    from esign_kit.trust.evidence import EvidenceIndex
    from esign_kit.trust.policy import ValidationPolicy

__all__ = ["Session"]


class Session:
    """Memory of one call.

    Attributes:
        signatures: (octets of the signed object, SubjectPublicKeyInfo) → the signature verifies.
        issuers: judgements on the upper part of paths, as ``trust.judging`` keeps them.
        indexes: evidence that was read, with what it was read from: an object that is kept here
            keeps its identity.
    """

    __slots__ = ("_helpers", "_keys", "_pools", "indexes", "issuers", "signatures")

    def __init__(self) -> None:
        self.signatures: dict[tuple[bytes, bytes], bool] = {}
        self.issuers: Bounded[Any] | None = None
        self.indexes: dict[tuple[int, int], tuple[Evidence, ValidationPolicy, EvidenceIndex]] = {}
        self._pools: dict[int, tuple[Sequence[Certificate], Pool | None]] = {}
        self._helpers: Sequence[Certificate] | None = None
        self._keys: tuple[bytes, ...] = ()

    def key_of(self, helpers: Sequence[Certificate]) -> tuple[bytes, ...]:
        """Return the octets of the helpers; all signatures of a file ask with the same ones."""
        if helpers is not self._helpers:
            self._keys = tuple([certificate.der for certificate in helpers])
            self._helpers = helpers
        return self._keys

    def pool(self, helpers: Sequence[Certificate], more: tuple[bytes, ...]) -> Pool | None:
        """Return the helpers sorted for questions; ``more`` are those of the evidence, in DER."""
        known = self._pools.get(id(helpers))
        if known is not None:
            return known[1]
        everything = (*helpers, *readable_certificates(more)) if more else helpers
        made = Pool(everything) if everything else None
        self._pools[id(helpers)] = (helpers, made)
        return made
