"""The signature of a list, by a certificate that was named beforehand (TS 119 612 § 5.7.1).

There is no path here: the signer's certificate itself is the one that is pinned, by the caller for
a list of lists and by the list of lists for a list. Who may sign next is said by the next list.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from esign_kit.asn1.certificate import Certificate
from esign_kit.errors import EvidenceError, InputError
from esign_kit.model.document import Coverage
from esign_kit.model.evidence import Evidence
from esign_kit.model.limits import Limits
from esign_kit.model.report import CheckStatus
from esign_kit.trust.policy import Revocation, ValidationPolicy
from esign_kit.trust.store import TrustAnchor, TrustStore
from esign_kit.trustlist.read import read_list
from esign_kit.validation.context import Context
from esign_kit.validation.process import check_signature
from esign_kit.xades import parse as xades

if TYPE_CHECKING:
    from collections.abc import Sequence

    from esign_kit.model.report import SignatureReport
    from esign_kit.trustlist.model import TrustList

__all__ = ["verify_list"]

_POLICY = ValidationPolicy(id="esign-kit/trusted-list/1", revocation=Revocation.NOT_CHECKED)
_LIMITS = Limits(xml_elements=4_000_000)


def verify_list(
    data: bytes, signers: Sequence[Certificate], *, policy: ValidationPolicy | None = None
) -> TrustList:
    """Verify and read a list.

    The signature is judged at the time at which the list says that it was issued: a pinned
    certificate may expire while its last list is still in force, and the age of a list is bounded
    by its own next update (§ 5.3.15), which is for the caller to compare.

    Args:
        data: the file.
        signers: certificates of which one must have signed it.
        policy: algorithms and limits; strict by default.

    Raises:
        EvidenceError: ``trustlist.no-signer`` nobody is pinned; ``trustlist.malformed``,
            ``trustlist.version``, ``trustlist.none``: not a list that we read;
            ``trustlist.signature``: not signed, not whole, or not by one of ``signers``.
    """
    if not signers:
        raise EvidenceError(
            "no certificate is known that may sign this list", code="trustlist.no-signer"
        )
    chosen = policy or _POLICY.with_(id=_POLICY.id, limits=_LIMITS)
    try:
        unsigned = read_list(data, chosen.limits)
        parsed = xades.parse(data, detached=(), policy=chosen)
    except InputError as error:
        code = error.code if error.code.startswith("trustlist.") else "trustlist.malformed"
        if error.code == "input.no-signature":
            code = "trustlist.signature"
        raise EvidenceError(f"not a trusted list: {error.detail}", code=code) from error
    if len(parsed.signatures) != 1:
        raise _refused(f"it has {len(parsed.signatures)} signatures")
    context = Context(
        trust=TrustStore([TrustAnchor(signer) for signer in signers]),
        helpers=tuple(signers),
        evidence=Evidence(),
        policy=chosen,
        # The claim is signed; if it is a lie, the signature does not hold either.
        at=unsigned.issued,
    )
    report = check_signature(parsed.signatures[0], context)
    _require_passed(report)
    der = report.signing_certificate_der
    if der is None or Certificate.load(der) not in signers:
        raise _refused("its signer is not one of those that are pinned")
    found = read_list(_signed_octets(report), chosen.limits)
    return replace(found, signer=Certificate.load(der))


def _require_passed(report: SignatureReport) -> None:
    if report.passed:
        return
    for check in report.checks:
        if check.status in (CheckStatus.FAILED, CheckStatus.INDETERMINATE):
            raise _refused(check.detail, check.code)
    raise _refused(str(report.sub_indication))


def _signed_octets(report: SignatureReport) -> bytes:
    """The list as it went into the digest: nothing else of the file is read."""
    for scope in report.signed:
        if scope.coverage is Coverage.FULL and scope.octets is not None:
            return scope.octets
    raise _refused("its signature does not cover the whole of it")


def _refused(why: str, code: str = "") -> EvidenceError:
    hint = "the certificates that may sign the list have to be pinned" if "chain" in code else ""
    return EvidenceError(
        f"the signature of the list does not count: {why}", code="trustlist.signature", hint=hint
    )


def check_age(found: TrustList, at: datetime) -> None:
    """Refuse a list whose successor is overdue, or that is not issued yet.

    Raises:
        EvidenceError: ``trustlist.expired``, ``trustlist.closed``, ``trustlist.future``.
    """
    if found.next_update is None:
        raise EvidenceError("the list was closed by its operator", code="trustlist.closed")
    moment = at.astimezone(UTC)
    if moment > found.next_update:
        raise EvidenceError(
            f"the list ended on {found.next_update:%Y-%m-%d}, its successor is overdue",
            code="trustlist.expired",
        )
    if found.issued > moment + _POLICY.clock_skew:
        raise EvidenceError(
            f"the list is of {found.issued:%Y-%m-%d}, which is not yet", code="trustlist.future"
        )
