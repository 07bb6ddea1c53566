"""Time-stamp validation building block (EN 319 102-1 § 5.4) with the rules of RFC 3161 and 5816.

A time-stamp proves that certain octets existed at its time, and only then: when the imprint covers
exactly those octets, the token's own signature holds with the certificate that the token binds,
that certificate is a time-stamping authority's and was valid at the time stated, and its path ends
at an anchor that is trusted for time-stamps.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from esign_kit.asn1.tsp import TimestampToken
from esign_kit.errors import InputError
from esign_kit.validation.timestamp_authority import (
    check_path,
    check_strength,
    check_time,
    check_usage,
)
from esign_kit.validation.timestamp_inquiry import Inquiry
from esign_kit.validation.timestamp_token import (
    check_format,
    check_imprint,
    check_signing_certificate,
    check_value,
    pool_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from esign_kit.asn1.certificate import Certificate
    from esign_kit.model.evidence import Evidence
    from esign_kit.model.report import TimestampReport
    from esign_kit.model.signature import ParsedTimestamp
    from esign_kit.trust.policy import ValidationPolicy
    from esign_kit.trust.store import TrustStore

__all__ = ["certificates_of", "check_timestamp"]

_AFTER_FORMAT = (
    "signing-certificate",
    "reference-digest",
    "signature-value",
    "certificate-chain",
    "revocation",
    "key-usage",
    "algorithm-strength",
    "signing-time",
)


def check_timestamp(
    stamp: ParsedTimestamp,
    *,
    trust: TrustStore,
    helpers: Sequence[Certificate],
    evidence: Evidence,
    at: datetime,
    policy: ValidationPolicy,
) -> TimestampReport:
    """Say whether a time-stamp proves its time.

    Args:
        stamp: the token and the octets that its imprint must cover.
        trust: anchors; those that serve ``Purpose.TIMESTAMPING`` count.
        helpers: certificates that may help, none of them trusted.
        evidence: revocation data; those inside the token are added.
        at: validation time, UTC.
        policy: ``revocation_for_timestamps`` takes the place of ``revocation``.

    Returns:
        The report; ``time`` is proven only if ``indication`` is TOTAL_PASSED.
    """
    inquiry = Inquiry(stamp, trust, helpers, evidence, at, policy)
    token = check_format(inquiry)
    if token is None or token.info is None:
        inquiry.not_run(_AFTER_FORMAT, "the token cannot be read")
        return inquiry.report(token)
    info = token.info
    pool = pool_of(inquiry, token)
    certificate = check_signing_certificate(inquiry, token, pool)
    check_imprint(inquiry, info)
    algorithm = token.algorithm
    check_value(inquiry, token, certificate, algorithm)
    chain: Sequence[Certificate] = ()
    if certificate is None:
        inquiry.not_run(
            ("certificate-chain", "revocation", "key-usage"),
            "the authority's certificate is not known",
        )
    else:
        chain = check_path(inquiry, token, certificate, pool)
        check_usage(inquiry, certificate)
    check_strength(inquiry, token, info, certificate, algorithm)
    check_time(inquiry, info, certificate)
    return inquiry.report(token, certificate, chain)


def certificates_of(stamps: Iterable[ParsedTimestamp]) -> tuple[bytes, ...]:
    """Return the certificates (DER) that time-stamps carry; a malformed one carries none."""
    found: dict[bytes, None] = {}
    for stamp in stamps:
        try:
            found.update(dict.fromkeys(TimestampToken.load(stamp.token).certificates))
        except InputError:
            continue
    return tuple(found)
