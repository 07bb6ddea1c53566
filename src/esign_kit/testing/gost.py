"""Test keys of the national algorithms, derived from seeds; signatures are deterministic."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from esign_kit.crypto.national import encode_private_key, private_key

if TYPE_CHECKING:
    from esign_kit.algorithms import SignatureAlgorithm
    from esign_kit.crypto import PrivateKey

__all__ = ["KINDS", "GostKey", "make"]

KINDS = {
    # kind: (type of key, curve, OID of the key; None is the usual one)
    "gost": ("GOST3410-512", None, None),
    "gost-2015": ("GOST3410-512", None, None),
    "gost-2004": ("GOST34310-256", None, None),
    "ozdst": ("OZDST1092-256", "CryptoPro-A", "1.2.860.3.15.1.1.2.1"),
    "ozdst-c": ("OZDST1092-256", "CryptoPro-C", "1.2.860.3.15.1.1.2.1"),
    "ozmst": ("OZDST1092-256", "CryptoPro-A", "1.2.860.3.15.2.1.2.1"),
}
"""Kazakhstan 2015 and 2004, Uzbekistan 2009 (two curves) and 2024."""


class GostKey:
    """A national test key in the shape that the factory asks for."""

    __slots__ = ("_key", "algorithms", "spki")

    def __init__(self, key: PrivateKey) -> None:
        self._key = key
        self.spki = key.public_key.spki
        self.algorithms = key.algorithms

    @property
    def pkcs8(self) -> bytes:
        """DER of the unencrypted PKCS#8 structure, as the country writes it."""
        return encode_private_key(self._key)

    def sign(self, data: bytes, algorithm: SignatureAlgorithm) -> bytes:
        """Sign ``data``; raises :class:`UnsupportedError` for an algorithm of other keys."""
        return self._key.sign(data, algorithm)

    def __repr__(self) -> str:
        return f"<GostKey for {self.algorithms[0].name}>"


def make(kind: str, seed: bytes, number: int) -> GostKey:
    """Return the test key of that kind (see :data:`KINDS`) for that seed."""
    key_type, curve, oid = KINDS[kind]
    material = hashlib.shake_256(b"esign-kit test key " + kind.encode() + b" " + seed).digest(80)
    return GostKey(
        private_key(key_type, int.from_bytes(material, "big"), hedged=False, curve=curve, oid=oid)
    )
