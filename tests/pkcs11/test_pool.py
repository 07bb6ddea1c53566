"""Threads, processes, forks, and a token that is pulled and put back: no session is lost."""

from __future__ import annotations

import os
import threading
import time
import traceback
from typing import TYPE_CHECKING

import pytest

import esign_kit as ek
from esign_kit import crypto
from esign_kit.algorithms import signature_algorithm
from esign_kit.keys import Pkcs11
from esign_kit.keys.pkcs11.module import Module
from tests.pkcs11.conftest import PIN

if TYPE_CHECKING:
    from esign_kit.testing import FixturePKI
    from esign_kit.testing.softhsm import SoftHsm, SoftToken

P256 = signature_algorithm("ECDSA-SHA256")


@pytest.fixture
def token(hsm: SoftHsm, pki: FixturePKI, request: pytest.FixtureRequest) -> SoftToken:
    made = hsm.token(request.node.name[:32], PIN)
    made.put(pki.person(key="ec"), "key")
    return made


def _verify(key, value: bytes, data: bytes) -> bool:
    return crypto.verify(crypto.load_public_key(key.view.spki), P256, value, data)


def _threads(key, name: str, threads: int, each: int) -> str:
    """Sign in threads; return how many values verify, or what went wrong."""
    good: list[int] = []
    bad: list[str] = []

    def run(number: int) -> None:
        count = 0
        try:
            for i in range(each):
                data = f"{name} {number} {i}".encode()
                count += _verify(key, key.sign(data, P256), data)
        except ek.EsignError:  # told to the parent
            bad.append(traceback.format_exc()[-1500:])
        good.append(count)

    workers = [threading.Thread(target=run, args=(number,)) for number in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return "\n".join([str(sum(good)), *bad])


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_ten_thousand_from_eight_threads_and_four_processes(token: SoftToken) -> None:
    """The processes are forked from one that has the session open and is signing meanwhile."""
    threads, processes, each = 8, 4, 313
    assert threads * processes * each >= 10_000
    with Pkcs11.open(token.uri, pin=PIN) as store:
        key = store.find()
        key.sign(b"the session is open", P256)
        busy = threading.Event()
        noise = threading.Thread(
            target=lambda: [key.sign(b"noise", P256) for _ in iter(busy.is_set, True)]
        )
        noise.start()
        children = []
        for number in range(processes):
            reader, writer = os.pipe()
            child = os.fork()
            if child == 0:
                try:
                    os.write(writer, _threads(key, f"p{number}", threads, each).encode())
                except BaseException:
                    os.write(writer, traceback.format_exc().encode())
                os._exit(0)
            os.close(writer)
            children.append((child, reader))
        found = []
        for child, reader in children:
            with os.fdopen(reader, "rb") as stream:
                found.append(stream.read().decode())
            os.waitpid(child, 0)
        busy.set()
        noise.join()
        wanted = [str(threads * each)] * processes
        assert found == wanted, "\n".join(found)
        key.sign(b"the parent's session lives", P256)


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_after_fork_nobody_is_asked_again(token: SoftToken) -> None:
    asked: list[int] = []

    def ask(prompt: object) -> str:
        asked.append(os.getpid())
        return PIN

    with Pkcs11.open(token.uri, pin=ask) as store:
        key = store.find()
        reader, writer = os.pipe()
        child = os.fork()
        if child == 0:
            try:
                fine = _verify(key, key.sign(b"child", P256), b"child")
                os.write(writer, f"{fine} {len(asked)}".encode())
            finally:
                os._exit(0)
        os.close(writer)
        with os.fdopen(reader, "rb") as stream:
            assert stream.read() == b"True 1"
        os.waitpid(child, 0)
        assert _verify(key, key.sign(b"parent", P256), b"parent")
    assert len(asked) == 1


def test_pulled_in_the_middle_and_put_back(token: SoftToken) -> None:
    with Pkcs11.open(token.uri, pin=PIN) as store:
        key = store.find()
        assert key.sign(b"x", P256)
        token.pull()
        for _ in range(2):
            with pytest.raises(ek.KeyStoreError) as caught:
                key.sign(b"x", P256)
            assert caught.value.code == "keys.token-removed"
        token.put_back()
        assert _verify(key, key.sign(b"again", P256), b"again")
        with pytest.raises(ek.KeyStoreError) as caught, Pkcs11.open(token.uri, pin="000000"):
            pass
        assert caught.value.code == "keys.pin-wrong"
        assert key.sign(b"still", P256)


def test_all_tokens_gone(hsm: SoftHsm, token: SoftToken) -> None:
    """The whole folder goes: the module itself does not start any more, until it is back."""
    with Pkcs11.open(token.uri, pin=PIN) as store:
        key = store.find()
        away = hsm.folder / "away"
        hsm.tokens.rename(away)
        try:
            with pytest.raises(ek.KeyStoreError) as caught:
                key.sign(b"x", P256)
            assert caught.value.code == "keys.token-removed"
            with pytest.raises(ek.KeyStoreError):
                Pkcs11.open(token.uri, pin=PIN)
        finally:
            away.rename(hsm.tokens)
        assert _verify(key, key.sign(b"back", P256), b"back")


def test_who_typed_the_pin_types_it_again_after_a_pull(token: SoftToken) -> None:
    asked: list[str] = []

    def ask(prompt: object) -> str:
        asked.append("x")
        return PIN

    with Pkcs11.open(token.uri, pin=ask) as store:
        key = store.find()
        token.pull()
        with pytest.raises(ek.KeyStoreError):
            key.sign(b"x", P256)
        token.put_back()
        key.sign(b"x", P256)
    assert len(asked) == 2


def test_pulled_while_threads_sign(token: SoftToken) -> None:
    outcomes: list[str] = []
    stop = threading.Event()

    with Pkcs11.open(token.uri, pin=PIN) as store:
        key = store.find()

        def run() -> None:
            while not stop.is_set():
                try:
                    outcomes.append("good" if _verify(key, key.sign(b"x", P256), b"x") else "bad")
                except ek.KeyStoreError as error:
                    outcomes.append(error.code)

        workers = [threading.Thread(target=run) for _ in range(4)]
        for worker in workers:
            worker.start()
        _until(lambda: "good" in outcomes)
        token.pull()
        _until(lambda: "keys.token-removed" in outcomes)
        token.put_back()
        before = len(outcomes)
        _until(lambda: outcomes[before:].count("good") > 20)
        stop.set()
        for worker in workers:
            worker.join()
        assert set(outcomes) == {"good", "keys.token-removed"}


def _until(condition) -> None:
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.01)


def test_somebody_else_finishes_the_module(hsm: SoftHsm, token: SoftToken) -> None:
    with Pkcs11.open(token.uri, pin=PIN) as store:
        key = store.find()
        assert key.sign(b"x", P256)
        module = Module.load(hsm.module)
        with module.lock:
            module.library.finalize()
        assert _verify(key, key.sign(b"y", P256), b"y")
        with module.lock:
            module.library.reinitialize()
        assert _verify(key, key.sign(b"z", P256), b"z")


def test_two_stores_share_one_session(token: SoftToken) -> None:
    first = Pkcs11.open(token.uri, pin=PIN)
    second = Pkcs11.open(token.uri, pin=PIN)
    assert first._session is second._session
    key = second.find()
    first.close()
    first.close()
    assert key.sign(b"x", P256)
    second.close()
    with Pkcs11.open(token.uri, pin=PIN) as third:
        assert third.find().sign(b"x", P256)


def test_the_key_is_deleted_meanwhile(token: SoftToken, pki: FixturePKI) -> None:
    from pkcs11 import Attribute, ObjectClass

    token.put(pki.person(key="ec"), "other")
    with Pkcs11.open(token.uri.replace("?", ";object=other?"), pin=PIN) as store:
        key = store.find()
        assert key.sign(b"x", P256)
    session = token.writable()
    with Pkcs11.open(token.uri.replace("?", ";object=other?"), pin=PIN) as store:
        key = store.find()
        key.sign(b"x", P256)
        for item in list(
            session.get_objects(
                {Attribute.CLASS: ObjectClass.PRIVATE_KEY, Attribute.LABEL: "other"}
            )
        ):
            item.destroy()
        with pytest.raises(ek.KeyStoreError) as caught:
            key.sign(b"x", P256)
        assert caught.value.code == "keys.no-such-key"
