"""``esign keys`` and ``esign sign`` with a token and with a remote service."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

import esign_kit as ek
from esign_kit.cli import keys, sign
from esign_kit.testing.csc import FakeCsc
from tests.pkcs11.conftest import PIN

if TYPE_CHECKING:
    from esign_kit.testing import FixturePKI
    from esign_kit.testing.softhsm import SoftToken


def _run(command, *arguments: str, **environment: str):
    result = CliRunner(env=environment).invoke(
        command, arguments, standalone_mode=False, catch_exceptions=True
    )
    return result


@pytest.fixture
def document(tmp_path):
    path = tmp_path / "application.json"
    path.write_bytes(b'{"person": 1}')
    return path


def test_keys_of_a_token(filled: SoftToken, tmp_path) -> None:
    pin = tmp_path / "pin"
    pin.write_text(PIN)
    result = _run(keys.command, filled.uri, "--password-file", str(pin), "--json")
    assert result.return_value == 0, result.output
    (row,) = json.loads(result.output)["files"]
    found = {key["name"]: key for key in row["keys"]}
    assert found["login"]["purpose"] == "AUTHENTICATION"
    assert found["rsa"]["algorithms"][0] == "RSA-SHA256" and found["rsa"]["usable"]
    result = _run(keys.command, filled.uri, ESIGN_PASSWORD=PIN)
    assert "for logging in, not for signing" in result.output
    result = _run(keys.command, filled.uri.replace("filled", "absent"), ESIGN_PASSWORD=PIN)
    assert result.return_value == 5 and "not in place" in result.output + result.stderr


def test_signing_with_a_token(filled: SoftToken, document) -> None:
    uri = filled.uri.replace("?", ";object=p256?")
    result = _run(sign.command, str(document), "--key", uri, ESIGN_PASSWORD=PIN)
    assert result.return_value == 0, (result.output, result.exception)
    signed = document.with_name("application.json.p7s").read_bytes()
    assert ek.parse(signed, detached=[document.read_bytes()]).signatures


def test_a_wrong_pin(filled: SoftToken, document) -> None:
    result = _run(sign.command, str(document), "--key", filled.uri, ESIGN_PASSWORD="999999")
    assert isinstance(result.exception, ek.KeyStoreError)
    assert result.exception.code == "keys.pin-wrong"
    assert "999999" not in result.output + str(result.exception)


def test_a_remote_service(pki: FixturePKI, document) -> None:
    holder = pki.person(key="ec")
    with FakeCsc(holder, pki.person(key="rsa"), otp="555", token="secret") as fake:
        environment = {
            "ESIGN_CSC_HOSTS": "127.0.0.1",
            "ESIGN_CSC_TOKEN": "secret",
            "ESIGN_PASSWORD": "4711",
            "ESIGN_OTP": "555",
        }
        result = _run(keys.command, f"csc:{fake.url}", **environment)
        assert result.return_value == 0, result.output
        assert "2 keys" in result.output and "ECDSA-SHA256" in result.output
        result = _run(sign.command, str(document), "--key", f"csc:{fake.url}#key-1", **environment)
        assert result.return_value == 0, (result.output, result.exception)
    signed = document.with_name("application.json.p7s").read_bytes()
    assert ek.parse(signed, detached=[document.read_bytes()]).signatures


def test_a_file_is_still_a_file(pki: FixturePKI, document, tmp_path) -> None:
    path = tmp_path / "key.p12"
    pki.person(key="ec").export_p12(path, "pw")
    for place in (str(path), f"file:{path}"):
        result = _run(sign.command, str(document), "--key", place, ESIGN_PASSWORD="pw")
        assert result.return_value == 0, (result.output, result.exception)
        result = _run(keys.command, place, ESIGN_PASSWORD="pw")
        assert result.return_value == 0
    result = CliRunner().invoke(sign.command, [str(document), "--key", "/no/such/file"])
    assert result.exit_code == 2 and os.sep in result.output
