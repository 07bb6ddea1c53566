"""Validation context initialisation (EN 319 102-1 § 5.2.4): all that the blocks may look at."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from esign_kit.model.quick import quick
from esign_kit.trust.session import Session

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from esign_kit.asn1.certificate import Certificate
    from esign_kit.model.evidence import Evidence
    from esign_kit.model.report import Check
    from esign_kit.model.signature import ParsedSignature
    from esign_kit.trust.policy import ValidationPolicy
    from esign_kit.trust.store import TrustStore

__all__ = ["Context"]


@quick
@dataclass(frozen=True, slots=True)
class Context:
    """One question: these anchors, this evidence, this policy, at this time.

    Attributes:
        helpers: certificates that may help, none of them trusted.
        at: validation time, UTC.
        memory, session: what the signatures of one file share while they are judged, nobody after.
        profile_check: says whether the signing certificate and the signature fit a profile.
    """

    trust: TrustStore
    helpers: tuple[Certificate, ...]
    evidence: Evidence
    policy: ValidationPolicy
    at: datetime
    profile_check: Callable[[Certificate, ParsedSignature, datetime], Check] | None = None
    memory: dict[object, Any] = field(default_factory=dict)
    session: Session = field(default_factory=Session)
