"""What one piece of evidence says, and whether its dates let it speak."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, NamedTuple

from esign_kit.asn1.revocation import ALL_REASONS
from esign_kit.trust.inquiry import shift

if TYPE_CHECKING:
    from esign_kit.asn1.certificate import Certificate
    from esign_kit.trust.inquiry import Inquiry

__all__ = ["Finding", "Kind", "Stale", "dated"]


class Kind(Enum):
    """The word of one piece of evidence about one certificate."""

    GOOD = 1
    REVOKED = 2
    HOLD = 3
    UNKNOWN = 4
    """The responder does not know the certificate."""
    STALE = 5
    """Authentic, but its dates do not cover the time in question."""
    SIGNER_EXPIRED = 6
    """Its signer's certificate is out of its validity."""
    REJECTED = 7
    OVER_LIMIT = 8
    """Not looked at: a limit was reached. It might have said anything."""


class Finding(NamedTuple):
    """What one piece of evidence says.

    Attributes:
        until: until when it says so; empty for no end.
        weak: why the algorithm of its signature does not count; empty if it does.
        reasons: the share of revocation reasons that a GOOD covers.
        item: octets of the evidence, where somebody asks for proofs of its existence.
    """

    kind: Kind
    source: str
    this_update: bytes = b""
    next_update: bytes = b""
    revoked_at: bytes = b""
    reason: str | None = None
    detail: str = ""
    until: bytes = b""
    weak: str = ""
    reasons: int = ALL_REASONS
    item: bytes = b""


class Stale(NamedTuple):
    """Why the dates of evidence do not let it count."""

    detail: str

    def of(self, source: str, this_update: bytes, next_update: bytes, detail: str) -> Finding:
        """Return the finding that says so."""
        return Finding(Kind.STALE, source, this_update, next_update, detail=detail)


def dated(
    this_update: bytes,
    next_update: bytes,
    certificate: Certificate,
    inquiry: Inquiry,
    at: bytes,
    *,
    kept_since: bytes = b"",
) -> tuple[Stale | None, bytes]:
    """Compare the dates of evidence with the time in question (EN 319 102-1 § 5.2.5).

    Args:
        this_update, next_update: of the evidence; ``next_update`` may be empty.
        certificate: what it is about.
        inquiry: gives the policy and up to when evidence counts.
        at: the time in question for this certificate.
        kept_since: certificates that expired since then are still answered for.

    Returns:
        Why it does not count, or ``None``; and until when it counts.
    """
    if this_update > inquiry.known:
        return Stale("made later than the time in question"), b""
    if this_update < certificate.not_before:
        return Stale("older than the certificate"), b""
    if this_update > certificate.not_after and not (
        kept_since and kept_since <= certificate.not_after
    ):
        return Stale("made after the certificate expired, when it may have been dropped"), b""
    policy = inquiry.policy
    until = next_update or shift(this_update, policy.max_age_without_next_update)
    if policy.max_revocation_age is not None:
        until = min(until, shift(this_update, policy.max_revocation_age))
    if at > until and not inquiry.sliding:
        return Stale("out of date: " + ("nextUpdate has passed" if next_update else "too old")), b""
    return None, until
