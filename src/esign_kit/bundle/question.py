"""The question that a bundle keeps, and how it is asked: once when made, again when checked."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from esign_kit import api
from esign_kit.errors import EsignError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from esign_kit.asn1.certificate import Certificate
    from esign_kit.model.document import Document
    from esign_kit.model.evidence import Evidence
    from esign_kit.model.mandate import Mandate
    from esign_kit.model.report import SignatureReport, VerificationReport
    from esign_kit.profiles import Profile
    from esign_kit.trust.policy import ValidationPolicy
    from esign_kit.trust.store import TrustStore

__all__ = ["Question", "canonical"]


def canonical(data: object) -> bytes:
    """Return plain data as JSON in one form only: sorted keys, UTF-8, one line feed at the end."""
    return (json.dumps(data, ensure_ascii=False, sort_keys=True, indent=1) + "\n").encode("utf-8")


@dataclass(frozen=True, slots=True)
class Question:
    """Everything that a verdict depends on; no network, no clock."""

    signature: bytes
    detached: tuple[Document, ...]
    trust: TrustStore
    helpers: tuple[Certificate, ...]
    evidence: Evidence
    policy: ValidationPolicy
    at: datetime
    profile: Profile | None
    mandates: tuple[Mandate, ...] = ()

    def ask(self) -> tuple[VerificationReport, tuple[dict[str, Any], ...]]:
        """Return the report and, for each signature, the principal as plain data."""
        report = api.verify(
            self.signature,
            detached=self.detached,
            profile=self.profile,
            trust=self.trust,
            certificates=self.helpers,
            evidence=self.evidence,
            policy=self.policy,
            at=self.at,
        )
        return report, tuple(self._principal(item) for item in report.signatures)

    def _principal(self, report: SignatureReport) -> dict[str, Any]:
        if self.profile is None:
            return {"signature": report.id, "principal": None, "why": "no profile"}
        try:
            principal = api.identify(report, profile=self.profile)
        except EsignError as error:
            return {"signature": report.id, "principal": None, "why": error.code}
        own = _held_by(principal.holders, self.mandates)
        if own:
            principal = principal.with_mandates(own)
        return {"signature": report.id, "principal": principal.to_dict(), "why": ""}


def _held_by(holders: frozenset[Any], mandates: Iterable[Mandate]) -> tuple[Mandate, ...]:
    return tuple(mandate for mandate in mandates if mandate.holder in holders)
