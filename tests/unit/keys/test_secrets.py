"""Passwords and private keys appear nowhere: not in reprs, errors, tracebacks, logs, pickles."""

from __future__ import annotations

import io
import logging
import pickle
import traceback

import pytest

from esign_kit.errors import EsignError
from esign_kit.keys import HeldKey, KeyFile, Pkcs12
from esign_kit.keys.ciphers import Password
from esign_kit.testing import FixturePKI, keys as test_keys
from esign_kit.testing.export import pem, pkcs12

PLANTED = "MARKER-s3cr3t-Құпия"
PERSON = FixturePKI().person()
SECRET = PERSON.private_key.pkcs8


def _hidden_in(text: str) -> None:
    assert "MARKER" not in text
    assert "s3cr3t" not in text
    assert SECRET.hex()[60:90] not in text
    assert repr(SECRET)[60:80] not in text


@pytest.fixture
def log():
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield stream
    root.removeHandler(handler)
    root.setLevel(level)


def _damaged() -> list[bytes]:
    good = pkcs12(PERSON, "right", iterations=2)
    plain = pkcs12(PERSON, "right", scheme="none", mac="")
    return [good, good[:50], plain[: len(plain) // 2], plain.replace(b"\x30", b"\x31"), b""]


def test_errors_logs_and_tracebacks(log: io.StringIO) -> None:
    for data in _damaged():
        for opener in (Pkcs12.open, KeyFile.open):
            try:
                opener(data, password=PLANTED)
            except EsignError as error:
                _hidden_in("".join(traceback.format_exception(error)))
                _hidden_in(repr(error) + str(error) + repr(vars(error)))
                _hidden_in(repr(pickle.loads(pickle.dumps(error))))
    _hidden_in(log.getvalue())


def test_reprs(log: io.StringIO) -> None:
    store = Pkcs12.open(pkcs12(PERSON, PLANTED, iterations=2), password=PLANTED)
    key = store.find()
    for thing in (
        store,
        key,
        store.entries,
        Password.spellings(PLANTED),
        PERSON,
        PERSON.private_key,
    ):
        _hidden_in(repr(thing) + str(thing))
    assert "SIGNING" in repr(key) and PERSON.certificate.label in repr(key)
    _hidden_in(log.getvalue())


def test_keys_are_not_pickled() -> None:
    store = KeyFile.open(pem(SECRET, "PRIVATE KEY"), certificate=PERSON.certificate.der)
    for thing in (store, store.find()):
        with pytest.raises(TypeError, match="not pickled"):
            pickle.dumps(thing)


def test_a_signing_error_does_not_quote_its_input() -> None:
    key = HeldKey(test_keys.make("ec", b"x", 0), PERSON.certificate)
    algorithm = FixturePKI(key="ed25519").person().key.algorithms[0]
    with pytest.raises(EsignError) as caught:
        key.sign(PLANTED.encode(), algorithm)
    _hidden_in("".join(traceback.format_exception(caught.value)))
