"""PKCS#11 URIs: the examples of RFC 7512 § 3, and what is refused."""

from __future__ import annotations

import contextlib
from types import SimpleNamespace

import pytest
from hypothesis import given, strategies as st

from esign_kit.errors import EsignError, KeyStoreError
from esign_kit.keys.pkcs11 import Pkcs11Uri


def test_the_empty_uri_matches_everything() -> None:
    token = SimpleNamespace(label="t", serial="1", manufacturer="m", model="x", slot_id=3)
    assert Pkcs11Uri.parse("pkcs11:").matches_token(token)
    assert Pkcs11Uri.parse("pkcs11:slot-id=3").matches_token(token)
    assert not Pkcs11Uri.parse("pkcs11:slot-id=4").matches_token(token)
    assert not Pkcs11Uri.parse("pkcs11:token=T").matches_token(token)


def test_examples_of_the_standard() -> None:
    found = Pkcs11Uri.parse(
        "pkcs11:token=The%20Software%20PKCS%2311%20Softtoken;"
        "manufacturer=Snake%20Oil,%20Inc.;model=1.0;object=my-certificate;type=cert;"
        "id=%69%95%3E%5C%F4%BD%EC%91;serial=?pin-source=file:/etc/token_pin"
    )
    assert found.token == "The Software PKCS#11 Softtoken"
    assert found.manufacturer == "Snake Oil, Inc."
    assert (found.model, found.object, found.type, found.serial) == (
        "1.0",
        "my-certificate",
        "cert",
        "",
    )
    assert found.id == bytes.fromhex("69953E5CF4BDEC91")
    assert found.pin_source == "/etc/token_pin"
    found = Pkcs11Uri.parse("pkcs11:object=my-sign-key;type=private?module-name=mypkcs11")
    assert found.module_name == "mypkcs11"
    found = Pkcs11Uri.parse("pkcs11:?module-path=/mnt/libmypkcs11.so.1")
    assert found.module_path == "/mnt/libmypkcs11.so.1"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "http://example",
        "pkcs11:token",
        "pkcs11:token=a;token=b",
        "pkcs11:x-vendor=1",
        "pkcs11:token=%zz",
        "pkcs11:token=%ff",
        "pkcs11:token=a b",
        "pkcs11:type=person",
        "pkcs11:slot-id=-1",
        "pkcs11:slot-id=٣",
        "pkcs11:?pin-source=|cat%20/etc/passwd",
        "pkcs11:?pin-source=file://elsewhere/pin",
        "pkcs11:?module-path=/a&module-path=/b",
        "pkcs11:token=" + "a" * 5000,
    ],
)
def test_refused(text: str) -> None:
    with pytest.raises(KeyStoreError) as caught:
        Pkcs11Uri.parse(text)
    assert caught.value.code == "keys.uri"


def test_a_pin_is_refused_and_not_repeated() -> None:
    with pytest.raises(KeyStoreError) as caught:
        Pkcs11Uri.parse("pkcs11:token=a?pin-value=MARKER")
    assert caught.value.code == "keys.pin-in-uri"
    assert "MARKER" not in str(caught.value) + repr(caught.value)


def test_unknown_query_attributes_are_ignored() -> None:
    assert Pkcs11Uri.parse("pkcs11:token=a?x-colour=red").token == "a"


_TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=20)


@given(_TEXT, _TEXT, st.binary(max_size=20), st.integers(0, 2**32))
def test_round_trip(token: str, label: str, identifier: bytes, slot: int) -> None:
    one = Pkcs11Uri(token=token, object=label, id=identifier, slot_id=slot, module_path="/a b;c")
    assert Pkcs11Uri.parse(str(one)) == one


@given(st.text(max_size=60))
def test_only_own_errors(text: str) -> None:
    with contextlib.suppress(EsignError):
        Pkcs11Uri.parse("pkcs11:" + text)
