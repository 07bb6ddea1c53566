"""What a key is to the rest of the house: it says what it can do, and it signs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, Self

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cryptography import x509

    from esign_kit.algorithms import SignatureAlgorithm
    from esign_kit.asn1.certificate import Certificate
    from esign_kit.model.signature import Purpose

__all__ = ["KeyStore", "SigningKey"]


class SigningKey(Protocol):
    """A private key with its certificate.

    ``sign`` is given the algorithm and the octets, never a digest that a caller made up. Choosing
    an algorithm is the builder's job; the key says what it can do, its preferred one first.
    """

    @property
    def certificate(self) -> x509.Certificate:
        """The signing certificate."""
        ...

    @property
    def certificate_der(self) -> bytes:
        """The same as DER; unlike ``certificate`` it exists for every national algorithm."""
        ...

    @property
    def chain_der(self) -> tuple[bytes, ...]:
        """Issuers that the store holds for this key, nearest first; may be empty."""
        ...

    @property
    def algorithms(self) -> tuple[SignatureAlgorithm, ...]:
        """Algorithms of the table that this key can do, the preferred one first."""
        ...

    @property
    def purpose(self) -> Purpose:
        """SIGNING, AUTHENTICATION, … as the certificate's key usage says."""
        ...

    def sign(self, data: bytes, algorithm: SignatureAlgorithm) -> bytes:
        """Sign ``data``; returns the value in the encoding of CMS (ECDSA: DER SEQUENCE of r, s).

        Raises:
            KeyStoreError: the key did not sign.
            UnsupportedError: the key cannot do that algorithm.
        """
        ...


class KeyStore(Protocol):
    """Something that holds keys; a context manager."""

    def keys(self) -> Iterable[SigningKey]:
        """All keys, in a stable order."""
        ...

    def find(
        self,
        *,
        purpose: Purpose | None = None,
        subject: str | None = None,
        serial: int | None = None,
        certificate: Certificate | bytes | None = None,
    ) -> SigningKey:
        """Return the one key that fits.

        With ``purpose=SIGNING`` an authentication key is never returned.

        Raises:
            KeyStoreError: none or several fit; the hint lists them by subject and purpose.
        """
        ...

    def close(self) -> None:
        """Forget the keys."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(self, *exc: object) -> None: ...
