"""What exactly a file signs: compared with what was offered, octet for octet."""

from __future__ import annotations

from hmac import compare_digest
from typing import TYPE_CHECKING

from esign_kit.errors import InputError
from esign_kit.model.document import Document
from esign_kit.model.signature import ReferenceKind

if TYPE_CHECKING:
    from collections.abc import Iterable

    from esign_kit.model.signature import ParsedSignature

__all__ = ["signs_exactly"]


def signs_exactly(signature: ParsedSignature, *candidates: bytes) -> bool:
    """Tell whether a signature covers one of the candidates, wholly and nothing else.

    One data reference, and its octets are the candidate's; for a CMS without attributes the
    signature value itself covers the content.
    """
    data = [item for item in signature.references if item.kind is ReferenceKind.DATA]
    if len(data) == 1 and not any(
        item.kind in (ReferenceKind.MANIFEST, ReferenceKind.MANIFEST_ENTRY)
        for item in signature.references
    ):
        if data[0].error:
            return False
        try:
            covered: list[bytes | Document] = [octets for octets, _ in data[0].resolve()]
        except InputError:
            return False
        return len(covered) == 1 and _among(covered[0], candidates)
    if data or signature.references:
        return False
    return len(signature.signed_octets) == 1 and _among(signature.signed_octets[0], candidates)


def _among(octets: bytes | Document, candidates: Iterable[bytes]) -> bool:
    found = octets.octets() if isinstance(octets, Document) else octets
    return any(compare_digest(found, item) for item in candidates)
