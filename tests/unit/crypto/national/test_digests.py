"""Known answers of the national digests, by Python and by libgcrypt."""

from __future__ import annotations

import json
import os

import pytest

from esign_kit.algorithms import digest_algorithm
from esign_kit.crypto import national
from esign_kit.crypto.national import libgcrypt, python_digest, slow_hash_limit
from esign_kit.errors import LimitError, UnsupportedError
from esign_kit.model.document import Document
from tests import corpora

NAMES = ("GOST34311-TEST", "GOST34311-CP", "STREEBOG-256", "STREEBOG-512")

# RFC 6986 § 10: M1 and M2, most significant octet first there, so reversed.
M1 = bytes(reversed(b"210987654321098765432109876543210987654321098765432109876543210"))
M2 = bytes.fromhex(
    "d1e520e2e5f2f0e82c20d1f2f0e8e1eee6e820e2edf3f6e82c20e2e5fef2fa20"
    "f120eceef0ff20f1f2f0e5ebe0ece820ede020f5f0e0e1f0fbff20efebfaeafb20c8e3eef0e5e2fb"
)
ANSWERS = {
    ("GOST34311-TEST", b"abc"): "f3134348c44fb1b2a277729e2285ebb5cb5e0f29c975bc753b70497c06a4d51d",
    # The worked examples of the Russian standard (RFC 5831 § 7.3).
    (
        "GOST34311-TEST",
        b"This is message, length=32 bytes",
    ): "b1c466d37519b82e8319819ff32595e047a28cb6f83eff1c6916a815a637fffa",
    (
        "GOST34311-TEST",
        b"Suppose the original message has length = 50 bytes",
    ): "471aba57a60a770d3a76130635c1fbea4ef14de51f78b4ae57dd893b62f55208",
    ("STREEBOG-512", M1): "1b54d01a4af5b9d5cc3d86d68d285462b19abc2475222f35c085122be4ba1ffa"
    "00ad30f8767b3a82384c6574f024c311e2a481332b08ef7f41797891c1646f48",
    ("STREEBOG-256", M1): "9d151eefd8590b89daa6ba6cb74af9275dd051026bb149a452fd84e5e57b5500",
    ("STREEBOG-512", M2): "1e88e62226bfca6f9994f1f2d51569e0daf8475a3b0fe61a5300eee46d961376"
    "035fe83549ada2b8620fcd7c496ce5b33f0cb9dddc2b6460143b03dabac9fb28",
    ("STREEBOG-256", M2): "9dd2fe4e90409e5da87f53976d7405b0c0cac628fc669a741d50063c557e8f50",
    ("STREEBOG-512", b"abc"): "28156e28317da7c98f4fe2bed6b542d0dab85bb224445fcedaf75d46e26d7eb8"
    "d5997f3e0915dd6b7f0aab08d9c8beb0d8c64bae2ab8b3c8c6bc53b3bf0db728",
    ("GOST34311-CP", b""): "981e5f3ca30c841487830f84fb433e13ac1101569b9c13584ac483234cd656c0",
}


@pytest.mark.parametrize(("name", "message"), list(ANSWERS))
def test_known_answers_in_python(name: str, message: bytes) -> None:
    running = python_digest(name)
    running.update(message)
    assert running.digest().hex() == ANSWERS[name, message]


@pytest.mark.parametrize(("name", "message"), list(ANSWERS))
def test_known_answers_by_the_table(name: str, message: bytes) -> None:
    assert digest_algorithm(name).hash(message).hex() == ANSWERS[name, message]


def test_uzbek_vectors() -> None:
    vectors = json.loads(corpora.national("uz", "vectors", "gost3411_94.json").read_text())
    for row in vectors["vectors"]:
        message = bytes.fromhex(row["message_hex"])
        for name in ("GOST34311-CP", "GOST34311-CP-2024"):
            assert digest_algorithm(name).hash(message).hex() == row["digest_hex"]
        running = python_digest("GOST34311-CP")
        running.update(message)
        assert running.digest().hex() == row["digest_hex"]


def test_digests_in_the_mobile_codes() -> None:
    vectors = json.loads(corpora.national("uz", "vectors", "mobile_qr.json").read_text())
    for row in vectors["vectors"]:
        digest = digest_algorithm("GOST34311-CP").hash(row["text"].encode())
        assert digest.hex() == row["hash"]
        assert digest.hex() in row["qc"]


@pytest.mark.parametrize("name", NAMES)
def test_both_agree_at_every_length_and_split(name: str) -> None:
    library = libgcrypt.load()
    if library is None:
        pytest.skip("libgcrypt does not load here")
    data = bytes(index * 7 % 251 for index in range(300))
    for length in range(len(data)):
        whole, native = python_digest(name), library.new(name)
        whole.update(data[:length])
        native.update(data[:length])
        assert whole.digest() == native.digest(), length
    for running in (python_digest(name), library.new(name)):
        for start in range(0, len(data), 37):
            running.update(data[start : start + 37])
            assert running.digest() == running.digest()
        assert running.digest() == digest_algorithm(name).hash(data)


@pytest.mark.parametrize("name", NAMES)
def test_a_copy_goes_its_own_way(name: str) -> None:
    for running in (python_digest(name), national.new_digest(name)):
        running.update(b"one")
        copy = running.copy()  # type: ignore[attr-defined]
        copy.update(b"two")
        assert running.digest() == digest_algorithm(name).hash(b"one")
        assert copy.digest() == digest_algorithm(name).hash(b"onetwo")
        assert copy.hexdigest() == copy.digest().hex()
        assert copy.digest_size == len(copy.digest()) == digest_algorithm(name).size
        assert copy.block_size in (32, 64)


def test_provider_is_named() -> None:
    assert national.provider() == "pure Python" or national.provider().startswith("libgcrypt ")
    assert digest_algorithm("STREEBOG-512").slow is (national.provider() == "pure Python")
    assert digest_algorithm("SHA256").slow is False


def test_too_much_for_python_is_an_error_with_a_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(national, "_library", None)
    assert national.provider() == "pure Python"
    assert digest_algorithm("STREEBOG-512").slow is True
    with slow_hash_limit(1000):
        digest_algorithm("STREEBOG-512").hash(b"x" * 1000)
        for name in NAMES:
            with pytest.raises(LimitError, match=r"libgcrypt.*from_digests"):
                Document(b"x" * 1001).digest(name)
    Document(b"x" * 1001).digest("STREEBOG-512")


def test_an_unknown_name_is_refused() -> None:
    for name in ("STREEBOG", "GOST", "SHA256"):
        with pytest.raises((UnsupportedError, KeyError)):
            national.python_digest(name)


def test_a_library_with_wrong_answers_counts_as_absent(monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = {**libgcrypt._KNOWN, "GOST34311-CP": "00" * 32}
    monkeypatch.setattr(libgcrypt, "_KNOWN", wrong)
    assert libgcrypt.load.__wrapped__() is None


def test_python_can_be_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(national, "_library", national._NOT_YET)
    monkeypatch.setitem(os.environ, "ESIGN_KIT_PURE_PYTHON", "1")
    assert national.provider() == "pure Python"


def test_a_raised_limit_of_the_policy_reaches_the_digest(monkeypatch: pytest.MonkeyPatch) -> None:
    from esign_kit.crypto import verify
    from esign_kit.crypto.national import private_key
    from esign_kit.model.limits import Limits

    monkeypatch.setattr(national, "_library", None)
    key = private_key("GOST34310-256", 7)
    with slow_hash_limit(3000):
        value = key.sign(b"x" * 3000, key.algorithms[0])
    with slow_hash_limit(1000):
        arguments = (key.public_key, key.algorithms[0], value, Document(b"x" * 3000))
        assert verify(*arguments, limits=Limits().with_(slow_hash_size=3000))
        arguments = (*arguments[:3], Document(b"x" * 3000))
        with pytest.raises(LimitError):
            verify(*arguments, limits=Limits().with_(slow_hash_size=2999))
        with pytest.raises(LimitError):
            verify(*arguments)
