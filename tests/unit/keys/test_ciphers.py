"""The old ciphers and key derivations against published and independent values."""

from __future__ import annotations

import warnings

import pytest

from esign_kit.keys.ciphers import pkcs12_kdf
from esign_kit.keys.purpose import purpose_of
from esign_kit.keys.rc2 import rc2_cbc_decrypt, rc4
from esign_kit.model.signature import Purpose
from esign_kit.testing import FixturePKI
from esign_kit.testing.countries import Usage

# RFC 2268 § 5: key, effective bits, plain text, cipher text.
RC2 = [
    ("0000000000000000", 63, "0000000000000000", "ebb773f993278eff"),
    ("ffffffffffffffff", 64, "ffffffffffffffff", "278b27e42e2f0d49"),
    ("3000000000000000", 64, "1000000000000001", "30649edf9be7d2c2"),
    ("88", 64, "0000000000000000", "61a8a244adacccf0"),
    ("88bca90e90875a", 64, "0000000000000000", "6ccf4308974c267f"),
    ("88bca90e90875a7f0f79c384627bafb2", 64, "0000000000000000", "1a807d272bbe5db1"),
    ("88bca90e90875a7f0f79c384627bafb2", 128, "0000000000000000", "2269552ab0f85ca6"),
]


@pytest.mark.parametrize(("key", "bits", "plain", "cipher"), RC2)
def test_rc2(key: str, bits: int, plain: str, cipher: str) -> None:
    found = rc2_cbc_decrypt(bytes.fromhex(key), bytes(8), bytes.fromhex(cipher), bits)
    assert found.hex() == plain


def test_rc2_cbc_against_the_library() -> None:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.decrepit.ciphers.algorithms import RC2 as Native
    from cryptography.hazmat.primitives.ciphers import Cipher, modes

    key, iv, data = bytes(range(16)), bytes(range(8)), bytes(range(64))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            encryptor = Cipher(Native(key), modes.CBC(iv)).encryptor()
        except UnsupportedAlgorithm:
            pytest.skip("this library has no RC2")
    assert rc2_cbc_decrypt(key, iv, encryptor.update(data) + encryptor.finalize()) == data


def test_rc4() -> None:
    # Published by the cipher's first describers in 1994.
    assert rc4(b"Key", b"Plaintext").hex() == "bbf316e8d940af0ad3"
    assert rc4(b"Wiki", b"pedia").hex() == "1021bf0420"


def test_pkcs12_kdf() -> None:
    # Known answers of the key derivation with "smeg" and "queeg" (test vectors of 1999).
    smeg = "smeg".encode("utf-16-be") + b"\x00\x00"
    salt = bytes.fromhex("0a58cf64530d823f")
    assert pkcs12_kdf("sha1", smeg, salt, 1, 1, 24).hex() == (
        "8aaae6297b6cb04642ab5b077851284eb7128f1a2a7fbca3"
    )
    assert pkcs12_kdf("sha1", smeg, salt, 1, 2, 8).hex() == "79993dfe048d3b76"
    queeg = "queeg".encode("utf-16-be") + b"\x00\x00"
    assert pkcs12_kdf("sha1", queeg, bytes.fromhex("05dec959acff72f7"), 1000, 1, 24).hex() == (
        "ed2034e36328830ff09df1e1a07dd357185dac0d4f9eb3d4"
    )


@pytest.mark.parametrize(
    ("usage", "extended", "purpose"),
    [
        (("digital_signature", "content_commitment"), (), "SIGNING"),
        (("content_commitment",), ("1.3.6.1.5.5.7.3.2",), "SIGNING"),
        # Kazakh keys of 2022: every bit at once; non-repudiation decides.
        (("digital_signature", "content_commitment", "key_encipherment"), (), "SIGNING"),
        (("digital_signature", "key_encipherment"), ("1.3.6.1.5.5.7.3.2",), "AUTHENTICATION"),
        (("digital_signature", "key_encipherment"), (), "AUTHENTICATION"),
        (("digital_signature", "key_encipherment"), ("1.3.6.1.5.5.7.3.4",), "SIGNING"),
        (("digital_signature", "key_agreement"), ("1.3.6.1.5.5.7.3.2",), "AUTHENTICATION"),
        (("digital_signature",), (), "SIGNING"),
        (("digital_signature",), ("1.3.6.1.5.5.7.3.8",), "TIMESTAMPING"),
        (("digital_signature",), ("1.3.6.1.5.5.7.3.9",), "OCSP_SIGNING"),
        (("key_encipherment",), (), "ENCRYPTION"),
        (("key_cert_sign", "crl_sign"), (), "CRL_SIGNING"),
    ],
)
def test_purpose(usage: tuple[str, ...], extended: tuple[str, ...], purpose: str) -> None:
    made = FixturePKI().person(usage=Usage(usage, extended))
    assert purpose_of(made.certificate) is Purpose(purpose)
