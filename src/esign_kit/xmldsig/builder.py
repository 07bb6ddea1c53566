"""The document around a signature that is being built, and canonical parts of a draft.

Everything outside the new signature is written in canonical form (Canonical XML 1.0 with
comments): existing signatures keep their value, and a verifier may hash the file as it stands.
"""

from __future__ import annotations

import re
from hashlib import sha256
from typing import TYPE_CHECKING

from lxml import etree

from esign_kit.errors import InputError, SigningError
from esign_kit.xmldsig import names
from esign_kit.xmldsig.c14n import (
    INCLUSIVE_COMMENTS,
    Canonicalization,
    canonicalization,
    canonicalize,
    canonicalize_document,
)
from esign_kit.xmldsig.parser import (
    Element,
    XmlDocument,
    parse,
    parse_fragment,
    processing_instruction,
)
from esign_kit.xmldsig.transforms import Selection, canonical_octets, decode_base64

if TYPE_CHECKING:
    from esign_kit.model.limits import Limits

__all__ = ["GAP", "Frame", "attribute_text", "signed_parts", "text"]

_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_PLAIN = re.compile("[\x20\x21\x23-\x25\x27-\x3b\x3d\x3f-\x7e]*")
"""Text of which nothing is written in another way, neither in content nor in attributes."""
GAP = "\x00value\x00"
"""Stands in a draft where the signature value will be; no XML can hold it."""


def text(value: object) -> str:
    """Escape text as Canonical XML writes it.

    Raises:
        SigningError: a character that XML cannot hold.
    """
    plain = str(value)
    if _PLAIN.fullmatch(plain):
        return plain
    if _FORBIDDEN.search(plain):
        raise SigningError("a text holds a character that XML cannot", code="signing.text")
    return (
        plain.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\r", "&#xD;")
    )


def attribute_text(value: object) -> str:
    """Escape the value of an attribute as Canonical XML writes it."""
    plain = str(value)
    if _PLAIN.fullmatch(plain):
        return plain
    if _FORBIDDEN.search(plain):
        raise SigningError("a text holds a character that XML cannot", code="signing.text")
    return (
        plain.replace("&", "&amp;")
        .replace("<", "&lt;")
        .replace('"', "&quot;")
        .replace("\t", "&#x9;")
        .replace("\n", "&#xA;")
        .replace("\r", "&#xD;")
    )


class Frame:
    """The document that will hold the signature; without one, the signature is the document.

    Attributes:
        document: parsed, or ``None``.
        parent: the element at whose end the signature goes.
    """

    __slots__ = ("_added", "_around", "document", "limits", "parent", "wrapper")

    def __init__(
        self,
        document: XmlDocument | None,
        parent: Element | None,
        limits: Limits,
        wrapper: str | None = None,
    ) -> None:
        self.document = document
        self.parent = parent
        self.limits = limits
        self.wrapper = wrapper
        self._added: list[tuple[str, bytes]] = []
        self._around: tuple[bytes, bytes] | None = None

    @classmethod
    def of(cls, octets: bytes, limits: Limits, location: str | None) -> Frame:
        """Parse what the signature goes into.

        Raises:
            InputError: no XML that we read.
            SigningError: the location is not exactly one element.
        """
        document = parse(octets, limits)
        parent = document.root
        if location is not None:
            parent = _locate(document.root, location)
        return cls(document, parent, limits)

    @classmethod
    def empty(cls, wrapper: str | None, limits: Limits) -> Frame:
        """Return a frame without a document; ``wrapper`` names an element around all."""
        return cls(None, None, limits, wrapper)

    @property
    def root_is_signature(self) -> bool:
        """True if the document is a signature and nothing else."""
        return self.document is not None and self.document.root.tag == names.SIGNATURE

    def wrapped(self, wrapper: str) -> Frame:
        """Put an element without a namespace around the document.

        Without a namespace, because one in scope would change inclusive canonical forms inside.
        """
        octets = self.canonical_root().encode("utf-8")
        return Frame.of(
            b"<" + wrapper.encode() + b">" + octets + b"</" + wrapper.encode() + b">",
            self.limits,
            None,
        )

    def fingerprint(self) -> bytes:
        """Return a digest of the document, for identifiers."""
        return sha256(self.document.octets).digest() if self.document is not None else b""

    def has_id(self, name: str) -> bool:
        """Return whether the document uses an Id with that beginning."""
        return self.document is not None and name.encode() in self.document.octets

    def canonical(self, method: Canonicalization, *, signatures: bool) -> bytes:
        """Return what a reference with URI "" covers: the document, with or without signatures."""
        return b"".join(self.canonical_parts(method, signatures=signatures))

    def canonical_parts(self, method: Canonicalization, *, signatures: bool) -> tuple[bytes, ...]:
        """Return :meth:`canonical` in pieces, which a digest takes without another copy."""
        if self.document is None:
            raise SigningError("there is no document to envelop", code="signing.no-document")
        octets = self.document.octets
        # One octet is looked for forty times faster than four.
        inclusive = not method.exclusive and (b"!" not in octets or b"<!--" not in octets)
        if inclusive and (signatures or not self.document.signatures()):
            # The same octets as are written around the signature; one canonicalisation does.
            return self.around()
        selection = Selection(self.document, None, comments=False)
        if not signatures:
            selection.removed.extend(self.document.signatures())
        return (canonical_octets(selection, method),)

    def without_signatures(self) -> bytes:
        """Return the canonical document without its signatures, for comparison."""
        return self.canonical(INCLUSIVE_COMMENTS, signatures=False)

    def canonical_root(self) -> str:
        """Return the document element in canonical form, comments included."""
        if self.document is None:
            return ""
        return canonicalize(self.document.root, INCLUSIVE_COMMENTS).decode("utf-8")

    def add(self, octets: bytes, identifier: str, *, as_xml: bool) -> None:
        """Add a document to an internally detached file; octets that are no XML as base64."""
        if as_xml:
            document = parse(octets, self.limits)
            root = document.root
            known = next((root.get(n) for n in names.ID_ATTRIBUTES if root.get(n)), None)
            if known is None:
                root.set("Id", identifier)
                known = identifier
            self._added.append((known, canonicalize(root, INCLUSIVE_COMMENTS)))
            return
        from binascii import b2a_base64

        self._added.append(
            (
                identifier,
                b'<data Encoding="%s" Id="%s">%s</data>'
                % (
                    names.T_BASE64.encode(),
                    identifier.encode(),
                    b2a_base64(octets, newline=False),
                ),
            )
        )

    def children(self, method: Canonicalization) -> list[tuple[str, bytes, bool]]:
        """Return what an internally detached file holds.

        Each is an Id, the octets that a reference to it covers, and whether they stand there as
        base64, so that the reference needs that transform.
        """
        if self.document is None:
            octets = self._opening() + b"".join(o for _, o in self._added) + self._closing()
            document = parse(octets, self.limits)
        else:
            document = self.document
        found = []
        plain = method._replace(comments=False)
        for child in document.root.iterchildren("*"):
            if child.tag == names.SIGNATURE:
                continue
            name = next((child.get(n) for n in names.ID_ATTRIBUTES if child.get(n)), None)
            if name is None:
                raise SigningError(
                    "a part of the existing file has no Id to refer to", code="signing.no-id"
                )
            if child.get("Encoding") == names.T_BASE64 and not len(child):
                found.append((name, decode_base64(child.text, "the document"), True))
            else:
                found.append((name, canonicalize(child, plain), False))
        return found

    def _opening(self) -> bytes:
        return b"<%s>" % self.wrapper.encode() if self.wrapper else b""

    def _closing(self) -> bytes:
        return b"</%s>" % self.wrapper.encode() if self.wrapper else b""

    def around(self) -> tuple[bytes, bytes]:
        """Return the octets before and after the place of the new signature."""
        if self.document is None:
            return self._opening() + b"".join(o for _, o in self._added), self._closing()
        if self._around is not None:
            return self._around
        root = self.document.root
        parent = root if self.parent is None else self.parent
        if parent is root and not self.document.has_siblings:
            # Canonical octets end with the end tag of the root, which is where it belongs.
            octets = canonicalize_document(root, INCLUSIVE_COMMENTS)
            end = octets.rindex(b"</")
            self._around = octets[:end], octets[end:]
            return self._around
        number = 0
        while (name := f"here{number}").encode("ascii") in self.document.octets:
            number += 1
        place = processing_instruction(name)
        parent.append(place)
        try:
            octets = canonicalize_document(root, INCLUSIVE_COMMENTS)
        finally:
            parent.remove(place)
        before, _, after = octets.partition(f"<?{name}?>".encode("ascii"))
        self._around = before, after
        return self._around

    def context(self) -> tuple[str, str]:
        """Return tags that give a draft of the signature the namespaces of its future place."""
        if self.parent is None:
            if self.wrapper:
                return f"<{self.wrapper}>", f"</{self.wrapper}>"
            return "", ""
        declared = "".join(
            f' xmlns{":" + prefix if prefix else ""}="{attribute_text(uri)}"'
            for prefix, uri in self.parent.nsmap.items()
        )
        inherited: dict[str, str] = {}
        for element in (self.parent, *self.parent.iterancestors()):
            for name, value in element.attrib.items():
                if name.startswith(f"{{{names.XML}}}"):
                    inherited.setdefault(name.partition("}")[2], value)
        attributes = "".join(
            f' xml:{name}="{attribute_text(value)}"' for name, value in inherited.items()
        )
        return f"<context{declared}{attributes}>", "</context>"


def _locate(root: Element, location: str) -> Element:
    spaces = {prefix: uri for prefix, uri in root.nsmap.items() if prefix}
    try:
        found = root.getroottree().xpath(location, namespaces=spaces)
    except (etree.LxmlError, ValueError, TypeError) as error:
        raise SigningError(f"location_xpath: {error}", code="signing.location") from error
    if not isinstance(found, list) or len(found) != 1 or not isinstance(found[0], etree._Element):
        raise SigningError("location_xpath must name exactly one element", code="signing.location")
    return found[0]


def signed_parts(
    signature: str, frame: Frame, method: Canonicalization, identifier: str | None
) -> tuple[bytes, bytes]:
    """Return canonical octets of a draft: its ds:SignedInfo, or the element with an Id.

    Args:
        identifier: Id of an element, whose exclusive canonical form is the second answer; data
            objects have the method of the reference instead.
    """
    opening, closing = frame.context()
    root = parse_fragment((opening + signature.replace(GAP, "") + closing).encode("utf-8"))
    element = root if root.tag == names.SIGNATURE else root[0]
    if identifier is None:
        return canonicalize(element[0], method), b""
    for found in element.iter("*"):
        if found.get("Id") == identifier:
            if found.tag in (names.OBJECT, names.MANIFEST):
                return b"", canonicalize(found, method._replace(comments=False))
            exclusive = canonicalization(names.C14N_EXCLUSIVE)
            return b"", canonicalize(found, exclusive or method)
    raise InputError("the draft lacks a part", code="signing.draft")
