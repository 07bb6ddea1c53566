"""Containers of two countries with the passwords that people really have, and true words for each
reason why one does not open."""

from __future__ import annotations

import warnings

import pytest

import esign_kit as ek
from esign_kit import crypto
from esign_kit.asn1.reader import OCTET_STRING, SEQUENCE, encode, encode_integer, encode_oid
from esign_kit.keys import KeyFile, Pkcs12
from esign_kit.keys.opening import open_keys
from esign_kit.testing import FixturePKI
from esign_kit.testing.export import pem, pkcs12

KINDS = {"kz": ["rsa", "gost-2015", "gost-2004"], "uz": ["ozdst", "ozdst-c", "ozmst"]}
PEOPLE = {
    (country, kind): FixturePKI(country, key=kind).person()
    for country, kinds in KINDS.items()
    for kind in kinds
}
PASSWORDS = ["", "Qwerty12", "Құпиясөз№1", "Ўзбекистон — 2026", "пароль с пробелом "]
DATA = b"An application."


def _signs(store, person) -> bool:
    (key,) = store.keys()
    assert key.certificate_der == person.certificate_der
    algorithm = key.algorithms[0]
    public = crypto.load_public_key(key.view.spki)
    return crypto.verify(public, algorithm, key.sign(DATA, algorithm), DATA)


@pytest.mark.parametrize("password", PASSWORDS)
@pytest.mark.parametrize("scheme", ["aes", "3des"])
@pytest.mark.parametrize(("country", "kind"), PEOPLE, ids=lambda value: str(value))
def test_pkcs12(country: str, kind: str, scheme: str, password: str) -> None:
    person = PEOPLE[country, kind]
    data = pkcs12(person, password, scheme=scheme, iterations=50)
    assert _signs(Pkcs12.open(data, password=password), person)
    if not password:
        # The empty password and none at all are the same to a person.
        assert _signs(Pkcs12.open(data, password=None), person)
    with pytest.raises(ek.KeyStoreError) as caught:
        Pkcs12.open(data, password=password + "x")
    assert caught.value.code == "keys.wrong-password"


@pytest.mark.parametrize(("country", "kind"), PEOPLE, ids=lambda value: str(value))
def test_pkcs8(country: str, kind: str) -> None:
    person = PEOPLE[country, kind]
    bare = pem(person.private_key.pkcs8, "PRIVATE KEY")
    assert _signs(KeyFile.open(bare, certificate=person.certificate_der), person)
    assert _signs(KeyFile.open(person.private_key.pkcs8, certificate=person.certificate), person)
    foreign = PEOPLE["kz", "gost-2004" if kind == "rsa" else "rsa"]
    with pytest.raises(ek.KeyStoreError) as caught:
        KeyFile.open(bare, certificate=foreign.certificate_der).find()
    assert caught.value.code == "keys.no-certificate" and "password" not in str(caught.value)


@pytest.mark.parametrize("password", PASSWORDS[1:])
@pytest.mark.parametrize(("country", "kind"), PEOPLE, ids=lambda value: str(value))
def test_java_key_stores(country: str, kind: str, password: str) -> None:
    jks = pytest.importorskip("jks", reason="the extra [jks] is not installed")
    person = PEOPLE[country, kind]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        entry = jks.PrivateKeyEntry.new(
            "key", [person.certificate_der, *person.chain_der], person.private_key.pkcs8
        )
        data = jks.KeyStore.new("jks", [entry]).saves(password)
    store = open_keys(data, password=lambda: password)
    assert _signs(store, person)
    with pytest.raises(ek.KeyStoreError) as caught:
        open_keys(data, password=password + "x")
    assert caught.value.code == "keys.wrong-password"


def _unknown_algorithm(oid: str) -> bytes:
    return encode(
        SEQUENCE,
        encode_integer(0),
        encode(SEQUENCE, encode_oid(oid)),
        encode(OCTET_STRING, b"\x04\x02\x01\x02"),
    )


class _Holder:
    """Somebody whose key is of an algorithm that nobody here computes."""

    def __init__(self, person, pkcs8: bytes) -> None:
        self._person = person
        self.private_key = type("Key", (), {"pkcs8": pkcs8})()

    def __getattr__(self, name: str):
        return getattr(self._person, name)


@pytest.mark.parametrize("oid", ["1.2.398.3.10.1.1.9.9", "1.2.860.3.15.1.1.9.9", "1.2.3.4"])
def test_the_reason_is_the_true_one(oid: str) -> None:
    """Others say "invalid password" to all of these."""
    person = PEOPLE["kz", "rsa"]
    unknown = pkcs12([_Holder(person, _unknown_algorithm(oid))], "pw", iterations=50)
    damaged = pkcs12([_Holder(person, b"\x30\x03\x02\x01\x00")], "pw", iterations=50)
    other = PEOPLE["kz", "gost-2015"]
    foreign = pkcs12([_Holder(person, other.private_key.pkcs8)], "pw", iterations=50)
    for data, password, code in (
        (unknown, "pw", "keys.unsupported-key"),
        (unknown, "wp", "keys.wrong-password"),
        (damaged, "pw", "keys.malformed-key"),
        (foreign, "pw", "keys.no-certificate"),
        (foreign, "", "keys.password-needed"),
    ):
        with pytest.raises(ek.KeyStoreError) as caught:
            store = Pkcs12.open(data, password=password or None)
            store.find()
        assert caught.value.code == code
        if code not in ("keys.wrong-password", "keys.password-needed"):
            assert "password" not in str(caught.value)
        if code == "keys.unsupported-key":
            assert oid in str(caught.value)
