"""Any key file by its octets; Java key stores."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from esign_kit.errors import EsignError, KeyStoreError
from esign_kit.keys.opening import kind_of, look, open_keys
from esign_kit.testing import FixturePKI
from esign_kit.testing.export import pem, pkcs12

if TYPE_CHECKING:
    from pathlib import Path

PERSON = FixturePKI().person()
KEY = PERSON.private_key.pkcs8


def test_kinds() -> None:
    assert kind_of(pkcs12(PERSON, "pw")) == "pkcs12"
    assert kind_of(KEY) == kind_of(pem(KEY, "PRIVATE KEY")) == "key"
    assert kind_of(b"\xfe\xed\xfe\xed") == kind_of(b"\xce\xce\xce\xce") == "jks"
    assert kind_of(b"") == kind_of(b"hello") == kind_of(b"\x30\x00") == ""


def test_a_password_is_asked_for_once_and_only_if_needed() -> None:
    asked: list[int] = []

    def ask() -> str:
        asked.append(1)
        return "pw"

    with open_keys(pkcs12(PERSON, "", scheme="none"), password=ask) as store:
        assert store.find() and not asked
    with open_keys(pkcs12(PERSON, "pw"), password=ask) as store:
        assert store.find().certificate_der == PERSON.certificate.der
    assert len(asked) == 1
    with pytest.raises(KeyStoreError) as caught:
        open_keys(pkcs12(PERSON, "other"), password=ask)
    assert caught.value.code == "keys.wrong-password" and len(asked) == 2


def test_bare_keys_with_their_certificate() -> None:
    with open_keys(KEY, certificate=PERSON.certificate.der) as store:
        assert store.find().certificate_der == PERSON.certificate.der
    assert look(pem(PERSON.certificate.der)).entries == ()


def test_unknown() -> None:
    with pytest.raises(KeyStoreError) as caught:
        open_keys(b"hello")
    assert caught.value.code == "keys.unknown-kind"


# ── Java ──────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module", params=["JKS", "JCEKS"])
def java(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("jks", reason="the extra [jks] is not installed")
    if shutil.which("keytool") is None:
        pytest.skip("no keytool command")
    folder = tmp_path_factory.mktemp("java")
    for alias, key in (("one", "secret"), ("two", "another")):
        subprocess.run(
            ["keytool", "-genkeypair", "-alias", alias, "-keyalg", "EC", "-groupname", "secp256r1",
             "-dname", f"CN={alias}", "-storetype", request.param, "-keystore", "k",
             "-storepass", "secret", "-keypass", key],
            cwd=folder, capture_output=True, timeout=60, check=True,
        )  # fmt: skip
    return folder / "k"


def test_java_key_store(java: Path) -> None:
    from esign_kit.keys.jks import JavaKeyStore

    store = open_keys(java, password=lambda: "secret")
    assert isinstance(store, JavaKeyStore)
    key = store.find()
    assert key.view.label == "one" and key.sign(b"x", key.algorithms[0])
    assert [entry.code for entry in store.entries] == ["", "keys.wrong-password"]
    own = JavaKeyStore.open(java, password="secret", key_password="another")
    assert own.find().view.label == "two"


def test_java_failures(java: Path) -> None:
    from esign_kit.keys.jks import JavaKeyStore

    data = java.read_bytes()
    for changed, password, code in (
        (data, "wrong", "keys.wrong-password"),
        (data, None, "keys.password-needed"),
        (data[:-1], "secret", "keys.wrong-password"),
        (data[:4], "secret", "keys.wrong-password"),
        (b"hello", "secret", "keys.not-jks"),
    ):
        with pytest.raises(EsignError) as caught:
            JavaKeyStore.open(changed, password=password)
        assert caught.value.code == code


def test_broken_inside_a_genuine_frame() -> None:
    pytest.importorskip("jks", reason="the extra [jks] is not installed")
    import hashlib

    from esign_kit.keys.jks import JavaKeyStore

    for body in (b"", b"\0\0\0\2", b"\0\0\0\2\xff\xff\xff\xff", b"\0\0\0\2\0\0\0\1\0\0\0\x03" * 9):
        for magic in (b"\xfe\xed\xfe\xed", b"\xce\xce\xce\xce"):
            data = magic + body
            seal = hashlib.sha1("pw".encode("utf-16-be") + b"Mighty Aphrodite" + data).digest()
            with pytest.raises(KeyStoreError) as caught:
                JavaKeyStore.open(data + seal, password="pw")
            assert caught.value.code in ("keys.not-jks", "keys.no-key")
