"""Past certificate validation and the sliding of the time in question (EN 319 102-1 § 5.6.2).

A certificate that is expired or revoked today may have been good when a signature was proven to
exist. The control time says up to when that can be concluded from what is at hand.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from esign_kit.asn1.algorithm_identifier import decode_signature_algorithm
from esign_kit.asn1.revocation import Crl, OcspResponse
from esign_kit.asn1.times import from_datetime, to_datetime
from esign_kit.crypto import load_public_key
from esign_kit.errors import InputError, LimitError
from esign_kit.model.report import SubIndication
from esign_kit.trust import revocation
from esign_kit.trust.building import DeadEnd, attempt, paths
from esign_kit.trust.engine import anchor_of, open_inquiry
from esign_kit.trust.finding import Finding, Kind
from esign_kit.trust.inquiry import SearchOver, family_of, strength_until
from esign_kit.trust.judging import judge
from esign_kit.trust.policy import Cache, Revocation, ValidationPolicy, ValidityModel

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from esign_kit.asn1.certificate import Certificate
    from esign_kit.model.evidence import Evidence
    from esign_kit.model.report import PathAttempt
    from esign_kit.model.signature import Purpose
    from esign_kit.trust.building import Path
    from esign_kit.trust.inquiry import Inquiry
    from esign_kit.trust.poe import ProofsOfExistence
    from esign_kit.trust.store import TrustAnchor, TrustStore

__all__ = ["PastResult", "validate_past"]


@dataclass(frozen=True, slots=True)
class PastResult:
    """What past certificate validation found.

    Attributes:
        control_time: up to when the certificate counts, UTC; ``None`` where ``problem`` is set.
            A signature with a proof of existence at or before it was made in good time.
        problem: why nothing can be concluded; ``None`` if a path slid through.
        chain, anchor: the path, from the certificate to the anchor.
        steps: what moved the control time, for people.
        attempts: paths that were tried and fell.
    """

    control_time: datetime | None
    problem: SubIndication | None = None
    code: str = ""
    detail: str = ""
    chain: tuple[Certificate, ...] = ()
    anchor: TrustAnchor | None = None
    steps: tuple[str, ...] = ()
    attempts: tuple[PathAttempt, ...] = ()


def validate_past(
    certificate: Certificate,
    *,
    trust: TrustStore,
    helpers: Sequence[Certificate],
    evidence: Evidence,
    proofs: ProofsOfExistence,
    policy: ValidationPolicy,
    purpose: Purpose,
) -> PastResult:
    """Find a path that held in the past, and up to when (§ 5.6.2.1.4).

    Args:
        certificate: the one in question.
        trust, helpers, evidence, purpose: as for ``validate_path``.
        proofs: what is proven to have existed since when; gives the present too.
        policy: what is demanded.

    Raises:
        LimitError: more certificates than ``policy.limits`` reads.
    """
    sliding = policy.with_(
        id=policy.id,
        revocation=Revocation.NOT_CHECKED,
        evidence_until=proofs.now,
        model=ValidityModel.SHELL,
        cache=Cache.OFF,
    )
    inquiry = open_inquiry(trust, helpers, evidence, proofs.now, sliding, purpose)
    best: PastResult | None = None
    attempts: list[PathAttempt] = []
    over = ""
    try:
        for path in paths(certificate, inquiry, lambda c: anchor_of(c, inquiry) is not None):
            if isinstance(path, DeadEnd):
                attempts.append(attempt(path.path, path.code, path.why))
                continue
            found = _past(path, inquiry, proofs)
            if found.problem is None:
                return replace(found, attempts=tuple(attempts))
            attempts.append(attempt(path, found.code, found.detail))
            best = best or found
    except (SearchOver, LimitError) as error:
        over = error.detail
    if best is not None:
        return replace(best, attempts=tuple(attempts))
    return PastResult(
        None,
        SubIndication.NO_CERTIFICATE_CHAIN_FOUND,
        "chain.budget" if over else "chain.no-anchor",
        over or f"no path from {certificate.label} to a trust anchor",
        (certificate,),
        attempts=tuple(attempts),
    )


def _past(path: Path, inquiry: Inquiry, proofs: ProofsOfExistence) -> PastResult:
    anchor = anchor_of(path[-1], inquiry)
    # § 5.6.2.1.4 step 2: the path holds at a time at which all of its certificates are valid.
    first = max(certificate.not_before for certificate in path)
    last = min(certificate.not_after for certificate in path)
    if first > last:
        return PastResult(
            None,
            SubIndication.CERTIFICATE_CHAIN_GENERAL_FAILURE,
            "chain.never-valid",
            "at no time were all certificates of the path valid",
            path,
            anchor,
        )
    present, inquiry.moment = inquiry.moment, min(max(inquiry.moment, first), last)
    try:
        judged = judge(path, anchor, inquiry)
    finally:
        inquiry.moment = present
    if judged.fault is not None:
        return PastResult(
            None, judged.fault.problem, judged.fault.code, judged.fault.detail, path, anchor
        )
    inquiry.sliding = True
    try:
        return _slide(path, anchor, inquiry, proofs)
    finally:
        inquiry.sliding = False


def _slide(
    path: Path, anchor: TrustAnchor | None, inquiry: Inquiry, proofs: ProofsOfExistence
) -> PastResult:
    """Validation time sliding (§ 5.6.2.2.4), from below the anchor down to the certificate."""
    control = proofs.now  # step 1
    steps: list[str] = []

    def fails(problem: SubIndication, code: str, detail: str) -> PastResult:
        return PastResult(None, problem, code, detail, path, anchor, tuple(steps))

    def slide(to: datetime, why: str) -> None:
        nonlocal control
        if to < control:
            control = to
            steps.append(f"{to:%Y-%m-%d %H:%M:%S} UTC: {why}")

    for position in range(len(path) - 2, -1, -1):  # step 2
        certificate, issuer = path[position], path[position + 1]
        if not proofs.proven(certificate.der, control):
            return fails(
                SubIndication.NO_POE,
                "past.certificate-without-proof",
                f"nothing proves that {certificate.label} existed before {control:%Y-%m-%d}",
            )
        exempt = revocation.exemption(certificate)
        found = _latest(certificate, issuer, path[-1], inquiry, control, proofs)  # a, b
        if found is None and not exempt:
            return fails(
                SubIndication.NO_POE,
                "past.revocation-without-proof",
                f"nothing about revocation of {certificate.label} is proven to have existed "
                f"before {control:%Y-%m-%d %H:%M:%S} UTC",
            )
        if found is not None:
            _move(found, certificate, control, slide)  # c
        slide(certificate.not_after_time, f"{certificate.label} expired")
        weak = _reliable(certificate, issuer, found, inquiry.policy)  # d
        if isinstance(weak, str):
            return fails(SubIndication.CRYPTO_CONSTRAINTS_FAILURE_NO_POE, "past.algorithm", weak)
        if weak is not None:
            slide(weak, f"the algorithms under {certificate.label} count no longer")
    return PastResult(control, None, "", "", path, anchor, tuple(steps))


def _latest(
    certificate: Certificate,
    issuer: Certificate,
    anchor: Certificate,
    inquiry: Inquiry,
    control: datetime,
    proofs: ProofsOfExistence,
) -> Finding | None:
    """Step a: the latest evidence issued, and proven to exist, before the control time.

    A revocation is never taken back, so that one counts before all that says otherwise.
    """
    moment = from_datetime(control)
    usable = [
        finding
        for finding in revocation.findings(certificate, issuer, anchor, inquiry, moment)
        if finding.kind in (Kind.GOOD, Kind.REVOKED, Kind.HOLD)
        and finding.this_update <= moment
        and proofs.proven(finding.item, control)
    ]
    return max(
        usable,
        key=lambda finding: (finding.kind is Kind.REVOKED, finding.this_update),
        default=None,
    )


def _move(
    found: Finding,
    certificate: Certificate,
    control: datetime,
    slide: Callable[[datetime, str], None],
) -> None:
    """Step c: to the revocation, or to the evidence where that is not fresh at the control time."""
    if found.kind is not Kind.GOOD:
        word = "revoked" if found.kind is Kind.REVOKED else "suspended"
        slide(to_datetime(found.revoked_at), f"{certificate.label} was {word}")
    elif found.until and found.until < from_datetime(control):
        slide(
            to_datetime(found.this_update),
            f"the latest {found.source} about {certificate.label} was made",
        )


def _reliable(
    certificate: Certificate, issuer: Certificate, found: Finding | None, policy: ValidationPolicy
) -> datetime | str | None:
    """Step d: until when the algorithms count; a text where they never did."""
    ends: list[datetime] = []
    algorithms = [certificate.signature_algorithm]
    if found is not None:
        view = Crl.load(found.item) if found.source == "CRL" else OcspResponse.load(found.item)
        algorithms.append(view.signature_algorithm)
    try:
        key = load_public_key(issuer.spki)
        limits = [strength_until(policy, family_of(key), key.bits)]
        for der in algorithms:
            algorithm = decode_signature_algorithm(der)
            if algorithm is not None and algorithm.digest is not None:
                limits.append(strength_until(policy, algorithm.digest, 0))
    except InputError as error:
        return f"{certificate.label}: {error.detail}"
    for limit in limits:
        if isinstance(limit, str):
            return f"{certificate.label}: {limit}"
        if limit is not None:
            ends.append(limit)
    return min(ends, default=None)
