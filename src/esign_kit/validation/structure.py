"""What a signed file looks like, as plain data and without judgement (``esign inspect``)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from esign_kit.asn1.certificate import Certificate
from esign_kit.errors import InputError
from esign_kit.model.plain import plain

if TYPE_CHECKING:
    from collections.abc import Iterable

    from esign_kit.model.signature import ParsedSignature, SignedDocument

__all__ = ["describe"]


def describe(document: SignedDocument) -> dict[str, Any]:
    """Return signers, certificates, attributes and time-stamps of what was read."""
    return {
        "schema": "esign-kit/structure/1",
        "format": str(document.format),
        "signatures": [_signature(item) for item in document.signatures],
        "findings": [
            {"code": f.code, "detail": f.detail, "fatal": f.fatal} for f in document.findings
        ],
    }


def _signature(parsed: ParsedSignature) -> dict[str, Any]:
    return {
        "id": parsed.id,
        "format": str(parsed.format),
        "level": parsed.level,
        "packaging": str(parsed.packaging) if parsed.packaging else None,
        "algorithm": parsed.algorithm.name if parsed.algorithm else None,
        "algorithm_label": parsed.algorithm_label,
        "digest_algorithm": parsed.digest_algorithm,
        "claimed_signing_time": parsed.claimed_signing_time.isoformat()
        if parsed.claimed_signing_time
        else None,
        "certificate_bound": parsed.certificate_reference_attribute,
        "certificates": list(_certificates(parsed.certificates)),
        "crls": len(parsed.crls),
        "ocsp_responses": len(parsed.ocsp_responses),
        "references": [
            {
                "id": reference.id,
                "kind": str(reference.kind),
                "uri": reference.uri,
                "digest_algorithm": reference.digest_algorithm or reference.algorithm_label,
                "digest": reference.digest_value.hex(),
                "error": reference.error or None,
            }
            for reference in parsed.references
        ],
        "signed_attributes": plain(dict(parsed.signed_attributes)),
        "unsigned_attributes": plain(dict(parsed.unsigned_attributes)),
        "timestamps": [
            {"kind": str(stamp.kind), "source": stamp.source, "size": len(stamp.token)}
            for stamp in parsed.timestamps
        ],
        "counter_signatures": [_signature(item) for item in parsed.counter_signatures],
        "findings": [
            {"code": f.code, "detail": f.detail, "fatal": f.fatal} for f in parsed.findings
        ],
        "structure_faults": None if parsed.structure is None else list(parsed.structure()),
    }


def _certificates(ders: Iterable[bytes]) -> Iterable[dict[str, Any]]:
    for der in ders:
        try:
            certificate = Certificate.load(der)
        except InputError as error:
            yield {"error": error.detail, "size": len(der)}
            continue
        yield {
            "subject": certificate.subject_text,
            "issuer": certificate.issuer_text,
            "serial": format(certificate.serial, "x"),
            "not_before": certificate.not_before_time.isoformat(),
            "not_after": certificate.not_after_time.isoformat(),
        }
