"""Evidence: what speaks for or against a certificate, and since when something existed."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol

from esign_kit.model.quick import lazy, quick

if TYPE_CHECKING:
    from datetime import datetime

__all__ = [
    "Evidence",
    "FetchFailure",
    "FetchPurpose",
    "FetchRequest",
    "FetchResponse",
    "Fetcher",
    "ProofOfExistence",
    "RevocationInfo",
    "RevocationStatus",
]


class FetchPurpose(StrEnum):
    """Why something is fetched."""

    OCSP = "OCSP"
    CRL = "CRL"
    AIA = "AIA"
    TIMESTAMP = "TIMESTAMP"
    TRUST_LIST = "TRUST_LIST"


@dataclass(frozen=True, slots=True)
class FetchRequest:
    """One question to the network; ``body`` makes it a POST of ``media_type``."""

    purpose: FetchPurpose
    url: str
    body: bytes | None = None
    media_type: str | None = None


@dataclass(frozen=True, slots=True)
class FetchResponse:
    """The answer: octets, and from where and when they came."""

    request: FetchRequest
    body: bytes
    media_type: str | None = None


class Fetcher(Protocol):
    """The one door to the network.

    ``fetch`` returns an answer or raises :class:`esign_kit.errors.EvidenceError`.
    """

    def fetch(self, request: FetchRequest) -> FetchResponse:
        """Fetch one thing."""
        ...


@dataclass(frozen=True, slots=True)
class FetchFailure:
    """A question that brought no usable answer; it surfaces as TRY_LATER in the report.

    ``code`` is that of the fetcher's error, where there was one.
    """

    purpose: FetchPurpose
    url: str
    detail: str
    code: str = ""


@quick
@dataclass(frozen=True, slots=True)
class Evidence:
    """All that was given, embedded or fetched, still unjudged; DER octets."""

    certificates: tuple[bytes, ...] = ()
    crls: tuple[bytes, ...] = ()
    ocsp_responses: tuple[bytes, ...] = ()
    timestamps: tuple[bytes, ...] = ()
    failures: tuple[FetchFailure, ...] = ()

    def __add__(self, other: Evidence) -> Evidence:
        return Evidence(
            self.certificates + other.certificates,
            self.crls + other.crls,
            self.ocsp_responses + other.ocsp_responses,
            self.timestamps + other.timestamps,
            self.failures + other.failures,
        )


class RevocationStatus(StrEnum):
    """What the evidence says about one certificate at one time."""

    GOOD = "GOOD"
    REVOKED = "REVOKED"
    ON_HOLD = "ON_HOLD"
    UNKNOWN = "UNKNOWN"
    """No evidence, unusable evidence, or a responder that does not know. Never good."""
    NOT_NEEDED = "NOT_NEEDED"
    """A trust anchor, a short-term certificate, noRevAvail or ocsp-nocheck."""


@quick
@lazy("detail")
@dataclass(frozen=True, slots=True)
class RevocationInfo:
    """The outcome for one certificate of a path.

    Attributes:
        source: ``"CRL"``, ``"OCSP"`` or empty.
        this_update: when the source was made; UTC.
        next_update: until when it claims to hold.
        revoked_at: when the certificate was revoked.
        reason: CRLReason in the words of RFC 5280 (``"keyCompromise"``).
        detail: for people, also why other evidence was set aside.
    """

    status: RevocationStatus
    source: str = ""
    this_update: datetime | None = None
    next_update: datetime | None = None
    revoked_at: datetime | None = None
    reason: str | None = None
    detail: str = ""
    rejected: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return plain data; times in ISO 8601."""
        return {
            "status": str(self.status),
            "source": self.source,
            "this_update": self.this_update.isoformat() if self.this_update else None,
            "next_update": self.next_update.isoformat() if self.next_update else None,
            "revoked_at": self.revoked_at.isoformat() if self.revoked_at else None,
            "reason": self.reason,
            "detail": self.detail,
            "rejected": list(self.rejected),
        }


@dataclass(frozen=True, slots=True)
class ProofOfExistence:
    """Something is proven to have existed at ``at`` (EN 319 102-1 § 5.6.2.1).

    Attributes:
        subject: SHA-256 of the proven octets.
        at: UTC.
        source: which time-stamp says so; for people.
    """

    subject: bytes
    at: datetime
    source: str
