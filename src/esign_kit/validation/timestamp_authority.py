"""The authority behind a token: its path, revocation, usage, and the time that it states."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from esign_kit import crypto
from esign_kit.asn1.times import from_datetime
from esign_kit.errors import EsignError, InputError
from esign_kit.model.evidence import Evidence, RevocationStatus
from esign_kit.model.report import Check, CheckStatus, SubIndication
from esign_kit.model.signature import Purpose
from esign_kit.trust.policy import Revocation, derived

if TYPE_CHECKING:
    from collections.abc import Sequence

    from esign_kit.algorithms import SignatureAlgorithm
    from esign_kit.asn1.certificate import Certificate
    from esign_kit.asn1.tsp import TimestampToken, TstInfo
    from esign_kit.trust.path import PathResult
    from esign_kit.validation.timestamp_inquiry import Inquiry

__all__ = ["check_path", "check_strength", "check_time", "check_usage"]

TIME_STAMPING = "1.3.6.1.5.5.7.3.8"
EXTENDED_KEY_USAGE = "2.5.29.37"
_REVOKED = frozenset({RevocationStatus.REVOKED, RevocationStatus.ON_HOLD})
_HARMLESS_REASONS = frozenset(
    {"unspecified", "affiliationChanged", "superseded", "cessationOfOperation"}
)
"""Stated reasons with which earlier tokens stay good (RFC 3161 § 4, item 1)."""


def check_path(
    inquiry: Inquiry,
    token: TimestampToken,
    certificate: Certificate,
    pool: Sequence[Certificate],
) -> Sequence[Certificate]:
    """Validate the path of the authority's certificate and look at its revocation.

    Returns:
        The path, from the certificate to the anchor, as far as one was found.
    """
    from esign_kit.trust.engine import validate_path

    policy = inquiry.policy
    evidence = inquiry.evidence
    if token.crls or token.ocsp_responses:
        evidence = evidence + Evidence(crls=token.crls, ocsp_responses=token.ocsp_responses)
    try:
        result = validate_path(
            certificate,
            trust=inquiry.trust,
            helpers=tuple(pool),
            evidence=evidence,
            at=inquiry.at,
            # Key usages and policies are asked of the signer, not of who stamps the time.
            policy=derived(
                policy,
                revocation=policy.revocation_for_timestamps,
                extended_key_usages=None,
                initial_policies=None,
                initial_explicit_policy=False,
            ),
            purpose=Purpose.TIMESTAMPING,
        )
    except EsignError as error:
        # A limit: more helpers than the policy allows.
        inquiry.failed(
            "certificate-chain",
            SubIndication.CERTIFICATE_CHAIN_GENERAL_FAILURE,
            error.detail,
            error.code,
            error.hint,
        )
        inquiry.not_run(("revocation",), "there is no path")
        return ()
    if result.chain_problem is not None:
        inquiry.failed(
            "certificate-chain",
            result.chain_problem,
            result.chain_detail,
            result.chain_code,
            result.hint,
        )
    else:
        anchor = result.anchor.certificate.label if result.anchor else ""
        inquiry.passed("certificate-chain", f"{certificate.label} up to the anchor {anchor}")
    _check_revocation(inquiry, token, result)
    if result.algorithm_problem is not None:
        inquiry.failed(
            "algorithm-strength",
            result.algorithm_problem,
            result.algorithm_detail,
            "algorithm.weak",
        )
    return result.chain


def _check_revocation(inquiry: Inquiry, token: TimestampToken, result: PathResult) -> None:
    name = "revocation"
    rule = inquiry.policy.revocation_for_timestamps
    if rule is Revocation.NOT_CHECKED:
        inquiry.not_run((name,), "the policy does not ask for it")
        return
    if result.revocation_problem is not None:
        why = _outlived(token, result)
        if why:
            inquiry.passed(name, why, "timestamp.revoked-later", _facts(result))
            return
        inquiry.failed(
            name,
            result.revocation_problem,
            result.revocation_detail,
            result.revocation_code,
            result.hint,
            facts=_facts(result),
        )
        return
    if result.chain_problem is not None and not result.revocation:
        inquiry.not_run((name,), "there is no path whose certificates could be looked up")
        return
    statuses = {info.status for info in result.revocation}
    if RevocationStatus.UNKNOWN in statuses or not statuses:
        # The policy does not demand an answer (else there were a problem): told, no hindrance.
        inquiry.checks.append(
            Check(
                name,
                CheckStatus.INDETERMINATE,
                SubIndication.TRY_LATER,
                "nothing is known about revocation of the authority's certificates",
                "hand over CRLs or OCSP answers, or verify online",
                "revocation.unknown",
                _facts(result),
            )
        )
        return
    inquiry.passed(name, "no certificate of the authority is revoked")


def _facts(result: PathResult) -> dict[str, Any]:
    return {"certificates": [info.to_dict() for info in result.revocation]}


def _outlived(token: TimestampToken, result: PathResult) -> str:
    """Say why a revocation does not touch this token; empty if it does (RFC 3161 § 4)."""
    info = result.revocation[0] if result.revocation else None
    if (
        info is None
        or token.info is None
        or info.status not in _REVOKED
        or info.revoked_at is None
        or info.reason not in _HARMLESS_REASONS
        or token.info.time >= info.revoked_at
        or any(other.status in _REVOKED for other in result.revocation[1:])
    ):
        return ""
    return (
        f"the authority's certificate was withdrawn later ({info.reason}, "
        f"{info.revoked_at:%Y-%m-%d}), which leaves earlier tokens good"
    )


def check_usage(inquiry: Inquiry, certificate: Certificate) -> None:
    """The certificate is one for time-stamping and for nothing else (RFC 3161 § 2.3)."""
    name = "key-usage"
    refuse = SubIndication.CHAIN_CONSTRAINTS_FAILURE
    try:
        usages = certificate.extended_key_usage
        key_usage = certificate.key_usage
        critical = usages is not None and certificate.extensions[EXTENDED_KEY_USAGE].critical
    except InputError as error:
        inquiry.failed(name, refuse, error.detail, error.code)
        return
    facts = {"extended_key_usage": list(usages or ()), "critical": critical}
    if usages is None or TIME_STAMPING not in usages:
        inquiry.failed(
            name,
            refuse,
            f"the certificate of {certificate.label} is not one for time-stamping",
            "timestamp.usage",
            facts=facts,
        )
        return
    if key_usage is not None and not key_usage & {"digital_signature", "content_commitment"}:
        inquiry.failed(
            name,
            refuse,
            f"the key usage of {certificate.label} does not allow signatures",
            "timestamp.key-usage",
            facts=facts,
        )
        return
    flaw = ""
    if not critical:
        flaw = "time-stamping usage is not marked critical"
    elif usages != (TIME_STAMPING,):
        flaw = "time-stamping usage does not stand alone"
    if flaw and inquiry.policy.timestamp_usage_strict:
        inquiry.failed(
            name,
            refuse,
            f"{certificate.label}: {flaw} (RFC 3161 § 2.3)",
            "timestamp.usage-strict",
            "for a known authority that does so: timestamp_usage_strict=False",
            facts=facts,
        )
        return
    inquiry.passed(
        name,
        f"time-stamping; {flaw}, which the policy lets pass" if flaw else "time-stamping",
        "timestamp.usage-loose" if flaw else "",
        facts=facts,
    )


def check_strength(
    inquiry: Inquiry,
    token: TimestampToken,
    info: TstInfo,
    certificate: Certificate | None,
    algorithm: SignatureAlgorithm | None,
) -> None:
    """Judge imprint, digest and key at the validation time: nothing older is proven here."""
    name = "algorithm-strength"
    rules = inquiry.policy.algorithms
    at = inquiry.at
    names = {info.imprint_algorithm, token.digest_algorithm}
    if algorithm is not None:
        names.add(algorithm.digest)
    problems = [rules.digest_problem(n, at) for n in sorted(n for n in names if n)]
    if algorithm is not None and certificate is not None:
        try:
            key = crypto.load_public_key(certificate.spki)
            problems.append(rules.key_problem(algorithm.family, key.bits, at))
        except EsignError as error:
            problems.append(error.detail)
    found = [problem for problem in problems if problem]
    if found:
        inquiry.failed(
            name,
            SubIndication.CRYPTO_CONSTRAINTS_FAILURE_NO_POE,
            "; ".join(dict.fromkeys(found)),
            "algorithm.weak",
        )
    elif not any(check.name == name for check in inquiry.checks):
        inquiry.passed(name, "imprint, digest and key are accepted at the time of validation")


def check_time(inquiry: Inquiry, info: TstInfo, certificate: Certificate | None) -> None:
    """The stated time is not in the future and lies within the certificate's validity."""
    name = "signing-time"
    time = info.time
    facts = {
        "time": time.isoformat(),
        "accuracy_seconds": info.accuracy.total_seconds() if info.accuracy is not None else None,
    }
    if time > inquiry.policy.latest(inquiry.at):
        inquiry.failed(
            name,
            SubIndication.SIG_CONSTRAINTS_FAILURE,
            f"the time-stamp is of {time:%Y-%m-%d %H:%M:%S} UTC, after the time of validation",
            "timestamp.future",
            facts=facts,
        )
        return
    if certificate is not None:
        # Compared as octets: a certificate may state a day that no calendar has.
        stated = from_datetime(time)
        if stated < certificate.not_before:
            inquiry.failed(
                name,
                SubIndication.NOT_YET_VALID,
                f"the certificate of {certificate.label} was not yet valid at the stated time",
                "timestamp.certificate-not-yet-valid",
                facts=facts,
            )
            return
        if stated > certificate.not_after:
            inquiry.failed(
                name,
                SubIndication.EXPIRED,
                f"the certificate of {certificate.label} had expired at the stated time",
                "timestamp.certificate-expired",
                facts=facts,
            )
            return
    inquiry.passed(name, f"stamped at {time:%Y-%m-%d %H:%M:%S} UTC", facts=facts)
