"""The report on one certificate."""

from __future__ import annotations

from typing import TYPE_CHECKING

from esign_kit.asn1.times import in_calendar
from esign_kit.model.report import CertificateReport, Check, CheckStatus, SubIndication
from esign_kit.model.signature import Purpose
from esign_kit.validation.certificate import check_chain, check_key_usage, check_revocation
from esign_kit.validation.process import conclude

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from esign_kit.asn1.certificate import Certificate
    from esign_kit.model.evidence import FetchFailure
    from esign_kit.trust.path import PathResult
    from esign_kit.trust.policy import ValidationPolicy

__all__ = ["certificate_report"]


_USAGE_NOT_ASKED = Check(
    "key-usage",
    CheckStatus.NOT_RUN,
    detail=f"nothing is asked of the key usage for purpose {Purpose.ANY}",
    code="key-usage.not-asked",
)
_STRONG = Check("algorithm-strength", CheckStatus.PASSED, detail="all algorithms of the path")
_SILENT = frozenset({"revocation"})


def certificate_report(
    certificate: Certificate,
    path: PathResult,
    policy: ValidationPolicy,
    at: datetime,
    purpose: Purpose,
    failures: Sequence[FetchFailure] = (),
) -> CertificateReport:
    """Put the result of the path engine into the words of the checks."""
    revocation, blocking = check_revocation(path, policy, failures)
    checks = [check_chain(path, failures), revocation]
    if purpose is Purpose.SIGNING:
        checks.append(check_key_usage(certificate, policy))
    else:
        checks.append(
            _USAGE_NOT_ASKED
            if purpose is Purpose.ANY
            else Check(
                "key-usage",
                CheckStatus.PASSED if path.chain_problem is None else CheckStatus.NOT_RUN,
                detail=f"judged with the path, for purpose {purpose}",
            )
        )
    checks.append(
        _STRONG
        if path.algorithm_problem is None
        else Check(
            "algorithm-strength",
            CheckStatus.INDETERMINATE,
            SubIndication(path.algorithm_problem),
            path.algorithm_detail,
            code="algorithm.weak",
        )
    )
    indication, sub_indication = conclude(checks, frozenset() if blocking else _SILENT)
    return CertificateReport(
        at=at,
        indication=indication,
        sub_indication=sub_indication,
        checks=tuple(checks),
        certificate_der=certificate.der,
        chain_der=tuple([item.der for item in path.chain]),
        revocation=path.revocation,
        attempts=path.attempts,
        policies=path.policies,
        user_notices=path.user_notices,
        policy_id=policy.id,
        valid_until=in_calendar(path.valid_until),
    )
