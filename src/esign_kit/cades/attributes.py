"""What single attributes say, in plain data (RFC 5652 § 11, RFC 5035, EN 319 122-1 § 5)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from esign_kit.asn1 import names
from esign_kit.asn1.algorithm_identifier import decode_digest_algorithm, split
from esign_kit.asn1.cms import ID_DATA, wrap_basic_ocsp
from esign_kit.asn1.reader import (
    GENERALIZED_TIME,
    OCTET_STRING,
    OID,
    SEQUENCE,
    SET,
    UTC_TIME,
    Tlv,
    decode_oid,
    decode_time,
    read_all,
)
from esign_kit.asn1.times import to_datetime
from esign_kit.cades import oids
from esign_kit.errors import InputError, LimitError

if TYPE_CHECKING:
    from esign_kit.asn1.cms import AttributeSet

__all__ = ["Facts", "revocation_values", "signing_time"]

_KNOWN_TO_PARSE = frozenset(
    (
        oids.CONTENT_TYPE,
        oids.MESSAGE_DIGEST,
        oids.SIGNING_TIME,
        oids.SIGNING_CERTIFICATE,
        oids.SIGNING_CERTIFICATE_V2,
        oids.ALGORITHM_PROTECTION,
    )
)
_MOST = 65_536
_LARGEST = 64 * 1024
_STRINGS = {0x0C: "utf-8", 0x13: "ascii", 0x16: "ascii", 0x14: "latin-1", 0x1E: "utf-16-be"}
COMMITMENTS = {
    "1.2.840.113549.1.9.16.6.1": "proof-of-origin",
    "1.2.840.113549.1.9.16.6.2": "proof-of-receipt",
    "1.2.840.113549.1.9.16.6.3": "proof-of-delivery",
    "1.2.840.113549.1.9.16.6.4": "proof-of-sender",
    "1.2.840.113549.1.9.16.6.5": "proof-of-approval",
    "1.2.840.113549.1.9.16.6.6": "proof-of-creation",
}
"""EN 319 122-1 § 5.2.3."""


def signing_time(attributes: AttributeSet) -> datetime | None:
    """Return the claimed signing time if the attribute stands there once with one value.

    Raises:
        InputError: the value is no time.
    """
    value = attributes.only(oids.SIGNING_TIME)
    if value is None:
        return None
    tag, start, stop = value
    text = attributes.data[start:stop]
    if tag == UTC_TIME and stop - start == 13 and text[12] == 0x5A and text[:12].isdigit():
        # The usual form, read by one call; what it does not take goes the long way below.
        century = "19" if text[0] >= 0x35 else "20"
        digits = text.decode("ascii")
        try:
            return datetime.fromisoformat(f"{century}{digits[:6]}T{digits[6:12]}Z")
        except ValueError:
            pass
    if tag not in (UTC_TIME, GENERALIZED_TIME):
        raise InputError("signing-time is no time", code="cms.signing-time")
    return to_datetime(decode_time(tag, text))


def revocation_values(value: bytes) -> tuple[list[bytes], list[bytes]]:
    """Return CRLs and OCSPResponses of a revocation-values attribute (EN 319 122-1 § A.1.2.2).

    Raises:
        InputError: malformed.
    """
    crls: list[bytes] = []
    responses: list[bytes] = []
    for field in read_all(value, "revocation-values").expect(SEQUENCE, "revocation-values"):
        if field.tag not in (0xA0, 0xA1):
            continue
        for group in field:
            for item in group.expect(SEQUENCE, "revocation-values"):
                if len(crls) + len(responses) > _MOST:
                    raise LimitError("too many revocation values", code="limits.evidence")
                if field.tag == 0xA0:
                    crls.append(item.raw)
                else:
                    responses.append(_ocsp(item))
    return crls, responses


def _ocsp(item: Tlv) -> bytes:
    """An OCSPResponse as it is; a BasicOCSPResponse in the frame of a response."""
    first = next(iter(item), None)
    return item.raw if first is not None and first.tag == 0x0A else wrap_basic_ocsp(item.raw)


class Facts(Mapping[str, Any]):
    """Attributes as plain data, read when somebody asks (many reports never do).

    A value that cannot be read appears as ``{"malformed": hex}``: it is told, and stops nobody.
    """

    __slots__ = ("_attributes", "_data", "_skip")

    def __init__(self, attributes: AttributeSet, *, signed: bool) -> None:
        self._attributes = attributes
        self._data: dict[str, Any] | None = None
        self._skip = signed

    def _load(self) -> dict[str, Any]:
        if self._data is None:
            self._data = _facts(self._attributes, self._skip)
        return self._data

    def __getitem__(self, key: str) -> Any:
        return self._load()[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._load())

    def __len__(self) -> int:
        return len(self._load())

    def __repr__(self) -> str:
        return repr(self._load())


def signed_facts(attributes: AttributeSet) -> Mapping[str, Any]:
    """Return what the signed attributes say beyond the ones that a verdict needs."""
    if _KNOWN_TO_PARSE.issuperset(attributes.by_type) and _is_data(attributes):
        return _NOTHING
    return Facts(attributes, signed=True)


def _is_data(attributes: AttributeSet) -> bool:
    value = attributes.only(oids.CONTENT_TYPE)
    return value is None or attributes.data[value[1] : value[2]] == ID_DATA


_NOTHING: Mapping[str, Any] = {}


def _facts(attributes: AttributeSet, signed: bool) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if not signed:
        # Unsigned attributes are named, not believed.
        found["attributes"] = [oids.NAMES.get(kind) or _dotted(kind) for kind in attributes.by_type]
        return found
    content_type = attributes.only(oids.CONTENT_TYPE)
    if content_type is not None and not _is_data(attributes):
        found["content_type"] = _dotted(attributes.data[content_type[1] : content_type[2]])
    others: dict[str, list[str]] = {}
    for kind in attributes.by_type:
        if kind in _KNOWN_TO_PARSE:
            continue
        values = attributes.values(kind)
        decoder = _DECODERS.get(kind)
        if decoder is None:
            name = oids.NAMES.get(kind) or _dotted(kind)
            others[name] = [_hex(value) for value in values]
            continue
        key, read = decoder
        decoded = []
        for value in values:
            try:
                if len(value) > _LARGEST:
                    raise InputError("attribute too large", code="limits.attributes")
                decoded.append(read(value))
            except (InputError, UnicodeDecodeError):
                decoded.append({"malformed": _hex(value)})
        if key in ("commitments", "roles"):
            flat = [
                entry for item in decoded for entry in (item if isinstance(item, list) else [item])
            ]
            found[key] = found.get(key, []) + flat
        else:
            found[key] = decoded[0] if len(decoded) == 1 else decoded
    if others:
        found["other"] = others
    return found


def _hex(value: bytes) -> str:
    """Hexadecimal; of a large value its beginning."""
    return value.hex() if len(value) <= _LARGEST else value[:64].hex() + "…"


def _dotted(kind: bytes) -> str:
    try:
        return decode_oid(kind)
    except InputError:
        return kind.hex()


def _string(value: Tlv) -> str:
    codec = _STRINGS.get(value.tag)
    if codec is None:
        raise InputError("no character string", code="cms.malformed")
    return value.contents.decode(codec)


def _mime_type(value: bytes) -> str:
    return _string(read_all(value))


def _content_hints(value: bytes) -> dict[str, str]:
    found = {}
    for item in read_all(value).expect(SEQUENCE):
        if item.tag == OID:
            found["content_type"] = decode_oid(item.contents)
        else:
            found["description"] = _string(item)
    return found


def _octets(value: bytes) -> str:
    return read_all(value).expect(OCTET_STRING).contents.hex()


def _content_reference(value: bytes) -> dict[str, str]:
    parts = read_all(value).expect(SEQUENCE).items()
    return (
        {"octets": value.hex()}
        if len(parts) != 3
        else {
            "content_type": decode_oid(parts[0].expect(OID).contents),
            "signed_content_identifier": parts[1].contents.hex(),
            "signature": parts[2].contents.hex(),
        }
    )


def _commitment(value: bytes) -> list[dict[str, Any]]:
    parts = read_all(value).expect(SEQUENCE).items()
    if not parts:
        raise InputError("empty commitment type", code="cms.malformed")
    identifier = decode_oid(parts[0].expect(OID).contents)
    entry: dict[str, Any] = {"id": identifier}
    if identifier in COMMITMENTS:
        entry["name"] = COMMITMENTS[identifier]
    return [entry]


def _location(value: bytes) -> dict[str, Any]:
    """SignerLocation (RFC 5126 § 5.11.2)."""
    found: dict[str, Any] = {}
    for item in read_all(value).expect(SEQUENCE):
        if item.tag == 0xA2:
            lines = item.items()
            if len(lines) == 1 and lines[0].tag == SEQUENCE:
                lines = lines[0].items()
            found["postal_address"] = [_string(line) for line in lines]
        elif item.tag in (0xA0, 0xA1):
            inner = item.items()
            if len(inner) != 1:
                raise InputError("malformed signer-location", code="cms.malformed")
            found["country" if item.tag == 0xA0 else "city"] = _string(inner[0])
        elif item.tag in (0x80, 0x81):
            found["country" if item.tag == 0x80 else "city"] = item.contents.decode("utf-8")
    return found


def _policy(value: bytes) -> dict[str, Any]:
    """SignaturePolicy (EN 319 122-1 § 5.2.9)."""
    outer = read_all(value)
    if outer.tag != SEQUENCE:
        return {"implied": True}
    parts = outer.items()
    if not parts:
        raise InputError("empty signature policy", code="cms.malformed")
    found: dict[str, Any] = {"id": decode_oid(parts[0].expect(OID).contents)}
    for part in parts[1:]:
        fields = part.expect(SEQUENCE).items()
        if len(fields) == 2 and fields[0].tag == SEQUENCE and fields[1].tag == OCTET_STRING:
            algorithm = decode_digest_algorithm(fields[0].raw)
            found["digest_algorithm"] = algorithm.name if algorithm else split(fields[0].raw)[0]
            found["digest"] = fields[1].contents.hex()
            continue
        for qualifier in fields:
            _policy_qualifier(qualifier, found)
    return found


def _policy_qualifier(value: Tlv, found: dict[str, Any]) -> None:
    parts = value.expect(SEQUENCE).items()
    if len(parts) != 2:
        return
    kind = decode_oid(parts[0].expect(OID).contents)
    if kind == "1.2.840.113549.1.9.16.5.1":
        found["uri"] = _string(parts[1])
    elif kind == "1.2.840.113549.1.9.16.5.2":
        texts = [_string(item) for item in parts[1].expect(SEQUENCE) if item.tag in _STRINGS]
        found["notice"] = " ".join(texts)


def _roles(value: bytes) -> list[dict[str, Any]]:
    """SignerAttribute and SignerAttributeV2 (EN 319 122-1 § 5.2.6)."""
    found: list[dict[str, Any]] = []
    for choice in read_all(value).expect(SEQUENCE):
        if choice.tag != 0xA0:
            found.append({"certified": choice.raw.hex()})
            continue
        items = choice.items()
        if len(items) == 1 and items[0].tag == SEQUENCE:
            inner = items[0].items()
            if inner and inner[0].tag == SEQUENCE:
                items = inner
        for item in items:
            found += _claimed(item)
    return found


def _claimed(item: Tlv) -> list[dict[str, Any]]:
    parts = item.expect(SEQUENCE).items()
    if len(parts) != 2 or parts[1].tag != SET:
        raise InputError("malformed claimed attribute", code="cms.malformed")
    kind = decode_oid(parts[0].expect(OID).contents)
    name = names.SHORT_NAMES.get(kind, kind)
    return [
        {
            "claimed": _string(value) if value.tag in _STRINGS else value.raw.hex(),
            "attribute": name,
        }
        for value in parts[1]
    ]


_DECODERS: dict[bytes, tuple[str, Callable[[bytes], Any]]] = {
    oids.MIME_TYPE: ("media_type", _mime_type),
    oids.CONTENT_HINTS: ("content_hints", _content_hints),
    oids.CONTENT_IDENTIFIER: ("content_identifier", _octets),
    oids.CONTENT_REFERENCE: ("content_reference", _content_reference),
    oids.COMMITMENT_TYPE: ("commitments", _commitment),
    oids.SIGNER_LOCATION: ("place", _location),
    oids.SIGNATURE_POLICY: ("policy", _policy),
    oids.SIGNER_ATTRIBUTES: ("roles", _roles),
    oids.SIGNER_ATTRIBUTES_V2: ("roles", _roles),
}
