"""PKCS#8 of the national schemes, in the layouts that the two countries write."""

from __future__ import annotations

from typing import TYPE_CHECKING

from esign_kit.asn1.reader import (
    BIT_STRING,
    INTEGER,
    OCTET_STRING,
    SEQUENCE,
    Tlv,
    decode_integer,
    decode_oid,
    encode,
    encode_integer,
    encode_oid,
    read_all,
)
from esign_kit.crypto.national.keys import curve_of, make, malformed, parameter_set
from esign_kit.crypto.national.objects import KEYS, UZ_PARAMETERS
from esign_kit.crypto.national.signature import SCHEMES

if TYPE_CHECKING:
    from esign_kit.crypto.keys import PrivateKey
    from esign_kit.crypto.national.curves import Point
    from esign_kit.crypto.national.signature import GostPrivate

__all__ = ["encode_private_key", "load_private_key"]


def load_private_key(pkcs8: bytes) -> PrivateKey:
    """Return the key of a national PKCS#8 PrivateKeyInfo.

    Kazakhstan: OCTET STRING of d little-endian (2015) or INTEGER d (2004). Uzbekistan: ECPrivateKey
    with d big-endian and the public key beside it, or OCTET STRING of d little-endian. Where the
    file states the public key, it is compared with d·G; a slip in the order of octets ends there.

    Raises:
        UnsupportedError: a parameter set that no sample proves.
        InputError: malformed, or halves that do not belong together.
    """
    parts = read_all(pkcs8, "private key").expect(SEQUENCE, "private key").items()
    inner = parts[1].items()
    oid = decode_oid(inner[0].contents)
    kind = KEYS[oid]
    scheme = SCHEMES[kind.key_type]
    parameters = pkcs8[inner[0].stop : parts[1].stop]
    named = parameter_set(kind, parameters)
    body = read_all(parts[2].expect(OCTET_STRING, "private key").contents, "private key")
    d, stated = _scalar(body, scheme.size)
    if not kind.parameters:
        # The public key is written with its parameters in a SEQUENCE.
        parameters = encode(SEQUENCE, encode_oid(named))
    candidates = scheme.curves
    if stated is not None:
        curve = curve_of(candidates, stated)
        candidates = (curve,) if curve is not None else ()
    elif not kind.parameters:
        expected = UZ_PARAMETERS.get(named)
        candidates = tuple(c for c in candidates if c.name == expected) or (candidates[0],)
    for curve in candidates:
        key = make(oid, parameters, curve, d, hedged=True)
        if stated is None or key.native.public.point == stated:
            return key
    raise malformed("a private key that does not belong to the public key beside it")


def _scalar(body: Tlv, size: int) -> tuple[int, Point | None]:
    """d, and the public point where the structure states it."""
    if body.tag == INTEGER:
        return decode_integer(body.contents), None
    if body.tag == OCTET_STRING:
        if len(body.contents) != size:
            raise malformed(f"a private key of {len(body.contents)} octets instead of {size}")
        return int.from_bytes(body.contents, "little"), None
    parts = body.expect(SEQUENCE, "private key").items()
    if len(parts) < 2 or parts[0].tag != INTEGER or parts[1].tag != OCTET_STRING:
        raise malformed("a private key in a layout that we do not know")
    if len(parts[1].contents) > size:
        raise malformed(f"a private key of more than {size} octets")
    d = int.from_bytes(parts[1].contents, "big")
    for part in parts[2:]:
        if part.tag == 0xA1:
            return d, _stated_point(part, size)
    return d, None


def _stated_point(part: Tlv, size: int) -> Point:
    """The [1] BIT STRING of ECPrivateKey: an OCTET STRING little-endian, or 04 ‖ x ‖ y."""
    inner = part.items()
    if len(inner) != 1 or inner[0].tag != BIT_STRING or not inner[0].contents:
        raise malformed("a malformed public key beside the private one")
    wire = inner[0].contents[1:]
    if len(wire) == 2 * size + 1 and wire[0] == 4:
        return int.from_bytes(wire[1 : size + 1], "big"), int.from_bytes(wire[size + 1 :], "big")
    value = read_all(wire, "public key").expect(OCTET_STRING, "public key").contents
    if len(value) != 2 * size:
        raise malformed("a malformed public key beside the private one")
    return int.from_bytes(value[:size], "little"), int.from_bytes(value[size:], "little")


def encode_private_key(key: PrivateKey) -> bytes:
    """Return the PKCS#8 PrivateKeyInfo of a national key, as its country writes it."""
    native: GostPrivate = key.native
    size = native.public.scheme.size
    identifier = read_all(key.public_key.spki).items()[0]
    if native.public.scheme.key_type == "GOST34310-256":
        body = encode_integer(native.d)
    else:
        body = encode(OCTET_STRING, native.d.to_bytes(size, "little"))
    return encode(SEQUENCE, b"\x02\x01\x00", identifier.raw, encode(OCTET_STRING, body))
