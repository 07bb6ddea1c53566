"""One candidate path: RFC 5280 § 6.1 from the anchor down, revocation, strength of algorithms.

What is found out about the issuers of a path does not depend on the leaf, so that it is kept and
shared by all the leaves of one CA, together with the window of time in which it holds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from esign_kit.asn1.times import from_datetime, shown
from esign_kit.crypto import load_public_key
from esign_kit.errors import InputError
from esign_kit.model.evidence import RevocationInfo, RevocationStatus
from esign_kit.model.report import SubIndication
from esign_kit.trust import cache, processing, revocation
from esign_kit.trust.path import PathResult
from esign_kit.trust.policy import Cache, CertificateProfile, Revocation, ValidityModel
from esign_kit.trust.processing import Failure, State

if TYPE_CHECKING:
    from typing import Any

    from esign_kit.asn1.certificate import Certificate
    from esign_kit.crypto import PublicKey
    from esign_kit.model.report import PathAttempt
    from esign_kit.trust.building import Path
    from esign_kit.trust.inquiry import Inquiry
    from esign_kit.trust.revocation import Verdict
    from esign_kit.trust.store import TrustAnchor

__all__ = ["Judged", "judge"]

# Bound once: Python 3.11 takes 90 ns to look a member of an enumeration up in its class.
_OFF, _SHELL, _NOT_CHECKED = Cache.OFF, ValidityModel.SHELL, Revocation.NOT_CHECKED
_RFC5280 = CertificateProfile.RFC5280
_FOREVER = b"99991231235959Z"
_ANCHOR = revocation.Verdict(revocation.NOT_NEEDED)
_OUT_OF_BOUNDS = SubIndication.OUT_OF_BOUNDS_NO_POE


class Judged:
    """What was found about one path.

    Attributes:
        fault: why path validation fails; ``None`` if it does not.
        verdicts: revocation, one for each certificate of the path.
        weak: the algorithm or key that does not count; empty if all do.
        rank: 0 holds; else the higher, the more would have to change for the path to hold.
    """

    __slots__ = ("anchor", "fault", "path", "rank", "state", "until", "verdicts", "weak")

    def __init__(
        self,
        path: Path,
        anchor: TrustAnchor | None,
        fault: Failure | None,
        state: State | None,
        verdicts: tuple[Verdict, ...],
        weak: str,
        until: bytes,
    ) -> None:
        self.path = path
        self.anchor = anchor
        self.fault = fault
        self.state = state
        self.verdicts = verdicts
        self.weak = weak
        self.until = until
        self.rank = self._rank()

    def _rank(self) -> int:
        if self.fault is not None:
            return 4 if self.fault.problem is _OUT_OF_BOUNDS else 5
        problem = self.stopping
        if problem is not None:
            return 3 if problem.info.status is RevocationStatus.REVOKED else 2
        return 1 if self.weak else 0

    @property
    def stopping(self) -> Verdict | None:
        """The revocation verdict that stands in the way, nearest to the anchor first.

        One that is known to be revoked comes before one of which nothing is known: that more
        evidence about an issuer is wanted must not hide that the certificate is revoked.
        """
        found = None
        for verdict in reversed(self.verdicts):
            if verdict.problem is not None:
                if verdict.info.status is RevocationStatus.REVOKED:
                    return verdict
                found = found or verdict
        return found

    @property
    def reason(self) -> tuple[str, str]:
        """Code and detail of why the path falls; empty texts if it holds."""
        if self.rank == 0:
            return "", ""
        if self.fault is not None:
            return self.fault.code, self.fault.detail
        problem = self.stopping
        if problem is not None:
            return problem.code, problem.detail
        return "chain.algorithm", self.weak

    def window(self, inquiry: Inquiry) -> tuple[bytes, bytes]:
        """The window of time around the one in question in which the answer stays the same."""
        start = b""
        end = min(self.until, inquiry.until)
        for certificate in self.path:
            if certificate.not_before > start:
                start = certificate.not_before
            if certificate.not_after < end:
                end = certificate.not_after
        for verdict in self.verdicts:
            if verdict.until:
                end = min(end, verdict.until)
            if verdict.since > start:
                start = verdict.since
        anchor = self.anchor
        if anchor is not None:
            if anchor.since is not None:
                start = max(start, from_datetime(anchor.since))
            if anchor.until is not None:
                end = min(end, from_datetime(anchor.until))
        coming = inquiry.evidence.next_after(inquiry.known)
        if coming:
            # Evidence that does not count yet will, later.
            end = min(end, coming)
        return start, end

    def result(self, attempts: tuple[PathAttempt, ...], inquiry: Inquiry) -> PathResult:
        """The same for the port."""
        verdicts = self.verdicts
        if not verdicts:
            verdicts = _all_verdicts(self.path, _times(self.path, inquiry), inquiry)
            self.verdicts = verdicts
        fault = self.fault
        problem = None
        code = detail = ""
        if fault is not None:
            problem, code, detail = fault
            if code == "certificate.expired" and verdicts[0].info.status is RevocationStatus.GOOD:
                # EN 319 102-1 § 5.2.6.4: expired, and known not to be revoked before it did.
                problem = SubIndication.OUT_OF_BOUNDS_NOT_REVOKED
        stopping = self.stopping
        policies: tuple[str, ...] = ()
        notices: tuple[str, ...] = ()
        if self.state is not None:
            policies, notices = processing.conclude(self.state)
        start, end = self.window(inquiry)
        return PathResult(
            self.path,
            self.anchor,
            problem,
            code,
            detail,
            tuple([verdict.info for verdict in verdicts]),
            stopping.problem if stopping is not None else None,
            stopping.code if stopping is not None else "",
            stopping.detail if stopping is not None else "",
            SubIndication.CRYPTO_CONSTRAINTS_FAILURE_NO_POE if self.weak else None,
            self.weak,
            attempts,
            policies,
            notices,
            start,
            end,
        )


class Issuers:
    """The part of a judgement that all leaves of one issuer share."""

    __slots__ = ("key", "late", "policy", "since", "state", "until", "verdicts", "weak")

    def __init__(
        self,
        policy: Any,
        state: State,
        key: PublicKey | None,
        late: Failure | None,
        verdicts: tuple[Verdict, ...],
        weak: str,
        since: bytes,
        until: bytes,
    ) -> None:
        self.policy = policy
        self.state = state
        self.key = key
        self.late = late
        self.verdicts = verdicts
        self.weak = weak
        self.since = since
        self.until = until


def judge(path: Path, anchor: TrustAnchor | None, inquiry: Inquiry) -> Judged:
    """Judge one path.

    Raises:
        LimitError: more work than the policy allows.
    """
    if len(path) == 1:
        # The certificate is an anchor itself: only its own validity and strength are asked.
        fault = _validity(path[0], inquiry.moment, "certificate")
        return Judged(
            path, anchor, fault, None, (_ANCHOR,), inquiry.key_weakness(path[0]), _FOREVER
        )
    times = _times(path, inquiry)
    above = _issuers(path, times, inquiry)
    if isinstance(above, Failure):
        return Judged(path, anchor, above, None, (), "", _FOREVER)
    target, issuer = path[0], path[1]
    fault = _signature(target, issuer, above.key, inquiry)
    if fault is None and inquiry.policy.certificate_profile is _RFC5280:
        fault = _conforms(path)
    late = _validity(target, times[0], "certificate") or above.late
    state: State | None = None
    if fault is None:
        following = processing.next_state(
            above.state, target, final=True, policy=inquiry.policy, budget=inquiry.budget
        )
        if isinstance(following, Failure):
            fault = following
        else:
            state = following
    if fault is not None:
        return Judged(path, anchor, fault, None, (), "", above.until)
    verdict = _verdict(path, 0, times[0], inquiry)
    weak = inquiry.key_weakness(target) or inquiry.weakness(target)
    if weak:
        weak = f"{target.label}: {weak}"
    return Judged(
        path, anchor, late, None if late else state, (verdict, *above.verdicts),
        above.weak or weak or verdict.weak, above.until,
    )  # fmt: skip


def _conforms(path: Path) -> Failure | None:
    from esign_kit.trust.issuance import fault

    for certificate in reversed(path):
        why = fault(certificate, anchor=certificate is path[-1])
        if why:
            return Failure(
                SubIndication.CHAIN_CONSTRAINTS_FAILURE,
                "chain.certificate-profile",
                f"{certificate.label}: {why}",
            )
    return None


def _times(path: Path, inquiry: Inquiry) -> list[bytes]:
    """The time in question for each certificate (all the same in the shell model)."""
    if inquiry.policy.model is _SHELL:
        return [inquiry.moment] * len(path)
    # Chain model: an issuer counts at the time at which it issued the next certificate.
    return [inquiry.moment, *(certificate.not_before for certificate in path[:-1])]


def _issuers(path: Path, times: list[bytes], inquiry: Inquiry) -> Issuers | Failure:
    policy = inquiry.policy
    if policy.model is not _SHELL:
        return _judge_issuers(path, times, inquiry)
    memory: cache.Bounded[Any] | None
    if policy.cache is _OFF:
        memory = inquiry.session.issuers
        if memory is None:
            memory = inquiry.session.issuers = cache.Bounded(1024)
    else:
        memory = inquiry.trust._caches.get("issuers")
        if memory is None:
            memory = inquiry.trust._caches["issuers"] = cache.Bounded(1024, 64 * 1024 * 1024)
    key = (path[1:], id(policy), inquiry.evidence.key, inquiry.signers())
    known = memory.get(key)
    if (
        known is not None
        and known.policy is policy
        and known.since <= inquiry.moment <= known.until
    ):
        return known  # type: ignore[no-any-return]
    found = _judge_issuers(path, times, inquiry)
    if (
        # While somebody's status is asked for, evidence that hangs on it is left out.
        not inquiry.busy
        and isinstance(found, Issuers)
        and found.late is None
        and not found.weak
        and all(verdict.problem is None for verdict in found.verdicts)
    ):
        memory.put(key, found, inquiry.evidence.weight)
    return found


def _judge_issuers(path: Path, times: list[bytes], inquiry: Inquiry) -> Issuers | Failure:
    """RFC 5280 § 6.1 for all certificates of the path but the last."""
    policy = inquiry.policy
    anchor = path[-1]
    state = processing.initial(anchor, policy)
    if isinstance(state, Failure):
        return state
    late = _validity(anchor, times[-1], "anchor") if policy.anchor_constraints else None
    key: PublicKey | None = None
    weak = inquiry.key_weakness(anchor)
    verdicts = [_ANCHOR]
    for position in range(len(path) - 2, 0, -1):
        certificate, issuer = path[position], path[position + 1]
        # (a 1): verified while building, unless the key above lacked its parameters.
        fault = _signature(certificate, issuer, key, inquiry)
        if fault is not None:
            return fault
        key = _inherited(certificate, issuer, key)
        # (a 2): judged last, since everything else holds at any time.
        late = late or _validity(certificate, times[position], "ca")
        following = processing.next_state(
            state, certificate, final=False, policy=policy, budget=inquiry.budget
        )
        if isinstance(following, Failure):
            return following
        state = following
        if not weak:
            weak = inquiry.key_weakness(certificate) or inquiry.weakness(certificate)
            weak = weak and f"{certificate.label}: {weak}"
        verdicts.append(_verdict(path, position, times[position], inquiry))
    verdicts.reverse()
    weak = weak or next((verdict.weak for verdict in verdicts if verdict.weak), "")
    since = b""
    until = min(inquiry.until, inquiry.evidence.next_after(inquiry.known) or _FOREVER)
    for certificate in path[1:]:
        if certificate.not_before > since:
            since = certificate.not_before
        if certificate.not_after < until:
            until = certificate.not_after
    for verdict in verdicts:
        if verdict.since > since:
            since = verdict.since
        if verdict.until and verdict.until < until:
            until = verdict.until
    return Issuers(policy, state, key, late, tuple(verdicts), weak, since, until)


def _signature(
    certificate: Certificate, issuer: Certificate, above: PublicKey | None, inquiry: Inquiry
) -> Failure | None:
    """(a 1): ``above`` completes a key that has no parameters of its own (§ 6.1.4 d to f)."""
    try:
        why = inquiry.verify(certificate, issuer.spki, above)
    except InputError as error:
        why = error.detail
    if not why:
        return None
    return Failure(
        SubIndication.CERTIFICATE_CHAIN_GENERAL_FAILURE,
        "chain.signature",
        f"{certificate.label} is not issued by {issuer.label}: {why}",
    )


def _inherited(
    certificate: Certificate, issuer: Certificate, above: PublicKey | None
) -> PublicKey | None:
    """Return the completed key of a certificate whose key has no parameters, else ``None``."""
    try:
        key = load_public_key(certificate.spki)
        if key.native is None:
            return key.with_parameters_of(above or load_public_key(issuer.spki))
    except InputError:
        pass
    return None


def _validity(certificate: Certificate, at: bytes, what: str) -> Failure | None:
    if at < certificate.not_before:
        code = f"{what}.not-yet-valid"
        detail = f"{certificate.label} is not valid before {shown(certificate.not_before)}"
    elif at > certificate.not_after:
        code = f"{what}.expired"
        detail = f"{certificate.label} expired on {shown(certificate.not_after)}"
    else:
        return None
    return Failure(_OUT_OF_BOUNDS, code, detail)


def _all_verdicts(path: Path, times: list[bytes], inquiry: Inquiry) -> tuple[Verdict, ...]:
    found = [
        _verdict(path, position, times[position], inquiry) for position in range(len(path) - 1)
    ]
    return (*found, _ANCHOR)


_NOT_ASKED = revocation.Verdict(
    RevocationInfo(RevocationStatus.UNKNOWN, detail="the policy does not ask")
)


def _verdict(path: Path, position: int, at: bytes, inquiry: Inquiry) -> Verdict:
    rule = inquiry.policy.revocation
    if rule is _NOT_CHECKED:
        return _NOT_ASKED
    certificate = path[position]
    # While somebody's status is being asked for, the path is that of a signer of evidence.
    target = position == 0 and not inquiry.busy
    return revocation.status(
        certificate,
        path[position + 1],
        path[-1],
        inquiry,
        at,
        asked=revocation.is_asked(certificate, rule, target=target),
        target=target,
    )
