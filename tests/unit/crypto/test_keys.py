"""Loading keys, and what a key may be used for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, rsa, x25519
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from esign_kit.algorithms import signature_algorithm, signature_algorithms
from esign_kit.asn1.reader import encode, encode_integer, encode_oid, read_all
from esign_kit.crypto import der_to_plain, load_private_key, load_public_key, verify
from esign_kit.errors import InputError, LimitError, UnsupportedError
from esign_kit.model.document import Document
from esign_kit.model.limits import Limits

if TYPE_CHECKING:
    from pathlib import Path

    from esign_kit.crypto import PrivateKey

DATA = b"An application for an unemployment benefit."


def _pkcs8(native: Any) -> bytes:
    result: bytes = native.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    return result


@pytest.fixture(scope="module")
def keys() -> dict[str, PrivateKey]:
    natives = {
        "RSA": rsa.generate_private_key(65537, 2048),
        "P-256": ec.generate_private_key(ec.SECP256R1()),
        "P-384": ec.generate_private_key(ec.SECP384R1()),
        "P-521": ec.generate_private_key(ec.SECP521R1()),
        "brainpoolP256r1": ec.generate_private_key(ec.BrainpoolP256R1()),
        "ED25519": ed25519.Ed25519PrivateKey.generate(),
        "ED448": ed448.Ed448PrivateKey.generate(),
        "DSA": dsa.generate_private_key(1024),
    }
    return {name: load_private_key(_pkcs8(native)) for name, native in natives.items()}


def test_the_preferred_digest_is_as_strong_as_the_curve(keys: dict[str, PrivateKey]) -> None:
    first = {name: key.algorithms[0].name for name, key in keys.items()}
    assert first == {
        "RSA": "RSA-SHA256",
        "P-256": "ECDSA-SHA256",
        "P-384": "ECDSA-SHA384",
        "P-521": "ECDSA-SHA512",
        "brainpoolP256r1": "ECDSA-SHA256",
        "ED25519": "ED25519",
        "ED448": "ED448",
        "DSA": "DSA-SHA256",
    }


def test_every_algorithm_of_every_key_there_and_back(
    keys: dict[str, PrivateKey], tmp_path: Path
) -> None:
    file = tmp_path / "application"
    file.write_bytes(DATA)
    for key in keys.values():
        for algorithm in key.algorithms:
            for data in (DATA, Document(DATA), Document.from_path(file)):
                value = key.sign(data, algorithm)
                assert verify(key.public_key, algorithm, value, DATA), algorithm.name
                assert verify(key.public_key, algorithm, value, data), algorithm.name
                assert not verify(key.public_key, algorithm, value, DATA + b".")
                flipped = bytes([value[0]]) + bytes([value[1] ^ 1]) + value[2:]
                assert not verify(key.public_key, algorithm, flipped, DATA)


def test_a_known_digest_is_enough(keys: dict[str, PrivateKey]) -> None:
    key = keys["P-256"]
    algorithm = key.algorithms[0]
    digest = Document.from_digests({"SHA256": Document(DATA).digest("SHA256")})
    assert verify(key.public_key, algorithm, key.sign(digest, algorithm), DATA)
    assert not verify(
        key.public_key,
        algorithm,
        key.sign(DATA, algorithm),
        Document.from_digests({"SHA256": b"short"}),
    )


def test_plain_values_have_exactly_the_length_of_the_order(keys: dict[str, PrivateKey]) -> None:
    for name, size in (("P-256", 32), ("P-521", 66), ("DSA", 20)):
        key = keys[name]
        algorithm = key.algorithms[0]
        value = key.sign(DATA, algorithm)
        plain = der_to_plain(value, size)
        assert verify(key.public_key, algorithm, plain, DATA, plain=True)
        assert not verify(key.public_key, algorithm, plain, DATA)
        assert not verify(key.public_key, algorithm, value, DATA, plain=True)
        longer = b"\0" + plain[:size] + b"\0" + plain[size:]
        assert not verify(key.public_key, algorithm, longer, DATA, plain=True)


def test_a_value_is_never_tried_under_another_algorithm(keys: dict[str, PrivateKey]) -> None:
    for key in keys.values():
        for algorithm in signature_algorithms():
            if algorithm.key_type != key.public_key.type:
                assert not verify(key.public_key, algorithm, b"\0" * 64, DATA)
                with pytest.raises(UnsupportedError):
                    key.sign(DATA, algorithm)
    rsa_key = keys["RSA"]
    value = rsa_key.sign(DATA, signature_algorithm("RSA-SHA256"))
    assert not verify(rsa_key.public_key, signature_algorithm("RSA-PSS-SHA256"), value, DATA)
    assert not verify(rsa_key.public_key, signature_algorithm("RSA-SHA512"), value, DATA)


def test_pss_parameters_come_from_the_algorithm(keys: dict[str, PrivateKey]) -> None:
    key = keys["RSA"]
    standard = signature_algorithm("RSA-PSS-SHA256")
    value = key.sign(DATA, standard)
    assert verify(key.public_key, standard, value, DATA)
    assert not verify(key.public_key, standard.with_pss("SHA256", "SHA256", 20), value, DATA)
    assert not verify(key.public_key, standard.with_pss("SHA256", "SHA1", 32), value, DATA)
    # A salt that no modulus of this size holds.
    assert not verify(key.public_key, standard.with_pss("SHA512", "SHA512", 1024), value, DATA)


def _with_algorithm(spki: bytes, identifier: bytes) -> bytes:
    return encode(0x30, identifier, read_all(spki).items()[1].raw)


def test_a_pss_key_signs_in_no_other_way(keys: dict[str, PrivateKey]) -> None:
    from esign_kit.asn1.algorithm_identifier import encode_signature_algorithm

    key = keys["RSA"]
    pss, pkcs1 = signature_algorithm("RSA-PSS-SHA256"), signature_algorithm("RSA-SHA256")
    bound = load_public_key(_with_algorithm(key.public_key.spki, encode_signature_algorithm(pss)))
    assert bound.only == pss
    assert verify(bound, pss, key.sign(DATA, pss), DATA)
    assert not verify(bound, pkcs1, key.sign(DATA, pkcs1), DATA)
    longer = pss.with_pss("SHA256", "SHA256", 40)
    assert verify(bound, longer, key.sign(DATA, longer), DATA)
    shorter = pss.with_pss("SHA256", "SHA256", 20)
    assert not verify(bound, shorter, key.sign(DATA, shorter), DATA)
    other = signature_algorithm("RSA-PSS-SHA512")
    assert not verify(bound, other, key.sign(DATA, other), DATA)
    free = load_public_key(
        _with_algorithm(key.public_key.spki, encode(0x30, encode_oid("1.2.840.113549.1.1.10")))
    )
    assert verify(free, other, key.sign(DATA, other), DATA)
    assert not verify(free, pkcs1, key.sign(DATA, pkcs1), DATA)


def test_a_private_pss_key_offers_no_other_way(keys: dict[str, PrivateKey]) -> None:
    from esign_kit.asn1.algorithm_identifier import encode_signature_algorithm

    parts = read_all(_pkcs8(keys["RSA"].native)).items()
    pss = signature_algorithm("RSA-PSS-SHA384")
    for identifier, names in (
        (encode_signature_algorithm(pss), {"RSA-PSS-SHA384"}),
        (encode(0x30, encode_oid("1.2.840.113549.1.1.10")), None),
    ):
        octets = encode(0x30, parts[0].raw, identifier, parts[2].raw)
        key = load_private_key(octets)
        offered = {algorithm.name for algorithm in key.algorithms}
        assert all(name.startswith("RSA-PSS-") for name in offered)
        assert names is None or offered == names
        assert verify(key.public_key, pss, key.sign(DATA, pss), DATA)
        with pytest.raises(UnsupportedError):
            key.sign(DATA, signature_algorithm("RSA-SHA384"))


def test_halves_that_do_not_belong_together(keys: dict[str, PrivateKey]) -> None:
    own, other = _pkcs8(keys["P-256"].native), keys["P-256"].public_key.spki[-64:]
    assert other in own
    with pytest.raises(InputError):
        load_private_key(own.replace(other, other[:-1] + bytes([other[-1] ^ 1])))


def test_dsa_parameters_are_inherited(keys: dict[str, PrivateKey]) -> None:
    key = keys["DSA"]
    bare = load_public_key(
        _with_algorithm(key.public_key.spki, encode(0x30, encode_oid("1.2.840.10040.4.1")))
    )
    algorithm = key.algorithms[0]
    value = key.sign(DATA, algorithm)
    assert bare.native is None
    assert not verify(bare, algorithm, value, DATA)
    whole = bare.with_parameters_of(key.public_key)
    assert verify(whole, algorithm, value, DATA)
    assert whole.with_parameters_of(bare) is whole
    with pytest.raises(InputError):
        bare.with_parameters_of(keys["P-256"].public_key)
    with pytest.raises(InputError):
        bare.with_parameters_of(bare)


def _ec_spki(parameters: bytes, point: bytes) -> bytes:
    return encode(
        0x30,
        encode(0x30, encode_oid("1.2.840.10045.2.1"), parameters),
        encode(0x03, b"\0" + point),
    )


P256 = encode_oid("1.2.840.10045.3.1.7")


@pytest.mark.parametrize(
    "point",
    [
        b"",
        b"\0",
        b"\x04" + b"\0" * 64,
        b"\x04" + b"\1" * 64,
        b"\x06" + b"\1" * 64,
        b"\x02" + b"\xff" * 32,
        b"\x04" + b"\1" * 63,
    ],
)
def test_points_that_are_none(point: bytes) -> None:
    with pytest.raises(InputError):
        load_public_key(_ec_spki(P256, point))


def test_a_compressed_point_is_the_same_key(keys: dict[str, PrivateKey]) -> None:
    key = keys["P-256"]
    point = key.public_key.native.public_bytes(Encoding.X962, PublicFormat.CompressedPoint)
    algorithm = key.algorithms[0]
    assert verify(
        load_public_key(_ec_spki(P256, point)), algorithm, key.sign(DATA, algorithm), DATA
    )


def test_explicit_and_unknown_curves_are_refused_by_name(keys: dict[str, PrivateKey]) -> None:
    point = keys["P-256"].public_key.native.public_bytes(
        Encoding.X962, PublicFormat.UncompressedPoint
    )
    with pytest.raises(UnsupportedError, match="named curve"):
        load_public_key(_ec_spki(encode(0x30, b"\x02\x01\x01"), point))
    with pytest.raises(UnsupportedError, match="brainpoolP256t1"):
        load_public_key(_ec_spki(encode_oid("1.3.36.3.3.2.8.1.1.8"), point))


def _rsa_spki(modulus: int, exponent: int) -> bytes:
    key = encode(0x30, encode_integer(modulus), encode_integer(exponent))
    return encode(
        0x30,
        encode(0x30, encode_oid("1.2.840.113549.1.1.1"), b"\x05\x00"),
        encode(0x03, b"\0" + key),
    )


@pytest.mark.parametrize(
    ("modulus", "exponent"),
    [
        ((1 << 2048) - 1, 1),
        ((1 << 2048) - 1, 2),
        ((1 << 2048) - 2, 3),
        (-3, 3),
        (0, 3),
        ((1 << 2048) - 1, -3),
        ((1 << 2048) - 1, (1 << 2049) + 1),
    ],
)
def test_rsa_numbers_that_make_no_key(modulus: int, exponent: int) -> None:
    with pytest.raises(InputError):
        load_public_key(_rsa_spki(modulus, exponent))


def test_rsa_keys_that_cost_too_much() -> None:
    with pytest.raises(LimitError):
        load_public_key(_rsa_spki((1 << 20000) + 1, 3))
    with pytest.raises(LimitError):
        load_public_key(_rsa_spki((1 << 4096) + 1, (1 << 4000) + 1))


def test_an_unknown_key_is_named() -> None:
    spki = encode(0x30, encode(0x30, encode_oid("1.2.3.4.5")), encode(0x03, b"\0\1"))
    with pytest.raises(UnsupportedError, match=r"1\.2\.3\.4\.5"):
        load_public_key(spki)
    native = x25519.X25519PrivateKey.generate()
    with pytest.raises(UnsupportedError):
        load_private_key(_pkcs8(native))


def test_cut_and_flipped_keys_end_in_our_errors(keys: dict[str, PrivateKey]) -> None:
    for key in keys.values():
        spki = key.public_key.spki
        for length in range(0, len(spki), 7):
            with pytest.raises(InputError):
                load_public_key(spki[:length])
        for position in range(len(spki)):
            mutated = bytearray(spki)
            mutated[position] ^= 0x81
            try:
                loaded = load_public_key(bytes(mutated))
                verify(loaded, key.algorithms[0], b"\x30\x06\x02\x01\x01\x02\x01\x01", DATA)
            except InputError:
                pass


def test_private_octets_that_are_no_key() -> None:
    for octets in (b"", b"\x30\x00", b"nonsense", encode(0x30, b"\x02\x01\x00" * 3)):
        with pytest.raises(InputError):
            load_private_key(octets)


def test_a_document_that_must_be_in_memory_is_limited(
    keys: dict[str, PrivateKey], tmp_path: Path
) -> None:
    file = tmp_path / "large"
    file.write_bytes(b"x" * 1000)
    key = keys["ED25519"]
    value = key.sign(Document.from_path(file), key.algorithms[0])
    document = Document.from_path(file)
    assert verify(key.public_key, key.algorithms[0], value, document)
    with pytest.raises(LimitError, match="signature_size"):
        verify(
            key.public_key,
            key.algorithms[0],
            value,
            document,
            limits=Limits().with_(signature_size=999),
        )


def test_no_secret_in_the_representation(keys: dict[str, PrivateKey]) -> None:
    for key in keys.values():
        assert "native" not in repr(key)
        assert load_public_key(key.public_key.spki) is load_public_key(key.public_key.spki)
