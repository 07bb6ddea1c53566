"""What real tokens do and a soft one does not: locked PINs, keypads, consent for each signature.

A module is played by objects of the backend's shape; the errors are the backend's own.
"""

from __future__ import annotations

import threading
from types import SimpleNamespace
from typing import Any

import pytest

pkcs11 = pytest.importorskip("pkcs11")

import esign_kit as ek  # noqa: E402
from esign_kit.keys.pkcs11 import module as module_file, session as session_file  # noqa: E402
from esign_kit.keys.pkcs11.mechanisms import plan_for  # noqa: E402
from esign_kit.keys.pkcs11.module import Module, translate  # noqa: E402
from esign_kit.testing import FixturePKI  # noqa: E402
from pkcs11 import Attribute, ObjectClass, exceptions  # noqa: E402

PIN = "246810"
_LOGIN, _KEYPAD, _READY = 0x4, 0x100, 0x400
_LOW, _FINAL, _LOCKED = 0x10000, 0x20000, 0x40000


class Key:
    def __init__(self, device: Device, attributes: dict[Any, Any]) -> None:
        self.device = device
        self.attributes = attributes

    def __getitem__(self, name: Any) -> Any:
        try:
            return self.attributes[name]
        except KeyError:
            raise exceptions.AttributeTypeInvalid from None

    def _sign(self, data: bytes, *, pin: str | None = None, **arguments: Any) -> bytes:
        device = self.device
        device.signed.append((arguments["mechanism"], pin))
        if device.errors:
            raise device.errors.pop(0)
        if pin is not None:
            device.check(pin)
        algorithm = device.entity.key.algorithms[0]
        der = device.entity.private_key.sign(device.data, algorithm)
        return ek_plain(der)


def ek_plain(der: bytes) -> bytes:
    from esign_kit import crypto

    return crypto.der_to_plain(der, 32)


class Device:
    """One token with one P-256 key, behind a library, a slot and a session that it all plays."""

    initialized = True
    slot_id = 7
    label, serial, manufacturer_id, model = "played", b"77", b"nobody", b"none"
    data = b"payload"

    def __init__(self, *, always: bool = False, flags: int = 0) -> None:
        self.entity = FixturePKI().person(key="ec")
        self.flags = _LOGIN | _READY | flags
        self.left = 3
        self.pins: list[Any] = []
        self.errors: list[Exception] = []
        self.open_errors: list[Exception] = []
        self.signed: list[Any] = []
        self.closed = 0
        self.always = always
        self.slot = self

    def initialize(self) -> None: ...

    def finalize(self) -> None: ...

    def get_slots(self, token_present: bool = False) -> list[Device]:
        return [self]

    def get_token(self) -> Device:
        return self

    def get_mechanisms(self) -> set[Any]:
        return {pkcs11.Mechanism.ECDSA, 0x80001234}

    def check(self, pin: str) -> None:
        if self.left == 0:
            raise exceptions.PinLocked
        if pin != PIN:
            self.left -= 1
            self.flags |= {2: _LOW, 1: _LOW | _FINAL, 0: _LOCKED}[self.left]
            raise exceptions.PinIncorrect

    def open(self, user_pin: Any = None) -> Device:
        self.pins.append(user_pin)
        if self.open_errors:
            raise self.open_errors.pop(0)
        if isinstance(user_pin, str):
            self.check(user_pin)
        return self

    def close(self) -> None:
        self.closed += 1

    def get_objects(self, wanted: dict[Any, Any]) -> list[Key]:
        entity = self.entity
        if wanted[Attribute.CLASS] == ObjectClass.CERTIFICATE:
            return [
                Key(self, {Attribute.ID: b"1", Attribute.VALUE: entity.certificate_der}),
            ]
        if wanted[Attribute.CLASS] == ObjectClass.PRIVATE_KEY:
            return [
                Key(
                    self,
                    {
                        Attribute.ID: b"1",
                        Attribute.LABEL: "key",
                        Attribute.SIGN: True,
                        Attribute.ALWAYS_AUTHENTICATE: self.always,
                    },
                )
            ]
        return []


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(session_file, "_sessions", {})
    stores = []

    def open_(device: Device, **arguments: Any):
        library: Any = device
        made = Module("/played.so", library)
        monkeypatch.setattr(module_file, "_modules", {"/played.so": made})
        stores.append(ek.Pkcs11.open("pkcs11:token=played", module="/played.so", **arguments))
        return stores[-1]

    yield open_
    for store in stores:
        store.close()


def _sign(store: ek.Pkcs11) -> bytes:
    key = store.find()
    return key.sign(b"payload", key.algorithms[0])


def test_it_plays(opened) -> None:
    device = Device()
    store = opened(device, pin=PIN)
    assert _sign(store) and device.pins == [PIN]


def test_tries_run_out(opened) -> None:
    device = Device()
    for pin, code, tries in (
        ("1", "keys.pin-wrong", "few"),
        ("2", "keys.pin-wrong", "last"),
        ("3", "keys.pin-locked", None),
        (PIN, "keys.pin-locked", None),
    ):
        with pytest.raises(ek.KeyStoreError) as caught:
            opened(device, pin=pin)
        assert (caught.value.code, getattr(caught.value, "tries", None)) == (code, tries)
    # A locked token is not asked any more.
    assert device.pins == ["1", "2", "3"]


def test_a_refused_pin_is_not_tried_again(opened) -> None:
    device = Device()
    store = opened(device, pin=PIN)
    device.errors = [exceptions.SessionHandleInvalid()] * 9
    device.open_errors = [exceptions.PinIncorrect()] * 9
    for _ in range(4):
        with pytest.raises(ek.KeyStoreError) as caught:
            _sign(store)
        assert caught.value.code == "keys.pin-wrong"
    assert device.pins == [PIN, PIN]


def test_a_device_with_its_own_keypad(opened) -> None:
    device = Device(flags=_KEYPAD)
    assert _sign(opened(device))
    assert device.pins[0] is pkcs11.types.PROTECTED_AUTH


def test_consent_for_each_signature(opened) -> None:
    device = Device(always=True)
    prompts: list[Any] = []

    def ask(prompt: Any) -> str:
        prompts.append(prompt.key)
        return PIN

    store = opened(device, pin=ask)
    for _ in range(2):
        _sign(store)
    assert prompts == ["", "key", "key"]
    assert [pin for _, pin in device.signed] == [PIN, PIN]


def test_wrong_pin_for_a_signature(opened) -> None:
    answers = [PIN, "1", PIN]
    device = Device(always=True)
    store = opened(device, pin=lambda prompt: answers.pop(0))
    with pytest.raises(ek.KeyStoreError) as caught:
        _sign(store)
    assert (caught.value.code, caught.value.tries) == ("keys.pin-wrong", "few")
    assert _sign(store)


@pytest.mark.parametrize(
    ("error", "kind", "code"),
    [
        (exceptions.FunctionCancelled(), ek.CancelledError, "keys.cancelled"),
        (exceptions.FunctionRejected(), ek.CancelledError, "keys.cancelled"),
        (exceptions.PKCS11Error("Unmapped error code 0x1"), ek.CancelledError, "keys.cancelled"),
        (exceptions.DeviceRemoved(), ek.KeyStoreError, "keys.token-removed"),
        (exceptions.TokenNotPresent(), ek.KeyStoreError, "keys.token-removed"),
        (exceptions.DeviceError("text of the driver"), ek.KeyStoreError, "keys.token"),
        (exceptions.MechanismInvalid(), ek.UnsupportedError, "keys.mechanism"),
        (exceptions.PinExpired(), ek.KeyStoreError, "keys.pin-expired"),
        (exceptions.PKCS11Error("Unmapped error code 0x80000001"), ek.KeyStoreError, "keys.token"),
    ],
)
def test_each_error_is_its_own(opened, error: Exception, kind: type, code: str) -> None:
    device = Device()
    store = opened(device, pin=PIN)
    device.errors = [error]
    with pytest.raises(kind) as caught:
        _sign(store)
    assert caught.value.code == code
    assert "driver" not in str(caught.value)
    # Nothing is repeated behind a person's back, and the next signature works.
    assert len(device.signed) == 1
    assert _sign(store)


@pytest.mark.parametrize(
    "error",
    [
        exceptions.SessionHandleInvalid(),
        exceptions.SessionClosed(),
        exceptions.KeyHandleInvalid(),
        exceptions.UserNotLoggedIn(),
        exceptions.OperationActive(),
        exceptions.PKCS11Error("Initialisation error (not initialized). Should never see this."),
    ],
)
def test_a_void_session_is_opened_again(opened, error: Exception) -> None:
    device = Device()
    store = opened(device, pin=PIN)
    assert _sign(store)
    device.errors = [error]
    assert _sign(store)
    assert device.pins == [PIN, PIN]


def test_somebody_else_has_logged_in(opened) -> None:
    device = Device()
    device.open_errors = [exceptions.UserAlreadyLoggedIn()]
    assert _sign(opened(device, pin=PIN))
    assert device.pins == [PIN, None]


def test_a_login_that_fails_in_passing(opened) -> None:
    device = Device()
    device.open_errors = [exceptions.GeneralError(), exceptions.FunctionFailed()]
    assert _sign(opened(device, pin=PIN))
    assert device.pins == [PIN] * 3


def test_a_login_that_keeps_failing(opened) -> None:
    device = Device()
    device.open_errors = [exceptions.GeneralError()] * 9
    with pytest.raises(ek.KeyStoreError) as caught:
        opened(device, pin=PIN)
    assert caught.value.code == "keys.token" and len(device.pins) == 4


def test_one_call_at_a_time(opened) -> None:
    device = Device()
    store = opened(device, pin=PIN)
    inside: list[int] = []
    worst: list[int] = []
    original = Key._sign

    def slow(self: Key, data: bytes, **arguments: Any) -> bytes:
        inside.append(1)
        worst.append(len(inside))
        threading.Event().wait(0.002)
        inside.pop()
        return original(self, data, **arguments)

    Key._sign = slow  # type: ignore[method-assign]
    try:
        workers = [threading.Thread(target=_sign, args=(store,)) for _ in range(8)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
    finally:
        Key._sign = original  # type: ignore[method-assign]
    assert len(worst) == 8 and max(worst) == 1


def test_rubbish_values() -> None:
    from esign_kit.keys.pkcs11.store import pair_to_der

    for value in (b"", b"\0" * 64, b"\1" * 63):
        with pytest.raises(ek.KeyStoreError):
            pair_to_der(value)


@pytest.mark.parametrize("size", [32, 48, 66])
def test_pairs_are_written_as_der(size: int) -> None:
    import random

    from esign_kit import crypto
    from esign_kit.keys.pkcs11.store import pair_to_der

    source = random.Random(size)
    for _ in range(300):
        cut = source.randrange(0, size)
        r = source.randbytes(size - cut).rjust(size, b"\0") or b"\1"
        value = (r if any(r) else b"\1".rjust(size, b"\0")) + source.randbytes(size)
        assert pair_to_der(value) == crypto.plain_to_der(value)


def test_mechanisms_by_what_is_offered() -> None:
    from esign_kit import crypto
    from esign_kit.algorithms import signature_algorithm

    pki = FixturePKI()
    rsa = crypto.load_public_key(pki.person(key="rsa").certificate.spki)
    ec = crypto.load_public_key(pki.person(key="ec").certificate.spki)
    name = signature_algorithm

    def way(algorithm: str, offered: set[str], size: int = 0, key: Any = rsa) -> str | None:
        plan = plan_for(name(algorithm), key, offered, size)
        return plan and f"{plan.mechanism}{' after ' + plan.digest if plan.digest else ''}"

    both = {"RSA_PKCS", "SHA256_RSA_PKCS"}
    assert way("RSA-SHA256", both) == "SHA256_RSA_PKCS"
    assert way("RSA-SHA256", both, 5000) == "RSA_PKCS after SHA256"
    assert way("RSA-SHA256", {"RSA_PKCS"}) == "RSA_PKCS after SHA256"
    assert way("RSA-SHA256", {"SHA256_RSA_PKCS"}, 5000) == "SHA256_RSA_PKCS"
    assert way("RSA-PSS-SHA256", {"RSA_PKCS"}) is None
    assert way("RSA-PSS-SHA384", {"RSA_PKCS_PSS"}) == "RSA_PKCS_PSS after SHA384"
    assert way("ECDSA-SHA256", {"ECDSA", "ECDSA_SHA256"}, key=ec) == "ECDSA_SHA256"
    assert way("ECDSA-SHA512", {"ECDSA"}, key=ec) == "ECDSA after SHA512"
    plan = plan_for(name("ECDSA-SHA512"), ec, {"ECDSA"})
    assert plan is not None and plan.most == 32
    assert way("ECDSA-SHA256", {"ECDSA"}, key=rsa) is None
    assert way("RSA-SHA256", set()) is None


def test_translation_keeps_our_own() -> None:
    mine = ek.KeyStoreError("x", code="keys.y")
    assert translate(mine) is mine
    token = SimpleNamespace(label="t")
    assert "'t'" in translate(exceptions.PinLocked(), token).detail  # type: ignore[arg-type]
