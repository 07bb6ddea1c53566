"""One hardened parser. What it made is the only tree that is digested and the only one read.

Before libxml2 sees an octet the prolog is read here: the encoding (a closed list; the octets
become UTF-8 here) and that there is no document type declaration. Entities, network, DTDs and
XInclude are off.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from lxml import etree

from esign_kit.errors import InputError, LimitError, UnsupportedError
from esign_kit.xmldsig.names import ID_ATTRIBUTES, OBJECT, SIGNATURE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from esign_kit.model.limits import Limits

__all__ = [
    "Element",
    "XmlDocument",
    "local_name",
    "looks_like_xml",
    "namespace",
    "parse",
    "parse_fragment",
    "to_utf8",
]

Element = Any
"""An element of the tree; the type of lxml has no stubs of its own."""

_SPACE = b" \t\r\n"
_DECLARATION = re.compile(
    rb"""<\?xml\s+version\s*=\s*["']1\.[0-9]["'](?:\s+encoding\s*=\s*["']([A-Za-z0-9._-]+)["'])?"""
    rb"""(?:\s+standalone\s*=\s*["'](?:yes|no)["'])?\s*\?>"""
)
_TEXT_DECLARATION = re.compile(r"<\?xml\s[^>]*\?>")
_SINGLE_OCTET = {
    name.encode(): name
    for name in (
        *(f"iso-8859-{part}" for part in (1, 2, 4, 5, 7, 9, 13, 15)),
        *(f"windows-125{page}" for page in (0, 1, 2, 4, 7)),
    )
}
"""Older national sets in which ASCII is ASCII; decoded here, so that there is still one parser."""
_HUGE = 10_000_000
_DEPTH_OF_LIBXML2 = 256
_NAMESPACE_WORK = 400_000_000
"""Elements × square of the namespaces in scope: what inclusive C14N costs, about 2 s."""
_PLAIN_ID = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
_ID_NAMES = frozenset(ID_ATTRIBUTES)
_WITH_TARGETS = frozenset((SIGNATURE, OBJECT))
_NEARBY = 400
_CHEAP_LOOKUPS = 16
_FREE_WORK = 16 * 1024 * 1024
_ELEMENT = 32
"""What an element counts for, in octets of text. It costs some hundred of them; but a genuine file
of many elements is gone through a few times, and that must be left to it."""
_WORK_FACTOR = 16
"""Octets that all references together may canonicalise or decode, for each octet of the file."""


class XmlDocument:
    """A parsed document.

    Attributes:
        root: the document element.
        tree: the document with the comments and instructions around its element.
        octets: what was parsed, as UTF-8 without a byte order mark.
        limits: bounds for all work on this document.
        written: the octets around the only signature, once :mod:`esign_kit.xmldsig.splice` looked
            for them; empty if they are not canonical for all to see.
    """

    __slots__ = (
        "_by_id",
        "_cache",
        "_lookups",
        "_mark",
        "_near",
        "_signatures",
        "_work",
        "limits",
        "octets",
        "root",
        "tree",
        "written",
    )

    def __init__(self, root: Element, octets: bytes, limits: Limits) -> None:
        self.root = root
        self.tree = root.getroottree()
        self.octets = octets
        self.limits = limits
        self._by_id: dict[str, list[Element]] | None = None
        self._near: dict[str, Element] | None = None
        self._lookups = 0
        self._mark = ""
        self._work = 0
        self._signatures: list[Element] | None = None
        self.written: bytes | None = None
        self._cache: dict[Any, Any] = {}

    def elements_with_id(self, value: str) -> list[Element]:
        """Return all elements that hold the value in an Id attribute of any known spelling.

        More than one is for the caller to refuse: nobody knows which of them was signed.
        """
        if self._by_id is None:
            self._lookups += 1
            if self._lookups <= _CHEAP_LOOKUPS and _PLAIN_ID.fullmatch(value):
                found = self._only_nearby(value)
                if found is not None:
                    return found
            self._by_id = _index(self.root)
        return self._by_id.get(value, [])

    def _only_nearby(self, value: str) -> list[Element] | None:
        """Find an Id without a walk over the document; ``None`` if that cannot be done.

        An attribute with this value must stand in quotes in the octets just so, unless character
        references spell it otherwise. Where it stands once, no second element holds it.
        """
        octets = self.octets
        # One octet is looked for twenty times faster than two.
        if b"&" in octets and b"&#" in octets:
            return None
        raw = value.encode("ascii")
        count = octets.count(b'"%s"' % raw)
        if b"'" in octets:
            count += octets.count(b"'%s'" % raw)
        if count != 1:
            return [] if count == 0 else None
        if self._near is None:
            self._near = _nearby(self.root, self.signatures())
        known = self._near.get(value)
        return None if known is None else [known]

    def spend(self, octets: int) -> None:
        """Count work on this document; zero asks whether there is any left.

        Each reference may canonicalise or decode all of it, and there may be thousands of them.

        Raises:
            LimitError: the work is out of proportion to the size of the document.
        """
        self._work += octets
        if self._work >= _FREE_WORK + _WORK_FACTOR * len(self.octets):
            raise LimitError(
                "the references of this file ask for too much work", code="xml.too-much-work"
            )

    def spend_on(self, octets: bytes) -> None:
        """Count the work of canonicalising to these octets; elements cost more than text.

        They are looked for once the work is past what every document may ask for.
        """
        elements = octets.count(b"</") if self._work > _FREE_WORK else 0
        self.spend(len(octets) + _ELEMENT * elements)

    @property
    def mark(self) -> str:
        """A name of a processing instruction that does not occur in the document."""
        if not self._mark:
            number = 0
            while (name := f"cut{number}").encode("ascii") in self.octets:
                number += 1
            self._mark = name
        return self._mark

    def signatures(self) -> list[Element]:
        """Return all ds:Signature elements in document order."""
        if self._signatures is None:
            self._signatures = list(self.root.iter(SIGNATURE))
        return self._signatures

    @property
    def has_siblings(self) -> bool:
        """True if comments or instructions stand beside the document element."""
        return self.root.getprevious() is not None or self.root.getnext() is not None

    def cached(self, key: Any) -> bytes | None:
        """Return canonical octets of this document that were made before."""
        entry = self._cache.get(key)
        return None if entry is None else entry[0]

    def cache(self, key: Any, octets: bytes, held: Any) -> None:
        """Keep canonical octets; ``held`` keeps alive what the key knows by identity."""
        if len(self._cache) < 8:
            self._cache[key] = (octets, held)

    def element_count(self) -> int:
        """Return an upper bound of the number of nodes that carry a tag; costs no walk."""
        return self.octets.count(b"<")


def _index(root: Element) -> dict[str, list[Element]]:
    """Return all elements by Id; the whole document is walked once."""
    found: dict[str, list[Element]] = {}
    for element in root.iter("*"):
        attributes = element.attrib
        if attributes:
            for value in {attributes[name] for name in ID_ATTRIBUTES if name in attributes}:
                found.setdefault(value, []).append(element)
    return found


def _nearby(root: Element, signatures: list[Element]) -> dict[str, Element]:
    """Return elements by Id where references usually point: the root and inside signatures."""
    found: dict[str, Element] = {}
    level = [root, *signatures]
    for _ in range(4):
        below: list[Element] = []
        for element in level:
            for name, value in element.items():
                if name in _ID_NAMES:
                    found[value] = element
            tag = element.tag
            if not isinstance(tag, str):
                continue
            if (tag in _WITH_TARGETS or tag.endswith("}QualifyingProperties")) and len(
                element
            ) < _NEARBY:
                below += element
        level = below[:_NEARBY]
    return found


def looks_like_xml(data: bytes) -> bool:
    """Return whether the octets could start an XML document; cheap and never an error."""
    head = data[:64]
    if head.startswith((b"\xff\xfe", b"\xfe\xff", b"<\x00", b"\x00<")):
        return True
    return head.removeprefix(b"\xef\xbb\xbf").lstrip(_SPACE).startswith(b"<")


def parse(data: bytes, limits: Limits) -> XmlDocument:
    """Parse a document.

    Raises:
        LimitError: larger, deeper or more numerous than the limits.
        UnsupportedError: an encoding that is not on the list.
        InputError: a document type declaration, or not well formed.
    """
    if len(data) > limits.signature_size:
        raise LimitError(
            f"the XML has {len(data)} octets; the limit is {limits.signature_size}",
            code="xml.too-large",
        )
    octets = to_utf8(data)
    refuse_doctype(octets)
    root = _parse(octets, limits)
    return XmlDocument(root, octets, limits)


def parse_fragment(octets: bytes) -> Element:
    """Parse octets that we serialised ourselves from a tree that had passed :func:`parse`."""
    try:
        return etree.fromstring(octets, _parser(len(octets) > _HUGE))
    except (etree.LxmlError, ValueError) as error:
        raise InputError(f"XML: {error}", code="xml.malformed") from error


def processing_instruction(name: str) -> Element:
    """Return a new processing instruction without text."""
    return etree.ProcessingInstruction(name)


def _parser(huge: bool) -> Any:
    # One for each call: parsers are not shared between threads, and making one costs 2 µs.
    return etree.XMLParser(
        encoding="utf-8",
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        attribute_defaults=False,
        collect_ids=False,
        huge_tree=huge,
    )


def _parse(octets: bytes, limits: Limits) -> Element:
    tags, equals = _check_sizes(octets, limits)
    root = _parse_within(octets, huge=False)
    if root is None:
        # A text of more than 10 MB needs the other mode, which allows any depth.
        root = _parse_within(octets, huge=True)
        _check_depth(root, limits.xml_depth)
    elif limits.xml_depth < _DEPTH_OF_LIBXML2:
        _check_depth(root, limits.xml_depth)
    # Each declaration has its equals sign.
    if tags * equals * equals > _NAMESPACE_WORK:
        _check_namespaces(octets, root, tags)
    return root


def _parse_within(octets: bytes, *, huge: bool) -> Element:
    """Parse; ``None`` if only the mode for huge texts would do."""
    try:
        root = etree.fromstring(octets, _parser(huge))
    except etree.XMLSyntaxError as error:
        message = str(error.msg or error)
        if "depth" in message:
            raise LimitError(f"XML: {message}", code="xml.too-deep") from None
        if "XML_PARSE_HUGE" in message and not huge and len(octets) > _HUGE:
            return None
        hint = ""
        if "is not a valid URI" in message:
            hint = "the name of a namespace must be a URI, in ASCII (Namespaces in XML 1.0 § 2.1)"
        raise InputError(
            f"not well-formed XML: {message}", code="xml.malformed", hint=hint
        ) from None
    except (etree.LxmlError, ValueError) as error:
        raise InputError(f"XML: {error}", code="xml.malformed") from error
    if root is None:
        raise InputError("the XML has no element", code="xml.malformed")
    return root


def _check_sizes(octets: bytes, limits: Limits) -> tuple[int, int]:
    """Return how many ``<`` and ``=`` there are, which bounds elements and attributes."""
    tags = octets.count(b"<")
    # Each element has one tag or two; comments and instructions count as well.
    if tags > 2 * limits.xml_elements:
        raise LimitError(
            f"the XML has more than {limits.xml_elements} elements", code="xml.too-many-elements"
        )
    most = limits.xml_attributes
    equals = octets.count(b"=")
    if equals > most:
        # An attribute takes five octets at least (` a=""`), and no `<` stands inside a tag.
        for tag in _long_tags(octets, 5 * most):
            if _attribute_count(tag) > most:
                raise LimitError(
                    f"an element has more than {most} attributes", code="xml.too-many-attributes"
                )
    return tags, equals


def _long_tags(octets: bytes, size: int) -> Iterator[bytes]:
    """Yield what begins with ``<`` and has at least ``size`` octets more before the next one.

    From each ``<`` a step goes to the last one that is near enough, so few octets are looked at.
    """
    position = octets.find(b"<")
    while position >= 0:
        further = octets.rfind(b"<", position + 1, position + 1 + size)
        if further < 0:
            further = octets.find(b"<", position + 1)
            tag = octets[position : further if further >= 0 else None]
            if len(tag) > size:
                yield tag
        position = further


_ATTRIBUTE = re.compile(rb"""[^\s=<>"'/]+\s*=\s*(?:"[^"]*"|'[^']*')|(>)""")


def _attribute_count(tag: bytes) -> int:
    count = 0
    for match in _ATTRIBUTE.finditer(tag):
        if match.group(1):
            break
        count += 1
    return count


def _check_depth(root: Element, limit: int) -> None:
    if etree.XPath("/" + "/".join(["*"] * (limit + 1)))(root):
        raise LimitError(f"the XML is nested deeper than {limit}", code="xml.too-deep")


def _check_namespaces(octets: bytes, root: Element, tags: int) -> None:
    declarations = octets.count(b"xmlns")
    if tags * declarations * declarations <= _NAMESPACE_WORK:
        return
    scope = work = 0
    for event, _ in etree.iterwalk(root, events=("start-ns", "end-ns", "start")):
        if event == "start-ns":
            scope += 1
        elif event == "end-ns":
            scope -= 1
        else:
            work += scope * scope
            if work > _NAMESPACE_WORK:
                raise LimitError(
                    "the XML declares more namespaces than can be canonicalised in time",
                    code="xml.too-many-namespaces",
                )


def to_utf8(data: bytes) -> bytes:
    """Return the document as UTF-8 without a byte order mark.

    Raises:
        UnsupportedError: the declared encoding is not on the list.
        InputError: the octets are not in the encoding that they state.
    """
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return _from_utf16(data, "utf-16")
    if data.startswith(b"<\x00"):
        return _from_utf16(data, "utf-16-le")
    if data.startswith(b"\x00<"):
        return _from_utf16(data, "utf-16-be")
    marked = data.startswith(b"\xef\xbb\xbf")
    data = data.removeprefix(b"\xef\xbb\xbf")
    if data.startswith(b"<?xml") and data[5:6] in (b" ", b"\t", b"\r", b"\n"):
        match = _DECLARATION.match(data)
        if match is None:
            raise InputError("the XML declaration is malformed", code="xml.malformed")
        encoding = match.group(1)
        if encoding is not None and encoding.lower() not in (b"utf-8", b"utf8", b"us-ascii"):
            codec = _SINGLE_OCTET.get(encoding.lower())
            if codec is not None and not marked:
                return _from_single_octet(data[match.end() :], codec)
            raise UnsupportedError(
                f"the XML is in {encoding.decode('ascii')}, which is not read",
                code="xml.encoding",
                hint="ask the sender for the file as it was signed, in UTF-8",
            )
    return data


def _from_single_octet(data: bytes, codec: str) -> bytes:
    try:
        return data.decode(codec).encode("utf-8")
    except UnicodeError:
        raise InputError(f"the XML is not valid {codec}", code="xml.encoding") from None


def _from_utf16(data: bytes, codec: str) -> bytes:
    try:
        text = data.decode(codec)
        match = _TEXT_DECLARATION.match(text)
        if match is not None:
            declared = re.search(r"""encoding\s*=\s*["']([^"']*)["']""", match.group())
            if declared and not declared.group(1).lower().startswith(("utf-16", "utf16")):
                raise InputError(
                    f"UTF-16 octets that call themselves {declared.group(1)}", code="xml.encoding"
                )
            text = text[match.end() :]
        return text.encode("utf-8")
    except UnicodeError:
        raise InputError("the XML is not valid UTF-16", code="xml.encoding") from None


def refuse_doctype(octets: bytes) -> None:
    """Refuse a document type declaration before any parser sees it.

    It can only stand before the document element, so the walk ends at the first start tag.
    """
    position = 0
    while True:
        position = octets.find(b"<", position)
        if position < 0:
            return
        if octets.startswith(b"<?", position):
            end = octets.find(b"?>", position)
        elif octets.startswith(b"<!--", position):
            end = octets.find(b"-->", position + 4)
        elif octets.startswith(b"<!", position):
            raise InputError(
                "the XML has a document type declaration; these are never accepted",
                code="xml.doctype",
            )
        else:
            return
        if end < 0:
            return
        position = end + 2


def local_name(element: Element) -> str:
    """Return the name of an element without its namespace."""
    tag: str = element.tag
    return tag[tag.find("}") + 1 :]


def namespace(element: Element) -> str:
    """Return the namespace of an element; empty if it has none."""
    tag: str = element.tag
    return tag[1:].partition("}")[0] if tag.startswith("{") else ""
