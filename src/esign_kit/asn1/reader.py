"""A bounds-checked reader of BER and DER over the original octets (X.690).

It never copies and never re-encodes: what was signed is a slice. Lengths are compared with the
input before anything is read, depth and counts are bounded, and nothing here recurses.

A value is known by four offsets into one ``bytes`` object: where its identifier starts, where its
contents start and end, and where the whole ends. Hot paths call :func:`header` and keep integers;
everything else uses the small :class:`Tlv`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from esign_kit.errors import InputError, LimitError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = [
    "BIT_STRING",
    "BOOLEAN",
    "ENUMERATED",
    "GENERALIZED_TIME",
    "INTEGER",
    "NULL",
    "OCTET_STRING",
    "OID",
    "SEQUENCE",
    "SET",
    "UTC_TIME",
    "Tlv",
    "children",
    "decode_integer",
    "decode_oid",
    "decode_time",
    "encode",
    "encode_integer",
    "encode_oid",
    "header",
    "is_definite",
    "known_oid",
    "read",
    "read_all",
    "to_definite",
]

BOOLEAN = 0x01
INTEGER = 0x02
BIT_STRING = 0x03
OCTET_STRING = 0x04
NULL = 0x05
OID = 0x06
ENUMERATED = 0x0A
UTC_TIME = 0x17
GENERALIZED_TIME = 0x18
SEQUENCE = 0x30
SET = 0x31

_MAX_DEPTH = 64
_MAX_OID_OCTETS = 4096


def header(data: bytes, offset: int, end: int) -> tuple[int, int, int]:
    """Return ``(tag, contents_start, contents_end)`` of the value at ``offset``.

    The tag is the identifier octet (class, constructed bit and number in one). The value ends
    where its contents end: the indefinite form is refused here (see :func:`to_definite`).

    Raises:
        InputError: the value does not lie within ``end``, or its tag number or length form is one
            that no structure of ours uses.
    """
    start = offset + 2
    if start > end:
        raise InputError("ASN.1: value cut off in its header", code="asn1.truncated")
    tag = data[offset]
    length = data[offset + 1]
    if length & 0x80:
        if tag & 0x1F == 0x1F:
            raise InputError("ASN.1: tag numbers above 30 are not used here", code="asn1.tag")
        if length == 0x82 and start + 2 <= end:
            # By far the most frequent long form.
            length = data[start] << 8 | data[start + 1]
            start += 2
        else:
            count = length & 0x7F
            if count == 0:
                raise InputError("ASN.1: indefinite length where DER is required", code="asn1.ber")
            if count > 8 or start + count > end:
                raise InputError("ASN.1: length does not fit the input", code="asn1.length")
            length = int.from_bytes(data[start : start + count], "big")
            start += count
    elif tag & 0x1F == 0x1F:
        raise InputError("ASN.1: tag numbers above 30 are not used here", code="asn1.tag")
    stop = start + length
    if stop > end:
        raise InputError("ASN.1: length goes beyond the input", code="asn1.length")
    return tag, start, stop


class Tlv(NamedTuple):
    """One value: tag, and the offsets of the whole and of its contents in ``data``."""

    data: bytes
    tag: int
    offset: int
    start: int
    stop: int

    @property
    def raw(self) -> bytes:
        """The whole encoding."""
        return self.data[self.offset : self.stop]

    @property
    def contents(self) -> bytes:
        """The contents octets."""
        return self.data[self.start : self.stop]

    def __iter__(self) -> Iterator[Tlv]:  # type: ignore[override]
        """Iterate over the values inside."""
        return children(self.data, self.start, self.stop)

    def items(self) -> list[Tlv]:
        """Return the values inside as a list."""
        return list(children(self.data, self.start, self.stop))

    def expect(self, tag: int, what: str = "value") -> Tlv:
        """Return self if it has that tag.

        Raises:
            InputError: it has another.
        """
        if self.tag != tag:
            raise InputError(
                f"ASN.1: {what} has tag 0x{self.tag:02x}, expected 0x{tag:02x}", code="asn1.tag"
            )
        return self


def read(data: bytes, offset: int = 0, end: int | None = None) -> Tlv:
    """Return the value at ``offset``; raises :class:`InputError` as :func:`header` does."""
    tag, start, stop = header(data, offset, len(data) if end is None else end)
    return Tlv(data, tag, offset, start, stop)


def read_all(data: bytes, what: str = "value") -> Tlv:
    """Return the one value that fills ``data``; raises :class:`InputError` on trailing octets."""
    value = read(data)
    if value.stop != len(data):
        raise InputError(f"ASN.1: octets follow after the {what}", code="asn1.trailing")
    return value


def children(data: bytes, start: int, stop: int) -> Iterator[Tlv]:
    """Yield the values that stand between two offsets."""
    while start < stop:
        tag, inner, end = header(data, start, stop)
        yield Tlv(data, tag, start, inner, end)
        start = end


# ── primitive values ──────────────────────────────────────────────────────────────────────────


def decode_integer(contents: bytes) -> int:
    """Return an INTEGER's value; non-minimal forms are read. Raises :class:`InputError`."""
    if not contents:
        raise InputError("ASN.1: INTEGER without contents", code="asn1.integer")
    return int.from_bytes(contents, "big", signed=True)


def decode_oid(contents: bytes) -> str:
    """Return an OBJECT IDENTIFIER in dotted form.

    Arcs are bounded to 128 bits so that a hostile one cannot cost quadratic time.

    Raises:
        InputError: empty, cut off or over-long.
    """
    known = known_oid(contents)
    if known is not None:
        return known
    if not contents or contents[-1] & 0x80:
        raise InputError("ASN.1: object identifier cut off", code="asn1.oid")
    if len(contents) > _MAX_OID_OCTETS:
        raise LimitError("ASN.1: object identifier too long", code="asn1.oid")
    arcs: list[int] = []
    value = 0
    octets = 0
    for octet in contents:
        octets += 1
        if octets > 19:
            raise LimitError("ASN.1: object identifier arc above 128 bits", code="asn1.oid")
        value = value << 7 | octet & 0x7F
        if not octet & 0x80:
            arcs.append(value)
            value = octets = 0
    first = arcs[0]
    if first < 40:
        arcs[0:1] = [0, first]
    elif first < 80:
        arcs[0:1] = [1, first - 40]
    else:
        arcs[0:1] = [2, first - 80]
    dotted = ".".join(map(str, arcs))
    if len(_oids) < 4096:
        _oids[contents] = dotted
    return dotted


_oids: dict[bytes, str] = {}
known_oid = _oids.get
"""The dotted form of an object identifier that was read before, else ``None``; for hot loops."""


def encode_oid(dotted: str) -> bytes:
    """Return the DER of an OBJECT IDENTIFIER; raises ``ValueError`` for a malformed one."""
    known = _encoded_oids.get(dotted)
    if known is not None:
        return known
    arcs = [int(part) for part in dotted.split(".")]
    if len(arcs) < 2 or arcs[0] > 2 or min(arcs) < 0 or (arcs[0] < 2 and arcs[1] > 39):
        raise ValueError(f"not an object identifier: {dotted}")
    arcs[0:2] = [arcs[0] * 40 + arcs[1]]
    contents = bytearray()
    for arc in arcs:
        octets = [arc & 0x7F]
        while arc := arc >> 7:
            octets.append(arc & 0x7F | 0x80)
        contents += bytes(reversed(octets))
    encoded = encode(OID, bytes(contents))
    if len(_encoded_oids) < 4096:
        _encoded_oids[dotted] = encoded
    return encoded


_encoded_oids: dict[str, bytes] = {}


def decode_time(tag: int, contents: bytes) -> bytes:
    """Return a UTCTime or GeneralizedTime as ``b"YYYYMMDDHHMMSSZ"``, which compares as it sorts.

    Read are the forms of RFC 5280 § 4.1.2.5 and, because real files have them, missing seconds,
    fractions (cut off) and zone offsets.

    Raises:
        InputError: neither of the two types, or no such time.
    """
    if tag == UTC_TIME:
        if len(contents) == 13 and contents[12] == 0x5A and contents[:12].isdigit():
            return _checked_time((b"19" if contents >= b"5" else b"20") + contents)
        year = contents[:2]
        if not year.isdigit() or len(year) != 2:
            raise InputError("ASN.1: malformed UTCTime", code="asn1.time")
        contents = (b"19" if year >= b"50" else b"20") + contents
    elif tag != GENERALIZED_TIME:
        raise InputError("ASN.1: neither UTCTime nor GeneralizedTime", code="asn1.time")
    if len(contents) == 15 and contents[14] == 0x5A and contents[:14].isdigit():
        return _checked_time(contents)
    return _unusual_time(contents)


def _checked_time(value: bytes) -> bytes:
    if not (
        b"01" <= value[4:6] <= b"12"
        and b"01" <= value[6:8] <= b"31"
        and value[8:10] <= b"23"
        and value[10:12] <= b"59"
        and value[12:14] <= b"60"
    ):
        raise InputError("ASN.1: no such time", code="asn1.time")
    return value


def _unusual_time(contents: bytes) -> bytes:
    import re
    from datetime import UTC, datetime, timedelta

    match = re.fullmatch(
        rb"(\d{10})(\d\d)?(\d\d)?(?:[.,]\d{1,20})?(Z|[+-]\d{4})?", contents, re.ASCII
    )
    if match is None or match[4] is None:
        raise InputError("ASN.1: malformed time", code="asn1.time")
    digits = match[1] + (match[2] or b"00") + (match[3] or b"00")
    try:
        moment = datetime.strptime(digits.decode("ascii"), "%Y%m%d%H%M%S").replace(tzinfo=UTC)
        if match[4] != b"Z":
            zone = match[4].decode("ascii")
            shift = timedelta(hours=int(zone[1:3]), minutes=int(zone[3:5]))
            moment = moment - shift if zone[0] == "+" else moment + shift
    except (ValueError, OverflowError) as error:
        raise InputError("ASN.1: no such time", code="asn1.time") from error
    return moment.strftime("%Y%m%d%H%M%SZ").rjust(15, "0").encode("ascii")


# ── writing ───────────────────────────────────────────────────────────────────────────────────


def encode(tag: int, *contents: bytes) -> bytes:
    """Return the DER of one value with the given tag and the joined contents."""
    body = contents[0] if len(contents) == 1 else b"".join(contents)
    size = len(body)
    if size < 0x80:
        return bytes((tag, size)) + body
    octets = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(octets))) + octets + body


def encode_integer(value: int) -> bytes:
    """Return the DER of an INTEGER."""
    return encode(INTEGER, value.to_bytes(value.bit_length() // 8 + 1, "big", signed=True))


# ── BER ───────────────────────────────────────────────────────────────────────────────────────


def is_definite(data: bytes) -> bool:
    """Tell quickly whether the outermost value has a definite length."""
    return len(data) < 2 or data[1] != 0x80


def to_definite(
    data: bytes, *, max_depth: int = _MAX_DEPTH, max_elements: int = 2_000_000
) -> tuple[bytes, int]:
    """Rewrite indefinite lengths as definite ones and join constructed OCTET STRINGs.

    Only the framing changes; the order of elements and all primitive contents stay. Values that
    are definite all the way down are copied as they are.

    Returns:
        The rewritten value and the number of octets of ``data`` that it took.

    Raises:
        InputError: malformed.
        LimitError: deeper than ``max_depth`` or more elements than ``max_elements``.
    """
    stack: list[_Frame] = []
    position = 0
    bound = len(data)
    elements = 0
    while True:
        # Close what is complete.
        while stack:
            frame = stack[-1]
            if frame.stop is None:
                if data[position : position + 2] != b"\x00\x00":
                    break
                position += 2
            elif position < frame.stop:
                break
            elif position > frame.stop:
                raise InputError("ASN.1: element goes beyond its parent", code="asn1.length")
            stack.pop()
            if frame.changed or frame.stop is None or frame.tag == OCTET_STRING | 0x20:
                finished = _close(frame.tag, frame.parts)
                if stack:
                    stack[-1].changed = True
            else:
                finished = data[frame.start : frame.stop]
            if not stack:
                return finished, position
            stack[-1].parts.append(finished)
            bound = stack[-1].bound
        if position + 2 > bound:
            raise InputError("ASN.1: value cut off in its header", code="asn1.truncated")
        elements += 1
        if elements > max_elements:
            raise LimitError("ASN.1: too many elements", code="asn1.elements")
        tag = data[position]
        if data[position + 1] == 0x80:
            if not tag & 0x20:
                raise InputError("ASN.1: indefinite length of a primitive", code="asn1.length")
            if tag & 0x1F == 0x1F:
                raise InputError("ASN.1: tag numbers above 30 are not used here", code="asn1.tag")
            stack.append(_Frame(tag, None, position, bound))
            position += 2
        else:
            tag, start, stop = header(data, position, bound)
            if tag & 0x20:
                stack.append(_Frame(tag, stop, position, stop))
                position, bound = start, stop
            else:
                finished = data[position:stop]
                position = stop
                if not stack:
                    return finished, position
                stack[-1].parts.append(finished)
        if len(stack) > max_depth:
            raise LimitError(f"ASN.1: nested deeper than {max_depth}", code="asn1.depth")


class _Frame:
    """A constructed value that :func:`to_definite` is inside of.

    ``stop`` is ``None`` for the indefinite form, ``bound`` is where everything inside must end,
    and ``changed`` tells that something inside was rewritten.
    """

    __slots__ = ("bound", "changed", "parts", "start", "stop", "tag")

    def __init__(self, tag: int, stop: int | None, start: int, bound: int) -> None:
        self.tag = tag
        self.stop = stop
        self.start = start
        self.bound = bound
        self.parts: list[bytes] = []
        self.changed = False


def _close(tag: int, parts: list[bytes]) -> bytes:
    if tag == OCTET_STRING | 0x20:
        # X.690 § 8.7.3: segments are OCTET STRINGs; inner constructed ones are joined already.
        body = []
        for part in parts:
            kind, start, stop = header(part, 0, len(part))
            if kind != OCTET_STRING or stop != len(part):
                raise InputError("ASN.1: OCTET STRING of other parts", code="asn1.tag")
            body.append(part[start:])
        return encode(OCTET_STRING, b"".join(body))
    return encode(tag, *parts) if parts else encode(tag, b"")
