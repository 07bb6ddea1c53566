"""What exactly a file signs: compared with what was offered, octet for octet."""

from __future__ import annotations

from hmac import compare_digest
from typing import TYPE_CHECKING

from esign_kit.errors import InputError
from esign_kit.model.document import Document
from esign_kit.model.signature import ReferenceKind

if TYPE_CHECKING:
    from esign_kit.model.signature import ParsedSignature

__all__ = ["signs_exactly", "sole_content"]


def sole_content(signature: ParsedSignature) -> bytes | Document | None:
    """Return the one thing that a signature covers; ``None`` where it is not exactly one.

    One data reference that resolves to one reading; for a CMS without attributes the signature
    value itself covers the content.
    """
    references = signature.references
    if any(
        item.kind in (ReferenceKind.MANIFEST, ReferenceKind.MANIFEST_ENTRY) for item in references
    ):
        return None
    data = [item for item in references if item.kind is ReferenceKind.DATA]
    if len(data) == 1 and not data[0].error:
        try:
            covered = [octets for octets, _ in data[0].resolve()]
        except InputError:
            return None
        return covered[0] if len(covered) == 1 else None
    if references or len(signature.signed_octets) != 1:
        return None
    return signature.signed_octets[0]


def signs_exactly(signature: ParsedSignature, *candidates: bytes) -> bool:
    """Tell whether a signature covers one of the candidates, wholly and nothing else."""
    content = sole_content(signature)
    if content is None:
        return False
    found = content.octets() if isinstance(content, Document) else content
    return any(compare_digest(found, item) for item in candidates)
