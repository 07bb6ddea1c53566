"""What is known while one time-stamp is judged, and the report that comes of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from esign_kit.model.check import CERTAIN
from esign_kit.model.report import (
    Check,
    CheckStatus,
    Indication,
    SubIndication,
    TimestampReport,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from esign_kit.asn1.certificate import Certificate
    from esign_kit.asn1.tsp import TimestampToken
    from esign_kit.model.evidence import Evidence
    from esign_kit.model.signature import ParsedTimestamp
    from esign_kit.trust.policy import ValidationPolicy
    from esign_kit.trust.store import TrustStore

__all__ = ["Inquiry"]


@dataclass(slots=True)
class Inquiry:
    """One time-stamp and all that may be looked at while it is judged."""

    stamp: ParsedTimestamp
    trust: TrustStore
    helpers: Sequence[Certificate]
    evidence: Evidence
    at: datetime
    policy: ValidationPolicy
    checks: list[Check] = field(default_factory=list)
    hindrance: SubIndication | None = None
    imprint_found: bool = False
    imprint_intact: bool | None = None
    token_intact: bool | None = None

    def passed(
        self, name: str, detail: str, code: str = "", facts: dict[str, Any] | None = None
    ) -> None:
        """Note a check that passed."""
        self.checks.append(Check(name, CheckStatus.PASSED, None, detail, "", code, facts or {}))

    def failed(
        self,
        name: str,
        sub: SubIndication,
        detail: str,
        code: str,
        hint: str = "",
        facts: dict[str, Any] | None = None,
    ) -> None:
        """Note a check that did not pass; what it means for the whole is told by ``sub``."""
        status = CheckStatus.FAILED if sub in CERTAIN else CheckStatus.INDETERMINATE
        self.checks.append(Check(name, status, sub, detail, hint, code, facts or {}))
        # What is certain outweighs what is merely not known; among equals the first counts.
        if self.hindrance is None or (self.hindrance not in CERTAIN and sub in CERTAIN):
            self.hindrance = sub

    def not_run(self, names: Iterable[str], detail: str) -> None:
        """Note checks that could not run, and why."""
        self.checks += [Check(name, CheckStatus.NOT_RUN, detail=detail) for name in names]

    def report(
        self,
        token: TimestampToken | None = None,
        certificate: Certificate | None = None,
        chain: Sequence[Certificate] = (),
    ) -> TimestampReport:
        """Return the report on what was noted so far."""
        info = token.info if token is not None else None
        if self.hindrance is None:
            indication = Indication.TOTAL_PASSED
        elif self.hindrance in CERTAIN:
            indication = Indication.TOTAL_FAILED
        else:
            indication = Indication.INDETERMINATE
        return TimestampReport(
            kind=str(self.stamp.kind),
            time=info.time if info else None,
            indication=indication,
            sub_indication=self.hindrance,
            checks=tuple(self.checks),
            source=self.stamp.source,
            imprint_found=self.imprint_found,
            imprint_intact=self.imprint_intact,
            token_intact=self.token_intact,
            serial=info.serial if info else None,
            policy=info.policy if info else None,
            certificate_der=certificate.der if certificate is not None else None,
            chain_der=tuple(c.der for c in chain),
        )
