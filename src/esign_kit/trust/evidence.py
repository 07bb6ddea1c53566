"""Evidence sorted for questions: CRLs by issuer, OCSP answers by serial number; nothing judged."""

from __future__ import annotations

from typing import TYPE_CHECKING

from esign_kit.asn1 import names
from esign_kit.asn1.revocation import Crl, OcspResponse, SingleResponse
from esign_kit.errors import InputError
from esign_kit.trust import cache
from esign_kit.trust.policy import Cache

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from esign_kit.model.evidence import Evidence
    from esign_kit.trust.cache import Bounded
    from esign_kit.trust.policy import ValidationPolicy

__all__ = ["EvidenceIndex", "index"]

_OFF = Cache.OFF


class EvidenceIndex:
    """Views over the evidence of one inquiry.

    Attributes:
        crls: by the octets of their issuer's Name.
        indirect: CRLs that speak for other issuers too.
        ocsp: (response, answer) by serial number.
        notes: what could not be read, and why.
        weight: octets of it all.
        cut: there was more than the policy reads, and the rest was not looked at.
        key: the octets of it all, by which answers are kept.
    """

    __slots__ = ("_alike", "_dates", "crls", "cut", "indirect", "key", "notes", "ocsp", "weight")

    def __init__(self, key: tuple[tuple[bytes, ...], ...]) -> None:
        self.key = key
        self.cut = False
        self.weight = sum([len(item) for items in key for item in items])
        self._alike: dict[tuple[bytes, bytes], bool] = {}
        self._dates: tuple[bytes, ...] | None = None
        self.crls: dict[bytes, list[Crl]] = {}
        self.indirect: list[Crl] = []
        self.ocsp: dict[int, list[tuple[OcspResponse, SingleResponse]]] = {}
        self.notes: list[str] = []

    def next_after(self, moment: bytes) -> bytes:
        """Return the first thisUpdate after a moment; empty if there is none."""
        if self._dates is None:
            dates = [crl.this_update for items in self.crls.values() for crl in items]
            dates += [single.this_update for items in self.ocsp.values() for _, single in items]
            self._dates = tuple(sorted(dates))
        known = self._dates
        if not known or known[-1] <= moment:
            return b""
        return next(date for date in known if date > moment)

    def _same(self, left: bytes, right: bytes) -> bool:
        pair = (left, right) if left < right else (right, left)
        known = self._alike.get(pair)
        if known is None:
            known = names.equal(left, right)
            if len(self._alike) < 4096:
                self._alike[pair] = known
        return known

    def crls_of(self, issuer: bytes) -> list[Crl]:
        """Return the CRLs whose issuer has that name, however it is encoded."""
        found = self.crls.get(issuer)
        if len(self.crls) == (found is not None):
            return found or []
        result = list(found or ())
        for name, items in self.crls.items():
            if name != issuer and self._same(name, issuer):
                result += items
        return result


def index(evidence: Evidence, policy: ValidationPolicy) -> EvidenceIndex:
    """Read the evidence; what is malformed or too large is noted and left out."""
    key = (evidence.crls, evidence.ocsp_responses)
    if policy.cache is _OFF:
        return _read(evidence, policy, key)
    limits = policy.limits
    memory = (key, limits.crl_size, limits.ocsp_size, limits.evidence_items)
    found = cache.evidence.get(memory)
    if found is None:
        found = _read(evidence, policy, key)
        cache.evidence.put(memory, found, found.weight)
    return found


def _read(
    evidence: Evidence, policy: ValidationPolicy, key: tuple[tuple[bytes, ...], ...]
) -> EvidenceIndex:
    result = EvidenceIndex(key)
    limits = policy.limits
    caching = policy.cache is not _OFF
    total = len(evidence.crls) + len(evidence.ocsp_responses)
    if total > limits.evidence_items:
        result.cut = True
        result.notes.append(
            f"{total} CRLs and OCSP answers, of which {limits.evidence_items} count"
        )
    for der in evidence.crls[: limits.evidence_items]:
        crl = _view(der, "CRL", limits.crl_size, Crl, cache.crls if caching else None, result)
        if crl is not None:
            result.crls.setdefault(crl.issuer, []).append(crl)
            if crl.indirect:
                result.indirect.append(crl)
    left = limits.evidence_items
    for der in evidence.ocsp_responses[: limits.evidence_items]:
        if left <= 0:
            # One response may hold thousands; each is weighed against every possible responder.
            result.cut = True
            result.notes.append(f"OCSP: {limits.evidence_items} answers count, there are more")
            break
        store = cache.ocsp_responses if caching else None
        response = _view(der, "OCSP answer", limits.ocsp_size, OcspResponse, store, result)
        if response is None:
            continue
        if response.status != "successful":
            result.notes.append(f"OCSP answer: {response.status}")
        result.cut = result.cut or len(response.responses) > left
        for single in response.responses[:left]:
            result.ocsp.setdefault(single.cert_id.serial, []).append((response, single))
        left -= len(response.responses)
    return result


def _view(
    der: bytes,
    what: str,
    most: int,
    reader: Callable[[bytes], Any],
    store: Bounded[Any] | None,
    result: EvidenceIndex,
) -> Any:
    if len(der) > most:
        result.cut = True
        result.notes.append(f"{what} of {len(der)} octets, more than the policy reads")
        return None
    found = None if store is None else store.get(der)
    if found is None:
        try:
            found = reader(der)
        except InputError as error:
            result.notes.append(f"{what} cannot be read: {error.detail}")
            return None
        if store is not None:
            store.put(der, found, len(der))
    return found
