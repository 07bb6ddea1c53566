"""Opening by label, serial and URI; where the PIN comes from; what goes wrong, by its code."""

from __future__ import annotations

import io
import logging
import traceback
from typing import TYPE_CHECKING

import pytest

import esign_kit as ek
from esign_kit.keys import Pkcs11
from tests.pkcs11.conftest import PIN

if TYPE_CHECKING:
    from pathlib import Path

    from esign_kit.keys.pkcs11 import PinPrompt
    from esign_kit.testing import FixturePKI
    from esign_kit.testing.softhsm import SoftHsm, SoftToken


def _code(caught: pytest.ExceptionInfo[ek.EsignError]) -> str:
    return caught.value.code


def test_by_label_serial_and_variable(
    hsm: SoftHsm, filled: SoftToken, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Pkcs11.open(module=hsm.module, token="filled", pin=PIN) as store:
        serial = store.serial
        assert store.token == "filled" and serial
    with Pkcs11.open(module=hsm.module, serial=serial, pin=PIN) as store:
        assert store.token == "filled"
    file = tmp_path / "pin"
    file.write_text(PIN + "\nsecond line\n")
    monkeypatch.setenv("ESIGN_PKCS11_MODULE", hsm.module)
    with Pkcs11.open(f"pkcs11:token=filled?pin-source=file:{file}") as store:
        assert store.entries
    monkeypatch.setenv("TOKEN_PIN", PIN)
    with Pkcs11.open("pkcs11:token=filled", pin_variable="TOKEN_PIN") as store:
        assert store.entries


def test_a_callback_is_asked_once_per_session(filled: SoftToken) -> None:
    asked: list[PinPrompt] = []

    def ask(prompt: PinPrompt) -> str:
        asked.append(prompt)
        return PIN

    with Pkcs11.open(filled.uri, pin=ask) as store:
        key = store.entries[0].key
        assert key is not None
        for _ in range(3):
            key.sign(b"x", key.algorithms[0])
        with Pkcs11.open(filled.uri, pin=ask) as second:
            assert len(second.entries) == len(store.entries)
    assert [(item.token, item.key) for item in asked] == [("filled", "")]


def test_cancelled(filled: SoftToken) -> None:
    for answer in (None, ""):
        with pytest.raises(ek.CancelledError) as caught:
            Pkcs11.open(filled.uri, pin=lambda prompt, answer=answer: answer)
        assert _code(caught) == "keys.cancelled"


def test_wrong_pin_is_not_tried_twice(hsm: SoftHsm, pki: FixturePKI) -> None:
    token = hsm.token("wrong", PIN)
    with pytest.raises(ek.KeyStoreError) as caught:
        Pkcs11.open(token.uri, pin="999999")
    assert _code(caught) == "keys.pin-wrong"
    # SoftHSM says that somebody was wrong, as CKF_USER_PIN_COUNT_LOW.
    assert caught.value.tries == "few" and "wrong PIN" in caught.value.hint
    seen: list[str] = []

    def ask(prompt: PinPrompt) -> str:
        seen.append(prompt.tries)
        return PIN

    Pkcs11.open(token.uri, pin=ask).close()
    assert seen == ["few"]


def test_another_pin_in_the_same_process(filled: SoftToken) -> None:
    """PKCS#11 itself would let it pass: a login counts for the whole process."""
    with Pkcs11.open(filled.uri, pin=PIN), pytest.raises(ek.KeyStoreError) as caught:
        Pkcs11.open(filled.uri, pin="000000")
    assert _code(caught) == "keys.pin-wrong"


@pytest.mark.parametrize(
    ("uri", "code"),
    [
        ("pkcs11:token=nobody", "keys.token-absent"),
        ("pkcs11:manufacturer=SoftHSM%20project", "keys.token-ambiguous"),
        ("pkcs11:token=filled?pin-value=135790", "keys.pin-in-uri"),
        ("pkcs11:token=filled", "keys.pin-needed"),
        ("pkcs11:token=filled?pin-source=/no/such/file", "keys.pin-source"),
        ("pkcs11:colour=red", "keys.uri"),
    ],
)
def test_codes(hsm: SoftHsm, filled: SoftToken, uri: str, code: str) -> None:
    hsm.token(f"another-{code[-8:]}-{len(uri)}", PIN)
    with pytest.raises(ek.KeyStoreError) as caught:
        Pkcs11.open(uri, module=hsm.module)
    assert _code(caught) == code
    assert "135790" not in str(caught.value)


def test_no_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ESIGN_PKCS11_MODULE", raising=False)
    other = tmp_path / "module.so"
    other.write_bytes(b"no library")
    for arguments in ({}, {"module": "/no/such/module.so"}, {"module": other}):
        with pytest.raises(ek.KeyStoreError) as caught:
            Pkcs11.open("pkcs11:token=t", **arguments)
        assert _code(caught) == "keys.module"


def test_keys_without_certificates(hsm: SoftHsm, pki: FixturePKI) -> None:
    token = hsm.token("bare", PIN)
    people = [pki.person(key="ec"), pki.person(key="rsa")]
    for number, person in enumerate(people):
        token.put(person, f"key {number}", certificate=False)
    with Pkcs11.open(token.uri, pin=PIN) as store:
        assert {entry.code for entry in store.entries} == {"keys.no-certificate"}
        with pytest.raises(ek.KeyStoreError) as caught:
            store.find()
        assert _code(caught) == "keys.no-certificate"
    with Pkcs11.open(
        token.uri, pin=PIN, certificates=[item.certificate_der for item in people]
    ) as store:
        for person in people:
            key = store.find(serial=person.serial)
            signed = ek.sign(b"x", key, format="cades", packaging="attached")
            assert ek.parse(signed).signatures


def test_a_certificate_over_another_key_is_not_used(hsm: SoftHsm, pki: FixturePKI) -> None:
    token = hsm.token("mixed", PIN)
    first, second = pki.person(key="ec"), pki.person(key="ec")
    identifier = token.put(first, "key", certificate=False)
    token._certificates("key", identifier, [second.certificate_der], ())
    with Pkcs11.open(token.uri, pin=PIN) as store:
        (entry,) = store.entries
        assert entry.key is None and entry.code == "keys.certificate-mismatch"


def test_a_closed_token_signs_nothing(filled: SoftToken) -> None:
    store = Pkcs11.open(filled.uri, pin=PIN)
    key = store.entries[0].key
    assert key is not None
    key.sign(b"x", key.algorithms[0])
    store.close()
    with pytest.raises(ek.KeyStoreError) as caught:
        key.sign(b"x", key.algorithms[0])
    assert _code(caught) == "keys.closed"


def test_the_pin_is_nowhere(hsm: SoftHsm, pki: FixturePKI, tmp_path: Path) -> None:
    marker = "MARKER-5417"
    token = hsm.token("marked", marker)
    token.put(pki.person(key="ec"), "key")
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    seen: list[str] = []
    try:
        store = Pkcs11.open(token.uri, pin=marker)
        key = store.find()
        seen += [repr(store), repr(key), repr(key._private), repr(store._session)]
        seen += [repr(store._session._pin), repr(store.entries)]  # type: ignore[union-attr]
        token.pull()
        attempts = [lambda: key.sign(b"x", key.algorithms[0]), lambda: Pkcs11.open(token.uri)]

        def asked(prompt: PinPrompt) -> str:
            raise ValueError(marker)

        attempts += [
            lambda: Pkcs11.open(token.uri, pin=asked),
            lambda: Pkcs11.open(token.uri, pin=marker + "wrong"),
            lambda: Pkcs11.open(token.uri + "&pin-value=" + marker),
        ]
        for again in (False, True):
            for attempt in attempts:
                try:
                    attempt()
                except ek.EsignError as error:
                    seen.append("".join(traceback.format_exception(error)))
                    seen.append(repr(error) + str(error) + repr(vars(error)))
            if not again:
                store.close()
                token.put_back()
    finally:
        root.removeHandler(handler)
        root.setLevel(level)
    assert len(seen) > 15
    assert marker not in "".join(seen) + stream.getvalue()
