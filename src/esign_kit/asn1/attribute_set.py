"""SET OF Attribute read over the original octets, and its DER (RFC 5652 § 5.3 and § 5.4)."""

from __future__ import annotations

from typing import Any, NamedTuple

from esign_kit.asn1.reader import OID, SEQUENCE, SET, children, encode, encode_oid, header, read
from esign_kit.errors import InputError, LimitError

__all__ = ["AttributeSet", "der_lengths"]

_MOST = 4096
"""Attributes of a set, and values of an attribute. Real ones have a dozen."""


class AttributeSet:
    """A SET OF Attribute as offsets (RFC 5652 § 5.3).

    Attributes:
        data: what the offsets refer to: of signed attributes their own octets, of others the
            message.
        by_type: for each type (contents octets of the OID) the attributes of that type in order,
            each ``(start, stop, values_start, values_stop)``.
        span: start and stop of the attributes in the message, without the identifier and length of
            the set.
        memory: what others found out about signed attributes of this shape, which may depend on
            everything but the values of message-digest, signing-time and signing-certificate-v2;
            ``None`` where nothing is remembered. See :class:`_Shape`.
        sorted: they, and the values of those that have several, stand in the order of DER.
        minimal: their own length octets are minimal.
    """

    __slots__ = ("_part", "_single", "by_type", "data", "memory", "minimal", "sorted", "span")

    def __init__(self, data: bytes, start: int, stop: int, *, check_values: bool) -> None:
        """Read the frame of each attribute; raises :class:`InputError`.

        ``check_values`` looks at the order of values too, as signed attributes need.
        """
        self.span = self._part = (start, stop)
        self.memory: dict[object, Any] | None
        self.by_type: dict[bytes, list[tuple[int, int, int, int]]]
        self._single: dict[bytes, tuple[int, int, int] | None] | None
        if check_values:
            # The octets of signed attributes are wanted anyway, and offsets into them alone are
            # the same for all signatures of one shape.
            data = data[start:stop]
            start, stop = 0, stop - start
            self._part = (0, stop)
            shape = _shape_of(data)
            if shape is not None:
                self.data = data
                self.by_type, self._single, self.memory = shape
                self.sorted = self.minimal = True
                return
        self.data = data
        self.memory = self._single = None
        by_type = self.by_type = {}
        single: dict[bytes, tuple[int, int, int] | None] = {}
        ordered = minimal = True
        count = 0
        previous = b""
        while start < stop:
            first, middle, values, end, is_minimal = _frame(data, start, stop)
            minimal = minimal and is_minimal
            count += 1
            if count > _MOST:
                raise _too_many("attributes in a set")
            raw = data[start:end]
            if raw < previous:
                ordered = False
            previous = raw
            kind = data[first:middle]
            known = by_type.get(kind)
            if check_values and values != end:
                tag, inner, last = header(data, values, end)
                single[kind] = (tag, inner, end) if last == end and known is None else None
                if last != end:
                    several = _raw_values(data, values, end)
                    ordered = ordered and several == sorted(several)
            if known is None:
                by_type[kind] = [(start, end, values, end)]
            else:
                known.append((start, end, values, end))
                single[kind] = None
            start = end
        self.sorted = ordered
        self.minimal = minimal
        if check_values:
            self._single = single
            if ordered and minimal and None not in single.values() and len(single) == count:
                self.memory = _remember(self.data, by_type, single)

    def __contains__(self, kind: bytes) -> bool:
        return kind in self.by_type

    def values(self, kind: bytes) -> list[bytes]:
        """Return the DER of all values of all attributes of that type."""
        found: list[bytes] = []
        for _, _, start, stop in self.by_type.get(kind, ()):
            found += _raw_values(self.data, start, stop)
        return found

    def only(self, kind: bytes) -> tuple[int, int, int] | None:
        """Return ``(tag, start, stop)`` of the one value of the one attribute of that type.

        ``None`` where there is no such attribute, more than one, or not exactly one value.
        """
        if self._single is not None:
            return self._single.get(kind)
        entries = self.by_type.get(kind)
        if entries is None or len(entries) != 1:
            return None
        _, _, start, stop = entries[0]
        if start == stop:
            return None
        tag, inner, end = header(self.data, start, stop)
        return (tag, inner, end) if end == stop else None

    def only_raw(self, kind: bytes) -> bytes | None:
        """Return the DER of the value that :meth:`only` finds."""
        value = self.only(kind)
        if value is None:
            return None
        start = self.by_type[kind][0][2]
        return self.data[start : value[2]]

    def raw(self, kind: bytes) -> list[bytes]:
        """Return the encodings of all attributes of that type."""
        return [self.data[start:stop] for start, stop, _, _ in self.by_type.get(kind, ())]

    def bodies(self, kind: bytes) -> list[bytes]:
        """Return type and values of all attributes of that type, without the outer SEQUENCE."""
        data = self.data
        found = []
        for start, stop, _, _ in self.by_type.get(kind, ()):
            _, inner, _ = header(data, start, stop)
            found.append(data[inner:stop])
        return found

    def set_octets(self) -> bytes:
        """Return the DER of the SET OF these attributes: what the signature value covers."""
        start, stop = self._part
        if self.sorted and self.minimal:
            return encode(SET, self.data[start:stop])
        parts = []
        for item in children(self.data, start, stop):
            kind, values = item.items()
            inner = sorted(der_lengths(value.raw) for value in values)
            parts.append(encode(SEQUENCE, kind.raw, encode(SET, b"".join(inner))))
        return encode(SET, b"".join(sorted(parts)))

    def wire_octets(self) -> bytes:
        """Return the SET in the order in which the attributes stand."""
        start, stop = self._part
        return encode(SET, self.data[start:stop])


class _Shape(NamedTuple):
    """What sets of signed attributes share that differ only in a few values.

    The signatures of one authority's customers are the same but for message-digest, signing-time
    and signing-certificate-v2. Where these stand once, with one value, and everything around the
    contents of these values has octets that were read before, offsets and order are those of the
    set that was read then: DER sorts by types and lengths before it comes to the values of
    different types.
    """

    by_type: dict[bytes, list[tuple[int, int, int, int]]]
    single: dict[bytes, tuple[int, int, int] | None]
    memory: dict[object, Any]


_VARYING = tuple(
    encode_oid(dotted)[2:]
    for dotted in ("1.2.840.113549.1.9.4", "1.2.840.113549.1.9.5", "1.2.840.113549.1.9.16.2.47")
)
_LARGEST = 4096
_KEPT = 256
_cuts_remembered: dict[int, tuple[int, int, int, int, int, int]] = {}
_remembered: dict[tuple[int | bytes, ...], _Shape] = {}


def _shape_of(data: bytes) -> _Shape | None:
    """Return the shape of a set that differs from one that was read in these values only."""
    cuts = _cuts_remembered.get(len(data))
    return None if cuts is None else _remembered.get(_outline(data, *cuts))


def _outline(
    data: bytes, first: int, second: int, third: int, fourth: int, fifth: int, sixth: int
) -> tuple[int | bytes, ...]:
    """Return what is left of a set without the contents of the three values."""
    around = data[:first], data[second:third], data[fourth:fifth], data[sixth:]
    return len(data), first, third, fifth, *around


def _remember(
    data: bytes,
    by_type: dict[bytes, list[tuple[int, int, int, int]]],
    single: dict[bytes, tuple[int, int, int] | None],
) -> dict[object, Any] | None:
    size = len(data)
    if size > _LARGEST:
        return None
    # Of an attribute that is absent the cut is empty, at the end.
    found = sorted((single.get(kind) or (0, size, size))[1:] for kind in _VARYING)
    (first, second), (third, fourth), (fifth, sixth) = found
    cuts = first, second, third, fourth, fifth, sixth
    if len(_remembered) >= _KEPT or len(_cuts_remembered) >= _KEPT:
        _remembered.clear()
        _cuts_remembered.clear()
    _cuts_remembered[size] = cuts
    shape = _remembered[_outline(data, *cuts)] = _Shape(by_type, single, {})
    return shape.memory


def _frame(data: bytes, start: int, stop: int) -> tuple[int, int, int, int, bool]:
    """Read the frame of one Attribute.

    Returns:
        Start and stop of the type's contents, start of the values, end of everything, and
        whether the lengths are minimal. Nearly all are short, and are read in place.
    """
    minimal = True
    inner = start + 2
    if inner < stop and data[start] == SEQUENCE and data[start + 1] < 0x80:
        end = inner + data[start + 1]
        if end > stop:
            raise InputError("ASN.1: length goes beyond the input", code="asn1.length")
    else:
        tag, inner, end = header(data, start, stop)
        if tag != SEQUENCE:
            raise InputError("CMS: malformed attribute", code="cms.malformed")
        minimal = _minimal(data, start, inner, end)
    first = inner + 2
    if first >= end or data[inner] != OID or data[inner + 1] >= 0x80:
        raise InputError("CMS: attribute without a type", code="cms.malformed")
    middle = first + data[inner + 1]
    values = middle + 2
    if values <= end and data[middle] == SET and data[middle + 1] < 0x80:
        last = values + data[middle + 1]
    else:
        tag, values, last = header(data, middle, end)
        if tag != SET:
            raise InputError("CMS: malformed attribute values", code="cms.malformed")
        minimal = minimal and _minimal(data, middle, values, last)
    if last != end:
        raise InputError("CMS: malformed attribute values", code="cms.malformed")
    return first, middle, values, end, minimal


def _raw_values(data: bytes, start: int, stop: int) -> list[bytes]:
    found = []
    for value in children(data, start, stop):
        found.append(value.raw)
        if len(found) > _MOST:
            raise _too_many("values in an attribute")
    return found


def _too_many(what: str) -> LimitError:
    return LimitError(f"CMS: more than {_MOST} {what}", code="limits.attributes")


def der_lengths(value: bytes, depth: int = 0) -> bytes:
    """Return a value with minimal length octets all the way down; contents stay as they are.

    Raises:
        InputError: malformed.
        LimitError: nested deeper than 64.
    """
    if depth > 64:
        raise LimitError("ASN.1: nested deeper than 64", code="asn1.depth")
    item = read(value)
    if not item.tag & 0x20:
        return encode(item.tag, item.contents)
    return encode(item.tag, b"".join(der_lengths(part.raw, depth + 1) for part in item))


def _minimal(data: bytes, offset: int, start: int, stop: int) -> bool:
    """Tell whether a length in the long form needed it."""
    size = stop - start
    octets = start - offset - 2
    return octets == 0 or (size >= 0x80 and octets == (size.bit_length() + 7) // 8)
