"""One table of algorithms: name ⇄ OID ⇄ XML URI ⇄ digest ⇄ kind of key.

Formats and checks know algorithms by the names of this table only. A national algorithm is added
with :func:`register_digest` and :func:`register_signature` and then works in every format; the
mathematics behind it is a backend of ``esign_kit.crypto``, found by ``family``.

Sources: RFC 8017, 5758, 8410, 8692, 9881 (OIDs); XML Signature 1.1, RFC 4051, 6931, 9231 (URIs).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

from esign_kit.errors import UnsupportedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = [
    "DigestAlgorithm",
    "Hasher",
    "SignatureAlgorithm",
    "digest_algorithm",
    "digest_algorithms",
    "digest_by_oid",
    "digest_by_uri",
    "register_digest",
    "register_signature",
    "signature_algorithm",
    "signature_algorithms",
    "signature_by_oid",
    "signature_by_uri",
]


class Hasher(Protocol):
    """A running digest, as in ``hashlib``."""

    def update(self, data: bytes, /) -> None:
        """Take more octets."""
        ...

    def digest(self) -> bytes:
        """Return the value so far."""
        ...


@dataclass(frozen=True, slots=True)
class DigestAlgorithm:
    """A digest.

    Attributes:
        size: of the value, in octets.
        new: makes a running digest.
        oids, uris: all spellings that are read; the first is the one that is written.
        parameters: DER of the AlgorithmIdentifier parameters that is written (empty: absent).
        slow_here: tells whether no native code is behind it on this machine; ``None`` for a
            digest that always has some.
    """

    name: str
    size: int
    new: Callable[[], Hasher]
    oids: tuple[str, ...] = ()
    uris: tuple[str, ...] = ()
    parameters: bytes = b""
    slow_here: Callable[[], bool] | None = None

    @property
    def slow(self) -> bool:
        """True if only Python computes it here; ``Limits.slow_hash_size`` applies then."""
        return self.slow_here is not None and self.slow_here()

    @property
    def oid(self) -> str:
        """The OID that is written."""
        if not self.oids:
            raise UnsupportedError(f"{self.name} has no object identifier")
        return self.oids[0]

    @property
    def uri(self) -> str:
        """The XML URI that is written."""
        if not self.uris:
            raise UnsupportedError(f"{self.name} has no XML identifier")
        return self.uris[0]

    def hash(self, data: bytes) -> bytes:
        """Return the digest of ``data``."""
        hasher = self.new()
        hasher.update(data)
        return hasher.digest()


@dataclass(frozen=True, slots=True)
class SignatureAlgorithm:
    """A signature algorithm: what is done with which kind of key and which digest.

    Attributes:
        name: ``"RSA-SHA256"``, ``"RSA-PSS-SHA256"``, ``"ECDSA-SHA256"``, ``"ED25519"``, ….
        family: ``"RSA"``, ``"RSA-PSS"``, ``"ECDSA"``, ``"EDDSA"``, ``"ML-DSA"``, or a national
            one; the crypto backend is found by it.
        key_type: the type that the public key must have (``PublicKey.type``).
        digest: name of the digest; ``None`` where the algorithm hashes by itself.
        oids, uris: all spellings that are read; the first is the one that is written.
        parameters: DER of the AlgorithmIdentifier parameters that is written (empty: absent).
        mgf_digest, salt_length: of RSASSA-PSS, octets; ``None`` elsewhere.
    """

    name: str
    family: str
    key_type: str
    digest: str | None
    oids: tuple[str, ...] = ()
    uris: tuple[str, ...] = ()
    parameters: bytes = b""
    mgf_digest: str | None = None
    salt_length: int | None = None

    @property
    def oid(self) -> str:
        """The OID that is written."""
        if not self.oids:
            raise UnsupportedError(f"{self.name} has no object identifier")
        return self.oids[0]

    @property
    def uri(self) -> str:
        """The XML URI that is written."""
        if not self.uris:
            raise UnsupportedError(f"{self.name} has no XML identifier")
        return self.uris[0]

    def with_pss(self, digest: str, mgf_digest: str, salt_length: int) -> SignatureAlgorithm:
        """Return the RSASSA-PSS algorithm with other parameters (RFC 8017 § A.2.3)."""
        return replace(
            self,
            name=f"RSA-PSS-{digest}",
            digest=digest,
            mgf_digest=mgf_digest,
            salt_length=salt_length,
            parameters=b"",
        )


_digests: dict[str, DigestAlgorithm] = {}
_digest_oids: dict[str, DigestAlgorithm] = {}
_digest_uris: dict[str, DigestAlgorithm] = {}
_signatures: dict[str, SignatureAlgorithm] = {}
_signature_oids: dict[str, SignatureAlgorithm] = {}
_signature_uris: dict[str, SignatureAlgorithm] = {}


def register_digest(algorithm: DigestAlgorithm) -> None:
    """Add a digest; the same name again replaces it.

    Raises:
        ValueError: one of its identifiers belongs to another algorithm already.
    """
    _claim(_digest_oids, algorithm.oids, algorithm)
    _claim(_digest_uris, algorithm.uris, algorithm)
    _digests[algorithm.name] = algorithm


def register_signature(algorithm: SignatureAlgorithm) -> None:
    """Add a signature algorithm; the same name again replaces it.

    Raises:
        ValueError: one of its identifiers belongs to another algorithm already.
    """
    _claim(_signature_oids, algorithm.oids, algorithm)
    _claim(_signature_uris, algorithm.uris, algorithm)
    _signatures[algorithm.name] = algorithm


def _claim(
    table: dict[str, Any], keys: Iterable[str], algorithm: DigestAlgorithm | SignatureAlgorithm
) -> None:
    for key in keys:
        held = table.get(key)
        if held is not None and held.name != algorithm.name:
            raise ValueError(f"{key} is {held.name} already")
        table[key] = algorithm


def digest_algorithm(name: str) -> DigestAlgorithm:
    """Return the digest of that name; raises :class:`UnsupportedError`."""
    try:
        return _digests[name]
    except KeyError:
        raise UnsupportedError(f"no digest algorithm {name!r}") from None


def digest_by_oid(oid: str) -> DigestAlgorithm | None:
    """Return the digest with that object identifier, or ``None``."""
    return _digest_oids.get(oid)


def digest_by_uri(uri: str) -> DigestAlgorithm | None:
    """Return the digest with that XML URI, or ``None``."""
    return _digest_uris.get(uri)


def digest_algorithms() -> tuple[DigestAlgorithm, ...]:
    """Return the whole table of digests."""
    return tuple(_digests.values())


def signature_algorithm(name: str) -> SignatureAlgorithm:
    """Return the signature algorithm of that name; raises :class:`UnsupportedError`."""
    try:
        return _signatures[name]
    except KeyError:
        raise UnsupportedError(f"no signature algorithm {name!r}") from None


def signature_by_oid(oid: str) -> SignatureAlgorithm | None:
    """Return the algorithm with that object identifier, or ``None``.

    RSASSA-PSS and bare key OIDs (rsaEncryption, id-ecPublicKey) need more than the OID; CMS and
    certificates go through ``esign_kit.asn1.algorithm_identifier``.
    """
    return _signature_oids.get(oid)


def signature_by_uri(uri: str) -> SignatureAlgorithm | None:
    """Return the algorithm with that XML URI, or ``None``."""
    return _signature_uris.get(uri)


def signature_algorithms() -> tuple[SignatureAlgorithm, ...]:
    """Return the whole table of signature algorithms."""
    return tuple(_signatures.values())


_DSIG = "http://www.w3.org/2000/09/xmldsig#"
_MORE = "http://www.w3.org/2001/04/xmldsig-more#"
_MORE07 = "http://www.w3.org/2007/05/xmldsig-more#"
_MORE21 = "http://www.w3.org/2021/04/xmldsig-more#"
_XENC = "http://www.w3.org/2001/04/xmlenc#"
_NULL = b"\x05\x00"
_oids: tuple[str, ...]
_uris: tuple[str, ...]

for _name, _size, _attribute, _oid, _uris in (
    ("MD5", 16, "md5", "1.2.840.113549.2.5", (_MORE + "md5",)),
    # The second URI is a slip of old Kazakh software; it is read, never written.
    ("SHA1", 20, "sha1", "1.3.14.3.2.26", (_DSIG + "sha1", _MORE + "sha1")),
    ("SHA224", 28, "sha224", "2.16.840.1.101.3.4.2.4", (_MORE + "sha224",)),
    ("SHA256", 32, "sha256", "2.16.840.1.101.3.4.2.1", (_XENC + "sha256",)),
    ("SHA384", 48, "sha384", "2.16.840.1.101.3.4.2.2", (_MORE + "sha384",)),
    ("SHA512", 64, "sha512", "2.16.840.1.101.3.4.2.3", (_XENC + "sha512",)),
    ("SHA3-224", 28, "sha3_224", "2.16.840.1.101.3.4.2.7", (_MORE07 + "sha3-224",)),
    ("SHA3-256", 32, "sha3_256", "2.16.840.1.101.3.4.2.8", (_MORE07 + "sha3-256",)),
    ("SHA3-384", 48, "sha3_384", "2.16.840.1.101.3.4.2.9", (_MORE07 + "sha3-384",)),
    ("SHA3-512", 64, "sha3_512", "2.16.840.1.101.3.4.2.10", (_MORE07 + "sha3-512",)),
):
    register_digest(
        DigestAlgorithm(_name, _size, getattr(hashlib, _attribute), oids=(_oid,), uris=_uris)
    )


class _Shake256:
    """SHAKE256 with the 512-bit output that CMS fixes for Ed448 (RFC 8419 § 2.3, RFC 8702)."""

    __slots__ = ("_running",)

    def __init__(self) -> None:
        self._running = hashlib.shake_256()

    def update(self, data: bytes, /) -> None:
        self._running.update(data)

    def digest(self) -> bytes:
        return self._running.digest(64)


register_digest(
    DigestAlgorithm(
        "SHAKE256",
        64,
        _Shake256,
        # id-shake256-len with its length, and id-shake256 without parameters.
        oids=("2.16.840.1.101.3.4.2.18", "2.16.840.1.101.3.4.2.12"),
        parameters=b"\x02\x02\x02\x00",
    )
)

_PKCS1 = "1.2.840.113549.1.1."
for _digest, _oids, _uris in (
    ("MD5", (_PKCS1 + "4",), (_MORE + "rsa-md5",)),
    ("SHA1", (_PKCS1 + "5", "1.3.14.3.2.29"), (_DSIG + "rsa-sha1", _MORE + "rsa-sha1")),
    ("SHA224", (_PKCS1 + "14",), (_MORE + "rsa-sha224",)),
    ("SHA256", (_PKCS1 + "11",), (_MORE + "rsa-sha256",)),
    ("SHA384", (_PKCS1 + "12",), (_MORE + "rsa-sha384",)),
    ("SHA512", (_PKCS1 + "13",), (_MORE + "rsa-sha512",)),
    ("SHA3-224", ("2.16.840.1.101.3.4.3.13",), ()),
    ("SHA3-256", ("2.16.840.1.101.3.4.3.14",), ()),
    ("SHA3-384", ("2.16.840.1.101.3.4.3.15",), ()),
    ("SHA3-512", ("2.16.840.1.101.3.4.3.16",), ()),
):
    register_signature(
        SignatureAlgorithm(f"RSA-{_digest}", "RSA", "RSA", _digest, _oids, _uris, _NULL)
    )
for _digest, _uris in (
    ("SHA1", (_MORE07 + "sha1-rsa-MGF1",)),
    ("SHA224", (_MORE07 + "sha224-rsa-MGF1",)),
    ("SHA256", (_MORE07 + "sha256-rsa-MGF1",)),
    ("SHA384", (_MORE07 + "sha384-rsa-MGF1",)),
    ("SHA512", (_MORE07 + "sha512-rsa-MGF1",)),
    ("SHA3-224", (_MORE07 + "sha3-224-rsa-MGF1",)),
    ("SHA3-256", (_MORE07 + "sha3-256-rsa-MGF1",)),
    ("SHA3-384", (_MORE07 + "sha3-384-rsa-MGF1",)),
    ("SHA3-512", (_MORE07 + "sha3-512-rsa-MGF1",)),
):
    # The OID is one for all (id-RSASSA-PSS, with parameters): esign_kit.asn1 resolves it. The URIs
    # fix MGF1 with the same digest and a salt of its size (RFC 9231 § 2.3.10).
    register_signature(
        SignatureAlgorithm(
            f"RSA-PSS-{_digest}",
            "RSA-PSS",
            "RSA",
            _digest,
            uris=_uris,
            mgf_digest=_digest,
            salt_length=digest_algorithm(_digest).size,
        )
    )
for _digest, _oids, _uris in (
    ("SHA1", ("1.2.840.10045.4.1",), (_MORE + "ecdsa-sha1",)),
    ("SHA224", ("1.2.840.10045.4.3.1",), (_MORE + "ecdsa-sha224",)),
    ("SHA256", ("1.2.840.10045.4.3.2",), (_MORE + "ecdsa-sha256",)),
    ("SHA384", ("1.2.840.10045.4.3.3",), (_MORE + "ecdsa-sha384",)),
    ("SHA512", ("1.2.840.10045.4.3.4",), (_MORE + "ecdsa-sha512",)),
    ("SHA3-224", ("2.16.840.1.101.3.4.3.9",), (_MORE21 + "ecdsa-sha3-224",)),
    ("SHA3-256", ("2.16.840.1.101.3.4.3.10",), (_MORE21 + "ecdsa-sha3-256",)),
    ("SHA3-384", ("2.16.840.1.101.3.4.3.11",), (_MORE21 + "ecdsa-sha3-384",)),
    ("SHA3-512", ("2.16.840.1.101.3.4.3.12",), (_MORE21 + "ecdsa-sha3-512",)),
):
    register_signature(SignatureAlgorithm(f"ECDSA-{_digest}", "ECDSA", "EC", _digest, _oids, _uris))
for _name, _oid, _uris in (
    ("ED25519", "1.3.101.112", (_MORE21 + "eddsa-ed25519",)),
    ("ED448", "1.3.101.113", (_MORE21 + "eddsa-ed448",)),
):
    register_signature(SignatureAlgorithm(_name, "EDDSA", _name, None, (_oid,), _uris))
for _name, _oid in (
    ("ML-DSA-44", "2.16.840.1.101.3.4.3.17"),
    ("ML-DSA-65", "2.16.840.1.101.3.4.3.18"),
    ("ML-DSA-87", "2.16.840.1.101.3.4.3.19"),
):
    register_signature(SignatureAlgorithm(_name, "ML-DSA", _name, None, (_oid,)))
for _digest, _oid, _uris in (
    ("SHA1", "1.2.840.10040.4.3", (_DSIG + "dsa-sha1",)),
    ("SHA224", "2.16.840.1.101.3.4.3.1", ()),
    ("SHA256", "2.16.840.1.101.3.4.3.2", ("http://www.w3.org/2009/xmldsig11#dsa-sha256",)),
    ("SHA384", "2.16.840.1.101.3.4.3.3", ()),
    ("SHA512", "2.16.840.1.101.3.4.3.4", ()),
):
    register_signature(SignatureAlgorithm(f"DSA-{_digest}", "DSA", "DSA", _digest, (_oid,), _uris))

# National algorithms: rows of the same table. The mathematics is loaded when a row is first used;
# see ``esign_kit.crypto.national`` for what each name stands for.


def _national_digest(name: str) -> Callable[[], Hasher]:
    def new() -> Hasher:
        from esign_kit.crypto.national import new_digest

        return new_digest(name)

    return new


def _national_slow() -> bool:
    from esign_kit.crypto.national import slow

    return slow()


_KZ = "1.2.398.3.10.1."
_KZ_URI = "urn:ietf:params:xml:ns:pkigovkz:xmlsec:algorithms:"
_UZ = "1.2.860.3.15."
for _name, _size, _oids, _uris in (
    ("GOST34311-TEST", 32, (_KZ + "3.1", _KZ + "3.1.1.0"), (_MORE + "gost34311",)),
    ("GOST34311-CP", 32, (_UZ + "1.3.2.1.1",), ()),
    ("GOST34311-CP-2024", 32, (_UZ + "2.3.2.1.1",), ()),
    ("STREEBOG-256", 32, (), ()),
    ("STREEBOG-512", 64, (_KZ + "3.3",), (_KZ_URI + "gostr34112015-512",)),
):
    register_digest(
        DigestAlgorithm(
            _name, _size, _national_digest(_name), _oids, _uris, _NULL, slow_here=_national_slow
        )
    )
for _name, _key, _digest, _oid, _uris in (
    (
        "GOST34310-GOST34311-TEST",
        "GOST34310-256",
        "GOST34311-TEST",
        _KZ + "1.1.2",
        (_MORE + "gost34310-gost34311",),
    ),
    (
        "GOST3410-STREEBOG-512",
        "GOST3410-512",
        "STREEBOG-512",
        _KZ + "1.2.3.2",
        (_KZ_URI + "gostr34102015-gostr34112015-512",),
    ),
    ("OZDST1092-GOST34311-CP", "OZDST1092-256", "GOST34311-CP", _UZ + "1.1.2.2.2.2", ()),
    ("OZMST286-GOST34311-CP-2024", "OZDST1092-256", "GOST34311-CP-2024", _UZ + "2.1.2.2.2.2", ()),
):
    register_signature(SignatureAlgorithm(_name, "GOST", _key, _digest, (_oid,), _uris, _NULL))
