"""Node-sets: arbitrary subsets of a document, and their canonical form.

Only XPath transforms make such sets; everything else stays with elements and goes through
``c14n.canonicalize``. Written after Canonical XML 1.0 § 2 and Exclusive C14N 1.0 § 3, in Python,
without recursion.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lxml import etree

from esign_kit.errors import InputError
from esign_kit.xmldsig.names import XML

if TYPE_CHECKING:
    from collections.abc import Iterable

    from esign_kit.xmldsig.c14n import Canonicalization
    from esign_kit.xmldsig.parser import Element

__all__ = ["NodeSet", "canonicalize_nodes"]

_ATTRIBUTE_NAME = etree.XPath("name(@*[$n])")
_XML_PREFIX = f"{{{XML}}}"


class NodeSet:
    """A set of nodes of one document.

    A node is known by what holds it: an element, comment or instruction by itself; text by its
    element and whether it is inside or after it; an attribute and a namespace by element and name.
    """

    __slots__ = ("_alive", "keys", "root")

    def __init__(self, root: Element, keys: set[Any], alive: list[Any]) -> None:
        self.root = root
        self.keys = keys
        self._alive = alive

    @classmethod
    def of(cls, root: Element, apex: Element | None, *, comments: bool) -> NodeSet:
        """Return the set of all nodes of the document of ``root``, or of one element in it."""
        alive = list(_top_level(root)) if apex is None else [apex]
        keys: set[Any] = set()
        held = []
        for top in alive:
            for node in top.iter():
                held.append(node)
                if node.tag is etree.Comment:
                    if comments:
                        keys.add(node)
                elif node.tag is etree.ProcessingInstruction:
                    keys.add(node)
                else:
                    _add_element(keys, node)
                if node is not top and node.tail:
                    keys.add((node, "tail"))
        if apex is None:
            keys.add("/")
        return cls(root, keys, held)

    def size(self) -> int:
        """Return how many nodes there are."""
        return len(self.keys)

    def remove(self, elements: Iterable[Element]) -> None:
        """Take elements out with everything in them."""
        for element in elements:
            self.keys -= _subtree(element)

    def keep(self, nodes: list[Any], namespaces: list[tuple[Element, str | None]]) -> None:
        """Keep only the nodes that an XPath filter found true."""
        kept = {_key(node) for node in nodes}
        kept.add("/")
        kept.update((element, "namespace", prefix) for element, prefix in namespaces)
        self.keys &= kept

    def combine(self, filters: list[tuple[str, list[Any]]]) -> None:
        """Apply the steps of an XPath Filter 2 transform, in their order."""
        keys = set(self.keys)
        for how, nodes in filters:
            chosen: set[Any] = set()
            for node in nodes:
                if isinstance(node, etree._ElementTree):
                    chosen |= NodeSet.of(self.root, None, comments=True).keys
                elif isinstance(node, etree._Element):
                    chosen |= _subtree(node)
                else:
                    chosen.add(_key(node))
            if how == "intersect":
                keys &= chosen
            elif how == "subtract":
                keys -= chosen
            elif how == "union":
                keys |= chosen & self.keys
            else:
                raise InputError(f"XPath Filter 2: filter {how!r}", code="transform.malformed")
        self.keys = keys

    def text(self) -> str:
        """Return the text nodes of the set in document order."""
        parts = []
        for top in _top_level(self.root):
            for event, node in etree.iterwalk(top, events=("start", "end", "comment", "pi")):
                if event == "start":
                    if (node, "text") in self.keys:
                        parts.append(node.text)
                elif (node, "tail") in self.keys:
                    parts.append(node.tail)
        return "".join(parts)


def _top_level(root: Element) -> Iterable[Element]:
    before = list(root.itersiblings(preceding=True))
    return [*reversed(before), root, *root.itersiblings()]


def _add_element(keys: set[Any], node: Element) -> None:
    keys.add(node)
    if node.text:
        keys.add((node, "text"))
    for name in node.attrib:
        keys.add((node, "attribute", name))
    for prefix in node.nsmap:
        keys.add((node, "namespace", prefix))


def _subtree(element: Element) -> set[Any]:
    keys: set[Any] = set()
    for node in element.iter():
        if isinstance(node.tag, str):
            _add_element(keys, node)
        else:
            keys.add(node)
        if node is not element and node.tail:
            keys.add((node, "tail"))
    return keys


def _key(node: Any) -> Any:
    """Return the key of what the XPath engine answered."""
    if isinstance(node, etree._Element):
        return node
    parent = getattr(node, "getparent", None)
    if parent is None:
        return node
    holder = parent()
    if node.is_attribute:
        return (holder, "attribute", node.attrname)
    return (holder, "tail" if node.is_tail else "text")


def canonicalize_nodes(nodes: NodeSet, method: Canonicalization) -> bytes:
    """Return the canonical form of a node-set."""
    return _Writer(nodes, method).write()


class _Writer:
    """The walk over the document and what has been written so far."""

    def __init__(self, nodes: NodeSet, method: Canonicalization) -> None:
        self.keys = nodes.keys
        self.root = nodes.root
        self.method = method
        self.inclusive = {None if p == "#default" else p for p in method.prefixes}
        self.out: list[str] = []
        # For each open element: the prefixes rendered so far, and the namespace nodes of the
        # nearest written ancestor (inclusive form).
        self.rendered: list[dict[str | None, str]] = [{}]
        self.owned: list[dict[str | None, str]] = [{}]

    def write(self) -> bytes:
        root = self.root
        after = False
        for top in _top_level(root):
            if top is root:
                self._walk(root)
                after = True
            elif top in self.keys:
                text = _comment_or_pi(top, self.method.comments)
                if text:
                    self.out.append("\n" + text if after else text + "\n")
        return "".join(self.out).encode("utf-8")

    def _walk(self, root: Element) -> None:
        keys, out = self.keys, self.out
        for event, node in etree.iterwalk(root, events=("start", "end", "comment", "pi")):
            if event == "start":
                self._start(node)
                if (node, "text") in keys:
                    out.append(_escape_text(node.text))
                continue
            if event == "end":
                self.rendered.pop()
                self.owned.pop()
                if node in keys:
                    out.append(f"</{_qname(node)}>")
            elif node in keys:
                out.append(_comment_or_pi(node, self.method.comments))
            if node is not root and (node, "tail") in keys:
                out.append(_escape_text(node.tail))

    def _start(self, node: Element) -> None:
        keys = self.keys
        if node not in keys:
            self._left_out(node)
            return
        spaces = {p: uri for p, uri in node.nsmap.items() if (node, "namespace", p) in keys}
        declared = self._namespaces(node, spaces)
        attributes = self._attributes(node)
        self.out.append(f"<{_qname(node)}{declared}{attributes}>")

    def _left_out(self, node: Element) -> None:
        """Write what Canonical XML 1.0 § 2.3 leaves of an element that is not in the set."""
        owned = self.owned[-1]
        self.rendered.append(self.rendered[-1])
        self.owned.append(owned)
        if self.method.exclusive:
            return
        held = {p: uri for p, uri in node.nsmap.items() if (node, "namespace", p) in self.keys}
        for prefix in sorted(held, key=lambda p: p or ""):
            if owned.get(prefix) != held[prefix]:
                self.out.append(_declaration(prefix, held[prefix]))

    def _namespaces(self, node: Element, spaces: dict[str | None, str]) -> str:
        rendered, owned = self.rendered[-1], self.owned[-1]
        now = dict(rendered)
        write: dict[str | None, str] = {}
        exclusive = self.method.exclusive
        used = self._used(node) if exclusive else None
        for prefix, uri in spaces.items():
            if prefix == "xml" or not uri:
                continue
            if used is None or prefix in self.inclusive:
                if owned.get(prefix) != uri or (used is not None and now.get(prefix) != uri):
                    write[prefix] = uri
            elif prefix in used and now.get(prefix) != uri:
                write[prefix] = uri
        if not spaces.get(None):
            wanted = used is None or None in used or None in self.inclusive
            if wanted and (now.get(None) if exclusive else owned.get(None)):
                write[None] = ""
        now.update(write)
        for prefix in used or ():
            # Exclusive C14N § 3: what counts is the nearest output ancestor that uses the prefix.
            if prefix not in spaces:
                now.pop(prefix, None)
        self.rendered.append(now)
        self.owned.append(spaces)
        ordered = sorted(write, key=lambda prefix: prefix or "")
        return "".join(_declaration(prefix, write[prefix]) for prefix in ordered)

    def _used(self, node: Element) -> set[str | None]:
        used: set[str | None] = {node.prefix}
        for name in node.attrib:
            if name.startswith("{") and (node, "attribute", name) in self.keys:
                used.add(_attribute_prefix(node, name))
        return used

    def _attributes(self, node: Element) -> str:
        values = {
            name: value
            for name, value in node.attrib.items()
            if (node, "attribute", name) in self.keys
        }
        if not self.method.exclusive and node.getparent() not in self.keys:
            for ancestor in node.iterancestors():
                for name, value in ancestor.attrib.items():
                    if (
                        name.startswith(_XML_PREFIX)
                        and name not in node.attrib
                        and (self.method.version == 10 or name != _XML_PREFIX + "id")
                    ):
                        values.setdefault(name, value)
        parts = []
        for name in sorted(values, key=_attribute_order):
            parts.append(f' {_attribute_qname(node, name)}="{_escape_attribute(values[name])}"')
        return "".join(parts)


def _attribute_order(name: str) -> tuple[str, str]:
    if name.startswith("{"):
        uri, _, local = name[1:].partition("}")
        return uri, local
    return "", name


def _qname(node: Element) -> str:
    local = etree.QName(node).localname
    return f"{node.prefix}:{local}" if node.prefix else local


def _attribute_prefix(node: Element, name: str) -> str | None:
    uri = name[1:].partition("}")[0]
    if uri == XML:
        return "xml"
    fitting = [prefix for prefix, known in node.nsmap.items() if known == uri and prefix]
    if len(fitting) > 1:
        # lxml does not tell which of them the attribute has; XPath does.
        position = node.attrib.keys().index(name) + 1
        written = str(_ATTRIBUTE_NAME(node, n=position))
        return written.partition(":")[0]
    return str(fitting[0]) if fitting else None


def _attribute_qname(node: Element, name: str) -> str:
    if not name.startswith("{"):
        return name
    return f"{_attribute_prefix(node, name)}:{name.partition('}')[2]}"


def _declaration(prefix: str | None, uri: str) -> str:
    name = f"xmlns:{prefix}" if prefix else "xmlns"
    return f' {name}="{_escape_attribute(uri)}"'


def _comment_or_pi(node: Element, comments: bool) -> str:
    if node.tag is etree.Comment:
        return f"<!--{node.text or ''}-->" if comments else ""
    text = f" {node.text}" if node.text else ""
    return f"<?{node.target}{text}?>"


def _escape_text(text: str) -> str:
    return (
        text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\r", "&#xD;")
    )


def _escape_attribute(text: str) -> str:
    return (
        text.replace("&", "&amp;")
        .replace("<", "&lt;")
        .replace('"', "&quot;")
        .replace("\t", "&#x9;")
        .replace("\n", "&#xA;")
        .replace("\r", "&#xD;")
    )
