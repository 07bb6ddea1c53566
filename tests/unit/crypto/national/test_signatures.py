"""Known answers of the national signatures, and what must be refused."""

from __future__ import annotations

import base64
import json
from collections import deque
from typing import Any

import pytest

from esign_kit.algorithms import digest_algorithm, signature_algorithm
from esign_kit.asn1.reader import encode, encode_integer, encode_oid, read_all
from esign_kit.crypto import load_private_key, load_public_key, verify
from esign_kit.crypto.national import (
    curves,
    encode_private_key,
    explain,
    private_key,
    signature,
)
from esign_kit.crypto.national.signature import (
    SCHEMES,
    GostPublic,
    digest_number,
    sign_number,
    verify_digest,
    verify_number,
)
from esign_kit.errors import InputError, UnsupportedError
from esign_kit.model.document import Document
from tests import corpora

KZ_OLD, KZ_NEW, UZ = "GOST34310-256", "GOST3410-512", "OZDST1092-256"
D, K = 0x1234567890ABCDEF, 0xFEDCBA0987654321
# d = D, k = K, message "abc", everything in the order of the wire.
KAZAKH = {
    KZ_OLD: (
        "83fc1cb3e66fb22c016dfa039656b5e0ddefeb03240b1528b63e6761689febc5"
        "9f317ecccb5efb6e7f2ce86f09dea9c226e7b293d7d07891648413732f9b94f1",
        "d6d186c38a37aad499130008921f6ad6e5adaf5c0eceb8be28a63a2457955fce"
        "0e200a29ee6af7367b254bb835752bcba5ffb70d6edd800e0364cbcc2e9f0459",
    ),
    KZ_NEW: (
        "5c0b910044b9d56f0439af465db02a57eac3a08c51a5a9ce8c84aff3806cfa9d"
        "c5d8162d3c4e2511c54f709f36068efabc4ab85eb4bbc603b45a29bd95884a2b"
        "b7d76576f08dc30d02a54591de4479cb933dcfe9d77458747dc1f83cbfaee291"
        "2cb87db0a2d3747475b807f935bf3e66d6e6f0d119252ba46b46bdddd71d4cc3",
        "b8d02365f3f1b56b65478c3b1ba19f00f6f9565926493255e5181468691f7701"
        "62e1b1114e9446b7efecca96407a52b96c1ca1f223d0e7ca9ddb1828b6c4c3fc"
        "53f1bb6c87b33d9d0e32d48541b9e6b341c8ca62b7a4c12fdd5429e6c03456e0"
        "e1ca81be937ed59da4be5d828dd1ad524946c06b2c579cba8758c22c6076babc",
    ),
}


def _public(key_type: str, point: bytes) -> bytes:
    """The SubjectPublicKeyInfo of a wire point."""
    template = private_key(key_type, 1).public_key.spki
    identifier = read_all(template).items()[0].raw
    return encode(0x30, identifier, encode(0x03, b"\0" + encode(0x04, point)))


@pytest.mark.parametrize("key_type", [KZ_OLD, KZ_NEW])
def test_kazakh_known_answers(key_type: str) -> None:
    public, value = (bytes.fromhex(text) for text in KAZAKH[key_type])
    key = private_key(key_type, D)
    assert key.public_key.spki.endswith(public)
    scheme = SCHEMES[key_type]
    curve = scheme.curves[0]
    e = digest_number(digest_algorithm(scheme.digest).hash(b"abc"), curve)
    numbers = sign_number(curve, D, e, K)
    assert numbers is not None
    assert scheme.encode(*numbers) == value
    algorithm = key.algorithms[0]
    assert verify(load_public_key(_public(key_type, public)), algorithm, value, b"abc")
    assert not verify(key.public_key, algorithm, value, b"abd")


def test_uzbek_vectors() -> None:
    vectors = json.loads(corpora.national("uz", "vectors", "gost3410.json").read_text())
    seen = set()
    for row in vectors["sign"]:
        numbers = {name: int(row[name], 16) for name in ("d", "e", "k", "qx", "qy", "r", "s")}
        spec = {name: int(value, 16) for name, value in vectors["curves"][row["curve"]].items()}
        curve = next(
            (c for c in SCHEMES[UZ].curves if c.p == spec["p"]),
            # The curve of the worked example has another a: the general formulas.
            curves.Curve(
                "test",
                "",
                32,
                spec["p"],
                spec["a"],
                spec["b"],
                spec["n"],
                (spec["gx"], spec["gy"]),
                0,
                0,
            ),
        )
        seen.add(curve.name)
        assert (curve.a, curve.b, curve.q, curve.g) == (
            spec["a"],
            spec["b"],
            spec["n"],
            (spec["gx"], spec["gy"]),
        )
        point = (numbers["qx"], numbers["qy"])
        assert curve.multiply(numbers["d"]) == point
        assert sign_number(curve, numbers["d"], numbers["e"], numbers["k"]) == (
            numbers["r"],
            numbers["s"],
        )
        public = GostPublic(SCHEMES[UZ], curve, point)
        assert verify_number(public, numbers["e"], numbers["r"], numbers["s"])
        assert not verify_number(public, numbers["e"] ^ 1, numbers["r"], numbers["s"])
        if "public_key_le_hex" in row:
            key = load_public_key(_public(UZ, bytes.fromhex(row["public_key_le_hex"])))
            assert key.curve == curve.name
            value = bytes.fromhex(row["signature_s_r_be_hex"])
            message = bytes.fromhex(row["message_hex"])
            algorithm = signature_algorithm("OZDST1092-GOST34311-CP")
            assert verify(key, algorithm, value, message)
            assert not verify(key, algorithm, value[::-1], message)
            assert not verify(key, algorithm, value[32:] + value[:32], message)
    assert seen == {"test", "CryptoPro-A", "CryptoPro-B", "CryptoPro-C"}


def test_uzbek_public_keys() -> None:
    rows = json.loads(corpora.national("uz", "vectors", "public_keys.json").read_text())
    for row in rows:
        key = load_public_key(base64.b64decode(row["spki_b64"]))
        assert key.native.point == (int(row["x"], 16), int(row["y"], 16))
        assert (key.type, key.bits, key.curve, key.remarks) == (UZ, 256, "CryptoPro-A", ())


def test_uzbek_api_keys() -> None:
    vectors = json.loads(corpora.national("uz", "vectors", "apikey.json").read_text())
    point = tuple(int(vectors["public_key"][name], 16) for name in "xy")
    key = GostPublic(SCHEMES[UZ], curves.CRYPTOPRO_A, point)  # type: ignore[arg-type]
    digest = digest_algorithm("GOST34311-CP").hash

    def good(domain: str, value: str) -> bool:
        return verify_digest(key, digest(digest(domain.encode())), bytes.fromhex(value))

    assert all(good(domain, value) for domain, value in vectors["valid"].items())
    assert not any(good(domain, value) for domain, value in vectors["invalid"].items())


# ── the key and the signature that are not ────────────────────────────────────────────────────


@pytest.fixture(params=[KZ_OLD, KZ_NEW, UZ])
def case(request: pytest.FixtureRequest) -> tuple[Any, Any, bytes]:
    key = private_key(request.param, D)
    algorithm = key.algorithms[0]
    return key, algorithm, key.sign(b"abc", algorithm)


def test_sign_there_and_back(case: tuple[Any, Any, bytes]) -> None:
    key, algorithm, value = case
    assert verify(key.public_key, algorithm, value, b"abc")
    assert verify(key.public_key, algorithm, value, b"abc", plain=True)
    assert verify(key.public_key, algorithm, value, Document(b"abc"))
    assert verify(key.public_key, algorithm, key.sign(Document(b"abc"), algorithm), b"abc")
    # Fresh randomness goes into every nonce; without it the value is the same each time.
    assert key.sign(b"abc", algorithm) != value
    still = private_key(key.public_key.type, D, hedged=False)
    assert still.sign(b"abc", algorithm) == still.sign(b"abc", algorithm)
    assert still.sign(b"abd", algorithm) != still.sign(b"abc", algorithm)
    assert verify(key.public_key, algorithm, still.sign(b"abc", algorithm), b"abc")


def test_r_and_s_lie_in_their_range(case: tuple[Any, Any, bytes]) -> None:
    key, algorithm, value = case
    native = key.native.public
    scheme, q = native.scheme, native.curve.q
    r, s = scheme.decode(value)
    for pair in ((0, s), (r, 0), (q, s), (r, q), (r + q, s), (0, 0)):
        if max(pair) < 1 << 8 * scheme.size:
            assert not verify(key.public_key, algorithm, scheme.encode(*pair), b"abc")
    # (r, −s) is no second signature under these equations.
    assert not verify(key.public_key, algorithm, scheme.encode(r, q - s), b"abc")


def test_lengths_and_orders_are_exact(case: tuple[Any, Any, bytes]) -> None:
    key, algorithm, value = case
    half = len(value) // 2
    for wrong in (
        b"",
        value[:-1],
        value + b"\0",
        b"\0" + value,
        value[::-1],
        value[half:] + value[:half],
        value[:half][::-1] + value[half:][::-1],
    ):
        assert not verify(key.public_key, algorithm, wrong, b"abc")


def test_every_flipped_octet_is_noticed(case: tuple[Any, Any, bytes]) -> None:
    key, algorithm, value = case
    for position in range(0, len(value), 5):
        flipped = bytearray(value)
        flipped[position] ^= 1 << position % 8
        assert not verify(key.public_key, algorithm, bytes(flipped), b"abc")


def test_points_that_are_on_no_curve(case: tuple[Any, Any, bytes]) -> None:
    key, _, _ = case
    size = key.native.public.scheme.size
    x, y = key.native.public.point
    p = key.native.public.curve.p

    def wire(x: int, y: int) -> bytes:
        return x.to_bytes(size, "little") + y.to_bytes(size, "little")

    kind = key.public_key.type
    assert load_public_key(_public(kind, wire(x, y))).native.point == (x, y)
    limit = 1 << 8 * size
    for point in ((x, y ^ 1), (0, 0), (x, 0), (y, x), (p, y), (x + p, y), (x, y + p)):
        if max(point) < limit:
            with pytest.raises(InputError):
                load_public_key(_public(kind, wire(*point)))
    # Big-endian coordinates are another point, and it lies nowhere.
    with pytest.raises(InputError):
        load_public_key(_public(kind, x.to_bytes(size, "big") + y.to_bytes(size, "big")))
    for octets in (b"", wire(x, y)[:-1], wire(x, y) + b"\0"):
        with pytest.raises(InputError):
            load_public_key(_public(kind, octets))


def test_a_kazakh_key_is_no_uzbek_key() -> None:
    old, uz = private_key(KZ_OLD, D), private_key(UZ, D)
    value = old.sign(b"abc", old.algorithms[0])
    assert not verify(uz.public_key, old.algorithms[0], value, b"abc")
    assert not verify(uz.public_key, uz.algorithms[0], value, b"abc")
    with pytest.raises(UnsupportedError):
        uz.sign(b"abc", old.algorithms[0])


def test_the_curve_of_an_uzbek_key_is_found_by_test() -> None:
    algorithm = signature_algorithm("OZDST1092-GOST34311-CP")
    for name, remarked in (("CryptoPro-A", False), ("CryptoPro-B", True), ("CryptoPro-C", False)):
        key = private_key(UZ, D, curve=name)
        assert key.public_key.curve == name
        assert bool(key.public_key.remarks) is remarked
        assert verify(key.public_key, algorithm, key.sign(b"abc", algorithm), b"abc")


def test_the_names_of_2024_are_the_same_mathematics() -> None:
    key = private_key(UZ, D, oid="1.2.860.3.15.2.1.2.1")
    assert key.algorithms[0].name == "OZMST286-GOST34311-CP-2024"
    assert key.algorithms[0].oid == "1.2.860.3.15.2.1.2.2.2.2"
    for algorithm in key.algorithms:
        value = key.sign(b"abc", algorithm)
        assert verify(private_key(UZ, D).public_key, algorithm, value, b"abc")


def test_what_no_sample_proves_is_refused_by_its_name() -> None:
    point = encode(0x03, b"\0" + encode(0x04, b"\1" * 64))

    def spki(oid: str, *parameters: str) -> bytes:
        inner = encode(0x30, b"".join(map(encode_oid, parameters)))
        return encode(0x30, encode(0x30, encode_oid(oid), inner), point)

    kz, uz = "1.2.398.3.10.1.1.", "1.2.860.3.15."
    for octets, text in (
        (spki(kz + "2.1", kz + "2.1.1"), "34.10-2015 with 256 bits"),
        (spki(uz + "1.1.1.1", uz + "1.1.1.1.1"), "algorithm 1"),
        (spki("1.3.6.1.4.1.6801.1.5.8"), "first Kazakh authority"),
        (spki("1.2.643.7.1.1.1.1"), "Russian"),
        (spki(kz + "1.1", kz + "1.1.2"), "no public key shows its curve"),
        (spki(kz + "2.2", kz + "2.2.2"), "no public key shows its curve"),
        (spki(kz + "1.1", kz + "1.1.1", "1.2.3"), "bound to the digest"),
    ):
        with pytest.raises(UnsupportedError, match=text):
            load_public_key(octets)
    assert explain("1.2.3") == ""
    assert explain(kz + "1.1") == ""


def test_busy_keys_are_faster_and_not_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    busy: deque[GostPublic] = deque()
    monkeypatch.setattr(signature, "_busy", busy)
    monkeypatch.setattr(signature, "_BUSY_AFTER", 2)
    monkeypatch.setattr(signature, "_BUSY_KEYS", 2)
    for number in range(1, 5):
        key = private_key(UZ, D + number)
        algorithm = key.algorithms[0]
        value = key.sign(b"abc", algorithm)
        for _ in range(5):
            assert verify(key.public_key, algorithm, value, b"abc")
            assert not verify(key.public_key, algorithm, value, b"abd")
        assert len(busy) == min(number, 2)
        assert key.public_key.native in busy
    assert [holder._rows is not None for holder in busy] == [True, True]


# ── PKCS#8 ────────────────────────────────────────────────────────────────────────────────────


def test_pkcs8_there_and_back(case: tuple[Any, Any, bytes]) -> None:
    key, algorithm, _ = case
    again = load_private_key(encode_private_key(key))
    assert again.public_key == key.public_key
    assert verify(key.public_key, algorithm, again.sign(b"abc", algorithm), b"abc")
    assert f"{D:x}" not in repr(again)
    assert str(D) not in repr(again.native)


def _uzbek_pkcs8(d: bytes, *rest: bytes) -> bytes:
    """What the Uzbek client writes: a bare parameter set and an ECPrivateKey of version 1."""
    oid = "1.2.860.3.15.1.1.2.1"
    body = encode(0x30, b"\x02\x01\x01", encode(0x04, d), *rest)
    return encode(
        0x30,
        b"\x02\x01\x00",
        encode(0x30, encode_oid(oid) + encode_oid(oid + ".1")),
        encode(0x04, body),
    )


def test_uzbek_pkcs8_of_the_client() -> None:
    key = private_key(UZ, D)
    public = read_all(key.public_key.spki).items()[1].raw
    named = encode(0xA0, encode_oid("1.2.860.3.15.1.1.2.1.1"))
    big = D.to_bytes(32, "big")
    whole = load_private_key(_uzbek_pkcs8(big, named, encode(0xA1, public)))
    assert whole.public_key == key.public_key
    assert load_private_key(_uzbek_pkcs8(big)).public_key == key.public_key
    x, y = key.native.public.point
    sec1 = encode(0x03, b"\0\x04" + x.to_bytes(32, "big") + y.to_bytes(32, "big"))
    assert load_private_key(_uzbek_pkcs8(big, encode(0xA1, sec1))).public_key == key.public_key
    # The other order of octets is caught by the public key beside it.
    with pytest.raises(InputError, match="does not belong"):
        load_private_key(_uzbek_pkcs8(big[::-1], named, encode(0xA1, public)))


def test_uzbek_pkcs8_on_another_curve_than_its_name_says() -> None:
    key = private_key(UZ, D, curve="CryptoPro-B")
    public = read_all(key.public_key.spki).items()[1].raw
    loaded = load_private_key(_uzbek_pkcs8(D.to_bytes(32, "big"), encode(0xA1, public)))
    assert loaded.public_key.curve == "CryptoPro-B"


def test_private_keys_that_are_none() -> None:
    kz = read_all(private_key(KZ_OLD, D).public_key.spki).items()[0].raw
    new = read_all(private_key(KZ_NEW, D).public_key.spki).items()[0].raw
    q = curves.CRYPTOPRO_A.q

    def pkcs8(identifier: bytes, body: bytes) -> bytes:
        return encode(0x30, b"\x02\x01\x00", identifier, encode(0x04, body))

    for octets in (
        pkcs8(kz, encode_integer(0)),
        pkcs8(kz, encode_integer(q)),
        pkcs8(kz, encode_integer(-D)),
        pkcs8(kz, b""),
        pkcs8(kz, b"\x05\x00"),
        pkcs8(kz, b"\x30\x00"),
        pkcs8(new, encode(0x04, b"\1" * 63)),
        pkcs8(new, encode(0x04, b"\0" * 64)),
        _uzbek_pkcs8(b"\1" * 33),
        _uzbek_pkcs8(D.to_bytes(32, "big"), encode(0xA1, b"\x05\x00")),
        _uzbek_pkcs8(D.to_bytes(32, "big"), encode(0xA1, encode(0x03, b"\0" + b"\4" * 65))),
    ):
        with pytest.raises(InputError):
            load_private_key(octets)
    with pytest.raises(UnsupportedError, match="256 bits"):
        load_private_key(pkcs8(encode(0x30, encode_oid("1.2.398.3.10.1.1.2.1")), b"\x05\x00"))
    with pytest.raises(InputError):
        private_key(KZ_OLD, q)
    with pytest.raises(UnsupportedError):
        private_key(UZ, D, curve="P-256")
    with pytest.raises(UnsupportedError):
        private_key(UZ, D, oid="1.2.3")
    with pytest.raises(UnsupportedError):
        private_key("RSA", D)
