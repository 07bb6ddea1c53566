"""X.509 certificate validation (EN 319 102-1 § 5.2.6): a path result in the words of the checks."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from esign_kit.asn1 import names
from esign_kit.errors import InputError
from esign_kit.model.evidence import FetchPurpose, RevocationStatus
from esign_kit.model.quick import later
from esign_kit.model.report import Check, CheckStatus, SubIndication
from esign_kit.trust.policy import Revocation

if TYPE_CHECKING:
    from collections.abc import Sequence

    from esign_kit.asn1.certificate import Certificate
    from esign_kit.model.evidence import FetchFailure, RevocationInfo
    from esign_kit.trust.path import PathResult
    from esign_kit.trust.policy import ValidationPolicy

__all__ = ["check_chain", "check_key_usage", "check_revocation"]

# § 5.2.6 table: these say that the certificate is certainly no good, whatever the time.
_FAILED = frozenset({SubIndication.REVOKED, SubIndication.EXPIRED, SubIndication.NOT_YET_VALID})


def _chain_passed(chain: tuple[Certificate, ...]) -> Check:
    return Check(
        "certificate-chain",
        _PASSED,
        detail=later(lambda: " ← ".join(certificate.label for certificate in chain)),
        facts=later(lambda: {"length": len(chain), "anchor": chain[-1].subject_text}),
    )


def check_chain(path: PathResult, failures: Sequence[FetchFailure] = ()) -> Check:
    """Say whether a path to a trust anchor holds, revocation aside.

    ``failures`` are the questions that brought no answer; those for issuers are told here.
    """
    problem = path.chain_problem
    if problem is None:
        # A path that is remembered comes with the same chain each time: no comparison is needed.
        memory = path.chain[0]._cache
        known: Any = memory.get("chain-check")
        if known is None or known[0] is not path.chain:
            known = memory["chain-check"] = (path.chain, _chain_passed(path.chain))
        return known[1]  # type: ignore[no-any-return]
    facts: dict[str, Any] = {
        "length": len(path.chain),
        "anchor": path.anchor.certificate.subject_text if path.anchor else None,
        "attempts": [attempt.to_dict() for attempt in path.attempts],
    }
    return Check(
        "certificate-chain",
        CheckStatus.FAILED if problem in _FAILED else CheckStatus.INDETERMINATE,
        problem,
        path.chain_detail + _in_vain(failures, FetchPurpose.AIA),
        path.hint,
        path.chain_code,
        facts,
    )


def check_revocation(
    path: PathResult, policy: ValidationPolicy, failures: Sequence[FetchFailure] = ()
) -> tuple[Check, bool]:
    """Say what is known about revocation of the path.

    ``failures`` are the questions that brought no answer.

    Returns:
        The check ``revocation``, and whether it stands in the way of passing.
    """
    if policy.revocation is _UNASKED:
        return _NOT_CHECKED, False
    if path.anchor is None:
        return _NO_PATH, False
    problem = path.revocation_problem
    if problem is not None:
        return Check(
            "revocation",
            CheckStatus.FAILED if problem in _FAILED else CheckStatus.INDETERMINATE,
            problem,
            path.revocation_detail + _in_vain(failures, FetchPurpose.OCSP, FetchPurpose.CRL),
            _revocation_hint(problem, failures),
            path.revocation_code,
            {"certificates": _revocation_facts(path)},
        ), True
    return _nothing_against(path), False


def _nothing_against(path: PathResult) -> Check:
    """Say by what it is known that nothing on the path is revoked, as far as it is asked."""
    sources = set()
    unused: list[str] = []
    afterwards: list[str] = []
    unknown = False
    for position, info in enumerate(path.revocation):
        if info.status is _UNKNOWN:
            unknown = True
        elif info.source:
            sources.add(info.source)
            unused += info.rejected
            if info.revoked_at is not None:
                afterwards.append(_revoked_later(path.chain[position], info))
    if unknown:
        return Check(
            "revocation",
            CheckStatus.INDETERMINATE,
            SubIndication.TRY_LATER,
            "no revocation status is known; the policy does not ask for one",
            code="revocation.unknown",
            facts={"certificates": _revocation_facts(path)},
        )
    if not sources:
        return _NOT_NEEDED
    good = _good(frozenset(sources))
    if not unused and not afterwards:
        return good
    # A responder that does not know what a CRL is silent about is worth a reader's attention, and
    # so is a revocation that came after the time in question.
    detail = "; ".join([good.detail, *afterwards])
    if unused:
        detail += f"; did not count: {'; '.join(unused[:3])}"
    return Check(
        "revocation",
        CheckStatus.PASSED,
        detail=detail,
        code="revocation.later" if afterwards else "",
        facts={"certificates": _revocation_facts(path)},
    )


def _revoked_later(certificate: Certificate, info: RevocationInfo) -> str:
    why = f", {info.reason}" if info.reason else ""
    more = f" ({info.detail})" if info.detail else ""
    return f"{certificate.label} was revoked on {info.revoked_at:%Y-%m-%d %H:%M} UTC{why}{more}"


# Members of an enumeration, bound once: Python 3.11 takes 90 ns to look one up in its class.
_UNASKED, _UNKNOWN = Revocation.NOT_CHECKED, RevocationStatus.UNKNOWN
_PASSED = CheckStatus.PASSED
_NOT_CHECKED = Check(
    "revocation",
    CheckStatus.NOT_RUN,
    detail="the policy does not ask for revocation",
    code="revocation.not-checked",
)
_NO_PATH = Check(
    "revocation",
    CheckStatus.NOT_RUN,
    detail="without a path to an anchor there is nobody whose word on revocation would count",
    code="revocation.no-path",
)
_NOT_NEEDED = Check(
    "revocation",
    CheckStatus.PASSED,
    detail="no certificate of the path needs a revocation status",
    code="revocation.not-needed",
)


@lru_cache(maxsize=8)
def _good(sources: frozenset[str]) -> Check:
    said = " and ".join(sorted(sources))
    return Check("revocation", CheckStatus.PASSED, detail=f"not revoked, by {said}")


def _in_vain(failures: Sequence[FetchFailure], *purposes: FetchPurpose) -> str:
    """Name the addresses that were asked in vain, and why; a few are enough."""
    told = [
        names.printable(f"{f.url[:200]} ({f.detail})") for f in failures if f.purpose in purposes
    ]
    return f"; asked in vain: {', '.join(told[:4])}" if told else ""


_BARRED = ("fetch.address", "fetch.not-listed")
"""Codes of addresses that the caller's own guard keeps us from: asking again helps nobody."""


def _revocation_hint(problem: SubIndication, failures: Sequence[FetchFailure]) -> str:
    if problem is SubIndication.TRY_LATER and any(f.code in _BARRED for f in failures):
        return "name the host that may be asked in guard=…, or hand over evidence=[…]"
    if problem is SubIndication.TRY_LATER and failures:
        return "try again later, or hand over CRLs or OCSP answers as evidence=[…]"
    if problem is SubIndication.TRY_LATER:
        return "hand over CRLs or OCSP answers as evidence=[…], or give a fetcher"
    return ""


def _revocation_facts(path: PathResult) -> list[dict[str, Any]]:
    return [
        {"subject": certificate.subject_text, **info.to_dict()}
        for certificate, info in zip(path.chain, path.revocation, strict=False)
    ]


def check_key_usage(certificate: Certificate, policy: ValidationPolicy) -> Check:
    """Say whether the certificate may be used for signing (RFC 5280 § 4.2.1.3 and § 4.2.1.12)."""
    try:
        usage = certificate.key_usage
        purposes = certificate.extended_key_usage
    except InputError as error:
        return Check(
            "key-usage",
            CheckStatus.INDETERMINATE,
            SubIndication.CHAIN_CONSTRAINTS_FAILURE,
            error.detail,
            code=error.code,
        )
    return _key_usage(usage, purposes, policy.key_usages, policy.extended_key_usages)


@lru_cache(maxsize=1024)
def _key_usage(
    usage: frozenset[str] | None,
    purposes: tuple[str, ...] | None,
    usages: frozenset[str],
    extended: frozenset[str] | None,
) -> Check:
    facts = {"key_usage": sorted(usage) if usage is not None else None, "extended": purposes}
    if usage is not None and not usage & usages:
        return Check(
            "key-usage",
            CheckStatus.INDETERMINATE,
            SubIndication.CHAIN_CONSTRAINTS_FAILURE,
            f"the certificate is for {', '.join(sorted(usage)) or 'nothing'}, not for signing",
            "signing takes digitalSignature or nonRepudiation",
            "key-usage.not-signing",
            facts,
        )
    if extended is not None and purposes is not None and not extended & set(purposes):
        return Check(
            "key-usage",
            CheckStatus.INDETERMINATE,
            SubIndication.CHAIN_CONSTRAINTS_FAILURE,
            "the certificate has none of the extended key usages that the policy asks for",
            code="key-usage.extended",
            facts=facts,
        )
    said = ", ".join(sorted(usage)) if usage is not None else "the certificate restricts nothing"
    return Check("key-usage", CheckStatus.PASSED, detail=said, facts=facts)
