"""Does a signature stand as the schemas of XML Signature and XAdES say?

The table of :mod:`esign_kit.xades.content` is compiled type by type when it is first needed. One
pass over the elements of one ds:Signature; signed data inside ds:Object and nested signatures are
not part of it (a counter-signature is judged by itself). Elements of namespaces that the table does
not know are passed over.
"""

from __future__ import annotations

import re
from binascii import a2b_base64
from calendar import monthrange
from functools import cache
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from esign_kit.xades.content import PREFIXES, TABLES
from esign_kit.xmldsig import names as ds

if TYPE_CHECKING:
    from collections.abc import Callable

    from esign_kit.xmldsig import Element

__all__ = ["faults_of"]

_MOST_FAULTS = 16
_SPACE = " \t\r\n"
_XSI = "{http://www.w3.org/2001/XMLSchema-instance}"
_XSI_ALLOWED = frozenset(
    _XSI + name for name in ("type", "schemaLocation", "noNamespaceSchemaLocation")
)

# ── lexical types (XML Schema part 2) ───────────────────────────────────────────────────────────

_START = (
    "A-Z_a-z\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u02ff\u0370-\u037d\u037f-\u1fff\u200c\u200d\u2070-"
    "\u218f\u2c00-\u2fef\u3001-\ud7ff\uf900-\ufdcf\ufdf0-\ufffd\U00010000-\U000effff"
)
_NCNAME = re.compile(f"[{_START}][-.0-9\u00b7\u0300-\u036f\u203f\u2040{_START}]*").fullmatch
_INTEGER = re.compile(r"[+-]?[0-9]+").fullmatch
_DATETIME = re.compile(
    r"-?(?!0000)([1-9][0-9]{3,}|0[0-9]{3})-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
    r"T(?:(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]+)?|24:00:00(?:\.0+)?)"
    r"(?:Z|[+-](?:(?:0[0-9]|1[0-3]):[0-5][0-9]|14:00))?"
).fullmatch
_NO_SPACE = str.maketrans("", "", _SPACE)


def _base64(value: str) -> bool:
    """The octets need not be there, but the last sign must not carry bits that are dropped."""
    return _strict_base64(value) or _strict_base64(value.translate(_NO_SPACE))


def _strict_base64(value: str) -> bool:
    if len(value) & 3:
        return False
    try:
        a2b_base64(value, strict_mode=True)
    except ValueError:
        return False
    if value.endswith("=="):
        return value[-3] in "AQgw"
    return not value.endswith("=") or value[-2] in "AEIMQUYcgkosw048"


def _date_time(value: str) -> bool:
    match = _DATETIME(value.strip(_SPACE))
    if match is None:
        return False
    year, month, day = match.groups()
    # The calendar repeats after 400 years; the library knows the years 1 to 9999 only.
    return int(day) <= monthrange(2000 + int(year[-4:]) % 400, int(month))[1]


_LEXICAL: dict[str, Callable[[str], object] | None] = {
    "text": None,
    # Any string is an anyURI since XML Schema 1.1 part 2 § 3.3.17.
    "uri": None,
    "base64": _base64,
    "dateTime": _date_time,
    "integer": lambda value: _INTEGER(value.strip(_SPACE)),
    "boolean": lambda value: value.strip(_SPACE) in ("true", "false", "1", "0"),
    "id": lambda value: _NCNAME(value.strip(_SPACE)),
    "filter": lambda value: value in ("intersect", "subtract", "union"),
    "qualifier": lambda value: value in ("OIDAsURI", "OIDAsURN"),
}

# ── compiling the table ─────────────────────────────────────────────────────────────────────────


class _Type(NamedTuple):
    """What an element may hold.

    Attributes:
        namespace: of the table that it stands in.
        value: name of the lexical type of a value; empty if it has children.
        match: takes the children, one letter for each; ``None`` if there may be none.
        letters: letter and type of the children that are named.
        wildcard: 0 for none, 1 for other namespaces, 2 for any.
        mixed: text may stand between the children.
        attributes: name → lexical type.
        required: names of those that must be there.
        open: any attribute may stand there.
    """

    namespace: str
    value: str
    match: Callable[[str], object] | None
    letters: dict[str, tuple[str, str]]
    wildcard: int
    mixed: bool
    attributes: dict[str, str]
    required: tuple[str, ...]
    open: bool


_WILD = "0"
_ANYTHING = "anything"
_WORD = re.compile(r"[A-Za-z0-9]+(?::[A-Za-z0-9]+)*|[|()?*+]")
_LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"


@cache
def _lines(namespace: str) -> dict[str, str]:
    """Return the lines of a namespace by what stands before the sign of equality."""
    joined = re.sub(r"\n +", " ", TABLES[namespace])
    parts = [line.partition("=") for line in joined.split("\n") if line]
    return {name.strip(): content.strip() for name, _, content in parts}


@cache
def _globals() -> dict[str, str]:
    """Return the key of the type of each global element."""
    found = {}
    for namespace in TABLES:
        for name, content in _lines(namespace).items():
            alias = _key(content[1:], namespace) if content.startswith(":") else ""
            found[f"{{{namespace}}}{name}"] = alias or f"{namespace} {name}"
    return found


def _key(name: str, namespace: str) -> str:
    """Return where a type stands: a lexical one by its name, another by namespace and name."""
    if name in _LEXICAL or name == _ANYTHING:
        return name
    prefix, _, rest = name.partition(":")
    return f"{PREFIXES[prefix]} :{rest}" if rest else f"{namespace} :{name}"


@cache
def _type(key: str) -> _Type:
    if key in _LEXICAL:
        return _Type("", key, None, {}, 0, False, {}, (), False)
    namespace, _, name = key.partition(" ")
    content, _, listed = _lines(namespace)[name].partition(";")
    names = listed.replace("*", "").split()
    attributes = dict(entry.replace("!", "").split(":") for entry in names)
    required = tuple(entry.partition("!")[0] for entry in names if "!" in entry)
    content = content.strip()
    if content in _LEXICAL:
        return _Type(namespace, content, None, {}, 0, False, attributes, required, "*" in listed)
    model = ""
    wildcard = 0
    letters: dict[str, tuple[str, str]] = {}
    for word in _WORD.findall(content.removeprefix("mixed ")):
        if word in ("other", "any"):
            wildcard = 1 if word == "other" else 2
            model += _WILD
        elif word in "|()?*+":
            # A group that captures would cost memory for each time it is met.
            model += "(?:" if word == "(" else word
        else:
            tag, kind = _child(word, namespace)
            model += letters.setdefault(tag, (_LETTERS[len(letters)], kind))[0]
    return _Type(
        namespace,
        "",
        re.compile(model).fullmatch if model else None,
        letters,
        wildcard,
        content.startswith("mixed "),
        attributes,
        required,
        "*" in listed,
    )


def _child(word: str, namespace: str) -> tuple[str, str]:
    """Return tag and type of a child as the table names it."""
    home = namespace
    first, _, rest = word.partition(":")
    if first in PREFIXES:
        home = PREFIXES[first]
        first, _, rest = rest.partition(":")
    tag = f"{{{home}}}{first}"
    if rest:
        return tag, _key(rest, namespace)
    kind = _globals().get(tag)
    if kind is None:
        raise LookupError(f"the table does not say what {tag} is")
    return tag, kind


# ── the check ───────────────────────────────────────────────────────────────────────────────────


def faults_of(signature: Element) -> tuple[str, ...]:
    """Return where a ds:Signature breaks the schemas, in words, the first few; empty if nowhere."""
    check = _Check([], set(), _globals())
    _look(signature, f"{ds.DS} Signature", check)
    return tuple(check.found[:_MOST_FAULTS])


class _Check(NamedTuple):
    """What was found so far, which Ids were met, and the types of global elements."""

    found: list[str]
    identifiers: set[str]
    elements: dict[str, str]


def _look(element: Element, key: str, check: _Check) -> None:
    """Check an element and what is below it; no deeper than the parser lets a tree be."""
    found = check.found
    kind = _type(key)
    given = element.items()
    if given or kind.required:
        _attributes(element, kind, given, check)
    if kind.value:
        _value(element, kind.value, found)
        return
    text, letters = element.text, kind.letters
    stray = bool(text) and not kind.mixed and bool(text.strip(_SPACE))
    model = ""
    for child in element:
        if not kind.mixed and child.tail and child.tail.strip(_SPACE):
            stray = True
        tag = child.tag
        if tag in letters:
            letter, inner = letters[tag]
            model += letter
        elif isinstance(tag, str):
            model += _wild(tag, kind)
            inner = check.elements.get(tag, _ANYTHING)
        else:
            continue
        # A signature in this one is judged by itself.
        if inner != _ANYTHING and tag != ds.SIGNATURE and len(found) < _MOST_FAULTS:
            _look(child, inner, check)
    if stray:
        found.append(f"{_name(element)} holds text between its elements")
    if model if kind.match is None else not kind.match(model):
        found.append(f"{_name(element)} {_wrong_children(element)}")


def _wild(tag: str, kind: _Type) -> str:
    if kind.wildcard == 2:
        return _WILD
    if kind.wildcard and tag[0] == "{" and not tag.startswith(f"{{{kind.namespace}}}"):
        return _WILD
    return "-"


def _attributes(element: Element, kind: _Type, given: list[tuple[str, str]], check: _Check) -> None:
    known, found, identifiers = kind.attributes, check.found, check.identifiers
    missing = len(kind.required)
    for name, value in given:
        lexical = known.get(name)
        if lexical is None:
            if not kind.open and name not in _XSI_ALLOWED:
                found.append(f"{_name(element)} may not have the attribute {_local(name)}")
            continue
        missing -= name in kind.required
        fits = _LEXICAL[lexical]
        if fits is not None and not fits(value):
            found.append(f"{_name(element)}/@{name} is not of the type {lexical}: {_shown(value)}")
        elif lexical == "id":
            value = value.strip(_SPACE)
            if value in identifiers:
                found.append(f"the Id {_shown(value)} stands more than once")
            identifiers.add(value)
    if missing:
        lacking = [name for name in kind.required if name not in dict(given)]
        found.append(f"{_name(element)} lacks the attribute {', '.join(lacking)}")


def _value(element: Element, lexical: str, found: list[str]) -> None:
    if not len(element):
        value = element.text or ""
    elif any(isinstance(child.tag, str) for child in element):
        found.append(f"{_name(element)} holds an element where a value belongs")
        return
    else:
        # Comments and instructions are no part of the value.
        value = "".join([element.text or "", *(child.tail or "" for child in element)])
    fits = _LEXICAL[lexical]
    if fits is not None and not fits(value):
        found.append(f"{_name(element)} is not of the type {lexical}: {_shown(value)}")


def _wrong_children(element: Element) -> str:
    names = [_name(child) for child in islice(element.iterchildren("*"), 13)]
    if not names:
        return "is empty"
    if len(names) > 12:
        names[12] = "…"
    return f"may not hold, in this order: {', '.join(names)}"


def _name(element: Element) -> str:
    return _local(str(element.tag))


def _local(tag: str) -> str:
    return _shown(tag.rpartition("}")[2])


def _shown(value: str) -> str:
    return value if len(value) <= 60 else value[:57] + "…"
