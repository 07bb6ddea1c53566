"""The path of a signer at the time that a time-stamp proves (EN 319 102-1 § 5.5.4)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from esign_kit.asn1.times import from_datetime, shown
from esign_kit.model.report import SubIndication
from esign_kit.model.signature import Purpose
from esign_kit.trust.engine import validate_path
from esign_kit.trust.policy import derived

if TYPE_CHECKING:
    from datetime import datetime

    from esign_kit.asn1.certificate import Certificate
    from esign_kit.trust.path import PathResult
    from esign_kit.trust.policy import ValidationPolicy
    from esign_kit.validation.context import Context

__all__ = ["validate_at"]

# Bound once: Python 3.11 takes 90 ns to look a member of an enumeration up in its class.
_SIGNING = Purpose.SIGNING
_ONLY_TIME = frozenset(
    {None, SubIndication.OUT_OF_BOUNDS_NO_POE, SubIndication.OUT_OF_BOUNDS_NOT_REVOKED}
)
_KEY_IS_SAFE = frozenset({"affiliationChanged", "superseded", "cessationOfOperation"})
"""Reasons with which a CA ends and nobody else has its key."""


def validate_at(
    certificate: Certificate,
    context: Context,
    pool: tuple[Certificate, ...],
    best: datetime,
) -> PathResult:
    """Validate the path now; if only the time stands in the way, at the proven time (§ 5.5.4).

    A path that fails for expiry or revocation *now* holds if the signature is proven to be older.
    Evidence that was made up to the validation time counts; its dates have to cover the time in
    question.
    """
    policy = context.policy
    path = _path(certificate, context, pool, context.at, policy)
    begins = certificate.not_before
    if (
        best < context.at
        and from_datetime(policy.latest(best)) < begins
        and path.chain_problem in _ONLY_TIME
    ):
        # Table 6: who stamped it earlier contradicts who certified the key; one of them is wrong.
        return replace(
            path,
            chain_problem=SubIndication.NOT_YET_VALID,
            chain_code="certificate.not-yet-valid-at-proof",
            chain_detail=f"{certificate.label} is not valid before {shown(begins)}, and "
            f"the signature is proven to be older ({best:%Y-%m-%d %H:%M:%S} UTC)",
        )
    if best >= context.at or (
        path.chain_problem is None
        and path.revocation_problem is None
        and path.algorithm_problem is None
    ):
        return path
    policy = derived(policy, evidence_until=policy.evidence_until or context.at)
    earlier = _path(certificate, context, pool, best, policy)
    if earlier.chain_problem is not None:
        return path
    if earlier.revocation_problem is None:
        return _unproven(earlier, path) or earlier
    # What is missing or revoked at that time says more than "expired".
    return earlier if path.chain_problem is not None else path


def _path(
    certificate: Certificate,
    context: Context,
    pool: tuple[Certificate, ...],
    at: datetime,
    policy: ValidationPolicy,
) -> PathResult:
    return validate_path(
        certificate,
        trust=context.trust,
        helpers=pool,
        evidence=context.evidence,
        at=at,
        policy=policy,
        purpose=_SIGNING,
        session=context.session,
    )


def _unproven(earlier: PathResult, now: PathResult) -> PathResult | None:
    """Say why evidence about the past does not count, although its dates are right.

    Whoever has the key of a CA writes evidence with any date. So what an issuer that has ended
    since said about those below counts only if it is known to be older than that end: by its own
    date where the issuer expired or ended in good order, by a time-stamp over it where the key is
    in doubt (§ 5.6.2.2.4, step a). Time-stamps over evidence belong to the long-term levels.
    """
    chain, statuses = earlier.chain, earlier.revocation
    for position in range(1, len(statuses) - 1):
        issuer, status = chain[position], statuses[position]
        said = [s.this_update for s in statuses[:position] if s.this_update is not None]
        if not said:
            continue
        if status.revoked_at is not None and (
            status.reason not in _KEY_IS_SAFE or max(said) >= status.revoked_at
        ):
            revoked = now.revocation_detail or f"{issuer.label} was revoked"
            return replace(
                earlier,
                revocation_problem=SubIndication.REVOKED_CA_NO_POE,
                revocation_code="revocation.ca-revoked",
                revocation_detail=f"{revoked}; nothing proves that what it says of the time of "
                "the signature is older than that",
            )
        if from_datetime(max(said)) > issuer.not_after:
            return replace(
                earlier,
                revocation_problem=SubIndication.REVOCATION_OUT_OF_BOUNDS_NO_POE,
                revocation_code="revocation.signer-expired",
                revocation_detail=f"{issuer.label} expired on {shown(issuer.not_after)}, "
                f"before what it says about {chain[0].label} was made",
            )
    return None
