"""The path engine: building, RFC 5280 § 6 and revocation behind the port of ``trust.path``.

Pure computation: no network, no clock. Whatever a hostile input asks for is bounded by
``policy.limits``; a budget that is spent ends as a verdict, not as an exception.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from esign_kit.asn1.certificate import Certificate
from esign_kit.asn1.times import from_datetime
from esign_kit.errors import LimitError
from esign_kit.model.report import SubIndication
from esign_kit.model.signature import Purpose
from esign_kit.trust import cache
from esign_kit.trust.building import DeadEnd, attempt, paths, straight_path
from esign_kit.trust.evidence import index
from esign_kit.trust.inquiry import DEPTH, Helped, Inquiry, SearchOver
from esign_kit.trust.judging import Judged, judge
from esign_kit.trust.path import PathResult
from esign_kit.trust.policy import Cache
from esign_kit.trust.pool import Pool
from esign_kit.trust.session import Session

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from typing import Any

    from esign_kit.model.evidence import Evidence
    from esign_kit.model.report import PathAttempt
    from esign_kit.trust.policy import ValidationPolicy
    from esign_kit.trust.store import TrustAnchor, TrustStore

__all__ = ["anchor_of", "open_inquiry", "validate_path"]

# Bound once: Python 3.11 takes 90 ns to look a member of an enumeration up in its class.
_ANY, _OFF = Purpose.ANY, Cache.OFF
_KEPT = 64 * 1024 * 1024
"""Octets of evidence that kept answers may hold on to, for one trust store."""


def validate_path(
    certificate: Certificate,
    *,
    trust: TrustStore,
    helpers: Sequence[Certificate],
    evidence: Evidence,
    at: datetime,
    policy: ValidationPolicy,
    purpose: Purpose,
    session: Session | None = None,
) -> PathResult:
    """Validate ``certificate`` at ``at`` (RFC 5280 § 6, EN 319 102-1 § 5.2.6).

    Args:
        certificate: the one in question.
        trust: anchors and untrusted helpers.
        helpers: more certificates that may stand in a path; never trusted.
        evidence: CRLs, OCSP answers and certificates; all of it is weighed.
        at: aware time for which the question is asked.
        policy: what is demanded.
        purpose: what the anchors must be trusted for; ``ANY`` asks nothing.
        session: what this question shares with others of the same call; they ask with the same
            trust and the same evidence.

    Returns:
        The path found, or why none holds; never an exception for what an input contains.

    Raises:
        LimitError: more certificates than ``policy.limits`` reads.
    """
    if session is None:
        session = Session()
    if policy.cache is _OFF:
        return _search(
            certificate,
            open_inquiry(trust, helpers, evidence, at, policy, purpose, session=session),
        )
    results = _results(trust)
    key = (
        certificate.der, purpose, id(policy), session.key_of(helpers),
        evidence.crls, evidence.ocsp_responses, evidence.certificates,
    )  # fmt: skip
    known = results.get(key)
    moment = from_datetime(at)
    if known is not None:
        result: PathResult = known[1]
        # The policy is kept beside the result, so that its id stays its own.
        if known[0] is policy and result.valid_from <= moment <= result.valid_until:
            return result
    inquiry = open_inquiry(trust, helpers, evidence, at, policy, purpose, moment, session)
    result = _search(certificate, inquiry)
    if (
        result.chain_problem is None
        and result.revocation_problem is None
        and result.algorithm_problem is None
    ):
        results.put(key, (policy, result), inquiry.evidence.weight)
    return result


def _results(trust: TrustStore) -> cache.Bounded[Any]:
    found = trust._caches.get("results")
    if found is None:
        found = trust._caches["results"] = cache.Bounded(4096, _KEPT)
    return found


def open_inquiry(
    trust: TrustStore,
    helpers: Sequence[Certificate],
    evidence: Evidence,
    at: datetime,
    policy: ValidationPolicy,
    purpose: Purpose,
    moment: bytes = b"",
    session: Session | None = None,
) -> Inquiry:
    """Gather what the parts of the engine share; raises :class:`LimitError`."""
    count = len(helpers) + len(evidence.certificates)
    if count > policy.limits.certificates:
        raise LimitError(
            f"{count} helper certificates",
            code="limit.certificates",
            hint="the limit is limits.certificates",
        )
    if session is None:
        session = Session()
    place = (id(evidence), id(policy))
    known = session.indexes.get(place)
    if known is None:
        known = session.indexes[place] = (evidence, policy, index(evidence, policy))
    return Inquiry(
        trust=trust,
        own=_pool(trust),
        extra=session.pool(helpers, evidence.certificates),
        evidence=known[2],
        at=at,
        known=policy.evidence_until,
        policy=policy,
        purpose=purpose,
        helper_path=_helper_path,
        moment=moment,
        session=session,
    )


def _pool(trust: TrustStore) -> Pool:
    found: Pool | None = trust._caches.get("pool")
    if found is None:
        by_der: dict[bytes, list[TrustAnchor]] = {}
        for anchor in trust.anchors:
            by_der.setdefault(anchor.certificate.der, []).append(anchor)
        trust._caches["anchors"] = by_der
        found = Pool((*(anchor.certificate for anchor in trust.anchors), *trust.intermediates))
        trust._caches["pool"] = found
    return found


def anchor_of(certificate: Certificate, inquiry: Inquiry) -> TrustAnchor | None:
    """Return the anchor that this very certificate is, if it serves the purpose at the time."""
    found: dict[bytes, list[TrustAnchor]] = inquiry.trust._caches["anchors"]
    for anchor in found.get(certificate.der, ()):
        purpose = inquiry.purpose
        if purpose is _ANY:
            purpose = next(iter(anchor.purposes), _ANY)
        if anchor.serves(purpose, inquiry.at):
            return anchor
    return None


def _search(certificate: Certificate, inquiry: Inquiry) -> PathResult:
    attempts: list[PathAttempt] = []
    best: Judged | None = None
    over = ""

    def is_anchor(candidate: Certificate) -> bool:
        return anchor_of(candidate, inquiry) is not None

    try:
        straight = straight_path(certificate, inquiry, is_anchor)
        first = None
        if straight is not None:
            first = judge(straight, anchor_of(straight[-1], inquiry), inquiry)
            if first.rank == 0:
                return first.result((attempt(straight, "", ""),), inquiry)
        for path in paths(certificate, inquiry, is_anchor):
            if isinstance(path, DeadEnd):
                attempts.append(attempt(path.path, path.code, path.why))
                continue
            # The search meets the straight path again: what was found about it stands.
            judged = first if first is not None and path == straight else None
            if judged is None:
                judged = judge(path, anchor_of(path[-1], inquiry), inquiry)
            if best is None or judged.rank < best.rank:
                best = judged
            attempts.append(attempt(path, *judged.reason))
            if judged.rank == 0:
                break
    except (SearchOver, LimitError) as error:
        over = error.detail
    if best is None:
        return _no_path(certificate, inquiry, attempts, over)
    if over and best.rank:
        result = best.result(tuple(attempts), inquiry)
        return replace(result, chain_detail=f"{result.chain_detail}; {over}".strip("; "))
    return best.result(tuple(attempts), inquiry)


def _no_path(
    certificate: Certificate, inquiry: Inquiry, attempts: list[PathAttempt], over: str
) -> PathResult:
    last = certificate
    ends = [a for a in attempts if a.code == "chain.incomplete"]
    if ends:
        last = Certificate.load(max(ends, key=lambda a: len(a.certificates)).certificates[-1])
    broken = next((a for a in attempts if a.code == "chain.signature"), None)
    idle = _idle_anchor(certificate, inquiry, attempts)
    if over:
        code, detail, hint = "chain.budget", over, "raise the limit by name if this input is honest"
    elif not inquiry.trust.anchors:
        code, detail = "chain.no-anchors", "there are no trust anchors"
        hint = "give trust=… or profile=…"
    elif idle is not None:
        code = "chain.no-anchor"
        detail = f"{idle.certificate.label} is a trust anchor, but {_extent(idle)}"
        hint = f"for a question about that time say at=…; it is {inquiry.at:%Y-%m-%d} here"
        if idle.serves(next(iter(idle.purposes), _ANY), inquiry.at):
            hint = "add an anchor that serves the purpose that was asked for"
    elif not ends and broken is not None:
        code, detail = "chain.signature", f"{broken.subjects[-2]} is {broken.detail}"
        hint = f"add the certificate of {last.issuer_text} that issued it"
    elif last.self_issued:
        code = "chain.no-anchor"
        detail = f"the chain ends at {last.subject_text}, which is not a trust anchor"
        hint = f"add the anchor {last.subject_text} to the trust store"
    else:
        code = "chain.no-anchor"
        detail = f"no trusted issuer found for {last.subject_text}: {last.issuer_text}"
        hint = f"add the certificate of {last.issuer_text} as anchor or as helper"
    return PathResult(
        (certificate,),
        None,
        SubIndication.NO_CERTIFICATE_CHAIN_FOUND,
        code,
        detail,
        attempts=tuple(attempts),
        hint=hint,
    )


def _idle_anchor(
    certificate: Certificate, inquiry: Inquiry, attempts: list[PathAttempt]
) -> TrustAnchor | None:
    """Return the anchor nearest to the signer that was met and does not serve this question."""
    found: dict[bytes, list[TrustAnchor]] = inquiry.trust._caches["anchors"]
    for der in (certificate.der, *(der for item in attempts for der in item.certificates)):
        anchors = found.get(der)
        if anchors and anchor_of(anchors[0].certificate, inquiry) is None:
            return anchors[0]
    return None


def _extent(anchor: TrustAnchor) -> str:
    """Say for when and for what an anchor counts."""
    parts = ["only"]
    if anchor.since is not None:
        parts.append(f"from {anchor.since:%Y-%m-%d}")
    if anchor.until is not None:
        parts.append(f"until {anchor.until:%Y-%m-%d}")
    if _ANY not in anchor.purposes:
        parts.append("for " + ", ".join(sorted(str(purpose) for purpose in anchor.purposes)))
    return " ".join(parts)


def _helper_path(
    inquiry: Inquiry, certificate: Certificate, anchor: Certificate, at: bytes
) -> Helped:
    """Validate a certificate that signs CRLs: its path must end at the same anchor (§ 6.3.3 f)."""
    memory = (certificate.der, anchor.der, at)
    known = inquiry.helper_results.get(memory)
    if known is not None:
        return known
    if certificate.der in inquiry.busy or len(inquiry.busy) >= DEPTH:
        return Helped("its own status hangs on itself")
    result = Helped("no path to the same anchor")
    moment, inquiry.moment = inquiry.moment, at
    # From here on its word counts for nobody on its own path: circles end above.
    inquiry.busy.add(certificate.der)
    try:
        for path in paths(certificate, inquiry, lambda c: c.der == anchor.der):
            if isinstance(path, DeadEnd):
                continue
            judged = judge(path, None, inquiry)
            if judged.rank <= 1:
                result = Helped("", until=judged.window(inquiry)[1], weak=judged.weak)
                break
            result = Helped(judged.reason[1], expired=judged.rank == 4)
    except SearchOver as error:
        return Helped(error.detail)
    finally:
        inquiry.moment = moment
        inquiry.busy.discard(certificate.der)
    inquiry.helper_results[memory] = result
    return result
