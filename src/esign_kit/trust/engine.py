"""The path engine: building, RFC 5280 § 6 and revocation behind the port of ``trust.path``.

Pure computation: no network, no clock. Whatever a hostile input asks for is bounded by
``policy.limits``; what is spent ends as a verdict, not as an exception.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from esign_kit.asn1.certificate import Certificate, from_datetime
from esign_kit.crypto import load_public_key
from esign_kit.errors import InputError, LimitError
from esign_kit.model.evidence import RevocationInfo, RevocationStatus
from esign_kit.model.report import PathAttempt, SubIndication
from esign_kit.model.signature import Purpose
from esign_kit.trust import processing, revocation
from esign_kit.trust.building import DeadEnd, Pool, paths
from esign_kit.trust.evidence import index
from esign_kit.trust.inquiry import Helped, Inquiry
from esign_kit.trust.path import PathResult
from esign_kit.trust.policy import Revocation, ValidityModel
from esign_kit.trust.processing import Failure, State

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from esign_kit.crypto import PublicKey
    from esign_kit.model.evidence import Evidence
    from esign_kit.trust.policy import ValidationPolicy
    from esign_kit.trust.store import TrustAnchor, TrustStore

__all__ = ["validate_path"]

_DEPTH = 4


def validate_path(
    certificate: Certificate,
    *,
    trust: TrustStore,
    helpers: Sequence[Certificate],
    evidence: Evidence,
    at: datetime,
    policy: ValidationPolicy,
    purpose: Purpose,
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

    Returns:
        The path found, or why none holds; never an exception for what an input contains.

    Raises:
        LimitError: more certificates than ``policy.limits`` reads.
    """
    inquiry = _open(trust, helpers, evidence, at, policy, purpose)
    return _search(certificate, inquiry)


def _open(
    trust: TrustStore,
    helpers: Sequence[Certificate],
    evidence: Evidence,
    at: datetime,
    policy: ValidationPolicy,
    purpose: Purpose,
) -> Inquiry:
    if len(helpers) + len(evidence.certificates) > policy.limits.certificates:
        raise LimitError(
            f"{len(helpers) + len(evidence.certificates)} helper certificates",
            code="limit.certificates",
            hint="the limit is limits.certificates",
        )
    extra = list(helpers)
    for der in evidence.certificates:
        try:
            extra.append(Certificate.load(der))
        except InputError:
            continue
    return Inquiry(
        trust=trust,
        own=_pool(trust),
        extra=Pool(extra) if extra else None,
        evidence=index(evidence, policy),
        at=at,
        known=policy.evidence_until,
        policy=policy,
        purpose=purpose,
        helper_path=_helper_path,
    )


def _pool(trust: TrustStore) -> Pool:
    found = trust._caches.get("pool")
    if found is None:
        found = Pool((*(anchor.certificate for anchor in trust.anchors), *trust.intermediates))
        trust._caches["pool"] = found
        by_der: dict[bytes, list[TrustAnchor]] = {}
        for anchor in trust.anchors:
            by_der.setdefault(anchor.certificate.der, []).append(anchor)
        trust._caches["anchors"] = by_der
    return found  # type: ignore[no-any-return]


def anchor_of(certificate: Certificate, inquiry: Inquiry) -> TrustAnchor | None:
    """Return the anchor that this very certificate is, if it serves the purpose at the time."""
    for anchor in inquiry.trust._caches["anchors"].get(certificate.der, ()):
        if anchor.since is None and anchor.until is None and not _narrow(anchor, inquiry):
            return anchor  # type: ignore[no-any-return]
        purpose = inquiry.purpose
        if purpose is Purpose.ANY:
            purpose = next(iter(anchor.purposes), Purpose.ANY)
        if anchor.serves(purpose, inquiry.at):
            return anchor  # type: ignore[no-any-return]
    return None


def _narrow(anchor: TrustAnchor, inquiry: Inquiry) -> bool:
    return Purpose.ANY not in anchor.purposes and inquiry.purpose is not Purpose.ANY


class Outcome(NamedTuple):
    """A candidate path that was judged.

    ``rank`` orders outcomes: the lower, the better.
    """

    rank: int
    path: tuple[Certificate, ...]
    result: PathResult


def _search(certificate: Certificate, inquiry: Inquiry) -> PathResult:
    dead: list[tuple[tuple[Certificate, ...], str]] = []
    attempts: list[PathAttempt] = []
    best: Outcome | None = None
    over = ""
    try:
        for path in paths(certificate, inquiry, dead):
            inquiry.candidates -= 1
            if inquiry.candidates < 0:
                raise DeadEnd("too many candidate paths", hint="limits.path_candidates")
            outcome = _judge(path, inquiry)
            if best is None or outcome.rank < best.rank:
                best = outcome
            if outcome.rank == 0:
                break
            attempts.append(_attempt(path, outcome.result))
    except (DeadEnd, LimitError) as error:
        over = error.detail
    for path, why in dead:
        attempts.append(_dead_attempt(path, why))
    if best is None:
        return _no_path(certificate, inquiry, attempts, over)
    result = best.result
    if best.rank == 0:
        attempts.append(_attempt(best.path, result))
    if over and best.rank:
        result = _with(result, chain_detail=f"{result.chain_detail}; {over}".strip("; "))
    return _with(result, attempts=tuple(attempts))


def _with(result: PathResult, **changes: object) -> PathResult:
    from dataclasses import replace

    return replace(result, **changes)  # type: ignore[arg-type]


def _subjects(path: tuple[Certificate, ...]) -> tuple[str, ...]:
    return tuple(certificate.label for certificate in path)


def _attempt(path: tuple[Certificate, ...], result: PathResult) -> PathAttempt:
    if result.chain_problem is not None:
        code, detail = result.chain_code, result.chain_detail
    elif result.revocation_problem is not None:
        code, detail = result.revocation_code, result.revocation_detail
    elif result.algorithm_problem is not None:
        code, detail = "chain.algorithm", result.algorithm_detail
    else:
        code = detail = ""
    return PathAttempt(_subjects(path), code, detail, tuple(c.der for c in path))


def _dead_attempt(path: tuple[Certificate, ...], why: str) -> PathAttempt:
    code = "chain.signature" if why.startswith("not issued") else "chain.incomplete"
    return PathAttempt(_subjects(path), code, why, tuple(c.der for c in path))


def _no_path(
    certificate: Certificate, inquiry: Inquiry, attempts: list[PathAttempt], over: str
) -> PathResult:
    if over:
        detail, hint = over, "raise the limit by name if this input is honest"
        code = "chain.budget"
    elif not inquiry.trust.anchors:
        detail, code = "there are no trust anchors", "chain.no-anchors"
        hint = "give trust=… or profile=…"
    else:
        code = "chain.no-anchor"
        longest = max(
            (a for a in attempts if a.code == "chain.incomplete"),
            key=lambda a: len(a.certificates),
            default=None,
        )
        last = certificate
        if longest is not None:
            last = Certificate.load(longest.certificates[-1])
        if last.self_issued:
            detail = f"the chain ends at {last.subject_text}, which is not a trust anchor"
            hint = f"add the anchor {last.subject_text} to the trust store"
        else:
            detail = f"no trusted issuer found for {last.subject_text}: {last.issuer_text}"
            hint = f"add the certificate of {last.issuer_text} as anchor or as helper"
        signature = next((a for a in attempts if a.code == "chain.signature"), None)
        if longest is None and signature is not None:
            detail = f"{signature.subjects[-2]}: {signature.detail}"
            code = "chain.signature"
    return PathResult(
        (certificate,),
        None,
        SubIndication.NO_CERTIFICATE_CHAIN_FOUND,
        code,
        detail,
        attempts=tuple(attempts),
        hint=hint,
    )


# ── one path ──────────────────────────────────────────────────────────────────────────────────


def _times(path: tuple[Certificate, ...], inquiry: Inquiry) -> list[bytes]:
    """The time in question for each certificate (all the same in the shell model)."""
    if inquiry.policy.model is ValidityModel.SHELL:
        return [inquiry.moment] * len(path)
    # Chain model: an issuer counts at the time at which it issued the next certificate.
    return [inquiry.moment, *(c.not_before for c in path[:-1])]


def _judge(path: tuple[Certificate, ...], inquiry: Inquiry) -> Outcome:
    anchor = anchor_of(path[-1], inquiry)
    times = _times(path, inquiry)
    fault, state = _validate(path, times, inquiry)
    result = PathResult(path, anchor, hint="")
    if fault is not None:
        result = _with(
            result,
            chain_problem=fault.problem,
            chain_code=fault.code,
            chain_detail=fault.detail,
        )
    verdicts = _revocation(path, times, inquiry)
    infos = tuple(v.info for v in verdicts)
    problem = next((v for v in reversed(verdicts) if v.problem is not None), None)
    weak = _algorithms(path, verdicts, inquiry)
    policies: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()
    if fault is None and state is not None:
        policies, notices = processing.conclude(state)
    if fault is not None and fault.problem is SubIndication.OUT_OF_BOUNDS_NO_POE:
        target = infos[0].status if infos else RevocationStatus.UNKNOWN
        if fault.code == "certificate.expired" and target is RevocationStatus.GOOD:
            result = _with(result, chain_problem=SubIndication.OUT_OF_BOUNDS_NOT_REVOKED)
    start, end = _window(path, verdicts, anchor)
    result = _with(
        result,
        revocation=infos,
        revocation_problem=problem.problem if problem else None,
        revocation_code=problem.code if problem else "",
        revocation_detail=problem.detail if problem else "",
        algorithm_problem=SubIndication.CRYPTO_CONSTRAINTS_FAILURE_NO_POE if weak else None,
        algorithm_detail=weak,
        policies=policies,
        user_notices=notices,
        valid_from=start,
        valid_until=end,
    )
    return Outcome(_rank(result), path, result)


def _rank(result: PathResult) -> int:
    """0 holds; then by how much would have to change for the path to hold."""
    if result.chain_problem in (
        SubIndication.OUT_OF_BOUNDS_NO_POE,
        SubIndication.OUT_OF_BOUNDS_NOT_REVOKED,
    ):
        return 4
    if result.chain_problem is not None:
        return 5
    if result.revocation_problem is not None:
        known = result.revocation_problem in (
            SubIndication.REVOKED_NO_POE,
            SubIndication.REVOKED_CA_NO_POE,
        )
        return 3 if known else 2
    return 1 if result.algorithm_problem is not None else 0


def _validate(
    path: tuple[Certificate, ...], times: list[bytes], inquiry: Inquiry
) -> tuple[Failure | None, State | None]:
    """RFC 5280 § 6.1 from the anchor down to the certificate in question."""
    policy = inquiry.policy
    late: Failure | None = None
    anchor = path[-1]
    if len(path) == 1:
        return _direct(anchor, inquiry)
    state = processing.initial(anchor, policy)
    if isinstance(state, Failure):
        return state, None
    if policy.anchor_constraints:
        late = _validity(anchor, times[-1], "anchor")
    key: PublicKey | None = None
    for position in range(len(path) - 2, -1, -1):
        certificate, issuer = path[position], path[position + 1]
        final = position == 0
        # (a 1) the signature; verified while building unless the key lacked its parameters.
        try:
            key, inherited = _working_key(issuer, key)
        except InputError as error:
            return Failure(
                SubIndication.CERTIFICATE_CHAIN_GENERAL_FAILURE,
                "chain.key",
                f"{issuer.label}: {error.detail}",
            ), None
        why = inquiry.verify(certificate, issuer.spki, key if inherited else None)
        if why:
            return Failure(
                SubIndication.CERTIFICATE_CHAIN_GENERAL_FAILURE, "chain.signature",
                f"{certificate.label} is not issued by {issuer.label}: {why}",
            ), None  # fmt: skip
        # (a 2) validity: judged last, since everything else holds at any time
        late = _validity(certificate, times[position], "certificate" if final else "ca") or late
        following = processing.next_state(
            state, certificate, final=final, policy=policy, budget=inquiry.budget
        )
        if isinstance(following, Failure):
            return following, None
        state = following
    return late, state


def _working_key(issuer: Certificate, above: PublicKey | None) -> tuple[PublicKey, bool]:
    """§ 6.1.4 (d) to (f): a DSA key without parameters inherits those of the key above."""
    key = load_public_key(issuer.spki)
    if key.native is None and above is not None:
        return key.with_parameters_of(above), True
    return key, False


def _direct(certificate: Certificate, inquiry: Inquiry) -> tuple[Failure | None, State | None]:
    """The certificate is an anchor itself: only its own validity is asked."""
    return _validity(certificate, inquiry.moment, "certificate"), None


def _validity(certificate: Certificate, at: bytes, what: str) -> Failure | None:
    if at < certificate.not_before:
        when, code = certificate.not_before_time, f"{what}.not-yet-valid"
        detail = f"{certificate.label} is not valid before {when:%Y-%m-%d %H:%M:%S} UTC"
    elif at > certificate.not_after:
        when, code = certificate.not_after_time, f"{what}.expired"
        detail = f"{certificate.label} expired on {when:%Y-%m-%d %H:%M:%S} UTC"
    else:
        return None
    return Failure(SubIndication.OUT_OF_BOUNDS_NO_POE, code, detail)


def _revocation(
    path: tuple[Certificate, ...], times: list[bytes], inquiry: Inquiry
) -> list[revocation.Verdict]:
    rule = inquiry.policy.revocation
    anchor = path[-1]
    verdicts = []
    for position, certificate in enumerate(path[:-1]):
        if rule is Revocation.NOT_CHECKED:
            info = RevocationInfo(RevocationStatus.UNKNOWN, detail="the policy does not ask")
            verdicts.append(revocation.Verdict(info))
            continue
        verdicts.append(
            revocation.status(
                certificate,
                path[position + 1],
                anchor,
                inquiry,
                times[position],
                asked=revocation.is_asked(certificate, rule, target=position == 0),
                target=position == 0,
            )
        )
    verdicts.append(revocation.Verdict(revocation.NOT_NEEDED))
    return verdicts


def _algorithms(
    path: tuple[Certificate, ...], verdicts: list[revocation.Verdict], inquiry: Inquiry
) -> str:
    """EN 319 102-1 § 5.2.8 for the path: signatures below the anchor, all keys, the evidence."""
    at = inquiry.at
    for position, certificate in enumerate(path):
        weak = inquiry.key_weakness(certificate, at)
        if not weak and position < len(path) - 1:
            weak = inquiry.weakness(certificate, at)
        if weak:
            return f"{certificate.label}: {weak}"
    return next((v.weak for v in verdicts if v.weak), "")


def _window(
    path: tuple[Certificate, ...],
    verdicts: list[revocation.Verdict],
    anchor: TrustAnchor | None,
) -> tuple[bytes, bytes]:
    start = max(c.not_before for c in path)
    end = min(c.not_after for c in path)
    for verdict in verdicts:
        if verdict.until:
            end = min(end, verdict.until)
        made = verdict.info.this_update
        if made is not None:
            start = max(start, from_datetime(made))
    if anchor is not None:
        if anchor.since is not None:
            start = max(start, from_datetime(anchor.since))
        if anchor.until is not None:
            end = min(end, from_datetime(anchor.until))
    return start, end


# ── signers of evidence ───────────────────────────────────────────────────────────────────────


def _helper_path(
    inquiry: Inquiry, certificate: Certificate, anchor: Certificate, at: bytes
) -> Helped:
    """Validate a certificate that signs CRLs: its path must end at the same anchor (§ 6.3.3 f)."""
    memory = (certificate.der, anchor.der, at)
    known = inquiry.helper_results.get(memory)
    if known is not None:
        return known
    if certificate.der in inquiry.busy or len(inquiry.busy) >= _DEPTH:
        return Helped("its own status hangs on itself")
    dead: list[tuple[tuple[Certificate, ...], str]] = []
    result = Helped("no path to the same anchor")
    moment, inquiry.moment = inquiry.moment, at
    try:
        for path in paths(certificate, inquiry, dead):
            if path[-1].der != anchor.der:
                continue
            inquiry.candidates -= 1
            if inquiry.candidates < 0:
                return Helped("too many candidate paths")
            outcome = _judge(path, inquiry)
            found = outcome.result
            if outcome.rank <= 1:
                result = Helped("", until=found.valid_until, weak=found.algorithm_detail)
                break
            result = Helped(
                found.chain_detail or found.revocation_detail, expired=outcome.rank == 4
            )
    except DeadEnd as error:
        return Helped(error.detail)
    finally:
        inquiry.moment = moment
    inquiry.helper_results[memory] = result
    return result
