"""The short way to sign: taken where it may be, left at the first failure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from esign_kit import crypto
from esign_kit.algorithms import signature_algorithm
from esign_kit.keys import Pkcs11
from esign_kit.keys.pkcs11.direct import Direct
from tests.pkcs11.conftest import PIN

if TYPE_CHECKING:
    from esign_kit.testing.softhsm import SoftToken


def _key(store: Pkcs11, label: str):
    (key,) = [entry.key for entry in store.entries if entry.name == label]
    assert key is not None
    return key


@pytest.mark.parametrize(
    ("label", "name", "short"),
    [
        ("p256", "ECDSA-SHA256", True),
        ("p521", "ECDSA-SHA512", True),
        ("rsa-3072", "RSA-SHA256", True),
        ("rsa-3072", "RSA-SHA3-256", True),
        ("ed25519", "ED25519", True),
        ("rsa", "RSA-PSS-SHA256", False),
    ],
)
def test_values_of_the_short_way(filled: SoftToken, label: str, name: str, short: bool) -> None:
    algorithm = signature_algorithm(name)
    with Pkcs11.open(filled.uri, pin=PIN) as store:
        key = _key(store, label)
        public = crypto.load_public_key(key.view.spki)
        for number in range(5):
            data = f"payload {number}".encode()
            assert crypto.verify(public, algorithm, key.sign(data, algorithm), data)
            assert bool(key._private._session._quick) is short


def test_two_keys_and_two_algorithms_do_not_mix(filled: SoftToken) -> None:
    with Pkcs11.open(filled.uri, pin=PIN) as store:
        for _ in range(4):
            for label, name in (
                ("p256", "ECDSA-SHA256"),
                ("brainpool", "ECDSA-SHA256"),
                ("p256", "ECDSA-SHA512"),
                ("rsa", "RSA-SHA512"),
            ):
                key, algorithm = _key(store, label), signature_algorithm(name)
                value = key.sign(b"x", algorithm)
                public = crypto.load_public_key(key.view.spki)
                assert crypto.verify(public, algorithm, value, b"x")


def test_a_failure_takes_the_usual_way(filled: SoftToken) -> None:
    algorithm = signature_algorithm("ECDSA-SHA256")
    with Pkcs11.open(filled.uri, pin=PIN) as store:
        key = _key(store, "p256")
        key.sign(b"x", algorithm)
        session = key._private._session
        # Somebody closes the session behind our back.
        session._session.close()
        value = key.sign(b"y", algorithm)
        assert crypto.verify(crypto.load_public_key(key.view.spki), algorithm, value, b"y")
        assert session._quick


def test_what_is_no_module() -> None:
    for path in ("/no/such/module.so", "libc.so.6"):
        with pytest.raises(OSError):
            Direct(path)
