"""A key that opens what was encrypted for a portal: RSA-OAEP for the key, AES-GCM for the content.

Nothing else is opened. PKCS#1 v1.5 and CBC tell an attacker who may try often enough what is
inside, so they are refused before the key is used (Bleichenbacher; Jager and Somorovsky, 2011).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from esign_kit.errors import InputError, KeyStoreError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

__all__ = ["DecryptionKey", "RsaDecryptionKey", "open_gcm"]

_NONCE, _TAG = 12, 16


class DecryptionKey(Protocol):
    """A private key that unwraps content keys."""

    def unwrap(self, wrapped: bytes, *, digest: str, mgf_digest: str) -> bytes:
        """Return the content key.

        Raises:
            InputError: it was wrapped for another key, or otherwise.
        """
        ...


class RsaDecryptionKey:
    """An RSA key from a file.

    Args:
        data: PKCS#8 or PEM, of 2048 bits or more.
        password: where it is encrypted.

    Raises:
        KeyStoreError: no such key, or a wrong password.
    """

    __slots__ = ("_key",)

    def __init__(self, data: bytes, password: bytes | None = None) -> None:
        from cryptography.exceptions import UnsupportedAlgorithm
        from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
        from cryptography.hazmat.primitives.serialization import (
            load_der_private_key,
            load_pem_private_key,
        )

        load: Any = load_pem_private_key if b"-----BEGIN" in data[:64] else load_der_private_key
        try:
            key = load(data, password)
        except (ValueError, TypeError, UnsupportedAlgorithm):
            raise KeyStoreError("this key cannot be opened", code="keys.malformed") from None
        if not isinstance(key, RSAPrivateKey) or key.key_size < 2048:
            raise KeyStoreError("not an RSA key of 2048 bits or more", code="keys.type")
        self._key: RSAPrivateKey = key

    def unwrap(self, wrapped: bytes, *, digest: str, mgf_digest: str) -> bytes:
        """Return the content key (RFC 8017 § 7.1)."""
        from cryptography.hazmat.primitives import hashes
        from cryptography.hazmat.primitives.asymmetric.padding import MGF1, OAEP

        table: dict[str, Any] = {
            "SHA1": hashes.SHA1,
            "SHA256": hashes.SHA256,
            "SHA384": hashes.SHA384,
            "SHA512": hashes.SHA512,
        }
        if digest not in table or mgf_digest not in table:
            raise InputError("a digest that OAEP is not used with", code="decryption.algorithm")
        padding = OAEP(MGF1(table[mgf_digest]()), table[digest](), None)
        try:
            return self._key.decrypt(wrapped, padding)
        except ValueError:
            raise InputError("not encrypted for this key", code="decryption.failed") from None

    def __repr__(self) -> str:
        return f"RsaDecryptionKey({self._key.key_size} bits)"


def open_gcm(key: bytes, octets: bytes) -> bytes:
    """Return what AES-GCM protects: nonce of 96 bits, content, tag of 128 bits (XML Enc § 5.2.4).

    Raises:
        InputError: changed, or another key.
    """
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    if len(octets) < _NONCE + _TAG or len(key) not in (16, 24, 32):
        raise InputError("what was encrypted is malformed", code="decryption.failed")
    try:
        return AESGCM(key).decrypt(octets[:_NONCE], octets[_NONCE:], None)
    except (InvalidTag, ValueError):
        raise InputError("not encrypted for this key", code="decryption.failed") from None
