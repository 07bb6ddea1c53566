"""Keys of the national schemes: the SubjectPublicKeyInfo, and private keys from a scalar."""

from __future__ import annotations

from typing import TYPE_CHECKING

from esign_kit.asn1.reader import (
    OCTET_STRING,
    OID,
    SEQUENCE,
    decode_oid,
    encode,
    encode_oid,
    read_all,
)
from esign_kit.crypto.keys import PrivateKey, PublicKey
from esign_kit.crypto.national.objects import KEYS, UZ_PARAMETERS, KeyKind
from esign_kit.crypto.national.signature import SCHEMES, GostPrivate, GostPublic
from esign_kit.errors import InputError, UnsupportedError

if TYPE_CHECKING:
    from esign_kit.algorithms import SignatureAlgorithm
    from esign_kit.crypto.national.curves import Curve, Point

__all__ = [
    "curve_of",
    "load_public",
    "make",
    "malformed",
    "parameter_set",
    "private_key",
]


def malformed(detail: str) -> InputError:
    """Return the error for a key that is not well formed."""
    return InputError(detail, code="crypto.malformed-key")


# ── public ────────────────────────────────────────────────────────────────────────────────────


def load_public(spki: bytes, oid: str, parameters: bytes, octets: bytes) -> PublicKey:
    """Return the key of a national SubjectPublicKeyInfo.

    Its octets are an OCTET STRING of x ‖ y, each little-endian.

    Raises:
        UnsupportedError: a parameter set that no sample proves.
        InputError: malformed, or a point on none of the curves.
    """
    kind = KEYS[oid]
    scheme = SCHEMES[kind.key_type]
    named = parameter_set(kind, parameters)
    wire = read_all(octets, "public key").expect(OCTET_STRING, "public key").contents
    size = scheme.size
    if len(wire) != 2 * size:
        raise malformed(f"a {kind.key_type} key of {len(wire)} octets instead of {2 * size}")
    point = int.from_bytes(wire[:size], "little"), int.from_bytes(wire[size:], "little")
    curve = curve_of(scheme.curves, point)
    if curve is None:
        raise malformed(f"a {kind.key_type} key that is a point on none of its curves")
    remarks: tuple[str, ...] = ()
    if not kind.parameters and UZ_PARAMETERS.get(named) != curve.name:
        expected = UZ_PARAMETERS.get(named, "an unknown curve")
        remarks = (f"parameter set {named} stands for {expected}; the key lies on {curve.name}",)
    return PublicKey(
        kind.key_type, 8 * size, curve.name, spki, GostPublic(scheme, curve, point), None, remarks
    )


def curve_of(curves: tuple[Curve, ...], point: Point) -> Curve | None:
    """The curve that the point lies on; all have prime order, so any point of one will do."""
    for curve in curves:
        if curve.contains(point):
            return curve
    return None


def parameter_set(kind: KeyKind, parameters: bytes) -> str:
    """The OID of the parameter set, in a SEQUENCE (all public keys) or bare (E-IMZO's PKCS#8)."""
    if not parameters:
        raise malformed(f"a {kind.key_type} key without parameters")
    value = read_all(parameters, "key parameters")
    parts = [value] if value.tag == OID else value.expect(SEQUENCE, "key parameters").items()
    if not parts or any(part.tag != OID for part in parts):
        raise malformed(f"malformed parameters of a {kind.key_type} key")
    named = decode_oid(parts[0].contents)
    if kind.parameters:
        if named != kind.parameters or len(parts) > 2:
            raise UnsupportedError(
                f"parameter set {named} of a {kind.key_type} key: no public key shows its curve",
                code="crypto.unsupported-curve",
            )
        if len(parts) == 2:
            digest = decode_oid(parts[1].contents)
            if digest != kind.digest and not digest.startswith(kind.digest + "."):
                raise UnsupportedError(
                    f"a {kind.key_type} key that is bound to the digest {digest}",
                    code="crypto.unsupported-key",
                )
    elif len(parts) != 1:
        raise malformed(f"malformed parameters of a {kind.key_type} key")
    return named


def _encode_public(oid: str, parameters: bytes, key: GostPublic) -> bytes:
    x, y = (value.to_bytes(key.scheme.size, "little") for value in key.point)
    return encode(
        SEQUENCE,
        encode(SEQUENCE, encode_oid(oid), parameters),
        encode(0x03, b"\x00" + encode(OCTET_STRING, x + y)),
    )


# ── private ───────────────────────────────────────────────────────────────────────────────────


def private_key(
    key_type: str, d: int, *, hedged: bool = True, curve: str | None = None, oid: str | None = None
) -> PrivateKey:
    """Return the private key of a scalar, for test countries and for tools.

    Args:
        key_type: ``"GOST34310-256"``, ``"GOST3410-512"`` or ``"OZDST1092-256"``.
        d: any number; it is taken modulo q.
        hedged: ``False`` makes signatures deterministic, for reproducible test material only.
        curve: name of one of the scheme's curves; the first one otherwise.
        oid: key algorithm to write, where a type has several; the first one otherwise.

    Raises:
        UnsupportedError: no such type, curve or OID.
        InputError: d is a multiple of q.
    """
    scheme = SCHEMES.get(key_type)
    if scheme is None:
        raise UnsupportedError(f"no national key type {key_type}", code="crypto.unsupported-key")
    chosen = next((c for c in scheme.curves if curve in (None, c.name)), None)
    number = next((o for o, k in KEYS.items() if k.key_type == key_type and oid in (None, o)), None)
    if chosen is None or number is None:
        raise UnsupportedError(f"no {curve or oid} for {key_type}", code="crypto.unsupported-curve")
    return make(number, _default_parameters(number, chosen), chosen, d % chosen.q, hedged=hedged)


def _default_parameters(oid: str, curve: Curve) -> bytes:
    kind = KEYS[oid]
    if kind.parameters:
        # Kazakh keys name the digest too; the old one by a longer OID than signatures use.
        digest = kind.digest + ".1.0" if kind.key_type == "GOST34310-256" else kind.digest
        return encode(SEQUENCE, encode_oid(kind.parameters), encode_oid(digest))
    last = "2" if curve.name == "CryptoPro-C" else "1"
    return encode(SEQUENCE, encode_oid(f"{oid}.{last}"))


def make(oid: str, parameters: bytes, curve: Curve, d: int, *, hedged: bool) -> PrivateKey:
    """Return the key of a scalar with its public half; raises :class:`InputError`."""
    kind = KEYS[oid]
    point = curve.multiply(d) if 0 < d < curve.q else None
    if point is None:
        raise malformed("a private key outside its group")
    public = GostPublic(SCHEMES[kind.key_type], curve, point)
    spki = _encode_public(oid, parameters, public)
    from esign_kit.crypto.keys import load_public_key

    return PrivateKey(
        load_public_key(spki), _algorithms(kind), GostPrivate(public, d, hedged=hedged)
    )


def _algorithms(kind: KeyKind) -> tuple[SignatureAlgorithm, ...]:
    from esign_kit.algorithms import signature_algorithms

    rows = [row for row in signature_algorithms() if row.key_type == kind.key_type]
    return tuple(sorted(rows, key=lambda row: row.name != kind.algorithm))
