"""Public and private keys as the rest of the house knows them."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from esign_kit.asn1.reader import BIT_STRING, INTEGER, OID, SEQUENCE, decode_oid, header, read_all
from esign_kit.crypto.backend import backend_for
from esign_kit.errors import InputError, LimitError, UnsupportedError
from esign_kit.model.quick import quick

if TYPE_CHECKING:
    from collections.abc import Callable

    from esign_kit.algorithms import SignatureAlgorithm
    from esign_kit.model.document import Document
    from esign_kit.model.limits import Limits

__all__ = [
    "PrivateKey",
    "PublicKey",
    "clear_cache",
    "explain",
    "load_private_key",
    "load_public_key",
    "register_key",
    "verify",
]

_MEMORY_LIMIT = 64 * 1024 * 1024
_NATIONAL_ARCS = ("1.2.398.", "1.2.860.", "1.2.643.", "1.3.6.1.4.1.6801.")


@quick
@dataclass(frozen=True, slots=True, eq=False)
class PublicKey:
    """A public key; made by :func:`load_public_key`.

    Attributes:
        type: ``"RSA"``, ``"EC"``, ``"ED25519"``, ``"ED448"``, ``"ML-DSA-65"``, ``"DSA"``, or a
            national one; a signature algorithm asks for one of these.
        bits: size that the policy judges: of the modulus, the field or the group; for ML-DSA the
            security strength.
        curve: name of the curve, ``None`` where there is none.
        spki: DER of the SubjectPublicKeyInfo that the key was read from.
        native: the backend's object; ``None`` if the key is incomplete (DSA whose parameters come
            from the issuer, RFC 3279 § 2.3.2; see :meth:`with_parameters_of`).
        only: the RSASSA-PSS parameters that the key is bound to (RFC 4055 § 3.1), else ``None``.
        remarks: what a reader of a report should know about the key.
    """

    type: str
    bits: int
    curve: str | None
    spki: bytes
    native: Any = field(repr=False)
    only: SignatureAlgorithm | None = None
    remarks: tuple[str, ...] = ()

    def with_parameters_of(self, issuer: PublicKey) -> PublicKey:
        """Return the key completed with DSA parameters of its issuer's key (RFC 5280 § 6.1.4 d-f).

        A complete key is returned as it is.

        Raises:
            InputError: the issuer's key is of another type or has no parameters either.
        """
        if self.native is not None:
            return self
        if issuer.type != self.type or issuer.native is None:
            raise InputError(
                "a DSA key without parameters, and an issuer that has none to inherit",
                code="crypto.malformed-key",
            )
        from esign_kit.crypto.spki import inherit_dsa_parameters

        return inherit_dsa_parameters(self.spki, issuer)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, PublicKey):
            return NotImplemented
        return self.spki == other.spki and (self.native is None) == (other.native is None)

    def __hash__(self) -> int:
        return hash(self.spki)


@dataclass(frozen=True, slots=True, eq=False)
class PrivateKey:
    """A private key without a certificate; made by :func:`load_private_key`.

    Attributes:
        public_key: the other half, computed, not merely read.
        algorithms: what it can do, the preferred one first.
        native: the backend's object; its ``repr`` never shows secrets.
    """

    public_key: PublicKey
    algorithms: tuple[SignatureAlgorithm, ...]
    native: Any = field(repr=False)

    def sign(self, data: bytes | Document, algorithm: SignatureAlgorithm) -> bytes:
        """Return the signature value in the encoding of CMS (ECDSA: DER SEQUENCE of r and s).

        A :class:`~esign_kit.model.document.Document` that is a file is hashed in blocks.

        Raises:
            UnsupportedError: the key cannot do that algorithm.
            SigningError: the backend did not sign.
            InputError: the document cannot be read.
        """
        key = self.public_key
        if key.type != algorithm.key_type or not _permits(key, algorithm):
            raise UnsupportedError(
                f"a {key.type} key does not sign with {algorithm.name}",
                code="crypto.unsupported-algorithm",
            )
        backend = backend_for(algorithm.family)
        if isinstance(data, (bytes, bytearray, memoryview)):
            return backend.sign(self, algorithm, bytes(data))
        if algorithm.digest is None:
            return backend.sign(self, algorithm, _in_memory(data, None))
        return backend.sign_digest(self, algorithm, data.digest(algorithm.digest))


# ── verify ────────────────────────────────────────────────────────────────────────────────────


def verify(
    key: PublicKey,
    algorithm: SignatureAlgorithm,
    signature: bytes,
    data: bytes | Document,
    *,
    plain: bool = False,
    limits: Limits | None = None,
) -> bool:
    """Tell whether ``signature`` is one by ``key`` over ``data``.

    The key's type is compared with the algorithm's before anything is computed: a value is never
    tried under another algorithm than the one that was named.

    Args:
        key: from :func:`load_public_key`.
        algorithm: from the algorithm table or an AlgorithmIdentifier.
        signature: the value as CMS and X.509 carry it; with ``plain`` as XML Signature does.
        data: what was signed. A document is hashed in blocks, or its known digest is used.
        plain: an (EC)DSA value is r ‖ s of exactly the order's length, not DER.
        limits: bounds for a document; ``None`` takes the defaults.

    Raises:
        UnsupportedError: no backend for the algorithm.
        LimitError: the document is too large for an algorithm without native code, or for one
            that needs it in memory as a whole.
        InputError: the document cannot be read.
    """
    if key.type != algorithm.key_type or key.native is None:
        return False
    if key.only is not None and not _permits(key, algorithm):
        return False
    backend = backend_for(algorithm.family)
    if isinstance(data, (bytes, bytearray, memoryview)):
        return backend.verify(key, algorithm, signature, data, plain=plain)
    if algorithm.digest is None:
        return backend.verify(key, algorithm, signature, _in_memory(data, limits), plain=plain)
    digest = _document_digest(data, algorithm.digest, limits)
    return backend.verify_digest(key, algorithm, signature, digest, plain=plain)


def _permits(key: PublicKey, algorithm: SignatureAlgorithm) -> bool:
    # RFC 4055 § 1.2 and § 3.1: a key of id-RSASSA-PSS signs in no other way; its parameters, if it
    # has any, fix both digests and give the shortest salt.
    only = key.only
    return only is None or (
        algorithm.family == "RSA-PSS"
        and (
            only.digest is None
            or (
                algorithm.digest == only.digest
                and algorithm.mgf_digest == only.mgf_digest
                and (algorithm.salt_length or 0) >= (only.salt_length or 0)
            )
        )
    )


def _in_memory(document: Document, limits: Limits | None) -> bytes:
    size = document.size
    limit = limits.signature_size if limits is not None else _MEMORY_LIMIT
    if size is not None and size > limit:
        raise LimitError(
            f"a document of {size} octets, and an algorithm that needs it in memory as a whole",
            hint=f"the limit is signature_size = {limit}",
        )
    return document.octets()


def _document_digest(document: Document, name: str, limits: Limits | None) -> bytes:
    known = document.digests.get(name)
    if known is not None:
        return known
    if limits is not None:
        from esign_kit.algorithms import digest_algorithm

        size, row = document.size, digest_algorithm(name)
        if size is not None and size > limits.slow_hash_size and row.slow:
            from esign_kit.crypto.national.limit import too_slow

            raise too_slow(name, size, limits.slow_hash_size)
        if row.slow:
            from esign_kit.crypto.national.limit import slow_hash_limit

            with slow_hash_limit(limits.slow_hash_size):
                return document.digest(name)
    return document.digest(name)


# ── loading ───────────────────────────────────────────────────────────────────────────────────

_public_loaders: dict[str, Callable[[bytes, str, bytes, bytes], PublicKey]] = {}
_private_loaders: dict[str, Callable[[bytes], PrivateKey]] = {}
_usual_loaders: dict[int, Callable[[bytes], PublicKey | None]] = {}
"""By size: recognise the octets of the most frequent kinds of key as a whole, or pass."""


def register_key(
    oid: str,
    public: Callable[[bytes, str, bytes, bytes], PublicKey],
    private: Callable[[bytes], PrivateKey] | None = None,
) -> None:
    """Teach a key algorithm, by the object identifier of its SubjectPublicKeyInfo.

    Args:
        oid: dotted.
        public: gets the SPKI, the OID, the DER of the parameters (or ``b""``) and the key octets
            (contents of the BIT STRING), and raises only :class:`InputError`.
        private: gets a whole PKCS#8 PrivateKeyInfo.
    """
    _public_loaders[oid] = public
    if private is not None:
        _private_loaders[oid] = private
    clear_cache()


@lru_cache(maxsize=2048)
def load_public_key(spki: bytes) -> PublicKey:
    """Return the key of a SubjectPublicKeyInfo; answers are kept by its octets.

    Raises:
        UnsupportedError: a key algorithm, curve or size that no backend has; its OID is named.
        InputError: malformed, or a point that is not on its curve.
    """
    size = len(spki)
    usual = _usual_loaders.get(size)
    if usual is not None:
        key = usual(spki)
        if key is not None:
            return key
    tag, start, stop = header(spki, 0, size)
    if tag != SEQUENCE or stop != size:
        raise _malformed("not a SubjectPublicKeyInfo")
    tag, inner, after = header(spki, start, stop)
    if tag != SEQUENCE:
        raise _malformed("not a SubjectPublicKeyInfo")
    oid_tag, oid_start, oid_stop = header(spki, inner, after)
    if oid_tag != OID:
        raise _malformed("a SubjectPublicKeyInfo without an algorithm")
    tag, bits, end = header(spki, after, stop)
    if tag != BIT_STRING or end != stop or bits == end or spki[bits] != 0:
        raise _malformed("a SubjectPublicKeyInfo without key octets")
    oid = decode_oid(spki[oid_start:oid_stop])
    loader = _public_loaders.get(oid) or _find_loader(oid)
    return loader(spki, oid, spki[oid_stop:after], spki[bits + 1 : end])


def _find_loader(oid: str) -> Callable[[bytes, str, bytes, bytes], PublicKey]:
    import esign_kit.crypto.spki

    if oid.startswith(_NATIONAL_ARCS):
        import esign_kit.crypto.national  # noqa: F401
    loader = _public_loaders.get(oid)
    if loader is None:
        raise _unknown(oid)
    return loader


def explain(oid: str) -> str:
    """Return what is known of a national algorithm that no backend computes, for messages.

    Args:
        oid: dotted, or any other label; empty comes back for what is not known even by name.
    """
    if not oid.startswith(_NATIONAL_ARCS):
        return ""
    from esign_kit.crypto.national import explain as explain_national

    return explain_national(oid)


def _unknown(oid: str) -> UnsupportedError:
    text = explain(oid)
    return UnsupportedError(
        f"no key algorithm {oid}" + (f": {text}" if text else ""), code="crypto.unsupported-key"
    )


def load_private_key(pkcs8: bytes, *, trusted_source: bool = False) -> PrivateKey:
    """Return the key of an unencrypted PKCS#8 PrivateKeyInfo (RFC 5958).

    The public half is computed from the private one; where the file states it too, the two are
    compared.

    Args:
        pkcs8: DER.
        trusted_source: skip the costly checks of an RSA key (50 ms). Only for keys that this
            process made itself: a crafted key may then give wrong signatures or crash.

    Raises:
        UnsupportedError: a key algorithm that no backend has; its OID is named.
        InputError: malformed, or halves that do not belong together.
    """
    oid = _private_key_oid(pkcs8)
    if oid is not None:
        loader = _private_loaders.get(oid)
        if loader is None and oid.startswith(_NATIONAL_ARCS):
            import esign_kit.crypto.national  # noqa: F401

            loader = _private_loaders.get(oid)
            if loader is None:
                raise _unknown(oid)
        if loader is not None:
            return loader(pkcs8)
    from esign_kit.crypto.pyca import load_private_key as load

    return load(pkcs8, trusted_source=trusted_source)


def _private_key_oid(pkcs8: bytes) -> str | None:
    """The algorithm of a PrivateKeyInfo; ``None`` if it is something else (SEC 1, PKCS#1)."""
    parts = read_all(pkcs8, "private key").expect(SEQUENCE, "private key").items()
    if len(parts) < 3 or parts[0].tag != INTEGER or parts[1].tag != SEQUENCE:
        return None
    inner = parts[1].items()
    if not inner or inner[0].tag != OID:
        raise _malformed("a private key without an algorithm")
    return decode_oid(inner[0].contents)


def clear_cache() -> None:
    """Forget the public keys that were loaded."""
    load_public_key.cache_clear()


def _malformed(detail: str) -> InputError:
    return InputError(detail, code="crypto.malformed-key")
