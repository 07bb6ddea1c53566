"""What a CMS signature covers: content in the message, content beside it, or another signature."""

from __future__ import annotations

from typing import TYPE_CHECKING

from esign_kit.model.document import Coverage, Document, Scope
from esign_kit.model.quick import later

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from esign_kit.algorithms import DigestAlgorithm
    from esign_kit.asn1.cms import SignedData, SignerInfo

    Resolver = Callable[[], Iterable[tuple[bytes | Document, Scope]]]

__all__ = ["content_of", "countersigned", "octets_of", "resolver"]

_SMALL = 64 * 1024
# Bound once: Python 3.11 takes 90 ns to look a member of an enumeration up in its class.
_OBJECT = Coverage.OBJECT


def content_of(message: SignedData) -> bytes | Document | None:
    """Return the embedded content; large or with several signers as one document.

    That is copied out of the file only where somebody asks for it, and hashed once for all.
    """
    span = message.content_span
    if span is None:
        return None
    start, stop = span
    if stop - start <= _SMALL and len(message.signer_spans) == 1:
        return message.data[start:stop]
    return Document.within(message.data, start, stop)


def octets_of(content: bytes | Document) -> bytes:
    """Return the octets of embedded content."""
    return content.octets() if isinstance(content, Document) else content


def resolver(
    content: bytes | Document | None,
    detached: tuple[Document, ...],
    digest: DigestAlgorithm | None,
) -> Resolver:
    """Return what finds the octets under a message digest, as ``SignedReference.resolve``."""
    if isinstance(content, Document):
        return lambda: ((content, Scope("", _OBJECT, later(content.octets))),)
    if content is not None:
        return lambda: ((content, Scope("", _OBJECT, content)),)
    name = digest.name if digest is not None else ""

    def resolve() -> Iterable[tuple[bytes | Document, Scope]]:
        for document in detached:
            if not document.has_octets:
                if len(detached) > 1 and name not in document.digests:
                    continue
                yield document, Scope(document.name or "", Coverage.DIGEST, document=document)
            elif document.is_file:
                yield document, Scope(document.name or "", Coverage.FULL, document=document)
            else:
                yield (
                    document,
                    Scope(
                        document.name or "",
                        Coverage.FULL,
                        octets=document.octets(),
                        document=document,
                    ),
                )

    return resolve


def countersigned(parent: SignerInfo, name: str) -> Resolver:
    """Return what finds the signature value that the counter-signature ``name`` covers."""

    def resolve() -> Iterable[tuple[bytes | Document, Scope]]:
        value = parent.signature
        yield value, Scope(name.rpartition("-")[0], Coverage.SIGNATURE, octets=value)

    return resolve
