"""What a gathering works with: the evidence so far, the judge, the network and the memory."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from esign_kit.asn1.certificate import Certificate, readable_certificates
from esign_kit.errors import EsignError, EvidenceError
from esign_kit.model.evidence import (
    Evidence,
    FetchFailure,
    FetchPurpose,
    RevocationInfo,
    RevocationStatus,
)
from esign_kit.net.issuers import Budget
from esign_kit.trust.policy import Revocation, derived

if TYPE_CHECKING:
    from datetime import datetime

    from esign_kit.model.evidence import Fetcher, FetchRequest
    from esign_kit.model.signature import Purpose
    from esign_kit.net.cache import EvidenceCache
    from esign_kit.trust.path import PathResult
    from esign_kit.trust.policy import ValidationPolicy
    from esign_kit.trust.store import TrustStore

__all__ = ["Desk", "info_of", "why"]

_OVER = frozenset({"fetch.count", "fetch.timeout"})


class Desk:
    """One gathering: its evidence grows, its fetches and its time shrink."""

    def __init__(
        self,
        certificates: tuple[Certificate, ...],
        trust: TrustStore,
        evidence: Evidence,
        at: datetime,
        policy: ValidationPolicy,
        fetcher: Fetcher,
    ) -> None:
        self.certificates = certificates
        self.evidence = evidence
        self._trust = trust
        self._at = at
        self._policy = policy
        self._strict = derived(policy, revocation=Revocation.REQUIRED)
        self._cache: EvidenceCache | None = getattr(fetcher, "cache", None)
        limits = policy.limits
        bounded = getattr(fetcher, "bounded", None)
        if bounded is not None:
            fetcher = bounded(seconds=limits.fetch_seconds, fetches=limits.fetches)
        self._fetcher = fetcher
        self._left = limits.fetches
        self._budget = Budget(limits.signature_checks)
        self._end = time.monotonic() + limits.fetch_seconds
        self._asked: set[tuple[FetchPurpose, str, bytes]] = set()

    def _judge(self, given: Evidence, certificate: Certificate, purpose: Purpose) -> RevocationInfo:
        """Ask the path engine what this one piece of evidence says about the certificate."""
        alone = Evidence(certificates=self.evidence.certificates) + given
        result = self._path(certificate, purpose, alone)
        return info_of(result, 0)

    def _path(
        self, certificate: Certificate, purpose: Purpose, evidence: Evidence
    ) -> PathResult | None:
        from esign_kit.trust.engine import validate_path

        try:
            return validate_path(
                certificate,
                trust=self._trust,
                helpers=(*self.certificates, *readable_certificates(evidence.certificates)),
                evidence=evidence,
                at=self._at,
                policy=self._strict,
                purpose=purpose,
            )
        except EsignError:
            return None

    # ── fetching and remembering ──────────────────────────────────────────────────────────────

    def _fetch(self, request: FetchRequest, about: bytes) -> bytes | None:
        question = (request.purpose, request.url, about)
        if question in self._asked:
            return None
        self._asked.add(question)
        if self._left <= 0 or time.monotonic() > self._end:
            self._failed(request.purpose, request.url, "the limit of fetches or time is reached")
            return None
        self._left -= 1
        try:
            response = self._fetcher.fetch(request)
        except EvidenceError as error:
            if error.code in _OVER and time.monotonic() > self._end:
                self._left = 0
            self._failed(request.purpose, request.url, error.detail, error.code)
            return None
        limits = self._policy.limits
        most = limits.crl_size if request.purpose is FetchPurpose.CRL else limits.ocsp_size
        if len(response.body) > most:
            self._failed(request.purpose, request.url, "the answer is over the limit of size")
            return None
        if not response.body:
            self._failed(request.purpose, request.url, "the answer is empty")
            return None
        return response.body

    def _failed(self, purpose: FetchPurpose, url: str, detail: str, code: str = "") -> None:
        self._add(failures=(FetchFailure(purpose, url, detail, code),))

    def _add(self, **more: tuple[object, ...]) -> None:
        self.evidence = self.evidence + Evidence(**more)  # type: ignore[arg-type]

    def _recall(self, key: str) -> bytes | None:
        return self._cache.get(key) if self._cache is not None else None

    def _forget(self, key: str) -> None:
        if self._cache is not None:
            self._cache.drop(key)

    def _keep(self, key: str, body: bytes, until: float) -> None:
        if self._cache is not None:
            self._cache.put(key, body, until)

    def _keep_until(self, key: str, body: bytes, info: RevocationInfo) -> None:
        """Keep an answer to its nextUpdate; one without is of the moment and is not kept."""
        if info.next_update is not None:
            self._keep(key, body, info.next_update.timestamp())


def info_of(result: PathResult | None, number: int) -> RevocationInfo:
    """Return what a path says about one of its certificates; unknown where there is none."""
    if result is None or number >= len(result.revocation):
        detail = result.chain_detail if result is not None else ""
        return RevocationInfo(RevocationStatus.UNKNOWN, detail=detail)
    return result.revocation[number]


def why(info: RevocationInfo) -> str:
    """Say why an answer was of no use."""
    words = info.detail or "; ".join(info.rejected) or "it says nothing usable"
    return f"the answer does not count: {words}"
