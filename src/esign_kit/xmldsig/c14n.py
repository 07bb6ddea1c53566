"""Canonical XML: the one function that turns a part of a tree into the octets that are hashed.

Canonical XML 1.0 (RFC 3076) and 1.1, Exclusive XML Canonicalization 1.0 (RFC 3741), each with and
without comments. libxml2 does the work on trees whose root is the part in question; a part that
inherits namespaces is first made such a root, because the library forgets which namespaces the
part inherited and then writes stray ``xmlns=""``. Nobody else in esign_kit calls it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from lxml import etree

from esign_kit.errors import InputError
from esign_kit.xmldsig import names
from esign_kit.xmldsig.parser import Element, parse_fragment

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Canonicalization", "canonicalization", "canonicalize", "canonicalize_document"]

_XML_PREFIX = f"{{{names.XML}}}"
_ID = _XML_PREFIX + "id"
_BASE = _XML_PREFIX + "base"


class Canonicalization(NamedTuple):
    """One canonicalisation method.

    Attributes:
        exclusive: Exclusive XML Canonicalization.
        comments: comments are kept.
        version: ``10`` or ``11``; they differ in the attributes that a part inherits.
        prefixes: the InclusiveNamespaces PrefixList, ``#default`` included.
    """

    exclusive: bool
    comments: bool
    version: int
    prefixes: tuple[str, ...] = ()


_METHODS = {
    names.C14N_10: Canonicalization(False, False, 10),
    names.C14N_10_COMMENTS: Canonicalization(False, True, 10),
    names.C14N_11: Canonicalization(False, False, 11),
    names.C14N_11_COMMENTS: Canonicalization(False, True, 11),
    names.C14N_EXCLUSIVE: Canonicalization(True, False, 10),
    names.C14N_EXCLUSIVE_COMMENTS: Canonicalization(True, True, 10),
}

INCLUSIVE = _METHODS[names.C14N_10]
INCLUSIVE_COMMENTS = _METHODS[names.C14N_10_COMMENTS]
EXCLUSIVE = _METHODS[names.C14N_EXCLUSIVE]


def canonicalization(algorithm: str, method: Element = None) -> Canonicalization | None:
    """Return the method by URI and, for the exclusive one, its element; ``None`` if unknown."""
    known = _METHODS.get(algorithm)
    if known is None or not known.exclusive or method is None or not len(method):
        return known
    listed = method.find(names.INCLUSIVE_NAMESPACES)
    if listed is None:
        return known
    words = (listed.get("PrefixList") or "").split()
    return known._replace(prefixes=tuple(words))


def canonicalize(element: Element, method: Canonicalization) -> bytes:
    """Return the canonical form of an element with everything in it.

    Raises:
        InputError: libxml2 refuses, for example a relative namespace URI.
    """
    if "#default" in method.prefixes:
        return _by_nodes(element.getroottree().getroot(), element, method)
    parent = element.getparent()
    if parent is None:
        if element.getprevious() is None and element.getnext() is None:
            return _write(element, method)
        return _write(_rooted(element, {}), method)
    if method.exclusive and not method.prefixes:
        return _write(element, method)
    return _write(_rooted(element, _inherited(element, method)), method)


def canonicalize_document(root: Element, method: Canonicalization) -> bytes:
    """Return the canonical form of a whole document: its element and what stands beside it."""
    if "#default" in method.prefixes:
        return _by_nodes(root, None, method)
    return _write(root.getroottree(), method)


def _by_nodes(root: Element, apex: Element | None, method: Canonicalization) -> bytes:
    """Canonicalise in Python what lxml cannot say to libxml2: it drops ``#default`` from a list."""
    from esign_kit.xmldsig.nodeset import NodeSet, canonicalize_nodes

    return canonicalize_nodes(NodeSet.of(root, apex, comments=method.comments), method)


def _write(what: Element, method: Canonicalization) -> bytes:
    prefixes: Sequence[str] | None = None
    if method.exclusive and method.prefixes:
        prefixes = method.prefixes
    try:
        octets: bytes = etree.tostring(
            what,
            method="c14n",
            exclusive=method.exclusive,
            with_comments=method.comments,
            inclusive_ns_prefixes=prefixes,
        )
    except (etree.LxmlError, ValueError) as error:
        raise InputError(
            f"the XML cannot be canonicalised: {error}", code="xml.not-canonicalisable"
        ) from error
    return octets


def _rooted(element: Element, attributes: dict[str, str]) -> Element:
    """Return a copy of the element as a document of its own, with all namespaces in scope."""
    octets = etree.tostring(element, encoding="UTF-8", with_tail=False, xml_declaration=False)
    root = parse_fragment(octets)
    for name, value in attributes.items():
        root.set(name, value)
    return root


def _inherited(element: Element, method: Canonicalization) -> dict[str, str]:
    """Return the xml:* attributes that the element takes over from the ancestors left out."""
    if method.exclusive:
        return {}
    found: dict[str, str] = {}
    bases: list[str] = []
    own = element.attrib
    for ancestor in element.iterancestors():
        for name, value in ancestor.attrib.items():
            if not name.startswith(_XML_PREFIX):
                continue
            if method.version == 11 and name == _BASE:
                bases.append(value)
            elif name not in own and name not in found and (method.version == 10 or name != _ID):
                found[name] = value
    if bases:
        value = element.get(_BASE)
        chain = [*reversed(bases)] if value is None else [*reversed(bases), value]
        joined = ""
        for part in chain:
            joined = _join(joined, part)
        if joined:
            found[_BASE] = joined
    return found


def _join(base: str, reference: str) -> str:
    """Join two xml:base values (Canonical XML 1.1 § 2.4; RFC 3986 § 5.2 with its amendments)."""
    if not base or _has_scheme(reference):
        return reference
    if not reference:
        return base
    scheme, authority, path = _split(base)
    if reference.startswith("//"):
        return scheme + reference
    if reference.startswith("/"):
        return scheme + authority + _remove_dots(reference)
    if path.endswith(".."):
        path += "/"
    folder = path[: path.rfind("/") + 1]
    if authority and not folder:
        folder = "/"
    return scheme + authority + _remove_dots(folder + reference)


def _has_scheme(uri: str) -> bool:
    head, colon, _ = uri.partition(":")
    return bool(colon) and head[:1].isalpha() and all(c.isalnum() or c in "+-." for c in head)


def _split(uri: str) -> tuple[str, str, str]:
    scheme = ""
    if _has_scheme(uri):
        head, _, uri = uri.partition(":")
        scheme = head + ":"
    authority = ""
    if uri.startswith("//"):
        end = uri.find("/", 2)
        end = len(uri) if end < 0 else end
        authority, uri = uri[:end], uri[end:]
    return scheme, authority, uri.partition("#")[0].partition("?")[0]


def _remove_dots(path: str) -> str:
    absolute = path.startswith("/")
    out: list[str] = []
    parts = path.split("/")
    last = parts[-1] if parts else ""
    for part in parts:
        if part in (".", ""):
            continue
        if part == "..":
            if out and out[-1] != "..":
                out.pop()
            elif not absolute:
                out.append("..")
            continue
        out.append(part)
    joined = ("/" if absolute else "") + "/".join(out)
    if out and (last in (".", "..") or path.endswith("/")):
        joined += "/"
    return joined
