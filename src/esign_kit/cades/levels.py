"""The level that the structure of a signature has (EN 319 122-1 § 6.3, EN 319 122-2, RFC 5126).

A level is a description, not a verdict: whether time-stamps and evidence are good, the checks say.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from esign_kit.asn1.cms import ID_DATA
from esign_kit.cades import oids

if TYPE_CHECKING:
    from collections.abc import Callable

    from esign_kit.asn1.cms import SignedData, SignerInfo

    _Types = dict[bytes, list[tuple[int, int, int, int]]]

__all__ = ["NOT_ETSI", "has_evidence_record", "level"]

_REFERENCES = (oids.CERTIFICATE_REFERENCES, oids.REVOCATION_REFERENCES)
_ARCHIVE = (
    oids.ARCHIVE_TIMESTAMP_V1,
    oids.ARCHIVE_TIMESTAMP_V2,
    oids.ARCHIVE_TIMESTAMP_V3,
    oids.LONG_TERM_VALIDATION,
)
_NOT_IN_BASELINE = (
    # EN 319 122-1 table 1: "shall not be present" from B-LT on.
    oids.CERTIFICATE_REFERENCES,
    oids.REVOCATION_REFERENCES,
    oids.CERTIFICATE_VALUES,
    oids.REVOCATION_VALUES,
    oids.ATTRIBUTE_CERTIFICATE_REFERENCES,
    oids.ATTRIBUTE_REVOCATION_REFERENCES,
    oids.CADES_C_TIMESTAMP,
    oids.REFERENCES_TIMESTAMP,
    oids.ARCHIVE_TIMESTAMP_V1,
    oids.ARCHIVE_TIMESTAMP_V2,
)
NOT_ETSI = "CMS-NOT-ETSI"


def has_evidence_record(message: SignedData, signer: SignerInfo) -> bool:
    """Tell whether the signer carries an evidence record of the kind that fits (RFC 5276 § 3).

    The internal one goes with embedded content, the external one with detached content. A record
    covers the whole message, so one is enough for all signers.
    """
    if signer.unsigned is None:
        return False
    embedded = message.content_span is not None
    return (
        oids.EVIDENCE_RECORD_INTERNAL if embedded else oids.EVIDENCE_RECORD_EXTERNAL
    ) in signer.unsigned


def level(
    message: SignedData,
    signer: SignerInfo,
    *,
    counter: bool = False,
    evidence_record: bool = False,
    weak_reference: bool = False,
    complete: Callable[[], bool] = bool,
) -> str:
    """Return the level in the words of EN 319 122, ``"CMS-NOT-ETSI"`` below CAdES-BES.

    Args:
        message: the message that the signer stands in.
        signer: the SignerInfo.
        counter: it is a counter-signature, which has no content-type attribute.
        evidence_record: the message has one (:func:`has_evidence_record`).
        weak_reference: signing-certificate-v2 by SHA-1, for which only the first version may be
            used (EN 319 122-1 § 5.2.2).
        complete: tells whether the evidence for the chains is there
            (:func:`esign_kit.cades.completeness.evidence_complete`); asked only where it matters.
    """
    signed = signer.signed
    if signed is None or weak_reference or not _is_bes(signer, counter):
        return NOT_ETSI
    unsigned = signer.unsigned
    baseline = _is_baseline_b(message, signer, counter)
    if unsigned is None:
        if baseline:
            return "CAdES-BASELINE-B"
        return "CAdES-EPES" if oids.SIGNATURE_POLICY in signed else "CAdES-BES"
    there = unsigned.by_type
    if oids.SIGNATURE_TIMESTAMP not in there:
        if baseline:
            return "CAdES-BASELINE-B"
        return "CAdES-EPES" if oids.SIGNATURE_POLICY in signed else "CAdES-BES"
    if baseline and not any(kind in there for kind in _NOT_IN_BASELINE):
        if evidence_record and (message.crls or message.ocsp_responses):
            return "CAdES-ERS"
        return _baseline(message, there, complete)
    return _extended(message, there, baseline, complete)


def _is_bes(signer: SignerInfo, counter: bool) -> bool:
    signed = signer.signed
    if signed is None or oids.MESSAGE_DIGEST not in signed:
        return False
    if not counter and oids.CONTENT_TYPE not in signed:
        return False
    return (
        oids.SIGNING_CERTIFICATE_V2 in signed
        or oids.SIGNING_CERTIFICATE in signed
        or oids.OTHER_SIGNING_CERTIFICATE in signed
    )


def _is_baseline_b(message: SignedData, signer: SignerInfo, counter: bool) -> bool:
    signed = signer.signed
    if signed is None or not message.certificates or signed.only(oids.SIGNING_TIME) is None:
        return False
    if oids.SIGNING_CERTIFICATE_V2 not in signed and oids.SIGNING_CERTIFICATE not in signed:
        return False
    return counter or message.content_type == ID_DATA


def _baseline(message: SignedData, there: _Types, complete: Callable[[], bool]) -> str:
    if not (message.crls or message.ocsp_responses) or not complete():
        return "CAdES-BASELINE-T"
    if oids.ARCHIVE_TIMESTAMP_V3 in there:
        return "CAdES-BASELINE-LTA"
    return "CAdES-BASELINE-LT"


def _extended(
    message: SignedData, there: _Types, baseline: bool, complete: Callable[[], bool]
) -> str:
    references = all(kind in there for kind in _REFERENCES)
    values = (oids.CERTIFICATE_VALUES in there and oids.REVOCATION_VALUES in there) or bool(
        message.crls or message.ocsp_responses
    )
    stamped = oids.CADES_C_TIMESTAMP in there or oids.REFERENCES_TIMESTAMP in there
    long_term = values and complete()
    if long_term and any(kind in there for kind in _ARCHIVE):
        return "CAdES-A"
    if references:
        if stamped:
            return "CAdES-XL" if long_term else "CAdES-X"
        return "CAdES-C"
    return "CAdES-BASELINE-T" if baseline else "CAdES-T"
