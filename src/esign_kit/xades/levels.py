"""The level that the structure of a signature has, in the words of EN 319 132-1 and -2.

Structure only: nothing here says that a time-stamp or a certificate is any good.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from esign_kit.algorithms import digest_algorithm
from esign_kit.xades.names import V132

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

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
_VALUES = frozenset(("CertificateValues", "RevocationValues", "AnyValidationData"))


def detect_level(
    signed: SignedProperties | None,
    unsigned: UnsignedProperties | None,
    *,
    certificates: Sequence[bytes],
    references: Collection[str],
    countersigns: bool,
) -> str:
    """Return the level: ``"XAdES-BASELINE-B"``, ``"XAdES-T"``, ``"XML-NOT-ETSI"``, ….

    Args:
        certificates: DER of those in ds:KeyInfo.
        references: Ids of the references to data, to which data object formats point.
        countersigns: the signature signs the value of another.
    """
    if signed is None or not signed.certificate_attribute:
        return "XML-NOT-ETSI"
    if not _formats_hold(signed, references):
        return "XML-NOT-ETSI"
    held = frozenset(unsigned.present) if unsigned is not None else frozenset()
    if _is_baseline(signed, unsigned, held, certificates, countersigns):
        step = _baseline_step(held)
        if step != "B" and step != "T" and "SealingEvidenceRecords" in held:
            return "XAdES-ERS"
        return "XAdES-BASELINE-" + step
    return _extended(signed, held)


def _formats_hold(signed: SignedProperties, references: Collection[str]) -> bool:
    """TS 101 903 § 7.2.5: a format says something, and about a reference of this signature."""
    known = {f"#{name}" for name in references if name}
    return all(entry.get("reference") in known and len(entry) > 1 for entry in signed.data_formats)


def _baseline_step(held: frozenset[str]) -> str:
    if "SignatureTimeStamp" not in held:
        return "B"
    if not held & _VALUES:
        return "T"
    return "LTA" if held & _ARCHIVE else "LT"


def _extended(signed: SignedProperties, held: frozenset[str]) -> str:
    values = "CertificateValues" in held and "RevocationValues" in held
    stamped = "SignatureTimeStamp" in held
    refs = bool(held & _CERTIFICATE_REFS) and "CompleteRevocationRefs" in held
    level = "XAdES-EPES" if "policy" in signed.attributes else "XAdES-BES"
    if stamped:
        level = "XAdES-T"
        if values:
            level = "XAdES-LT"
        if refs:
            level = "XAdES-C"
            if held & _X_STAMPS:
                level = "XAdES-XL" if values else "XAdES-X"
    return "XAdES-A" if held & _ARCHIVE else level


def _is_baseline(
    signed: SignedProperties,
    unsigned: UnsignedProperties | None,
    held: frozenset[str],
    certificates: Sequence[bytes],
    countersigns: bool,
) -> bool:
    """Return whether the requirements of EN 319 132-1 § 6.3 on a baseline signature hold."""
    if signed.version != V132 or signed.signing_time is None or held & _REFS:
        return False
    if not all(entry.get("media_type") for entry in signed.data_formats):
        return False
    if not signed.data_formats and not countersigns and _is_v2(signed):
        return False
    if unsigned is not None and unsigned.crowded_timestamp:
        return False
    return _holds_signer(signed, certificates)


def _is_v2(signed: SignedProperties) -> bool:
    # Signatures after TS 103 171 (SigningCertificate) are taken as baseline without formats.
    return "SigningCertificateV2" in signed.present


def _holds_signer(signed: SignedProperties, certificates: Sequence[bytes]) -> bool:
    """The signing certificate stands in ds:KeyInfo (EN 319 132-1 § 6.3, row KeyInfo/X509Data)."""
    for reference in signed.certificate_references[:1]:
        if reference.digest_algorithm is None:
            return bool(certificates)
        if digest_algorithm(reference.digest_algorithm).slow:
            continue
        for der in certificates:
            if _digest(der, reference.digest_algorithm) == reference.digest:
                return True
    return False


@lru_cache(maxsize=1024)
def _digest(der: bytes, algorithm: str) -> bytes:
    return digest_algorithm(algorithm).hash(der)
