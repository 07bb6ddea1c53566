"""Revocation status of one certificate from all evidence at hand (EN 319 102-1 § 5.2.5, 5.2.6).

Revoked anywhere in authentic evidence wins; good needs evidence whose dates cover the time in
question; everything else is unknown, and unknown is never good.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

from esign_kit.asn1.revocation import ALL_REASONS
from esign_kit.asn1.times import in_calendar, shown
from esign_kit.model.evidence import RevocationInfo, RevocationStatus
from esign_kit.model.report import SubIndication
from esign_kit.trust import crl, ocsp
from esign_kit.trust.facts import facts
from esign_kit.trust.finding import Finding, Kind
from esign_kit.trust.inquiry import shift
from esign_kit.trust.policy import Revocation

if TYPE_CHECKING:
    from esign_kit.asn1.certificate import Certificate
    from esign_kit.trust.inquiry import Inquiry

__all__ = ["NOT_NEEDED", "Verdict", "is_asked", "responder_status", "status"]

_SECOND = timedelta(seconds=1)
_NO_REVOCATION_AVAILABLE = "2.5.29.56"
# Bound once: Python 3.11 takes 90 ns to look a member of an enumeration up in its class.
_REQUIRED, _GOOD, _STATUS_GOOD = Revocation.REQUIRED, Kind.GOOD, RevocationStatus.GOOD
_VALIDITY_ASSURED = "0.4.0.194121.2.1"

NOT_NEEDED = RevocationInfo(RevocationStatus.NOT_NEEDED, detail="trust anchor")


class Verdict(NamedTuple):
    """The status of one certificate.

    Attributes:
        problem: sub-indication where the status stands in the way (and is asked for).
        since, until: when the status holds; empty for no bound.
        weak: why the algorithm under the evidence does not count.
    """

    info: RevocationInfo
    problem: SubIndication | None = None
    code: str = ""
    detail: str = ""
    until: bytes = b""
    weak: str = ""
    since: bytes = b""


def is_asked(certificate: Certificate, policy_rule: Revocation, *, target: bool) -> bool:
    """Tell whether the policy demands an answer for this certificate."""
    if policy_rule is _REQUIRED:
        return True
    if policy_rule is Revocation.TARGET_ONLY:
        return target
    if policy_rule is Revocation.IF_DECLARED:
        return bool(certificate.crl_urls or certificate.ocsp_urls or facts(certificate).points)
    return False


def status(
    certificate: Certificate,
    issuer: Certificate,
    anchor: Certificate,
    inquiry: Inquiry,
    at: bytes,
    *,
    asked: bool,
    target: bool,
) -> Verdict:
    """Weigh all evidence about one certificate at one time.

    Args:
        certificate: the one in question.
        issuer: the certificate above it in the path.
        anchor: where the path ends; signers of evidence must come from there too.
        inquiry: evidence, policy, memory.
        at: the time in question for this certificate.
        asked: the policy demands an answer.
        target: it is the end of the path and no issuer in it.
    """
    found = findings(certificate, issuer, anchor, inquiry, at)
    if len(found) == 1 and not inquiry.evidence.cut:
        # Nearly always: one list, and the certificate is not on it.
        only = found[0]
        if only.kind is _GOOD and only.reasons == ALL_REASONS:
            return _good_by(only)
    good: list[Finding] = []
    holds: list[Finding] = []
    others: list[Finding] = []
    later: list[Finding] = []
    for finding in found:
        kind = finding.kind
        if kind is Kind.REVOKED or kind is Kind.HOLD:
            if finding.revoked_at > at and not (
                finding.this_update <= inquiry.known < finding.revoked_at
            ):
                # It was good at that time, and this evidence may say so if its dates count.
                # (Whoever lists it before the date that he states there has revoked it already.)
                later.append(finding)
            elif kind is Kind.REVOKED:
                return _revoked(finding, certificate, target=target)
            else:
                holds.append(finding)
        elif kind is _GOOD:
            good.append(finding)
        else:
            others.append(finding)
    for finding in later:
        end = min(filter(None, (finding.until, finding.revoked_at)))
        inquiry.until = min(inquiry.until, shift(finding.revoked_at, -_SECOND))
        current = not finding.next_update or finding.next_update >= at or finding.this_update >= at
        if finding.this_update <= inquiry.known and current:
            good.append(finding._replace(until=end))
    newest = max((f.this_update for f in good), default=b"")
    for finding in holds:
        if finding.this_update >= newest:
            return _on_hold(finding, certificate)
    rejected = tuple(f.detail for f in others)
    if inquiry.evidence.cut or any(f.kind is Kind.OVER_LIMIT for f in others):
        # What was not looked at might say "revoked": then nothing else makes it good.
        return _unknown(others, rejected, certificate, inquiry, asked=True)
    if good:
        verdict = _good(good, rejected)
        if verdict is not None:
            return verdict
        rejected = (*rejected, "the CRLs at hand do not cover all reasons of revocation")
    exempt = exemption(certificate)
    if exempt:
        return Verdict(
            RevocationInfo(RevocationStatus.NOT_NEEDED, detail=exempt, rejected=rejected)
        )
    return _unknown(others, rejected, certificate, inquiry, asked=asked)


def findings(
    certificate: Certificate, issuer: Certificate, anchor: Certificate, inquiry: Inquiry, at: bytes
) -> list[Finding]:
    """Return what each piece of evidence says about a certificate at one time."""
    evidence = inquiry.evidence
    found: list[Finding] = []
    if not evidence.crls and not evidence.ocsp:
        return found
    # It may be asked about already, as an issuer of somebody who signs evidence about it.
    asking = certificate.der in inquiry.busy
    inquiry.busy.add(certificate.der)
    try:
        if certificate.serial in evidence.ocsp:
            found += ocsp.findings(certificate, issuer, anchor, inquiry, at)
        if evidence.crls:
            found += crl.findings(certificate, issuer, anchor, inquiry, at)
    finally:
        if not asking:
            inquiry.busy.discard(certificate.der)
    return found


def exemption(certificate: Certificate) -> str:
    """Return why no revocation is expected for a certificate; empty if it is."""
    extensions = certificate.extensions
    if facts(certificate).ca:
        return ""
    if _NO_REVOCATION_AVAILABLE in extensions and not _names_a_source(certificate):
        return "its issuer states that there is no revocation for it (RFC 9608)"
    if _VALIDITY_ASSURED in extensions:
        return "a short-term certificate (EN 319 412-1 § 5.2.2)"
    return ""


def _names_a_source(certificate: Certificate) -> bool:
    """RFC 9608 § 3: who says that there is no revocation must not say where to find it."""
    found = facts(certificate)
    return bool(found.points or found.freshest or certificate.crl_urls or certificate.ocsp_urls)


def _info(
    state: RevocationStatus, finding: Finding, rejected: tuple[str, ...] = (), detail: str = ""
) -> RevocationInfo:
    return RevocationInfo(
        state,
        finding.source,
        in_calendar(finding.this_update),
        in_calendar(finding.next_update),
        in_calendar(finding.revoked_at),
        finding.reason,
        detail or finding.detail,
        rejected,
    )


def _good_by(finding: Finding, rejected: tuple[str, ...] = ()) -> Verdict:
    info = _info(_STATUS_GOOD, finding, rejected)
    return Verdict(info, None, "", "", finding.until, finding.weak, finding.this_update)


def _good(good: list[Finding], rejected: tuple[str, ...]) -> Verdict | None:
    """Return the verdict of the strongest, freshest answer; ``None`` if reasons are left open."""
    whole = [f for f in good if f.reasons == ALL_REASONS]
    if whole:
        return _good_by(max(whole, key=lambda f: (not f.weak, f.this_update)), rejected)
    covered = 0
    for finding in good:
        covered |= finding.reasons
    if covered != ALL_REASONS:
        return None
    first = min(good, key=lambda f: f.this_update)
    until = min((f.until for f in good if f.until), default=b"")
    weak = next((f.weak for f in good if f.weak), "")
    since = max(f.this_update for f in good)
    info = _info(_STATUS_GOOD, first, rejected)
    return Verdict(info, until=until, weak=weak, since=since)


def _revoked(finding: Finding, certificate: Certificate, *, target: bool) -> Verdict:
    why = f", {finding.reason}" if finding.reason else ""
    more = f"; {finding.detail}" if finding.detail else ""
    return Verdict(
        _info(RevocationStatus.REVOKED, finding),
        SubIndication.REVOKED_NO_POE if target else SubIndication.REVOKED_CA_NO_POE,
        "revocation.revoked" if target else "revocation.ca-revoked",
        f"{certificate.label} was revoked on {shown(finding.revoked_at)}{why} "
        f"(by {finding.source}){more}",
    )


def _on_hold(finding: Finding, certificate: Certificate) -> Verdict:
    # EN 319 102-1 § 5.2.6.4: a suspended certificate may come back; ask again later.
    return Verdict(
        _info(RevocationStatus.ON_HOLD, finding),
        SubIndication.TRY_LATER,
        "revocation.on-hold",
        f"{certificate.label} is suspended (certificateHold, by {finding.source})",
    )


def _unknown(
    others: list[Finding],
    rejected: tuple[str, ...],
    certificate: Certificate,
    inquiry: Inquiry,
    *,
    asked: bool,
) -> Verdict:
    kinds = {finding.kind for finding in others}
    problem, code = SubIndication.TRY_LATER, "revocation.missing"
    if Kind.OVER_LIMIT in kinds or inquiry.evidence.cut:
        code = "revocation.over-limit"
    elif Kind.UNKNOWN in kinds:
        code = "revocation.unknown"
    elif Kind.STALE in kinds:
        code = "revocation.stale"
    elif Kind.SIGNER_EXPIRED in kinds:
        problem = SubIndication.REVOCATION_OUT_OF_BOUNDS_NO_POE
        code = "revocation.signer-expired"
    elif kinds:
        code = "revocation.unusable"
    reasons = (*rejected, *inquiry.evidence.notes)
    detail = f"no usable answer about {certificate.label}"
    if reasons:
        detail += ": " + "; ".join(reasons[:4])
    info = RevocationInfo(RevocationStatus.UNKNOWN, detail=detail, rejected=reasons)
    if not asked:
        return Verdict(info)
    return Verdict(info, problem, code, detail)


def responder_status(
    responder: Certificate,
    issuer: Certificate,
    anchor: Certificate,
    inquiry: Inquiry,
    at: bytes,
    *,
    nocheck: bool,
) -> tuple[str, bytes, str]:
    """Return why an OCSP responder's certificate does not count, until when it does, weakness.

    With ocsp-nocheck, and where the certificate names no source of its status (RFC 6960
    § 4.2.2.2.1 leaves that to the policy), silence is enough; a known revocation never is.
    """
    rule = inquiry.policy.revocation
    asked = not nocheck and rule in (Revocation.REQUIRED, Revocation.IF_DECLARED)
    asked = asked and is_asked(responder, Revocation.IF_DECLARED, target=True)
    verdict = status(responder, issuer, anchor, inquiry, at, asked=asked, target=True)
    weak = inquiry.weakness(responder) or inquiry.key_weakness(responder)
    if verdict.problem is not None:
        return f"its responder: {verdict.detail}", b"", ""
    return "", verdict.until, weak or verdict.weak
