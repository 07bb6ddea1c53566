"""Reading without judging: digests and values of what the XML rooms hand over."""

from __future__ import annotations

from typing import TYPE_CHECKING

from esign_kit import crypto
from esign_kit.asn1.certificate import Certificate
from esign_kit.errors import EsignError, InputError
from esign_kit.model.document import Document
from esign_kit.xades.parse import parse

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from esign_kit.model.signature import ParsedSignature, SignedReference
    from esign_kit.trust.policy import ValidationPolicy


def every(signatures: Iterable[ParsedSignature]) -> Iterator[ParsedSignature]:
    """Yield signatures and what countersigns them."""
    for signature in signatures:
        yield signature
        yield from every(signature.counter_signatures)


def signatures(
    data: bytes, policy: ValidationPolicy, detached: Sequence[Document] = ()
) -> list[ParsedSignature]:
    """Return all signatures of a file."""
    return list(every(parse(data, detached=detached, policy=policy).signatures))


def state(reference: SignedReference) -> str:
    """Return ``"OK"``, ``"MISMATCH"``, ``"NOT FOUND"`` or the code of the problem."""
    if reference.error:
        return reference.error_code
    if reference.digest_algorithm is None:
        return "algorithm"
    found = "NOT FOUND"
    try:
        for octets, scope in reference.resolve():
            document = octets if isinstance(octets, Document) else Document(octets)
            if document.digest(reference.digest_algorithm) == reference.digest_value:
                return f"OK {scope.coverage}"
            found = "MISMATCH"
    except InputError as error:
        return error.code
    return found


def states(signature: ParsedSignature) -> list[str]:
    """Return the state of each reference."""
    return [state(reference) for reference in signature.references]


def covered(signature: ParsedSignature, number: int = 0) -> bytes:
    """Return the octets that a reference covers."""
    for octets, _ in signature.references[number].resolve():
        return octets.octets() if isinstance(octets, Document) else octets
    return b""


def value_verifies(signature: ParsedSignature) -> bool:
    """Return whether the value verifies with a key that the file names."""
    if signature.algorithm is None or not signature.signed_octets:
        return False
    keys = []
    for der in signature.certificates:
        try:
            keys.append(Certificate.load(der).spki)
        except InputError:
            continue
    if not keys and signature.key_value is not None:
        keys.append(signature.key_value)
    for spki in keys:
        try:
            if crypto.verify(
                crypto.load_public_key(spki),
                signature.algorithm,
                signature.signature_value,
                signature.signed_octets[0],
                plain=signature.plain_signature,
            ):
                return True
        except EsignError:
            continue
    return False


def fatal(signature: ParsedSignature) -> list[str]:
    """Return the codes of the fatal findings."""
    return [finding.code for finding in signature.findings if finding.fatal]
