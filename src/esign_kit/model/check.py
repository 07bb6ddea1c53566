"""One check of a report, and the words of the verdict (ETSI EN 319 102-1 v1.4.1)."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from esign_kit.model.plain import plain
from esign_kit.model.quick import lazy, quick

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["CERTAIN", "CHECK_NAMES", "Check", "CheckStatus", "Indication", "SubIndication"]


class Indication(StrEnum):
    """The main status indication (EN 319 102-1 § 5.1.3, table 5)."""

    TOTAL_PASSED = "TOTAL_PASSED"
    INDETERMINATE = "INDETERMINATE"
    TOTAL_FAILED = "TOTAL_FAILED"


class SubIndication(StrEnum):
    """Why it is not TOTAL_PASSED (EN 319 102-1 table 6); names unchanged."""

    FORMAT_FAILURE = "FORMAT_FAILURE"
    HASH_FAILURE = "HASH_FAILURE"
    SIG_CRYPTO_FAILURE = "SIG_CRYPTO_FAILURE"
    REVOKED = "REVOKED"
    EXPIRED = "EXPIRED"
    NOT_YET_VALID = "NOT_YET_VALID"
    SIG_CONSTRAINTS_FAILURE = "SIG_CONSTRAINTS_FAILURE"
    CHAIN_CONSTRAINTS_FAILURE = "CHAIN_CONSTRAINTS_FAILURE"
    CERTIFICATE_CHAIN_GENERAL_FAILURE = "CERTIFICATE_CHAIN_GENERAL_FAILURE"
    CRYPTO_CONSTRAINTS_FAILURE = "CRYPTO_CONSTRAINTS_FAILURE"
    POLICY_PROCESSING_ERROR = "POLICY_PROCESSING_ERROR"
    SIGNATURE_POLICY_NOT_AVAILABLE = "SIGNATURE_POLICY_NOT_AVAILABLE"
    TIMESTAMP_ORDER_FAILURE = "TIMESTAMP_ORDER_FAILURE"
    NO_SIGNING_CERTIFICATE_FOUND = "NO_SIGNING_CERTIFICATE_FOUND"
    NO_CERTIFICATE_CHAIN_FOUND = "NO_CERTIFICATE_CHAIN_FOUND"
    NO_CERTIFICATE_CHAIN_FOUND_NO_POE = "NO_CERTIFICATE_CHAIN_FOUND_NO_POE"
    REVOKED_NO_POE = "REVOKED_NO_POE"
    REVOKED_CA_NO_POE = "REVOKED_CA_NO_POE"
    OUT_OF_BOUNDS_NOT_REVOKED = "OUT_OF_BOUNDS_NOT_REVOKED"
    OUT_OF_BOUNDS_NO_POE = "OUT_OF_BOUNDS_NO_POE"
    REVOCATION_OUT_OF_BOUNDS_NO_POE = "REVOCATION_OUT_OF_BOUNDS_NO_POE"
    CRYPTO_CONSTRAINTS_FAILURE_NO_POE = "CRYPTO_CONSTRAINTS_FAILURE_NO_POE"
    NO_POE = "NO_POE"
    TRY_LATER = "TRY_LATER"
    SIGNED_DATA_NOT_FOUND = "SIGNED_DATA_NOT_FOUND"
    CUSTOM = "CUSTOM"


CERTAIN = frozenset(
    {
        SubIndication.FORMAT_FAILURE,
        SubIndication.HASH_FAILURE,
        SubIndication.SIG_CRYPTO_FAILURE,
        SubIndication.REVOKED,
        SubIndication.EXPIRED,
        SubIndication.NOT_YET_VALID,
    }
)
"""Sub-indications of TOTAL_FAILED (table 6); a check that fails for any other leaves it open."""


class CheckStatus(StrEnum):
    """What one check found. A check that did not run is never PASSED."""

    PASSED = "PASSED"
    FAILED = "FAILED"
    INDETERMINATE = "INDETERMINATE"
    NOT_RUN = "NOT_RUN"


CHECK_NAMES = (
    "format",
    "signing-certificate",
    "coverage",
    "reference-digest",
    "signature-value",
    "certificate-chain",
    "revocation",
    "key-usage",
    "algorithm-strength",
    "signing-time",
    "timestamp",
    "archive-timestamp",
    "profile",
)
"""The stable names, in the order in which a report lists them."""


@quick
@lazy("detail", "facts")
@dataclass(frozen=True, slots=True)
class Check:
    """One check: what was looked at and what was found.

    Attributes:
        name: one of :data:`CHECK_NAMES`.
        status: see :class:`CheckStatus`.
        sub_indication: set unless the check passed or did not run.
        detail: for people; names things by subject and issuer.
        hint: what to do next.
        code: stable reason for programs (``"digest.mismatch"``).
        facts: plain data for programs.
    """

    name: str
    status: CheckStatus
    sub_indication: SubIndication | None = None
    detail: str = ""
    hint: str = ""
    code: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Return plain data."""
        return {
            "name": self.name,
            "status": str(self.status),
            "sub_indication": str(self.sub_indication) if self.sub_indication else None,
            "code": self.code,
            "detail": self.detail,
            "hint": self.hint,
            "facts": plain(self.facts),
        }
