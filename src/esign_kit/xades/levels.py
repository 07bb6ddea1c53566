"""The level that the structure of a signature has, in the words of EN 319 132-1 and -2.

Structure only: nothing here says that a time-stamp or a certificate is any good.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from esign_kit.xades.properties import SignedProperties, UnsignedProperties

__all__ = ["detect_level"]

_ARCHIVE = frozenset(("ArchiveTimeStamp", "ArchiveTimeStampV2"))
_X_STAMPS = frozenset(
    ("SigAndRefsTimeStamp", "SigAndRefsTimeStampV2", "RefsOnlyTimeStamp", "RefsOnlyTimeStampV2")
)
_CERTIFICATE_REFS = frozenset(("CompleteCertificateRefs", "CompleteCertificateRefsV2"))
_REFS = (
    _CERTIFICATE_REFS
    | _X_STAMPS
    | {
        "CompleteRevocationRefs",
        "AttributeCertificateRefs",
        "AttributeCertificateRefsV2",
        "AttributeRevocationRefs",
    }
)
_V132 = "http://uri.etsi.org/01903/v1.3.2#"


def detect_level(
    signed: SignedProperties | None,
    unsigned: UnsignedProperties | None,
    *,
    key_info_certificates: bool,
    data_references: int,
) -> str:
    """Return the level: ``"XAdES-BASELINE-B"``, ``"XAdES-T"``, ``"XML-NOT-ETSI"``, …."""
    if signed is None or not signed.certificate_attribute:
        return "XML-NOT-ETSI"
    held = frozenset(unsigned.present) if unsigned is not None else frozenset()
    if "SealingEvidenceRecords" in held:
        return "XAdES-ERS"
    has_values = "CertificateValues" in held and "RevocationValues" in held
    archive = bool(held & _ARCHIVE)
    stamped = "SignatureTimeStamp" in held
    if _is_baseline(signed, held, key_info_certificates, data_references):
        if archive and stamped and (has_values or _validation_data(held)):
            return "XAdES-BASELINE-LTA"
        if stamped and (has_values or _validation_data(held)):
            return "XAdES-BASELINE-LT"
        return "XAdES-BASELINE-T" if stamped else "XAdES-BASELINE-B"
    if archive:
        return "XAdES-A"
    refs = bool(held & _CERTIFICATE_REFS) and "CompleteRevocationRefs" in held
    if refs and has_values and held & _X_STAMPS:
        return "XAdES-XL"
    if has_values:
        return "XAdES-LT" if stamped else "XAdES-BES"
    if refs and held & _X_STAMPS:
        return "XAdES-X"
    if refs:
        return "XAdES-C"
    if stamped:
        return "XAdES-T"
    return "XAdES-EPES" if "policy" in signed.attributes else "XAdES-BES"


def _validation_data(held: frozenset[str]) -> bool:
    return bool(held & {"CertificateValues", "RevocationValues", "AnyValidationData"})


def _is_baseline(
    signed: SignedProperties,
    held: frozenset[str],
    key_info_certificates: bool,
    data_references: int,
) -> bool:
    """Return whether the requirements of EN 319 132-1 § 6.3 on a baseline signature hold."""
    if signed.version != _V132 or signed.signing_time is None:
        return False
    if not key_info_certificates or held & _REFS:
        return False
    # Each signed data object has its DataObjectFormat with a media type.
    formats = [entry for entry in signed.data_formats if entry.get("media_type")]
    return len(formats) >= data_references
