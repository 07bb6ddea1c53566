"""A private key in memory with its certificate: the plain implementation of ``SigningKey``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from esign_kit.asn1.certificate import Certificate
from esign_kit.errors import EsignError, KeyStoreError
from esign_kit.keys.purpose import purpose_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cryptography import x509

    from esign_kit.algorithms import SignatureAlgorithm
    from esign_kit.model.signature import Purpose

__all__ = ["HeldKey", "PrivateOperation"]


class PrivateOperation(Protocol):
    """What a private key must be able to do; ``esign_kit.crypto`` loads such objects."""

    @property
    def algorithms(self) -> Sequence[SignatureAlgorithm]:
        """What the key can do, the preferred algorithm first."""
        ...

    def sign(self, data: bytes, algorithm: SignatureAlgorithm) -> bytes:
        """Sign; the value in the encoding of CMS."""
        ...


class HeldKey:
    """A key that this process holds.

    Its ``repr`` shows subject and purpose only; it cannot be pickled, so that a key never wanders
    into a queue by accident.
    """

    __slots__ = ("_private", "_view", "chain_der", "name")

    def __init__(
        self,
        private: PrivateOperation,
        certificate: bytes | Certificate,
        chain: Sequence[bytes] = (),
        *,
        name: str = "",
    ) -> None:
        """Put a private key and its certificate together.

        Args:
            private: the private key.
            certificate: its certificate, DER or a view.
            chain: DER of issuers, nearest first.
            name: the name that the store gives the key (friendlyName, label).
        """
        self._private = private
        self._view = (
            certificate if isinstance(certificate, Certificate) else Certificate.load(certificate)
        )
        self.chain_der = tuple(chain)
        self.name = name

    @property
    def certificate(self) -> x509.Certificate:
        """The signing certificate.

        Raises:
            KeyStoreError: ``cryptography`` cannot read it; ``certificate_der`` still works.
        """
        from cryptography import x509

        try:
            return x509.load_der_x509_certificate(self._view.der)
        except ValueError as error:
            raise KeyStoreError(
                "the certificate of this key is not strict DER", code="keys.certificate"
            ) from error

    @property
    def certificate_der(self) -> bytes:
        """The signing certificate as DER."""
        return self._view.der

    @property
    def view(self) -> Certificate:
        """The signing certificate as our own view."""
        return self._view

    @property
    def algorithms(self) -> tuple[SignatureAlgorithm, ...]:
        """Algorithms that this key can do, the preferred one first."""
        return tuple(self._private.algorithms)

    @property
    def purpose(self) -> Purpose:
        """What the certificate says that the key is for."""
        return purpose_of(self._view)

    def sign(self, data: bytes, algorithm: SignatureAlgorithm) -> bytes:
        """Sign ``data``; returns the value in the encoding of CMS.

        Raises:
            KeyStoreError: the key did not sign.
            UnsupportedError: the key cannot do that algorithm.
        """
        try:
            return bytes(self._private.sign(data, algorithm))
        except EsignError:
            raise
        except Exception as error:
            # Whatever a backend raises may quote its input; only its type is told.
            raise KeyStoreError(
                f"the key did not sign: {type(error).__name__}", code="keys.sign"
            ) from None

    def __repr__(self) -> str:
        return f"<{self.purpose} key of {self._view.label!r}>"

    def __reduce__(self) -> tuple[object, ...]:
        raise TypeError("a private key is not pickled; hand over a path or a key store instead")
