"""Cutting the one signature out of a file that is already in canonical form.

An enveloped signature covers the canonical form of the file without itself. Who signs usually
writes that form, and then it is the file without the octets of the ds:Signature. Whether it is so
the digest of the reference says: octets that have the signed digest *are* the octets that were
signed, by the collision resistance that the signature rests on anyway. So nothing is
canonicalised, and what is handed to the caller is what was hashed.

What must hold for that, each of it checked here before anything is hashed:

1. the document was parsed, whole: well-formedness, the refusal of document types, limits and Ids
   that stand twice have been judged on this very file (:func:`esign_kit.xmldsig.parser.parse`);
2. it holds exactly one ds:Signature, the one that is verified, and that is not the root;
3. the reference covers the whole document, by ``URI=""`` or the Id of the root;
4. its transforms take out this signature and canonicalise, and do nothing else;
5. neither comments, CDATA nor processing instructions stand in the file, no more than the XML
   declaration at its start, so each other ``<`` starts a tag, and the qualified name of the
   signature starts exactly one: the octets cut out are the element that the tree holds, and
   nothing that only looks like it;
6. the rest, from the start tag of the root to its end tag, has nothing that no canonical form
   has: carriage returns, character references, empty-element tags, single quotes around values.

Where one does not hold, or the digest differs, the reference takes the long way.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from esign_kit.algorithms import digest_algorithm

if TYPE_CHECKING:
    from collections.abc import Sequence

    from esign_kit.xmldsig.parser import Element, XmlDocument
    from esign_kit.xmldsig.transforms import Step

__all__ = ["covered_octets"]

_AFTER_NAME = frozenset(b" \t\r\n/>")
_REMOVALS = frozenset(("enveloped", "remove-signature", "remove-signatures"))


def covered_octets(
    document: XmlDocument,
    signature: Element,
    steps: Sequence[Step],
    digest: str,
    value: bytes,
) -> bytes | None:
    """Return the octets of the whole document without the signature if they have the digest.

    Args:
        signature: the ds:Signature that holds the reference.
        steps: transforms of a reference to the whole document.
        digest: name of the digest algorithm of the reference.
        value: its DigestValue.

    Returns:
        ``None`` where a condition does not hold or the digest is another.
    """
    if not _only_removes(steps, signature):
        return None
    if document.written is None:
        document.written = _cut(document, signature)
    found = document.written
    table = digest_algorithm(digest)
    if not found or table.slow:
        return None
    document.spend(len(found))
    return found if table.hash(found) == value else None


def _only_removes(steps: Sequence[Step], signature: Element) -> bool:
    """Return whether the transforms take the signature out and then at most canonicalise."""
    last = len(steps) - 1
    removed = False
    for number, step in enumerate(steps):
        kind = step.kind
        if kind in _REMOVALS:
            removed = True
        elif kind.startswith("remove-at-"):
            depth = int(kind.removeprefix("remove-at-"))
            if sum(1 for _ in signature.iterancestors()) != depth:
                return False
            removed = True
        elif kind != "c14n" or number != last:
            return False
    return removed


def _cut(document: XmlDocument, signature: Element) -> bytes:
    """Return the document without its signature; empty if that is not plainly to be seen."""
    octets = document.octets
    if signature is document.root or len(document.signatures()) != 1:
        return b""
    # One octet is looked for twenty times faster than two.
    if (b"!" in octets and b"<!" in octets) or (b"?" in octets and octets.find(b"<?", 1) >= 0):
        return b""
    first = _first_tag(octets)
    start, end = _element(octets, signature.prefix)
    if first < 0 or start < 0 or end < 0:
        return b""
    rest = octets[first:start] + octets[end:].rstrip(b" \t\n")
    if not rest.startswith(b"<") or b"\r" in rest or b"/>" in rest:
        return b""
    if (b"&" in rest and b"&#" in rest) or (b"'" in rest and b"='" in rest):
        return b""
    return rest


def _first_tag(octets: bytes) -> int:
    """Return where the root starts, or -1.

    A declaration and white space before it are not covered.
    """
    if not octets.startswith(b"<?"):
        return octets.index(b"<")
    end = octets.index(b"?>")
    # Later versions of XML have other line ends; an instruction is part of the canonical form.
    if not octets.startswith(b"<?xml ") or b"1.0" not in octets[:end]:
        return -1
    return octets.index(b"<", end)


def _element(octets: bytes, prefix: str | None) -> tuple[int, int]:
    """Return where the only element with the name of the signature starts and ends, or -1."""
    opening, closing = _tags(prefix)
    start = position = -1
    while (position := octets.find(opening, position + 1)) >= 0:
        if octets[position + len(opening)] in _AFTER_NAME:
            if start >= 0:
                return -1, -1
            start = position
    # One start tag has one end tag; it stands near the end of most files.
    position = len(octets)
    while (position := octets.rfind(closing, start + 1, position)) >= 0:
        after = position + len(closing)
        if octets[after] in _AFTER_NAME:
            return start, octets.index(b">", after) + 1
    return -1, -1


@lru_cache(maxsize=64)
def _tags(prefix: str | None) -> tuple[bytes, bytes]:
    name = "Signature" if prefix is None else f"{prefix}:Signature"
    return f"<{name}".encode(), f"</{name}".encode()
