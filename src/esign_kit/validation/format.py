"""Format checking (EN 319 102-1 § 5.2.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from esign_kit.model.report import Check, CheckStatus, SubIndication

if TYPE_CHECKING:
    from esign_kit.model.signature import ParsedSignature
    from esign_kit.trust.policy import ValidationPolicy

__all__ = ["check_format"]

_PASSED = {
    level: Check("format", CheckStatus.PASSED, detail=f"well formed, {level}")
    for level in ("CAdES-BASELINE-B", "XAdES-BASELINE-B")
}
_ORDER = ("BASELINE-B", "BASELINE-T", "BASELINE-LT", "BASELINE-LTA")


def check_format(parsed: ParsedSignature, policy: ValidationPolicy) -> Check:
    """Judge what the reader found about the structure, and the level if the policy demands one."""
    fatal = [finding for finding in parsed.findings if finding.fatal] if parsed.findings else None
    if fatal:
        # Where reading ended early, whatever else is wrong may be wrong because of that.
        limited = any(finding.limited for finding in fatal)
        return Check(
            "format",
            CheckStatus.INDETERMINATE if limited else CheckStatus.FAILED,
            SubIndication.SIG_CONSTRAINTS_FAILURE if limited else SubIndication.FORMAT_FAILURE,
            "; ".join(finding.detail for finding in fatal),
            code=fatal[0].code,
            facts={"level": parsed.level, "findings": [finding.code for finding in fatal]},
        )
    if policy.required_level is not None and not _reaches(parsed.level, policy.required_level):
        return Check(
            "format",
            CheckStatus.INDETERMINATE,
            SubIndication.SIG_CONSTRAINTS_FAILURE,
            f"the signature is {parsed.level}, {policy.required_level} was demanded",
            code="format.level",
            facts={"level": parsed.level, "required": policy.required_level},
        )
    known = _PASSED.get(parsed.level)
    if known is not None and not parsed.findings:
        return known
    return Check(
        "format",
        CheckStatus.PASSED,
        detail="; ".join(["well formed, " + parsed.level, *(f.detail for f in parsed.findings)]),
        facts={"level": parsed.level, "findings": [f.code for f in parsed.findings]},
    )


def _reaches(level: str, required: str) -> bool:
    family, _, reached = level.partition("-")
    if level == required or reached == required:
        return True
    if required == "BES":
        # Signed properties that bind the signer's certificate, whatever else baseline asks.
        return not level.endswith("NOT-ETSI")
    if reached not in _ORDER:
        return False
    wanted = required
    if required not in _ORDER:
        wanted_family, _, wanted = required.partition("-")
        if wanted_family != family:
            return False
    return wanted in _ORDER and _ORDER.index(reached) >= _ORDER.index(wanted)
