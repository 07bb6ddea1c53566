"""The path-validation port: what every engine answers (RFC 5280 § 6, EN 319 102-1 § 5.2.6)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from esign_kit.model.quick import quick

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from esign_kit.asn1.certificate import Certificate
    from esign_kit.model.evidence import Evidence, RevocationInfo
    from esign_kit.model.report import PathAttempt, SubIndication
    from esign_kit.model.signature import Purpose
    from esign_kit.trust.policy import ValidationPolicy
    from esign_kit.trust.store import TrustAnchor, TrustStore

__all__ = ["PathResult", "PathValidator"]


@quick
@dataclass(frozen=True, slots=True)
class PathResult:
    """What a path engine found for one certificate.

    Attributes:
        chain: from the certificate to the anchor's certificate. Where no path holds: the best
            one found (the longest that reaches an anchor), else just the certificate.
        anchor: ``None`` where no path reaches an anchor.
        chain_problem: why path validation fails, as sub-indication; ``None`` if the path holds,
            *revocation and cryptographic constraints aside*.
        chain_code, chain_detail: stable code and words for people of that reason.
        revocation: one entry per certificate of ``chain`` (the anchor's: NOT_NEEDED).
        revocation_problem, revocation_code, revocation_detail: likewise for revocation:
            REVOKED_NO_POE, REVOKED_CA_NO_POE, TRY_LATER, REVOCATION_OUT_OF_BOUNDS_NO_POE, ….
        algorithm_problem, algorithm_detail: an algorithm or key in the chain that the policy does
            not accept: CRYPTO_CONSTRAINTS_FAILURE_NO_POE.
        attempts: every candidate path tried, why it fell; the accepted one last.
        policies, user_notices: see ``CertificateReport``.
        valid_from, valid_until: the window around ``at`` in which this answer holds given the
            evidence, as ``b"YYYYMMDDHHMMSSZ"``; empty if it holds at ``at`` only.
        hint: what to do next ("add the anchor CN=… to the trust store").
    """

    chain: tuple[Certificate, ...]
    anchor: TrustAnchor | None
    chain_problem: SubIndication | None = None
    chain_code: str = ""
    chain_detail: str = ""
    revocation: tuple[RevocationInfo, ...] = ()
    revocation_problem: SubIndication | None = None
    revocation_code: str = ""
    revocation_detail: str = ""
    algorithm_problem: SubIndication | None = None
    algorithm_detail: str = ""
    attempts: tuple[PathAttempt, ...] = ()
    policies: tuple[str, ...] = ()
    user_notices: tuple[str, ...] = ()
    valid_from: bytes = b""
    valid_until: bytes = b""
    hint: str = ""


class PathValidator(Protocol):
    """An engine that builds and validates paths; ``esign_kit.trust.engine`` is ours."""

    def __call__(
        self,
        certificate: Certificate,
        *,
        trust: TrustStore,
        helpers: Sequence[Certificate],
        evidence: Evidence,
        at: datetime,
        policy: ValidationPolicy,
        purpose: Purpose,
    ) -> PathResult:
        """Validate ``certificate`` at ``at``; touches neither network nor clock."""
        ...
