"""The backend for international algorithms: ``cryptography`` (OpenSSL)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes

from esign_kit.asn1.reader import SEQUENCE, encode, encode_oid, read_all
from esign_kit.crypto.backend import register_backend
from esign_kit.crypto.encoding import plain_to_der
from esign_kit.crypto.keys import PrivateKey, PublicKey, load_public_key
from esign_kit.errors import InputError, SigningError, UnsupportedError

if TYPE_CHECKING:
    from esign_kit.algorithms import SignatureAlgorithm

__all__ = ["load_private_key"]

_HASHES: dict[str, hashes.HashAlgorithm] = {
    "MD5": hashes.MD5(),  # noqa: S303 - whether it counts is the policy's matter
    "SHA1": hashes.SHA1(),  # noqa: S303
    "SHA224": hashes.SHA224(),
    "SHA256": hashes.SHA256(),
    "SHA384": hashes.SHA384(),
    "SHA512": hashes.SHA512(),
    "SHA3-224": hashes.SHA3_224(),
    "SHA3-256": hashes.SHA3_256(),
    "SHA3-384": hashes.SHA3_384(),
    "SHA3-512": hashes.SHA3_512(),
}


_RSASSA_PSS = encode_oid("1.2.840.113549.1.1.10")


def _hash(name: str | None) -> hashes.HashAlgorithm:
    found = _HASHES.get(name or "")
    if found is None:
        raise UnsupportedError(
            f"the digest {name} is not one of international algorithms",
            code="crypto.unsupported-algorithm",
        )
    return found


def _prehashed(name: str | None) -> Any:
    from cryptography.hazmat.primitives.asymmetric.utils import Prehashed

    return Prehashed(_hash(name))


def _unsupported(algorithm: SignatureAlgorithm) -> UnsupportedError:
    return UnsupportedError(
        f"the backend does not compute {algorithm.name}", code="crypto.unsupported-algorithm"
    )


class _Common:
    """What the backends share: one ``try`` around the native call, and its verdict."""

    __slots__ = ()

    def verify(
        self,
        key: PublicKey,
        algorithm: SignatureAlgorithm,
        signature: bytes,
        data: bytes,
        *,
        plain: bool,
        prehashed: bool = False,
    ) -> bool:
        try:
            if plain and algorithm.family in ("ECDSA", "DSA"):
                if len(signature) != _plain_size(key):
                    return False
                signature = plain_to_der(signature)
            key.native.verify(signature, data, *self._arguments(algorithm, prehashed))
        except InvalidSignature:
            return False
        except UnsupportedAlgorithm as error:
            raise _unsupported(algorithm) from error
        except (ValueError, TypeError, OverflowError):
            # A digest or salt that does not fit the modulus, a digest of a wrong length: no such
            # signature can exist.
            return False
        return True

    def verify_digest(
        self,
        key: PublicKey,
        algorithm: SignatureAlgorithm,
        signature: bytes,
        digest: bytes,
        *,
        plain: bool,
    ) -> bool:
        return self.verify(key, algorithm, signature, digest, plain=plain, prehashed=True)

    def sign(self, key: PrivateKey, algorithm: SignatureAlgorithm, data: bytes) -> bytes:
        return self._make(key, algorithm, data, False)

    def sign_digest(self, key: PrivateKey, algorithm: SignatureAlgorithm, digest: bytes) -> bytes:
        return self._make(key, algorithm, digest, True)

    def _make(
        self, key: PrivateKey, algorithm: SignatureAlgorithm, data: bytes, prehashed: bool
    ) -> bytes:
        try:
            value: bytes = key.native.sign(data, *self._arguments(algorithm, prehashed))
        except UnsupportedAlgorithm as error:
            raise _unsupported(algorithm) from error
        except (ValueError, TypeError, OverflowError) as error:
            raise SigningError(
                f"a {key.public_key.type} key of {key.public_key.bits} bits did not sign with "
                f"{algorithm.name}"
            ) from error
        return value

    def _arguments(self, algorithm: SignatureAlgorithm, prehashed: bool) -> tuple[Any, ...]:
        raise NotImplementedError


class _Pkcs1(_Common):
    """RSASSA-PKCS1-v1_5."""

    __slots__ = ("_known",)

    def __init__(self) -> None:
        self._known: dict[str | None, tuple[Any, ...]] = {}

    def _arguments(self, algorithm: SignatureAlgorithm, prehashed: bool) -> tuple[Any, ...]:
        arguments = self._known.get(algorithm.digest)
        if arguments is None:
            from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15

            arguments = self._known[algorithm.digest] = (PKCS1v15(), _hash(algorithm.digest))
        if prehashed:
            return (arguments[0], _prehashed(algorithm.digest))
        return arguments


class _Pss(_Common):
    """RSASSA-PSS with the parameters of the algorithm, never with those of the signature."""

    __slots__ = ("_known",)

    def __init__(self) -> None:
        # Bounded by the table of digests and the salt lengths that the reader lets through.
        self._known: dict[tuple[str | None, int | None], Any] = {}

    def _arguments(self, algorithm: SignatureAlgorithm, prehashed: bool) -> tuple[Any, ...]:
        slot = (algorithm.mgf_digest, algorithm.salt_length)
        padding = self._known.get(slot)
        if padding is None:
            from cryptography.hazmat.primitives.asymmetric.padding import MGF1, PSS

            padding = PSS(MGF1(_hash(algorithm.mgf_digest)), salt_length=algorithm.salt_length or 0)
            self._known[slot] = padding
        digest = _prehashed(algorithm.digest) if prehashed else _hash(algorithm.digest)
        return (padding, digest)


class _Ecdsa(_Common):
    """ECDSA; the backend demands strict DER of the value."""

    __slots__ = ("_known",)

    def __init__(self) -> None:
        self._known: dict[str | None, tuple[Any, ...]] = {}

    def _arguments(self, algorithm: SignatureAlgorithm, prehashed: bool) -> tuple[Any, ...]:
        arguments = self._known.get(algorithm.digest)
        if arguments is None or prehashed:
            from cryptography.hazmat.primitives.asymmetric.ec import ECDSA

            if prehashed:
                return (ECDSA(_prehashed(algorithm.digest)),)
            arguments = self._known[algorithm.digest] = (ECDSA(_hash(algorithm.digest)),)
        return arguments


class _Dsa(_Common):
    """DSA of FIPS 186-4."""

    __slots__ = ()

    def _arguments(self, algorithm: SignatureAlgorithm, prehashed: bool) -> tuple[Any, ...]:
        return (_prehashed(algorithm.digest) if prehashed else _hash(algorithm.digest),)


class _Whole(_Common):
    """Ed25519, Ed448 and ML-DSA (pure, empty context): they take the data as a whole."""

    __slots__ = ()

    def _arguments(self, algorithm: SignatureAlgorithm, prehashed: bool) -> tuple[Any, ...]:
        if prehashed:
            raise _unsupported(algorithm)
        return ()


def _plain_size(key: PublicKey) -> int:
    """Octets of r ‖ s: twice those of the order (RFC 6931 § 2.3.6, XML Signature 1.1 § 6.4.3)."""
    if key.type == "DSA":
        return 2 * ((int(key.native.public_numbers().parameter_numbers.q).bit_length() + 7) // 8)
    return 2 * ((key.bits + 7) // 8)


for _family, _backend in (
    ("RSA", _Pkcs1()),
    ("RSA-PSS", _Pss()),
    ("ECDSA", _Ecdsa()),
    ("DSA", _Dsa()),
    ("EDDSA", _Whole()),
    ("ML-DSA", _Whole()),
):
    register_backend(_family, _backend)


# ── private keys ──────────────────────────────────────────────────────────────────────────────


def load_private_key(der: bytes, *, trusted_source: bool = False) -> PrivateKey:
    """Return the private key of PKCS#8, SEC 1 or PKCS#1 octets; see ``esign_kit.crypto``."""
    from cryptography.hazmat.primitives import serialization

    try:
        native = serialization.load_der_private_key(
            der, None, unsafe_skip_rsa_key_validation=trusted_source
        )
        spki = native.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
    except UnsupportedAlgorithm as error:
        raise UnsupportedError(
            "the backend does not take this private key", code="crypto.unsupported-key"
        ) from error
    except (ValueError, TypeError, AttributeError) as error:
        raise InputError(
            "not a private key in DER, or its numbers do not belong together",
            code="crypto.malformed-key",
        ) from error
    return wrap_private_key(native, load_public_key(_as_bound(der, spki)))


def _as_bound(pkcs8: bytes, spki: bytes) -> bytes:
    """The SPKI with the identifier of the private key where that is id-RSASSA-PSS.

    Such a key signs in no other way (RFC 4055 § 1.2), which the backend's own form forgets.
    """
    parts = read_all(pkcs8, "private key").items()
    if len(parts) < 3 or parts[1].tag != SEQUENCE or not parts[1].contents.startswith(_RSASSA_PSS):
        return spki
    return encode(SEQUENCE, parts[1].raw, read_all(spki).items()[1].raw)


def wrap_private_key(native: Any, public_key: PublicKey) -> PrivateKey:
    """Return our view of a private key object of ``cryptography``.

    Raises:
        UnsupportedError: a key that cannot sign (X25519, DH).
    """
    algorithms = _algorithms_of(public_key)
    if not algorithms:
        raise UnsupportedError(
            f"a {public_key.type} key does not sign", code="crypto.unsupported-key"
        )
    return PrivateKey(public_key, algorithms, native)


_LAST = ("SHA224", "SHA3-224", "SHA1", "MD5")


def _algorithms_of(key: PublicKey) -> tuple[SignatureAlgorithm, ...]:
    from esign_kit.algorithms import digest_algorithm, signature_algorithms

    rows = [row for row in signature_algorithms() if row.key_type == key.type]
    if key.type == "RSA":
        # RFC 8017 § 9.1.1: the modulus must hold two digests and two octets.
        room = (key.bits + 6) // 8
        rows = [
            row
            for row in rows
            if row.family == "RSA" or room >= 2 * digest_algorithm(row.digest or "").size + 2
        ]
        if key.only is not None:
            rows = [row for row in rows if row.family == "RSA-PSS"]
            if key.only.digest is not None:
                rows = [key.only]
    preferred = "SHA256"
    if key.type == "EC":
        preferred = "SHA512" if key.bits > 384 else "SHA384" if key.bits > 256 else "SHA256"
    return tuple(
        sorted(
            rows,
            key=lambda row: (row.digest in _LAST, row.family == "RSA-PSS", row.digest != preferred),
        )
    )
