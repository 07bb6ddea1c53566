"""Test keys: elliptic ones derived from seeds, RSA ones from a pool that is shipped.

A key here is anything with ``spki``, ``pkcs8``, ``algorithms`` and ``sign``: a national algorithm
joins by putting a maker into :data:`MAKERS`, or by handing such an object to the factory.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Protocol

from esign_kit.algorithms import SignatureAlgorithm, signature_algorithm
from esign_kit.asn1.reader import (
    BIT_STRING,
    NULL,
    OCTET_STRING,
    SEQUENCE,
    encode,
    encode_integer,
    encode_oid,
)
from esign_kit.errors import UnsupportedError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["MAKERS", "AnyKey", "FixtureKey", "make"]


class AnyKey(Protocol):
    """A private key of the factory; any object of this shape can be an authority's or a person's.

    Attributes:
        spki: DER of the SubjectPublicKeyInfo.
        pkcs8: DER of the unencrypted private key.
        algorithms: what the key can do, the preferred one first.
    """

    @property
    def spki(self) -> bytes:
        """DER of the SubjectPublicKeyInfo."""
        ...

    @property
    def pkcs8(self) -> bytes:
        """DER of the unencrypted PKCS#8 structure."""
        ...

    @property
    def algorithms(self) -> tuple[SignatureAlgorithm, ...]:
        """What the key can do, the preferred one first."""
        ...

    def sign(self, data: bytes, algorithm: SignatureAlgorithm) -> bytes:
        """Sign, deterministically where the algorithm allows it."""
        ...


class FixtureKey:
    """A test key on ``cryptography``; ECDSA values are deterministic (RFC 6979)."""

    __slots__ = ("_native", "_pkcs8", "algorithms", "spki")

    def __init__(
        self,
        native: Any,
        spki: bytes,
        algorithms: tuple[SignatureAlgorithm, ...],
        pkcs8: bytes | None = None,
    ) -> None:
        self._native = native
        self.spki = spki
        self.algorithms = algorithms
        self._pkcs8 = pkcs8

    @property
    def pkcs8(self) -> bytes:
        """DER of the unencrypted PKCS#8 structure."""
        if self._pkcs8 is None:
            from cryptography.hazmat.primitives import serialization as s

            self._pkcs8 = self._native.private_bytes(
                s.Encoding.DER, s.PrivateFormat.PKCS8, s.NoEncryption()
            )
        return self._pkcs8

    def sign(self, data: bytes, algorithm: SignatureAlgorithm) -> bytes:
        """Sign ``data``.

        Raises:
            UnsupportedError: the key cannot do that algorithm.
        """
        family = algorithm.family
        try:
            if family == "ECDSA":
                value = self._native.sign(data, _ecdsa(algorithm.digest or ""))
            elif family == "RSA":
                from cryptography.hazmat.primitives.asymmetric import padding

                value = self._native.sign(data, padding.PKCS1v15(), _hash(algorithm.digest or ""))
            elif family == "RSA-PSS":
                value = self._native.sign(data, *_pss(algorithm))
            else:
                value = self._native.sign(data)
        except (TypeError, AttributeError) as error:
            raise UnsupportedError(f"this key cannot do {algorithm.name}") from error
        return bytes(value)

    def __repr__(self) -> str:
        return f"<FixtureKey for {self.algorithms[0].name}>"


@lru_cache(maxsize=64)
def _hash(name: str) -> Any:
    from cryptography.hazmat.primitives import hashes

    try:
        return getattr(hashes, name.replace("-", "_"))()
    except AttributeError:
        raise UnsupportedError(f"no digest {name} for test keys") from None


@lru_cache(maxsize=64)
def _ecdsa(digest: str) -> Any:
    from cryptography.hazmat.primitives.asymmetric import ec

    return ec.ECDSA(_hash(digest), deterministic_signing=True)


@lru_cache(maxsize=64)
def _pss(algorithm: SignatureAlgorithm) -> tuple[Any, Any]:
    from cryptography.hazmat.primitives.asymmetric import padding

    mask = padding.MGF1(_hash(algorithm.mgf_digest or ""))
    return padding.PSS(mask, algorithm.salt_length or 0), _hash(algorithm.digest or "")


def _algorithms(*names: str) -> tuple[SignatureAlgorithm, ...]:
    return tuple(signature_algorithm(name) for name in names)


# ── elliptic curves ───────────────────────────────────────────────────────────────────────────

_CURVES = {
    # kind: (class of cryptography, OID, order of the group, preferred digest)
    "p256": (
        "SECP256R1",
        "1.2.840.10045.3.1.7",
        0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551,
        "SHA256",
    ),
    "p384": (
        "SECP384R1",
        "1.3.132.0.34",
        0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFC7634D81F4372DDF581A0DB248B0A77AECEC196ACCC52973,
        "SHA384",
    ),
    "p521": (
        "SECP521R1",
        "1.3.132.0.35",
        (1 << 521) - 0x5AE79787C40D069948033FEB708F65A2FC44A36477663B851449048E16EC79BF7,
        "SHA512",
    ),
    "brainpool256": (
        "BrainpoolP256R1",
        "1.3.36.3.3.2.8.1.1.7",
        0xA9FB57DBA1EEA9BC3E660A909D838D718C397AA3B561A6F7901E0E82974856A7,
        "SHA256",
    ),
    "brainpool384": (
        "BrainpoolP384R1",
        "1.3.36.3.3.2.8.1.1.11",
        0x8CB91E82A3386D280F5D6F7E50E641DF152F7109ED5456B31F166E6CAC0425A7CF3AB6AF6B7FC3103B883202E9046565,
        "SHA384",
    ),
    "brainpool512": (
        "BrainpoolP512R1",
        "1.3.36.3.3.2.8.1.1.13",
        0xAADD9DB8DBE9C48B3FD4E6AE33C9FC07CB308DB3B3C9D20ED6639CCA70330870553E5C414CA92619418661197FAC10471DB1D381085DDADDB58796829CA90069,
        "SHA512",
    ),
}


@lru_cache(maxsize=16)
def _curve(kind: str) -> tuple[Any, bytes, int, tuple[SignatureAlgorithm, ...]]:
    from cryptography.hazmat.primitives.asymmetric import ec

    attribute, oid, order, digest = _CURVES[kind]
    algorithm_id = encode(SEQUENCE, encode_oid("1.2.840.10045.2.1") + encode_oid(oid))
    names = [f"ECDSA-{digest}"]
    names += [f"ECDSA-{other}" for other in ("SHA256", "SHA384", "SHA512") if other != digest]
    return getattr(ec, attribute)(), algorithm_id, order, _algorithms(*names)


def _elliptic(kind: str, seed: bytes) -> FixtureKey:
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    curve, algorithm_id, order, algorithms = _curve(kind)
    material = hashlib.shake_256(b"esign-kit test key " + kind.encode() + b" " + seed).digest(80)
    native = ec.derive_private_key(int.from_bytes(material, "big") % (order - 1) + 1, curve)
    point = native.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    spki = encode(SEQUENCE, algorithm_id + encode(BIT_STRING, b"\x00" + point))
    return FixtureKey(native, spki, algorithms)


def _edwards(kind: str, seed: bytes) -> FixtureKey:
    from cryptography.hazmat.primitives.asymmetric import ed448, ed25519
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    size, oid = {"ed25519": (32, "1.3.101.112"), "ed448": (57, "1.3.101.113")}[kind]
    material = hashlib.shake_256(b"esign-kit test key " + kind.encode() + b" " + seed).digest(size)
    native: Any
    if kind == "ed25519":
        native = ed25519.Ed25519PrivateKey.from_private_bytes(material)
    else:
        native = ed448.Ed448PrivateKey.from_private_bytes(material)
    point = native.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    algorithm_id = encode(SEQUENCE, encode_oid(oid))
    spki = encode(SEQUENCE, algorithm_id + encode(BIT_STRING, b"\x00" + point))
    return FixtureKey(native, spki, _algorithms(kind.upper()))


# ── RSA ───────────────────────────────────────────────────────────────────────────────────────

_RSA_NAMES = (
    *(f"RSA-{digest}" for digest in ("SHA256", "SHA384", "SHA512")),
    *(f"RSA-PSS-{digest}" for digest in ("SHA256", "SHA384", "SHA512")),
)
_RSA_ID = encode(SEQUENCE, encode_oid("1.2.840.113549.1.1.1") + encode(NULL, b""))


@lru_cache(maxsize=1)
def _pool() -> tuple[bytes, ...]:
    """The shipped RSA-2048 keys as PKCS#8, in order; :func:`rsa_numbers` makes the same."""
    from binascii import a2b_base64
    from importlib.resources import files

    text = files("esign_kit.testing").joinpath("rsa-2048.pem").read_bytes()
    return tuple(
        a2b_base64(part.split(b"-----END", 1)[0])
        for part in text.split(b"-----BEGIN PRIVATE KEY-----")[1:]
    )


def is_shipped(kind: str, number: int) -> bool:
    """Tell whether an RSA key of that kind and number comes from the pool at no cost."""
    return kind == "rsa" and number < len(_pool())


def rsa(number: int, bits: int = 2048) -> FixtureKey:
    """Return the RSA test key of that number.

    The first ones come from the pool in microseconds; any other is computed from its number, which
    takes some tenths of a second.
    """
    shipped = bits == 2048 and is_shipped("rsa", number)
    pkcs8 = _pool()[number] if shipped else rsa_pkcs8(number, bits)
    return from_pkcs8(pkcs8)


@lru_cache(maxsize=64)
def rsa_pkcs8(number: int, bits: int) -> bytes:
    """Return the RSA key that follows from its number, as PKCS#8.

    Primes are the first probable ones at or after values drawn from SHAKE-256; good for tests,
    and for nothing else, as anyone can compute them.
    """
    exponent = 65537
    stream = hashlib.shake_256(b"esign-kit test RSA %d %d" % (bits, number)).digest(bits // 8)
    half = bits // 16
    p = _prime(int.from_bytes(stream[:half], "big"), bits // 2, exponent)
    q = _prime(int.from_bytes(stream[half:], "big"), bits // 2, exponent)
    p, q = max(p, q), min(p, q)
    d = pow(exponent, -1, (p - 1) * (q - 1))
    numbers = (0, p * q, exponent, d, p, q, d % (p - 1), d % (q - 1), pow(q, -1, p))
    key = encode(SEQUENCE, *(encode_integer(value) for value in numbers))
    return encode(SEQUENCE, encode_integer(0) + _RSA_ID + encode(OCTET_STRING, key))


def _prime(value: int, bits: int, exponent: int) -> int:
    # The two top bits are set so that the product has its full length.
    value |= 3 << bits - 2 | 1
    small = (3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83)
    while True:
        if (
            all(value % factor for factor in small)
            and value % exponent != 1
            and all(_passes(value, base) for base in (2, 3, 5, 7, 11, 13, 17, 19))
        ):
            return value
        value += 2


def _passes(value: int, base: int) -> bool:
    """One round of Miller and Rabin."""
    odd, twos = value - 1, 0
    while not odd & 1:
        odd >>= 1
        twos += 1
    x = pow(base, odd, value)
    if x in (1, value - 1):
        return True
    for _ in range(twos - 1):
        x = x * x % value
        if x == value - 1:
            return True
    return False


def from_pkcs8(pkcs8: bytes) -> FixtureKey:
    """Return the test key of a PKCS#8 structure that this factory made itself.

    The consistency check of RSA keys is left out (it costs 50 ms), which is why this must never
    be used for keys of another origin.
    """
    from cryptography.hazmat.primitives.asymmetric import ec, rsa
    from cryptography.hazmat.primitives.serialization import (
        Encoding,
        PublicFormat,
        load_der_private_key,
    )

    native = load_der_private_key(pkcs8, None, unsafe_skip_rsa_key_validation=True)
    spki = native.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    if isinstance(native, rsa.RSAPrivateKey):
        return FixtureKey(native, spki, _algorithms(*_RSA_NAMES), pkcs8)
    if isinstance(native, ec.EllipticCurvePrivateKey):
        for kind, row in _CURVES.items():
            if row[0].lower() == native.curve.name.lower():
                return FixtureKey(native, spki, _curve(kind)[3], pkcs8)
    name = type(native).__name__.strip("_").removesuffix("PrivateKey").upper()
    known = {"ED25519": "ED25519", "ED448": "ED448"}
    known |= {f"MLDSA{size}": f"ML-DSA-{size}" for size in (44, 65, 87)}
    if name not in known:
        raise UnsupportedError(f"no test keys of type {type(native).__name__}")
    return FixtureKey(native, spki, _algorithms(known[name]), pkcs8)


def _ml_dsa(kind: str, seed: bytes) -> FixtureKey:
    try:
        from cryptography.hazmat.primitives.asymmetric import mldsa
    except ImportError:
        raise UnsupportedError("this version of cryptography has no ML-DSA") from None
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    material = hashlib.shake_256(b"esign-kit test key " + kind.encode() + b" " + seed).digest(32)
    size = kind.rpartition("-")[2]
    native = getattr(mldsa, f"MLDSA{size}PrivateKey").from_seed_bytes(material)
    spki = native.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return FixtureKey(native, spki, _algorithms(kind.upper()))


def _national(kind: str, seed: bytes, number: int) -> AnyKey:
    from esign_kit.testing.gost import make as make_national

    return make_national(kind, seed, number)


# ── by kind ───────────────────────────────────────────────────────────────────────────────────

MAKERS: dict[str, Callable[[str, bytes, int], AnyKey]] = {
    "ec": lambda kind, seed, number: _elliptic("p256", seed),
    **dict.fromkeys(_CURVES, lambda kind, seed, number: _elliptic(kind, seed)),
    "brainpool": lambda kind, seed, number: _elliptic("brainpool256", seed),
    "ed25519": lambda kind, seed, number: _edwards(kind, seed),
    "ed448": lambda kind, seed, number: _edwards(kind, seed),
    **dict.fromkeys(
        ("ml-dsa-44", "ml-dsa-65", "ml-dsa-87"), lambda kind, seed, number: _ml_dsa(kind, seed)
    ),
    "rsa": lambda kind, seed, number: rsa(number),
    "rsa-1024": lambda kind, seed, number: rsa(number, 1024),
    "rsa-3072": lambda kind, seed, number: rsa(number, 3072),
    **dict.fromkeys(("gost", "gost-2015", "gost-2004", "ozdst", "ozdst-c", "ozmst"), _national),
}
"""Makers by kind: ``(kind, seed, number) -> AnyKey``. The seed names the holder; the number counts
the keys of one country, for kinds whose keys are taken from a pool."""


def make(kind: str, seed: bytes, number: int) -> AnyKey:
    """Return the test key of that kind for that seed (or number).

    Raises:
        UnsupportedError: no such kind.
    """
    maker = MAKERS.get(kind)
    if maker is None:
        raise UnsupportedError(
            f"no test keys of kind {kind!r}", hint="known kinds: " + ", ".join(sorted(MAKERS))
        )
    return maker(kind, seed, number)
