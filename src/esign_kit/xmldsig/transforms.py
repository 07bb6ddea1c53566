"""The closed list of transforms (XML Signature 1.1 § 6.6), applied to what a reference points at.

A transform that is not on the list is an error of its reference; none is ever passed over. XSLT is
not on any list. XPath is on it in the forms that take signatures out of what they sign; the rest
must be asked for by ``TransformRule.XPATH`` and runs under a cost limit.
"""

from __future__ import annotations

import binascii
from typing import TYPE_CHECKING

from esign_kit.errors import InputError, LimitError, UnsupportedError
from esign_kit.trust.policy import TransformRule
from esign_kit.xmldsig import names
from esign_kit.xmldsig.c14n import (
    INCLUSIVE,
    Canonicalization,
    canonicalization,
    canonicalize,
    canonicalize_document,
)
from esign_kit.xmldsig.parser import Element, XmlDocument, parse, processing_instruction

if TYPE_CHECKING:
    from collections.abc import Sequence

    from esign_kit.model.limits import Limits
    from esign_kit.xmldsig.nodeset import NodeSet

__all__ = ["Selection", "Step", "apply", "decode_base64", "plan"]


class Step:
    """One transform, read and found permitted.

    Attributes:
        kind: ``"c14n"``, ``"base64"``, ``"enveloped"``, ``"remove-…"`` (see
            :func:`esign_kit.xmldsig.xpath.removal_kind`), ``"xpath"`` or ``"filter2"``.
        algorithm: the URI.
        method: of a canonicalisation.
        element: the ds:Transform, for expressions and ``here()``.
    """

    __slots__ = ("algorithm", "element", "kind", "method")

    def __init__(
        self, kind: str, algorithm: str, element: Element, method: Canonicalization | None = None
    ) -> None:
        self.kind = kind
        self.algorithm = algorithm
        self.element = element
        self.method = method


class Selection:
    """A part of a document on its way through the transforms.

    Attributes:
        apex: the element that was chosen, or ``None`` for the whole document.
        comments: comments belong to it.
        removed: elements taken out of it with all that they hold.
        nodes: an explicit set of nodes, once an XPath filter has made one.
        whole: nothing but signatures was taken out so far.
    """

    __slots__ = ("apex", "comments", "document", "nodes", "removed", "whole")

    def __init__(self, document: XmlDocument, apex: Element | None, *, comments: bool) -> None:
        self.document = document
        self.apex = apex
        self.comments = comments
        self.removed: list[Element] = []
        self.nodes: NodeSet | None = None
        self.whole = True


def plan(
    transforms: Element | None, rule: TransformRule, limits: Limits, skip: int = 0
) -> tuple[Step, ...]:
    """Read a ds:Transforms element and compare it with the list.

    Args:
        skip: how many of the first transforms were carried out already.

    Raises:
        LimitError: more transforms than the limit.
        UnsupportedError: a transform that is not on the list.
        InputError: malformed.
    """
    if transforms is None:
        return ()
    elements = list(transforms.iterchildren("*"))
    if len(elements) > limits.transforms:
        raise LimitError(
            f"{len(elements)} transforms; the limit is {limits.transforms}",
            code="transform.too-many",
        )
    if not elements or any(element.tag != names.TRANSFORM for element in elements):
        raise InputError("ds:Transforms must hold ds:Transform only", code="transform.malformed")
    return tuple([_step(element, rule) for element in elements[skip:]])


def _step(element: Element, rule: TransformRule) -> Step:
    algorithm = element.get("Algorithm") or ""
    if algorithm == names.T_ENVELOPED:
        return Step("enveloped", algorithm, element)
    method = canonicalization(algorithm, element)
    if method is not None:
        return Step("c14n", algorithm, element, method)
    if algorithm == names.T_BASE64:
        return Step("base64", algorithm, element)
    if algorithm in (names.T_XPATH, names.T_FILTER2) and rule is not TransformRule.CLOSED:
        from esign_kit.xmldsig.xpath import removal_kind

        kind = removal_kind(element)
        if kind is not None:
            return Step(kind, algorithm, element)
        if rule is TransformRule.XPATH:
            return Step("xpath" if algorithm == names.T_XPATH else "filter2", algorithm, element)
        raise UnsupportedError(
            "an XPath transform that does more than take signatures out of what is signed",
            code="transform.xpath",
            hint="TransformRule.XPATH of the policy permits it",
        )
    raise UnsupportedError(f"transform {algorithm or '(none)'}", code="transform.not-accepted")


def apply(
    data: Selection | bytes, steps: Sequence[Step], signature: Element, limits: Limits
) -> tuple[bytes, bool]:
    """Run the transforms; return the octets that are hashed, and whether all was covered.

    Args:
        data: where the reference points.
        signature: the ds:Signature that holds the reference; the enveloped transform removes it.

    Raises:
        InputError: the data do not suit a transform, or cannot be canonicalised.
    """
    whole = True
    for step in steps:
        if step.kind == "c14n":
            if isinstance(data, bytes):
                data = _select(data, limits)
            whole = whole and data.whole
            data = canonical_octets(data, step.method or INCLUSIVE)
        elif step.kind == "base64":
            data = decode_base64(_text_of(data), "base64 transform")
            whole = False
        elif step.kind == "enveloped":
            if isinstance(data, bytes):
                raise InputError(
                    "the enveloped-signature transform does not follow the document that holds "
                    "the signature",
                    code="transform.misplaced",
                )
            _remove(data, [signature])
        else:
            if isinstance(data, bytes):
                data = _select(data, limits)
            _filter(data, step, signature, limits)
    if isinstance(data, bytes):
        return data, whole
    whole = whole and data.whole
    return canonical_octets(data, INCLUSIVE), whole


def _select(octets: bytes, limits: Limits) -> Selection:
    return Selection(parse(octets, limits), None, comments=True)


def _filter(data: Selection, step: Step, signature: Element, limits: Limits) -> None:
    if step.kind == "remove-signature":
        if _inside(data, signature):
            _remove(data, [signature])
        return
    if step.kind == "remove-signatures":
        _remove(data, data.document.signatures())
        return
    if step.kind.startswith("remove-at-"):
        depth = int(step.kind.removeprefix("remove-at-"))
        found = data.document.signatures()
        _remove(data, [e for e in found if sum(1 for _ in e.iterancestors()) == depth])
        return
    from esign_kit.xmldsig.xpath import filter_nodes

    filter_nodes(data, step, signature, limits)
    data.whole = False


def _inside(data: Selection, signature: Element) -> bool:
    root = data.document.root
    return signature is root or any(a is root for a in signature.iterancestors())


def _remove(data: Selection, elements: list[Element]) -> None:
    if data.nodes is not None:
        data.nodes.remove(elements)
        return
    known = set(data.removed)
    data.removed.extend(element for element in elements if element not in known)


def canonical_octets(data: Selection, method: Canonicalization) -> bytes:
    """Canonicalise a selection; what was removed stands in its place again afterwards."""
    if method.comments and not data.comments:
        method = method._replace(comments=False)
    if data.nodes is not None:
        from esign_kit.xmldsig.nodeset import canonicalize_nodes

        data.document.spend(_COST * data.nodes.size())
        return canonicalize_nodes(data.nodes, method)
    document, apex = data.document, data.apex
    top = document.root if apex is None else apex
    removed = _outermost(top, data.removed)
    if removed is None:
        return b""
    key = None
    if top is document.root:
        key = (apex is None, method, *map(id, removed))
        if (known := document.cached(key)) is not None:
            document.spend(len(known) // _DIGESTED)
            return known
    slow = "#default" in method.prefixes
    document.spend(_SLOW * len(document.octets) if slow else 0)
    octets = _without(document, top, apex is None, removed, method)
    if key is not None:
        document.cache(key, octets, removed)
    return octets


def _outermost(top: Element, removed: list[Element]) -> list[Element] | None:
    """Return the outermost removed elements below ``top``; ``None`` if nothing is left."""
    if not removed:
        return []
    if len(removed) == 1:
        only = removed[0]
        if only is top:
            return None
        for ancestor in only.iterancestors():
            if ancestor is top:
                return [only]
        return None if any(ancestor is only for ancestor in top.iterancestors()) else []
    members = set(removed)
    if top in members or any(ancestor in members for ancestor in top.iterancestors()):
        return None
    kept = []
    for element in removed:
        below = False
        for ancestor in element.iterancestors():
            if ancestor in members:
                break
            if ancestor is top:
                below = True
        else:
            if below:
                kept.append(element)
    return kept


def _without(
    document: XmlDocument,
    top: Element,
    whole: bool,
    removed: list[Element],
    method: Canonicalization,
) -> bytes:
    """Canonicalise and cut the removed elements out of the octets.

    Elements are not taken out of the tree: putting them back would have lxml replace prefixes that
    mean the same namespace. Processing instructions mark the places; they survive every form.
    """
    if not removed:
        octets = canonicalize_document(top, method) if whole else canonicalize(top, method)
        document.spend_on(octets)
        return octets
    name = document.mark
    marks = []
    try:
        for element in removed:
            first, last = processing_instruction(name), processing_instruction(name)
            marks.append((element, first, last))
            element.addprevious(first)
            element.append(last)
        octets = canonicalize_document(top, method) if whole else canonicalize(top, method)
    finally:
        for element, first, last in marks:
            if last.getparent() is not None:
                element.remove(last)
            parent = first.getparent()
            if parent is not None:
                parent.remove(first)
    # What is cut out was canonicalised too.
    document.spend_on(octets)
    mark = f"<?{name}?>".encode("ascii")
    parts = octets.split(mark)
    kept = parts[0::2]
    # What follows the second mark of a pair starts with the end tag of the element.
    return b"".join([kept[0], *(part[part.index(b">") + 1 :] for part in kept[1:])])


def _text_of(data: Selection | bytes) -> bytes:
    """Return the octets that the base64 transform decodes (XML Signature 1.1 § 6.6.2)."""
    if isinstance(data, bytes):
        return data
    if data.nodes is not None:
        return data.nodes.text().encode("utf-8")
    apex = data.document.root if data.apex is None else data.apex
    if data.removed:
        raise InputError("base64 transform after a removal", code="transform.misplaced")
    data.document.spend(0)
    text = str(apex.xpath("string()")).encode("utf-8")
    data.document.spend(len(text))
    return text


_SLOW = 60
"""How much longer canonicalisation takes in Python than in C, for each octet."""
_COST = 200
"""The same for each node of an explicit set."""
_DIGESTED = 8
"""How much cheaper it is to digest an octet again than to canonicalise it, at least."""
_BASE64_SPACE = b" \t\r\n"


def decode_base64(text: str | bytes | None, what: str) -> bytes:
    """Decode base64 with white space in it and nothing else foreign.

    Raises:
        InputError: another character, or a broken end.
    """
    text = text or b""
    # The strict mode lets one sign of padding stand where nothing is to be padded ("AAAA=").
    if not len(text) & 3:
        try:
            # Most values have no white space in them; the strict mode refuses those that have.
            return binascii.a2b_base64(text, strict_mode=True)
        except ValueError:
            pass
    raw = text.encode("utf-8") if isinstance(text, str) else text
    compact = raw.translate(None, _BASE64_SPACE)
    try:
        if not len(compact) & 3:
            return binascii.a2b_base64(compact, strict_mode=True)
    except binascii.Error:
        pass
    raise InputError(f"{what} is not base64", code="xml.base64")
