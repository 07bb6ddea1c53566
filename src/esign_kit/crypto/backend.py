"""The port to whoever does the mathematics, and the register of backends by algorithm family."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from esign_kit.errors import UnsupportedError

if TYPE_CHECKING:
    from esign_kit.algorithms import SignatureAlgorithm
    from esign_kit.crypto.keys import PrivateKey, PublicKey

__all__ = ["Backend", "backend_for", "register_backend"]


class Backend(Protocol):
    """The mathematics of one or several algorithm families.

    The caller has checked that ``key.type`` is ``algorithm.key_type``. A value that is not a valid
    signature, however malformed, is ``False``; an exception is for what cannot be computed, and it
    is one of ``esign_kit.errors``.
    """

    def verify(
        self,
        key: PublicKey,
        algorithm: SignatureAlgorithm,
        signature: bytes,
        data: bytes,
        *,
        plain: bool,
    ) -> bool:
        """Tell whether ``signature`` is one over ``data``."""
        ...

    def verify_digest(
        self,
        key: PublicKey,
        algorithm: SignatureAlgorithm,
        signature: bytes,
        digest: bytes,
        *,
        plain: bool,
    ) -> bool:
        """The same for data of which the digest (by ``algorithm.digest``) is at hand."""
        ...

    def sign(self, key: PrivateKey, algorithm: SignatureAlgorithm, data: bytes) -> bytes:
        """Return the signature value in the encoding of CMS."""
        ...

    def sign_digest(self, key: PrivateKey, algorithm: SignatureAlgorithm, digest: bytes) -> bytes:
        """The same for data of which the digest is at hand."""
        ...


_backends: dict[str, Backend] = {}


def register_backend(family: str, backend: Backend) -> None:
    """Let ``backend`` do the algorithms of that family; a second one for a family replaces it."""
    _backends[family] = backend


def backend_for(family: str) -> Backend:
    """Return the backend of an algorithm family; raises :class:`UnsupportedError`."""
    backend = _backends.get(family)
    if backend is not None:
        return backend
    # Each of these modules registers its families when it is imported; national mathematics costs
    # nothing to those who never meet it.
    if family == "GOST":
        import esign_kit.crypto.national
    else:
        import esign_kit.crypto.pyca  # noqa: F401
    backend = _backends.get(family)
    if backend is None:
        raise UnsupportedError(
            f"no backend for signature algorithms of the family {family}",
            code="crypto.unsupported-algorithm",
        )
    return backend
