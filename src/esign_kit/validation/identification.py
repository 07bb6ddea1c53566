"""Identification of the signing certificate (EN 319 102-1 § 5.2.3)."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from esign_kit.algorithms import digest_algorithm
from esign_kit.asn1 import names
from esign_kit.errors import EsignError
from esign_kit.model.quick import later
from esign_kit.model.report import Check, CheckStatus, SubIndication

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from esign_kit.asn1.certificate import Certificate
    from esign_kit.model.signature import CertificateReference, ParsedSignature, SignerHint

__all__ = ["identify_signing_certificate"]

_PASSED = CheckStatus.PASSED
_BOUND = {
    "identified": True,
    "ref_present": True,
    "ref_unique": True,
    "digest_match": True,
    "issuer_serial_match": True,
}


def identify_signing_certificate(
    parsed: ParsedSignature, pool: Sequence[Certificate]
) -> tuple[tuple[Certificate, ...], Check]:
    """Find the certificate whose key is to verify the signature value.

    With a signed reference to it there is exactly one candidate: the certificate that the *first*
    reference names by its digest (RFC 5035 § 5.4.1, EN 319 132-1 § 5.2.2). Without one the unsigned
    hints order the candidates, and the one whose key verifies is the signer's.

    Returns:
        Candidates, best first, and the check ``signing-certificate``.
    """
    if parsed.certificate_reference_attribute:
        return _by_reference(parsed, pool)
    candidates = tuple(_by_hint(parsed.signer, pool)) or _by_key_value(parsed, pool)
    if not candidates and not _names_a_signer(parsed.signer):
        # Nothing points anywhere: every certificate of the file is a candidate, few at most.
        candidates = tuple(pool[:8])
    facts: dict[str, Any] = {"identified": bool(candidates), "ref_present": False}
    if not candidates:
        return (), Check(
            "signing-certificate",
            CheckStatus.INDETERMINATE,
            SubIndication.NO_SIGNING_CERTIFICATE_FOUND,
            "the signer's certificate is not in the signature and was not given",
            "hand it over as certificates=[…]",
            "certificate.missing",
            facts,
        )
    return candidates, Check(
        "signing-certificate",
        CheckStatus.PASSED,
        detail=f"{candidates[0].label}; the signature does not bind its certificate",
        code="certificate.not-bound",
        facts=facts,
    )


def _by_reference(
    parsed: ParsedSignature, pool: Sequence[Certificate]
) -> tuple[tuple[Certificate, ...], Check]:
    references = parsed.certificate_references
    unique = len(references) == 1 or len({item.version for item in references}) == len(references)
    hinted = next(iter(_by_hint(parsed.signer, pool)), None)
    if not references:
        return _refused(
            hinted, "the signing-certificate property is empty", "certificate.ref-empty"
        )
    first = references[0]
    certificate = hinted if hinted is not None and matches_digest(hinted, first) else None
    if certificate is None:
        certificate = next((c for c in pool if matches_digest(c, first)), None)
    if certificate is None:
        if hinted is not None:
            return _refused(
                hinted,
                f"the certificate of {hinted.label} is not the one that the signature binds",
                "certificate.digest-mismatch",
                identified=_names_a_signer(parsed.signer),
                ref_unique=unique,
                digest_match=False,
                issuer_serial_match=matches_issuer_serial(hinted, first),
            )
        return _refused(
            None,
            "no certificate at hand has the digest that the signature binds",
            "certificate.missing",
            ref_unique=unique,
            digest_match=False,
        )
    if hinted is not None and hinted is not certificate and hinted != certificate:
        return _refused(
            certificate,
            f"the signature binds {certificate.label} but names {hinted.label} as its signer",
            "certificate.contradiction",
            ref_unique=unique,
            digest_match=True,
        )
    if len(references) > 1 and not _agree(certificate, references):
        return _refused(
            certificate,
            "the signing-certificate properties of the signature name different certificates",
            "certificate.contradiction",
            ref_unique=unique,
            digest_match=False,
        )
    serial_match = matches_issuer_serial(certificate, first)
    if unique and serial_match:
        return (certificate,), _passed(certificate)
    remark = (
        "" if serial_match else "; the issuer and serial number beside its digest are another's"
    )
    return (certificate,), Check(
        "signing-certificate",
        CheckStatus.PASSED,
        detail=f"{certificate.label}, bound by the signature{remark}",
        code="" if serial_match else "certificate.issuer-serial-mismatch",
        facts={**_BOUND, "ref_unique": unique, "issuer_serial_match": serial_match},
    )


def _agree(certificate: Certificate, references: Sequence[CertificateReference]) -> bool:
    """Tell whether the first reference of each kind of property names the certificate.

    Properties of the old and the new kind beside each other are each evaluated (RFC 5035 § 5.4).
    """
    seen: set[int] = set()
    for reference in references:
        if reference.version not in seen:
            seen.add(reference.version)
            if not matches_digest(certificate, reference):
                return False
    return True


def _passed(certificate: Certificate) -> Check:
    known: Any = certificate._cache.get("bound-check")
    if known is None:
        known = certificate._cache["bound-check"] = Check(
            "signing-certificate",
            _PASSED,
            detail=later(lambda: f"{certificate.label}, bound by the signature"),
            facts=_BOUND,
        )
    return known  # type: ignore[no-any-return]


def _refused(
    certificate: Certificate | None, detail: str, code: str, **facts: bool
) -> tuple[tuple[Certificate, ...], Check]:
    check = Check(
        "signing-certificate",
        CheckStatus.INDETERMINATE,
        SubIndication.NO_SIGNING_CERTIFICATE_FOUND,
        detail,
        code=code,
        facts={"identified": certificate is not None, "ref_present": True, **facts},
    )
    return (certificate,) if certificate is not None else (), check


def matches_digest(certificate: Certificate, reference: CertificateReference) -> bool:
    """Tell whether the reference's digest is that of the certificate."""
    if reference.digest_algorithm is None:
        return False
    return certificate_digest(certificate.der, reference.digest_algorithm) == reference.digest


@lru_cache(maxsize=4096)
def certificate_digest(der: bytes, algorithm: str) -> bytes:
    """Return the digest of a certificate; the signer's is asked for at every verification."""
    return digest_algorithm(algorithm).hash(der)


def matches_issuer_serial(certificate: Certificate, reference: CertificateReference) -> bool:
    """Tell whether issuer and serial number of the reference, where it has them, are right.

    They are a hint; what binds is the digest beside them. Some writers take the issuer from its
    printed form, and with it the printed order.
    """
    if reference.serial is not None and reference.serial != certificate.serial:
        return False
    if reference.issuer is not None:
        return names.equal(reference.issuer, certificate.issuer) or names.equal(
            names.reverse(reference.issuer), certificate.issuer
        )
    if reference.issuer_text is not None:
        return names.matches_text(certificate.issuer, reference.issuer_text)
    return True


def _by_hint(hint: SignerHint, pool: Sequence[Certificate]) -> Iterable[Certificate]:
    found = []
    for certificate in pool:
        if hint.certificate is not None and certificate.der == hint.certificate:
            return (certificate,)
        if hint.serial is not None and certificate.serial == hint.serial:
            if (hint.issuer is not None and names.equal(hint.issuer, certificate.issuer)) or (
                hint.issuer_text is not None
                and names.matches_text(certificate.issuer, hint.issuer_text)
            ):
                found.append(certificate)
        elif hint.subject_key_identifier is not None and hint.serial is None:
            try:
                identifier = certificate.subject_key_identifier
            except EsignError:
                continue
            if identifier == hint.subject_key_identifier:
                found.append(certificate)
    return found


def _names_a_signer(hint: SignerHint) -> bool:
    return hint.serial is not None or hint.subject_key_identifier is not None


def _by_key_value(parsed: ParsedSignature, pool: Sequence[Certificate]) -> tuple[Certificate, ...]:
    if parsed.key_value is None:
        return ()
    return tuple(c for c in pool if c.spki == parsed.key_value)[:8]
