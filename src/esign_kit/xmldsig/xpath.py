"""XPath and XPath Filter 2 transforms (XML Signature 1.1 § 6.6.3; XML-Signature XPath Filter 2.0).

Two ways lead through here. The forms that take signatures out of what they sign are recognised by
their text and carried out as a removal of elements, with no XPath engine. Any other expression is
evaluated only if the policy says ``TransformRule.XPATH``, after an estimate of its cost.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from lxml import etree

from esign_kit.errors import InputError, LimitError, UnsupportedError
from esign_kit.xmldsig import names
from esign_kit.xmldsig.nodeset import NodeSet

if TYPE_CHECKING:
    from esign_kit.model.limits import Limits
    from esign_kit.xmldsig.parser import Element
    from esign_kit.xmldsig.transforms import Selection, Step

__all__ = ["filter_nodes", "removal_kind", "selected_properties"]

_SIGNATURE = r"(?P<{0}>[\w.-]+):Signature"
_ANY_NAME = (
    r"\*\[local-name\(\)=(?:'Signature'|\"Signature\")"
    r"(?:andnamespace-uri\(\)=(?:'{ns}'|\"{ns}\"))\]"
).replace("{ns}", re.escape(names.DS))
_ONE = rf"(?:{_SIGNATURE.format('p')}|{_ANY_NAME})"

_ALL_XPATH = (
    re.compile(rf"not\(ancestor-or-self::{_ONE}\)"),
    re.compile(rf"not\(boolean\(ancestor-or-self::{_ONE}\)\)"),
    re.compile(rf"count\(ancestor-or-self::{_ONE}\)=0"),
)
_OWN_XPATH = (
    re.compile(
        rf"count\(ancestor-or-self::{_SIGNATURE.format('p')}"
        rf"\|here\(\)/ancestor::{_SIGNATURE.format('q')}\[1\]\)"
        rf">count\(ancestor-or-self::{_SIGNATURE.format('r')}\)"
    ),
)
_ALL_FILTER2 = (
    re.compile(rf"/descendant::{_ONE}"),
    re.compile(rf"/descendant-or-self::{_ONE}"),
    re.compile(rf"/?/?//{_ONE}"),
    re.compile(rf"/descendant-or-self::node\(\)/(?:child::)?{_ONE}"),
)
_AT_DEPTH_FILTER2 = (re.compile(rf"(?:/\*)+/{_ONE}"),)
_OWN_FILTER2 = (re.compile(rf"here\(\)/ancestor::{_ONE}\[(?:1|position\(\)=1)\]"),)
_FORMS = {
    "all-xpath": _ALL_XPATH,
    "own-xpath": _OWN_XPATH,
    "all-filter2": _ALL_FILTER2,
    "at-depth-filter2": _AT_DEPTH_FILTER2,
    "own-filter2": _OWN_FILTER2,
}
_PROPERTIES = re.compile(
    r"""//\*\[@Id=['"](?P<id>[\w.-]+)['"]\]/(?P<p>[\w.-]+):QualifyingProperties"""
    r"""/(?P<q>[\w.-]+):SignedProperties"""
)
_EVERYTHING = re.compile(r"/|/\.|/self::node\(\)")

_WIDE = re.compile(
    r"//|\b(?:descendant|descendant-or-self|following|preceding|following-sibling"
    r"|preceding-sibling)\s*::|\bid\s*\("
)
_ANCESTORS = re.compile(r"\bancestor(?:-or-self)?\s*::")
_POSITION = re.compile(r"\b(?:position|last)\s*\(")
_MAX_EXPRESSION = 4096
_COST = 200
"""What one node of an XPath transform costs, in octets of canonicalisation."""


def removal_kind(transform: Element) -> str | None:
    """Return how the transform takes signatures out, or ``None`` if it does something else.

    ``"remove-signatures"`` takes out every ds:Signature, ``"remove-signature"`` the one that holds
    the transform, as the enveloped-signature transform does, and ``"remove-at-N"`` those with N
    elements around them (``/*/ds:Signature`` is ``"remove-at-1"``).
    """
    if transform.get("Algorithm") == names.T_XPATH:
        expression = _only_expression(transform, names.XPATH)
        if expression is None:
            return None
        if _matches(expression, "all-xpath"):
            return "remove-signatures"
        return "remove-signature" if _matches(expression, "own-xpath") else None
    kinds: set[str] = set()
    for child in transform.iterchildren("*"):
        if child.tag != names.XPATH_FILTER2 or len(child):
            return None
        how = child.get("Filter")
        if how == "subtract" and _matches(child, "all-filter2"):
            kinds.add("remove-signatures")
        elif how == "subtract" and _matches(child, "at-depth-filter2"):
            kinds.add(f"remove-at-{_compact(child).count('/*')}")
        elif how == "subtract" and _matches(child, "own-filter2"):
            kinds.add("remove-signature")
        elif how == "intersect" and _EVERYTHING.fullmatch(_compact(child)):
            continue
        else:
            return None
    if "remove-signatures" in kinds:
        return "remove-signatures"
    return kinds.pop() if len(kinds) == 1 else None


def selected_properties(transforms: Element | None) -> tuple[str, str] | None:
    """Return Id and namespace where the first transform selects the signed properties by XPath.

    ``//*[@Id='x']/p:QualifyingProperties/p:SignedProperties``, as signers of XAdES v1.1.1 write
    instead of a reference by Id. It names one element, and no XPath engine is needed to find it.
    """
    first = next(transforms.iterchildren("*"), None) if transforms is not None else None
    if first is None or first.get("Algorithm") != names.T_FILTER2:
        return None
    expression = _only_expression(first, names.XPATH_FILTER2)
    if expression is None or expression.get("Filter") != "intersect":
        return None
    match = _PROPERTIES.fullmatch(_compact(expression))
    if match is None or match["p"] != match["q"]:
        return None
    return match["id"], expression.nsmap.get(match["p"], "")


def _only_expression(transform: Element, tag: str) -> Element | None:
    children = list(transform.iterchildren("*"))
    if len(children) != 1 or children[0].tag != tag or len(children[0]):
        return None
    return children[0]


def _compact(expression: Element) -> str:
    return re.sub(r"\s+", "", expression.text or "")


def _matches(expression: Element, forms: str) -> bool:
    text = expression.text or ""
    # What signers write is the same again and again.
    read = _prefixes if len(text) <= _SHORT else _prefixes.__wrapped__
    prefixes = read(text, forms)
    if not prefixes:
        return prefixes is not None
    scope = expression.nsmap
    return all(scope.get(prefix) == names.DS for prefix in prefixes)


_SHORT = 256


@lru_cache(maxsize=256)
def _prefixes(text: str, forms: str) -> tuple[str, ...] | None:
    """Return the prefixes in an expression of one of the forms; ``None`` for any other."""
    compact = re.sub(r"\s+", "", text)
    for form in _FORMS[forms]:
        match = form.fullmatch(compact)
        if match is not None:
            return tuple([prefix for prefix in match.groupdict().values() if prefix is not None])
    return None


def filter_nodes(data: Selection, step: Step, signature: Element, limits: Limits) -> None:
    """Evaluate an XPath or Filter 2 transform and leave its node-set in ``data``.

    Raises:
        LimitError: the expression could cost more than ``limits.xpath_operations``.
        InputError: it does not evaluate.
    """
    data.document.spend(_COST * data.document.element_count())
    if data.nodes is None:
        data.nodes = NodeSet.of(data.document.root, data.apex, comments=data.comments)
        data.nodes.remove(data.removed)
    count = data.nodes.size()
    if step.kind == "xpath":
        expression = _only_expression(step.element, names.XPATH)
        if expression is None:
            raise InputError("an XPath transform needs one expression", code="transform.malformed")
        data.nodes.keep(*_filtered(data, expression, count, limits))
        return
    children = list(step.element.iterchildren("*"))
    if not children or any(child.tag != names.XPATH_FILTER2 for child in children):
        raise InputError("malformed XPath Filter 2 transform", code="transform.malformed")
    data.nodes.combine(
        [(child.get("Filter") or "", _selected(data, child, count, limits)) for child in children]
    )


def _checked(expression: Element, count: int, limits: Limits, *, each: bool) -> str:
    """Return the text of an expression whose estimated cost is within the limit."""
    text: str = expression.text or ""
    if len(expression) or len(text) > _MAX_EXPRESSION:
        raise InputError("the XPath expression is malformed or too long", code="transform.xpath")
    if each and _POSITION.search(text.split("[")[0]):
        # The standard evaluates each node as a context of one; a predicate of ours would count.
        raise UnsupportedError("position() outside a predicate", code="transform.xpath")
    # libxml2 unites two sets in time that grows as their product; the product of all steps that
    # may visit everything covers that too.
    wide = len(_WIDE.findall(text))
    cost = (count if each else 1) * max(1, count) ** wide
    cost *= 4 * (1 + len(_ANCESTORS.findall(text)))
    if cost > limits.xpath_operations:
        raise LimitError(
            "the XPath transform could visit more nodes than the limit allows",
            code="transform.xpath-cost",
        )
    return text


def _compiled(expression: Element, text: str) -> Any:
    root = expression.getroottree().getroot()

    def here(_: Any) -> list[Element]:
        return [expression]

    def by_id(_: Any, value: Any) -> list[Element]:
        if isinstance(value, list):
            value = " ".join(str(getattr(item, "text", None) or item) for item in value)
        wanted = set(str(value).split())
        return [
            element
            for element in root.iter("*")
            if any(element.get(name) in wanted for name in names.ID_ATTRIBUTES)
        ]

    namespaces = {prefix: uri for prefix, uri in expression.nsmap.items() if prefix}
    try:
        return etree.XPath(
            text,
            namespaces=namespaces,
            extensions={(None, "here"): here, (None, "id"): by_id},
            regexp=False,
        )
    except (etree.LxmlError, ValueError, TypeError) as error:
        raise InputError(f"XPath transform: {error}", code="transform.xpath") from error


def _evaluate(compiled: Any, context: Any) -> Any:
    try:
        return compiled(context)
    except (etree.LxmlError, ValueError, TypeError) as error:
        raise InputError(f"XPath transform: {error}", code="transform.xpath") from error


def _filtered(
    data: Selection, expression: Element, count: int, limits: Limits
) -> tuple[list[Any], list[tuple[Element, str | None]]]:
    """Return the nodes for which the expression is true, namespace nodes apart."""
    text = _checked(expression, count, limits, each=True)
    root = data.document.root
    # Two expressions: libxml2 unites sets in quadratic time.
    nodes = _compiled(expression, f"/descendant-or-self::node()[boolean({text})]")
    attributes = _compiled(expression, f"/descendant-or-self::*/attribute::*[boolean({text})]")
    spaces = _compiled(expression, f"namespace::*[boolean({text})]")
    kept = [*_evaluate(nodes, root), *_evaluate(attributes, root)]
    namespaces = [
        (element, prefix) for element in root.iter("*") for prefix, _ in _evaluate(spaces, element)
    ]
    return kept, namespaces


def _selected(data: Selection, expression: Element, count: int, limits: Limits) -> list[Any]:
    text = _checked(expression, count, limits, each=False)
    found = _evaluate(_compiled(expression, text), data.document.tree)
    if not isinstance(found, list):
        raise InputError("XPath Filter 2: the expression is no node-set", code="transform.xpath")
    return found
