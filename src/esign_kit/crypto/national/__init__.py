"""GOST of Kazakhstan and O'zDSt of Uzbekistan: digests, keys and signatures.

The arithmetic is ours, in Python; digests come from libgcrypt where it loads and from Python where
it does not. Importing this package registers its keys and its family of algorithms.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from esign_kit.crypto.backend import register_backend
from esign_kit.crypto.keys import PrivateKey, PublicKey, register_key
from esign_kit.crypto.national import keys, pkcs8, signature
from esign_kit.crypto.national.keys import private_key
from esign_kit.crypto.national.limit import slow_hash_limit
from esign_kit.crypto.national.objects import KEYS, UNSUPPORTED, explain
from esign_kit.crypto.national.pkcs8 import encode_private_key
from esign_kit.errors import UnsupportedError

if TYPE_CHECKING:
    from esign_kit.algorithms import Hasher, SignatureAlgorithm
    from esign_kit.crypto.national.libgcrypt import Library

__all__ = [
    "UNSUPPORTED",
    "encode_private_key",
    "explain",
    "new_digest",
    "private_key",
    "provider",
    "slow",
    "slow_hash_limit",
]

_NOT_YET: Any = object()
_library: Library | None = _NOT_YET


def _native() -> Library | None:
    """Libgcrypt if it loads and is not switched off; decided once."""
    global _library
    if _library is _NOT_YET:
        if os.environ.get("ESIGN_KIT_PURE_PYTHON"):
            _library = None
        else:
            from esign_kit.crypto.national.libgcrypt import load

            _library = load()
    return _library


def provider() -> str:
    """Return who computes national digests here, for the facts of a report."""
    library = _native()
    return library.version if library is not None else "pure Python"


def slow() -> bool:
    """Tell whether national digests are computed in Python here."""
    return _native() is None


def new_digest(name: str) -> Hasher:
    """Return a running digest by its name in the algorithm table.

    Raises:
        UnsupportedError: no such national digest.
    """
    name = name.removesuffix("-2024")
    library = _native()
    if library is not None:
        return library.new(name)
    return python_digest(name)


def python_digest(name: str) -> Hasher:
    """The same in pure Python always."""
    if name.startswith("STREEBOG-"):
        from esign_kit.crypto.national.streebog import Streebog

        return Streebog(int(name[9:]))
    if name.startswith("GOST34311-"):
        from esign_kit.crypto.national import gost3411

        rows = gost3411.TEST if name.endswith("TEST") else gost3411.CRYPTOPRO
        return gost3411.Gost3411(rows, name)
    raise UnsupportedError(f"no national digest {name}", code="crypto.unsupported-algorithm")


class _Backend:
    """All schemes of the family; which one it is stands in the key."""

    __slots__ = ()

    def verify(
        self,
        key: PublicKey,
        algorithm: SignatureAlgorithm,
        signature: bytes,
        data: bytes,
        *,
        plain: bool,
    ) -> bool:
        digest = _hash(algorithm, data)
        return self.verify_digest(key, algorithm, signature, digest, plain=plain)

    def verify_digest(
        self,
        key: PublicKey,
        algorithm: SignatureAlgorithm,
        signature: bytes,
        digest: bytes,
        *,
        plain: bool,
    ) -> bool:
        from esign_kit.crypto.national.signature import verify_digest

        # The wire has one form, in CMS and in XML.
        return verify_digest(key.native, digest, signature)

    def sign(self, key: PrivateKey, algorithm: SignatureAlgorithm, data: bytes) -> bytes:
        return signature.sign_digest(key.native, _hash(algorithm, data))

    def sign_digest(self, key: PrivateKey, algorithm: SignatureAlgorithm, digest: bytes) -> bytes:
        return signature.sign_digest(key.native, digest)


def _hash(algorithm: SignatureAlgorithm, data: bytes) -> bytes:
    running = new_digest(algorithm.digest or "")
    running.update(data)
    return running.digest()


register_backend("GOST", _Backend())
for _oid in KEYS:
    register_key(_oid, keys.load_public, pkcs8.load_private_key)
