"""A national algorithm from outside: four registrations, and no format knows about it."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import pytest

from esign_kit import algorithms, crypto
from esign_kit.algorithms import (
    DigestAlgorithm,
    SignatureAlgorithm,
    register_digest,
    register_signature,
)
from esign_kit.asn1.algorithm_identifier import (
    decode_signature_algorithm,
    encode_signature_algorithm,
)
from esign_kit.asn1.reader import encode, encode_oid, read_all
from esign_kit.crypto import (
    PrivateKey,
    PublicKey,
    backend,
    keys,
    load_private_key,
    load_public_key,
    register_backend,
    register_key,
    verify,
)
from esign_kit.errors import InputError, UnsupportedError
from esign_kit.model.document import Document

if TYPE_CHECKING:
    from collections.abc import Iterator

KEY_OID, SIGNATURE_OID, DIGEST_OID = "1.2.3.4.1", "1.2.3.4.2", "1.2.3.4.3"


class _Toy:
    """A "signature" that is the digest of key and digest: enough to see the wiring."""

    def verify(
        self,
        key: PublicKey,
        algorithm: SignatureAlgorithm,
        signature: bytes,
        data: bytes,
        *,
        plain: bool,
    ) -> bool:
        digest = algorithms.digest_algorithm(algorithm.digest or "").hash(data)
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
        return signature == hashlib.sha256(key.native + digest).digest()

    def sign(self, key: PrivateKey, algorithm: SignatureAlgorithm, data: bytes) -> bytes:
        digest = algorithms.digest_algorithm(algorithm.digest or "").hash(data)
        return self.sign_digest(key, algorithm, digest)

    def sign_digest(self, key: PrivateKey, algorithm: SignatureAlgorithm, digest: bytes) -> bytes:
        return hashlib.sha256(key.native + digest).digest()


def _public(spki: bytes, oid: str, parameters: bytes, octets: bytes) -> PublicKey:
    if len(octets) != 4:
        raise InputError("a toy key has four octets")
    return PublicKey("TOY", 256, "toy", spki, octets)


def _private(pkcs8: bytes) -> PrivateKey:
    octets = read_all(pkcs8).items()[2].contents
    spki = encode(0x30, encode(0x30, encode_oid(KEY_OID)), encode(0x03, b"\0" + octets))
    row = algorithms.signature_algorithm("TOY-SHA256X")
    return PrivateKey(load_public_key(spki), (row,), octets)


@pytest.fixture
def _country(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for table in (
        "_digests",
        "_digest_oids",
        "_digest_uris",
        "_signatures",
        "_signature_oids",
        "_signature_uris",
    ):
        monkeypatch.setattr(algorithms, table, dict(getattr(algorithms, table)))
    monkeypatch.setattr(backend, "_backends", dict(backend._backends))
    monkeypatch.setattr(keys, "_public_loaders", dict(keys._public_loaders))
    monkeypatch.setattr(keys, "_private_loaders", dict(keys._private_loaders))
    register_digest(DigestAlgorithm("SHA256X", 32, hashlib.sha256, (DIGEST_OID,), ("urn:x",)))
    register_signature(
        SignatureAlgorithm(
            "TOY-SHA256X", "TOY", "TOY", "SHA256X", (SIGNATURE_OID,), ("urn:toy",), b"\x05\x00"
        )
    )
    register_backend("TOY", _Toy())
    register_key(KEY_OID, _public, _private)
    yield
    crypto.clear_cache()


@pytest.mark.usefixtures("_country")
def test_a_country_joins_by_four_registrations() -> None:
    private = load_private_key(
        encode(0x30, b"\x02\x01\x00", encode(0x30, encode_oid(KEY_OID)), encode(0x04, b"\1\2\3\4"))
    )
    row = private.algorithms[0]
    assert decode_signature_algorithm(encode_signature_algorithm(row)) == row
    assert algorithms.signature_by_uri("urn:toy") == row
    value = private.sign(b"data", row)
    assert verify(private.public_key, row, value, b"data")
    assert verify(private.public_key, row, value, Document(b"data"))
    assert not verify(private.public_key, row, value, b"date")
    with pytest.raises(InputError):
        load_public_key(encode(0x30, encode(0x30, encode_oid(KEY_OID)), encode(0x03, b"\0\1\2\3")))


@pytest.mark.usefixtures("_country")
def test_an_identifier_belongs_to_one_algorithm() -> None:
    with pytest.raises(ValueError, match="SHA256X already"):
        register_digest(DigestAlgorithm("OTHER", 32, hashlib.sha256, (DIGEST_OID,)))
    with pytest.raises(ValueError, match="RSA-SHA256 already"):
        register_signature(
            SignatureAlgorithm("OTHER", "TOY", "TOY", "SHA256", ("1.2.840.113549.1.1.11",))
        )


def test_an_algorithm_without_a_backend_is_unsupported() -> None:
    row = SignatureAlgorithm("NOTHING-SHA256", "NOTHING", "NOTHING", "SHA256")
    key = PublicKey("NOTHING", 1, None, b"", object())
    with pytest.raises(UnsupportedError, match="NOTHING"):
        verify(key, row, b"", b"")
