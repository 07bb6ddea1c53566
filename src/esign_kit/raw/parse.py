"""Reading a raw signature: value, certificate and document are handed over side by side.

A bare value does not say by which algorithm it was made. The algorithms of the table that fit the
signer's key are tried, strongest practice first; there are few, and each is judged by the policy
like any other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from esign_kit import crypto
from esign_kit.algorithms import signature_algorithms
from esign_kit.errors import EsignError, InputError, LimitError
from esign_kit.model.signature import (
    Format,
    Packaging,
    ParsedSignature,
    SignedDocument,
    SignerHint,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from esign_kit.algorithms import SignatureAlgorithm
    from esign_kit.asn1.certificate import Certificate
    from esign_kit.model.document import Document
    from esign_kit.trust.policy import ValidationPolicy

__all__ = ["parse"]

_LARGEST_VALUE = 64 * 1024


def parse(
    data: bytes,
    *,
    detached: Sequence[Document],
    policy: ValidationPolicy,
    certificates: Sequence[Certificate],
) -> SignedDocument:
    """Read a value over one document, made with the key of the first certificate.

    Raises:
        InputError: not exactly one document.
        LimitError: the value is larger than any signature.
    """
    if len(data) > _LARGEST_VALUE:
        raise LimitError("too large for a signature value", code="input.no-signature")
    if len(detached) != 1:
        raise InputError("a raw signature covers one document", code="raw.documents")
    algorithm, plain = _algorithm(data, detached[0], policy, certificates[0])
    signature = ParsedSignature(
        id="S-1",
        format=Format.RAW,
        level="RAW-NOT-ETSI",
        packaging=Packaging.DETACHED,
        algorithm=algorithm,
        algorithm_label=algorithm.name if algorithm else "",
        signature_value=data,
        signed_octets=(detached[0],),
        references=(),
        plain_signature=plain,
        signer=SignerHint(certificate=certificates[0].der),
        certificates=(certificates[0].der,),
    )
    return SignedDocument(Format.RAW, (signature,))


def _algorithm(
    value: bytes, document: Document, policy: ValidationPolicy, certificate: Certificate
) -> tuple[SignatureAlgorithm | None, bool]:
    """Find the algorithm by which the value verifies; else the first that fits the key."""
    try:
        key = crypto.load_public_key(certificate.spki)
    except EsignError:
        return None, False
    fitting = [
        algorithm
        for algorithm in signature_algorithms()
        if algorithm.key_type == key.type
        and (algorithm.digest is None or algorithm.digest in policy.algorithms.digests)
    ]
    fitting.sort(key=lambda algorithm: algorithm.digest in ("SHA1", "MD5"))
    for algorithm in fitting:
        for plain in (False, True) if algorithm.family == "ECDSA" else (False,):
            try:
                if crypto.verify(
                    key, algorithm, value, document, plain=plain, limits=policy.limits
                ):
                    return algorithm, plain
            except EsignError:
                continue
    return (fitting[0] if fitting else None), False
