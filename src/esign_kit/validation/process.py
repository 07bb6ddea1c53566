"""The validation process for one signature (EN 319 102-1 § 5.3 and § 5.5).

Data flow one way: what was read, and evidence, become checks; checks become the indication.
Nothing here fetches, asks the clock or changes its arguments.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from esign_kit.asn1.certificate import Certificate, readable_certificates
from esign_kit.model.check import CERTAIN
from esign_kit.model.document import Coverage, Document, Scope
from esign_kit.model.report import (
    CHECK_NAMES,
    Check,
    CheckStatus,
    Indication,
    SignatureReport,
    SubIndication,
    TimestampReport,
)
from esign_kit.model.signature import Format, TimestampKind
from esign_kit.validation.acceptance import check_algorithms, check_signing_time
from esign_kit.validation.certificate import check_chain, check_key_usage, check_revocation
from esign_kit.validation.cryptographic import (
    check_coverage,
    check_references,
    check_signature_value,
)
from esign_kit.validation.format import check_format
from esign_kit.validation.identification import identify_signing_certificate
from esign_kit.validation.proven import validate_at

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from esign_kit.model.signature import ParsedSignature
    from esign_kit.trust.path import PathResult
    from esign_kit.validation.context import Context

__all__ = ["check_signature", "conclude"]

# Members of enumerations, bound once: Python 3.11 takes 90 ns to look one up in its class.
_TIMESTAMP, _TOTAL_PASSED = Format.TIMESTAMP, Indication.TOTAL_PASSED
_PASSED, _FAILED, _NOT_RUN = CheckStatus.PASSED, CheckStatus.FAILED, CheckStatus.NOT_RUN

_NO_TIMESTAMP = Check(
    "timestamp", CheckStatus.NOT_RUN, detail="no time-stamp", code="timestamp.none"
)
_NO_ARCHIVE = Check(
    "archive-timestamp", CheckStatus.NOT_RUN, detail="no archive time-stamp", code="timestamp.none"
)
_NO_PROFILE = Check(
    "profile", CheckStatus.NOT_RUN, detail="no profile was asked for", code="profile.none"
)
_NO_CHAIN = Check(
    "certificate-chain",
    CheckStatus.NOT_RUN,
    detail="without the signer's certificate there is nothing to validate",
    code="certificate.missing",
)
_NO_CERTIFICATE = (
    _NO_CHAIN, replace(_NO_CHAIN, name="revocation"), replace(_NO_CHAIN, name="key-usage")
)  # fmt: skip
_NO_CERTIFICATE_FOR_PROFILE = replace(_NO_CHAIN, name="profile")

_SILENT = frozenset({"signing-time", "timestamp", "archive-timestamp"})
_SILENT_REVOCATION = _SILENT | {"revocation"}
_PROVING = (TimestampKind.SIGNATURE, TimestampKind.SIGNATURE_AND_REFERENCES, TimestampKind.ARCHIVE)


def check_signature(parsed: ParsedSignature, context: Context) -> SignatureReport:
    """Validate one signature and those that countersign it."""
    if parsed.format is _TIMESTAMP:
        return _check_lone_timestamp(parsed, context)
    policy = context.policy

    # § 5.2.2 Format checking.
    format_check = check_format(parsed, policy)

    # § 5.2.3 Identification of the signing certificate.
    pool = _pool(parsed, context)
    candidates, certificate_check = identify_signing_certificate(parsed, pool)

    # § 5.2.7 Cryptographic verification: references first, then the value.
    scopes, digest_check = check_references(parsed, policy.limits)
    signer, value_check = check_signature_value(parsed, candidates, policy.limits)
    if not parsed.references:
        scopes = _value_scopes(parsed, value_check)
    coverage_check = check_coverage(scopes, policy)
    if signer is not None and signer is not candidates[0]:
        # Several unbound candidates: the signer's is the one whose key verified, not the first.
        certificate_check = replace(
            certificate_check,
            detail=f"{signer.label}; the signature does not bind its certificate",
        )
    certificate = signer or (candidates[0] if candidates else None)

    # § 5.4 Time-stamps, and from them § 5.5.4 the best signature time.
    stamps: tuple[TimestampReport, ...] = ()
    best = context.at
    stamp_check, archive_check = _NO_TIMESTAMP, _NO_ARCHIVE
    if parsed.timestamps:
        stamps = _check_timestamps(parsed, context, pool)
        best = _best_signature_time(stamps, context.at, value_check)
        stamp_check, archive_check = _timestamp_checks(stamps)

    # § 5.2.6 X.509 certificate validation, § 5.2.8 signature acceptance.
    path: PathResult | None = None
    blocking, path_checks, profile_check = True, _NO_CERTIFICATE, _NO_PROFILE
    if certificate is not None:
        path = validate_at(certificate, context, pool, best)
        blocking, path_checks = _check_path(path, certificate, context)
    if context.profile_check is not None:
        profile_check = (
            _NO_CERTIFICATE_FOR_PROFILE
            if certificate is None
            else context.profile_check(certificate, parsed, best)
        )
    algorithm_check = check_algorithms(parsed, certificate, path, best, policy)
    time_check = check_signing_time(parsed, best, policy)

    checks = (
        format_check,
        certificate_check,
        coverage_check,
        digest_check,
        value_check,
        *path_checks,
        algorithm_check,
        time_check,
        stamp_check,
        archive_check,
        profile_check,
    )
    indication, sub_indication = conclude(checks, _SILENT if blocking else _SILENT_REVOCATION)
    counters: tuple[SignatureReport, ...] = ()
    if parsed.counter_signatures:
        counters = tuple([check_signature(item, context) for item in parsed.counter_signatures])
    notes: tuple[str, ...] = ()
    if parsed.findings:
        notes = tuple([finding.detail for finding in parsed.findings if not finding.fatal])
    # By position, in the order of the class: twenty names would cost 1 µs more.
    return SignatureReport(
        parsed.id,
        parsed.format,
        parsed.level,
        parsed.packaging,
        indication,
        sub_indication,
        checks,
        context.at,
        best,
        parsed.algorithm.name if parsed.algorithm else parsed.algorithm_label,
        parsed.claimed_signing_time,
        signer.der if signer is not None else None,
        tuple([item.der for item in path.chain]) if path is not None else (),
        path.revocation if path is not None else (),
        path.attempts if path is not None else (),
        path.policies if path is not None else (),
        scopes,
        parsed.signed_attributes,
        stamps,
        counters,
        notes,
        parsed.structure,
    )


def _check_path(
    path: PathResult, certificate: Certificate, context: Context
) -> tuple[bool, tuple[Check, Check, Check]]:
    """Return whether revocation decides; then what is said of path, revocation and key usage."""
    policy, failures = context.policy, context.evidence.failures
    revocation_check, blocking = check_revocation(path, policy, failures)
    return blocking, (
        check_chain(path, failures),
        revocation_check,
        check_key_usage(certificate, policy),
    )


def _pool(parsed: ParsedSignature, context: Context) -> tuple[Certificate, ...]:
    """Certificates in which the signer's is looked for; what cannot be read is passed over."""
    known: tuple[Certificate, ...] | None = context.memory.get(parsed.certificates)
    if known is not None:
        return known
    pool = (*readable_certificates(parsed.certificates), *context.helpers)
    context.memory[parsed.certificates] = pool
    return pool


def _value_scopes(parsed: ParsedSignature, value: Check) -> tuple[Scope, ...]:
    """Scopes of a signature whose value covers the content itself."""
    if value.status is not CheckStatus.PASSED:
        return ()
    return (_content_scope(parsed.signed_octets[0]),)


def _content_scope(covered: bytes | Document) -> Scope:
    if not isinstance(covered, Document):
        return Scope(name="", coverage=Coverage.FULL, octets=covered)
    in_memory = covered.has_octets and not covered.is_file
    return Scope(
        name=covered.name or "",
        coverage=Coverage.FULL if covered.has_octets else Coverage.DIGEST,
        octets=covered.octets() if in_memory else None,
        document=covered,
    )


def _check_timestamps(
    parsed: ParsedSignature, context: Context, pool: tuple[Certificate, ...]
) -> tuple[TimestampReport, ...]:
    from esign_kit.validation.timestamps import check_timestamp

    return tuple(
        check_timestamp(
            stamp,
            trust=context.trust,
            helpers=pool,
            evidence=context.evidence,
            at=context.at,
            policy=context.policy,
        )
        for stamp in parsed.timestamps
    )


def _check_lone_timestamp(parsed: ParsedSignature, context: Context) -> SignatureReport:
    """Validate a file that is a time-stamp token (§ 5.4); its checks are those of the token."""
    pool = _pool(parsed, context)
    (stamp,) = _check_timestamps(parsed, context, pool)
    scopes: tuple[Scope, ...] = ()
    if stamp.imprint_intact:
        covered = parsed.timestamps[0].imprint()
        scopes = (_content_scope(covered),) if covered is not None else ()
    return SignatureReport(
        id=parsed.id,
        format=parsed.format,
        level=parsed.level,
        packaging=parsed.packaging,
        indication=stamp.indication,
        sub_indication=stamp.sub_indication,
        checks=_all_checks(stamp, scopes, context),
        at=context.at,
        best_signature_time=context.at,
        algorithm=parsed.algorithm.name if parsed.algorithm else parsed.algorithm_label,
        signing_certificate_der=stamp.certificate_der,
        chain_der=stamp.chain_der,
        signed=scopes,
        timestamps=(stamp,),
        notes=tuple([finding.detail for finding in parsed.findings if not finding.fatal]),
    )


def _all_checks(
    stamp: TimestampReport, scopes: tuple[Scope, ...], context: Context
) -> tuple[Check, ...]:
    """The token's checks under all the names that a report lists, in order."""
    found = {check.name: check for check in stamp.checks}
    found["coverage"] = (
        check_coverage(scopes, context.policy)
        if scopes
        else Check("coverage", CheckStatus.NOT_RUN, detail="the imprint does not match any data")
    )
    found.setdefault("timestamp", _summary("timestamp", [stamp]))
    found.setdefault("archive-timestamp", _NO_ARCHIVE)
    found.setdefault("profile", _NO_PROFILE)
    return tuple(
        found.get(name) or Check(name, CheckStatus.NOT_RUN, detail="not asked of a time-stamp")
        for name in CHECK_NAMES
    )


def _best_signature_time(
    stamps: tuple[TimestampReport, ...], at: datetime, value: Check
) -> datetime:
    """The earliest proven time; only a verified time-stamp over this very value proves one."""
    if value.status is not CheckStatus.PASSED:
        return at
    times = [
        stamp.time
        for stamp in stamps
        if stamp.indication is Indication.TOTAL_PASSED
        and stamp.time is not None
        and stamp.kind in _PROVING
    ]
    return min([*times, at])


def _timestamp_checks(stamps: tuple[TimestampReport, ...]) -> tuple[Check, Check]:
    archive = [s for s in stamps if s.kind == TimestampKind.ARCHIVE]
    other = [s for s in stamps if s.kind != TimestampKind.ARCHIVE]
    return (
        _summary("timestamp", other) if other else _NO_TIMESTAMP,
        _summary("archive-timestamp", archive) if archive else _NO_ARCHIVE,
    )


def _summary(name: str, stamps: list[TimestampReport]) -> Check:
    """One check for all time-stamps of a sort: as bad as the worst of them."""
    facts = {
        "timestamps": [
            {"kind": s.kind, "time": s.time, "indication": str(s.indication)} for s in stamps
        ]
    }
    for indication, status in (
        (Indication.TOTAL_FAILED, CheckStatus.FAILED),
        (Indication.INDETERMINATE, CheckStatus.INDETERMINATE),
    ):
        for stamp in stamps:
            if stamp.indication is indication:
                first = next(
                    (c for c in stamp.checks if c.status in (status, CheckStatus.FAILED)), None
                )
                return Check(
                    name,
                    status,
                    stamp.sub_indication,
                    f"{stamp.kind.lower().replace('_', ' ')} time-stamp: "
                    + (first.detail if first else "not proven"),
                    first.hint if first else "",
                    first.code if first else "timestamp.unproven",
                    facts,
                )
    times = ", ".join(f"{s.time:%Y-%m-%d %H:%M:%S} UTC" for s in stamps if s.time)
    return Check(name, CheckStatus.PASSED, detail=times, facts=facts)


# Conclusion in the order of § 5.3.4: the first step that ends the process names the reason.
_ORDER = (
    "format",
    "signing-certificate",
    "reference-digest",
    "signature-value",
    "coverage",
    "certificate-chain",
    "revocation",
    "key-usage",
    "algorithm-strength",
    "profile",
    "signing-time",
    "timestamp",
    "archive-timestamp",
)
_RANK = {name: number for number, name in enumerate(_ORDER)}
_MUST_PASS = frozenset({"format", "signing-certificate", "signature-value", "certificate-chain"})


def conclude(
    checks: Iterable[Check], silent: Iterable[str] = ()
) -> tuple[Indication, SubIndication | None]:
    """Draw the conclusion: a conjunction, in which what did not run is never good.

    Args:
        silent: names of checks that inform but do not decide.
    """
    failed: Check | None = None
    open_: Check | None = None
    quiet = silent if isinstance(silent, frozenset) else frozenset(silent)
    for check in checks:
        status = check.status
        if status is _PASSED or check.name in quiet:
            continue
        if status is _FAILED and check.sub_indication in CERTAIN:
            if failed is None or _RANK[check.name] < _RANK[failed.name]:
                failed = check
        elif (status is not _NOT_RUN or check.name in _MUST_PASS) and (
            open_ is None or _RANK[check.name] < _RANK[open_.name]
        ):
            open_ = check
    if failed is not None:
        return Indication.TOTAL_FAILED, failed.sub_indication
    if open_ is not None:
        return Indication.INDETERMINATE, open_.sub_indication or SubIndication.CUSTOM
    return _TOTAL_PASSED, None
