"""Distinguished names (X.501, RFC 5280 § 4.1.2.4 and § 7.1, RFC 4514).

Names are read RDN by RDN and by OID, never from a printed string: what a printed name can be made
to say is an attack of its own.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import NamedTuple

from esign_kit.asn1.reader import OID, SEQUENCE, SET, decode_oid, encode, header, read_all
from esign_kit.errors import InputError

__all__ = [
    "Attribute",
    "attributes",
    "equal",
    "label",
    "matches_text",
    "normalised",
    "printable",
    "reverse",
    "text",
]

SHORT_NAMES = {
    "2.5.4.3": "CN",
    "2.5.4.4": "SN",
    "2.5.4.5": "serialNumber",
    "2.5.4.6": "C",
    "2.5.4.7": "L",
    "2.5.4.8": "ST",
    "2.5.4.9": "street",
    "2.5.4.10": "O",
    "2.5.4.11": "OU",
    "2.5.4.12": "title",
    "2.5.4.15": "businessCategory",
    "2.5.4.17": "postalCode",
    "2.5.4.41": "name",
    "2.5.4.42": "GN",
    "2.5.4.43": "initials",
    "2.5.4.44": "generationQualifier",
    "2.5.4.46": "dnQualifier",
    "2.5.4.65": "pseudonym",
    "2.5.4.97": "organizationIdentifier",
    "0.9.2342.19200300.100.1.1": "UID",
    "0.9.2342.19200300.100.1.25": "DC",
    "1.2.840.113549.1.9.1": "E",
}
"""RFC 4514 § 3 and common practice; anything else is printed as its OID."""

_UTF8, _NUMERIC, _PRINTABLE, _TELETEX, _IA5, _UNIVERSAL, _BMP, _VISIBLE = (
    0x0C,
    0x12,
    0x13,
    0x14,
    0x16,
    0x1C,
    0x1E,
    0x1A,
)


class Attribute(NamedTuple):
    """One attribute of a name.

    Attributes:
        oid: its type.
        value: decoded text; ``None`` where it is no string or cannot be decoded.
        tag: the ASN.1 string type.
        raw: contents octets.
        rdn: number of the RDN that it stands in.
    """

    oid: str
    value: str | None
    tag: int
    raw: bytes
    rdn: int


def decode_string(tag: int, contents: bytes) -> str | None:
    """Decode an ASN.1 string by its tag; ``None`` where its octets do not fit the type."""
    try:
        if tag == _UTF8:
            return contents.decode("utf-8")
        if tag in (_PRINTABLE, _NUMERIC, _IA5, _VISIBLE):
            return contents.decode("ascii")
        if tag == _TELETEX:
            # T.61 in name only: every issuer that still uses it means Latin-1.
            return contents.decode("latin-1")
        if tag == _BMP:
            return contents.decode("utf-16-be")
        if tag == _UNIVERSAL:
            return contents.decode("utf-32-be")
    except UnicodeDecodeError:
        return None
    return None


@lru_cache(maxsize=4096)
def attributes(name: bytes) -> tuple[Attribute, ...]:
    """Return the attributes of a DER Name in order.

    Raises:
        InputError: malformed.
    """
    tag, position, end = header(name, 0, len(name))
    if tag != SEQUENCE or end != len(name):
        raise _malformed()
    found = []
    number = 0
    while position < end:
        tag, inner, position = header(name, position, end)
        if tag != SET:
            raise _malformed()
        while inner < position:
            pair, first, inner = header(name, inner, position)
            kind, start, stop = header(name, first, inner)
            tag, first, last = header(name, stop, inner)
            if pair != SEQUENCE or kind != OID or last != inner:
                raise _malformed()
            raw = name[first:last]
            oid = decode_oid(name[start:stop])
            found.append(Attribute(oid, decode_string(tag, raw), tag, raw, number))
        number += 1
    return tuple(found)


def _malformed() -> InputError:
    return InputError("malformed name", code="name.malformed")


@lru_cache(maxsize=4096)
def normalised(name: bytes) -> tuple[tuple[tuple[str, object], ...], ...]:
    """Return a form in which equal names are equal (RFC 5280 § 7.1).

    Strings of any type compare without regard to case, to leading and trailing blanks and to the
    number of inner blanks; what is no string compares by its octets.
    """
    rdns: dict[int, list[tuple[str, object]]] = {}
    for attribute in attributes(name):
        key: object = (attribute.tag, attribute.raw)
        if attribute.value is not None:
            key = prepared(attribute.value)
        rdns.setdefault(attribute.rdn, []).append((attribute.oid, key))
    return tuple(tuple(sorted(items, key=repr)) for items in rdns.values())


def prepared(value: str) -> str:
    """Prepare a string for comparison: NFKC, case folded, blanks collapsed (RFC 4518 in short)."""
    if value.isascii() and value.isprintable():
        return " ".join(value.lower().split())
    if not value.isprintable() or _SHAPELESS.search(value):
        value = "".join(map(_mapped, value))
    return " ".join(unicodedata.normalize("NFKC", value).casefold().split())


def _mapped(character: str) -> str:
    """RFC 4518 § 2.2: what controls is nothing, whatever separates is a blank."""
    if _SHAPELESS.match(character):
        return ""
    if character in "\t\n\v\f\r\x85" or unicodedata.category(character)[0] == "Z":
        return " "
    return "" if unicodedata.category(character) in ("Cc", "Cf") else character


_SHAPELESS = re.compile("[\u034f\u180b-\u180d\ufe00-\ufe0f\ufffc]")
"""Grapheme joiner, variation selectors, object replacement: mapped to nothing."""


def equal(left: bytes, right: bytes) -> bool:
    """Tell whether two DER names are the same name; the octets are compared first."""
    if left == right:
        return True
    try:
        return _equal(left, right)
    except InputError:
        return False


def reverse(name: bytes) -> bytes:
    """Return a DER name with its RDNs in the other order; what is no name comes back as it is."""
    try:
        return encode(SEQUENCE, *[rdn.raw for rdn in reversed(read_all(name).items())])
    except InputError:
        return name


def _equal(left: bytes, right: bytes) -> bool:
    """Compare RDN by RDN: most different names differ early, most RDNs are the same octets."""
    tag, p, left_end = header(left, 0, len(left))
    other, q, right_end = header(right, 0, len(right))
    if tag != SEQUENCE or other != SEQUENCE or left_end != len(left) or right_end != len(right):
        return normalised(left) == normalised(right)
    while p < left_end and q < right_end:
        p_end = header(left, p, left_end)[2]
        rdn = left[p:p_end]
        if right.startswith(rdn, q):
            # The same octets are framed the same.
            q += p_end - p
        else:
            q_end = header(right, q, right_end)[2]
            if not _same_rdn(rdn, right[q:q_end]):
                return False
            q = q_end
        p = p_end
    return p == left_end and q == right_end


def _same_rdn(left: bytes, right: bytes) -> bool:
    one, other = _one_attribute(left), _one_attribute(right)
    if one is not None and other is not None:
        if one[0] != other[0] or one[1] is None or other[1] is None:
            # What is no string compares by its octets, and those differ.
            return False
        return prepared(one[1]) == prepared(other[1])
    return normalised(encode(SEQUENCE, left)) == normalised(encode(SEQUENCE, right))


def _one_attribute(rdn: bytes) -> tuple[bytes, str | None] | None:
    """Return type and text of an RDN with one attribute; ``None`` for any other shape."""
    size = len(rdn)
    if (
        10 < size < 0x82
        and rdn[:6] == bytes((SET, size - 2, SEQUENCE, size - 4, OID, 3))
        and rdn[10] == size - 11
    ):
        # An attribute of X.520 with short lengths: the framing is known at a glance.
        return rdn[6:9], decode_string(rdn[9], rdn[11:])
    tag, start, end = header(rdn, 0, size)
    pair, first, stop = header(rdn, start, end)
    if tag != SET or pair != SEQUENCE or stop != end:
        return None
    oid, start, middle = header(rdn, first, stop)
    tag, inner, end = header(rdn, middle, stop)
    if oid != OID or end != stop:
        return None
    return rdn[start:middle], decode_string(tag, rdn[inner:end])


def printable(value: str) -> str:
    """Escape what would let a name forge other output: controls, format and bidi characters."""
    if value.isprintable():
        # Python's word for: no character of the categories below (and no blank but the space).
        return value
    return "".join(
        character
        if character == " "
        or unicodedata.category(character) not in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")
        else f"\\u{ord(character):04x}"
        for character in value
    )


_ESCAPED = {ord(character): "\\" + character for character in ',+"\\<>;='}


@lru_cache(maxsize=4096)
def text(name: bytes) -> str:
    """Return the name for people, most significant RDN first as encoded, RFC 4514 escapes."""
    try:
        found = attributes(name)
    except InputError:
        return "(unreadable name)"
    parts: list[str] = []
    last = -1
    for attribute in found:
        if attribute.value is None:
            value = "#" + attribute.raw.hex()
        else:
            value = printable(attribute.value).translate(_ESCAPED)
        item = f"{SHORT_NAMES.get(attribute.oid, attribute.oid)}={value}"
        if attribute.rdn == last:
            parts[-1] += "+" + item
        else:
            parts.append(item)
        last = attribute.rdn
    return ", ".join(parts)


@lru_cache(maxsize=4096)
def label(name: bytes) -> str:
    """Return the most telling attribute: common name, pseudonym, organisation, else all of it."""
    try:
        value = _common_name(name)
    except InputError:
        value = None
    if value:
        return printable(value)
    try:
        found = attributes(name)
    except InputError:
        return "(unreadable name)"
    for oid in ("2.5.4.3", "2.5.4.65", "2.5.4.11", "2.5.4.10"):
        for attribute in found:
            if attribute.oid == oid and attribute.value:
                return printable(attribute.value)
    return text(name) or "(empty name)"


def _common_name(name: bytes) -> str | None:
    """Return the first common name without decoding what stands before it."""
    _, position, end = header(name, 0, len(name))
    while position < end:
        _, inner, stop = header(name, position, end)
        _, first, last = header(name, inner, stop)
        _, start, middle = header(name, first, last)
        if name[start:middle] == b"\x55\x04\x03":
            tag, start, last = header(name, middle, last)
            return decode_string(tag, name[start:last])
        position = stop
    return None


def parse_text(value: str) -> tuple[tuple[tuple[str, str], ...], ...] | None:
    """Read an RFC 4514 (or 2253) string into RDNs of (type, value); ``None`` if it is none.

    The types come as written, upper case; values unescaped, ``#hex`` values as they stand.
    """
    rdns: list[tuple[tuple[str, str], ...]] = []
    pairs: list[tuple[str, str]] = []
    position, size = 0, len(value)
    while position < size:
        equals = value.find("=", position)
        if equals < 0:
            return None
        kind = value[position:equals].strip()
        position = equals + 1
        item = bytearray()
        quoted = False
        while position < size:
            character = value[position]
            if character == "\\" and position + 1 < size:
                pair = value[position + 1 : position + 3]
                if len(pair) == 2 and all(c in "0123456789abcdefABCDEF" for c in pair):
                    item.append(int(pair, 16))
                    position += 3
                else:
                    item += value[position + 1].encode("utf-8", "surrogatepass")
                    position += 2
                continue
            if character == '"':
                quoted = not quoted
            elif character in ",;+" and not quoted:
                break
            else:
                item += character.encode("utf-8", "surrogatepass")
            position += 1
        pairs.append((kind.upper(), item.decode("utf-8", "replace").strip()))
        if position >= size or value[position] != "+":
            rdns.append(tuple(pairs))
            pairs = []
        position += 1
    return tuple(rdns) if not pairs else None


_TEXT_TYPES = {short.upper(): oid for oid, short in SHORT_NAMES.items()} | {
    "EMAILADDRESS": "1.2.840.113549.1.9.1",
    "EMAIL": "1.2.840.113549.1.9.1",
    "S": "2.5.4.8",
    "SURNAME": "2.5.4.4",
    "GIVENNAME": "2.5.4.42",
    "G": "2.5.4.42",
    "T": "2.5.4.12",
    "DC": "0.9.2342.19200300.100.1.25",
    "OID.2.5.4.97": "2.5.4.97",
    "2.5.4.97": "2.5.4.97",
    "SERIALNUMBER": "2.5.4.5",
    "STREET": "2.5.4.9",
    "POSTALCODE": "2.5.4.17",
}


@lru_cache(maxsize=1024)
def matches_text(name: bytes, value: str) -> bool:
    """Tell whether a printed name (RFC 2253/4514, either order) names this DER Name.

    Writers differ in order, in the names of types and in blanks; so each RDN is compared as a set
    of (OID, prepared value). A printed name is a hint: what binds is always the digest beside it.
    """
    printed = parse_text(value)
    if printed is None:
        return False
    wanted: list[frozenset[tuple[str, str]]] = []
    for rdn in printed:
        pairs = set()
        for kind, item in rdn:
            oid = _TEXT_TYPES.get(kind) or kind.removeprefix("OID.")
            pairs.add((oid, prepared(_unhex(item))))
        wanted.append(frozenset(pairs))
    actual: dict[int, set[tuple[str, str]]] = {}
    for attribute in attributes(name):
        key = attribute.value if attribute.value is not None else "#" + attribute.raw.hex()
        actual.setdefault(attribute.rdn, set()).add((attribute.oid, prepared(key)))
    found = [frozenset(pairs) for pairs in actual.values()]
    return wanted in (found, found[::-1])


def _unhex(value: str) -> str:
    if not value.startswith("#"):
        return value
    try:
        inner = read_all(bytes.fromhex(value[1:]))
    except (ValueError, InputError):
        return value
    return decode_string(inner.tag, inner.contents) or value
