"""What a signature on a token costs, as a multiple of the bare ``C_Sign``.

The floor is the module itself, called without Python in between: ``C_SignInit`` and ``C_Sign`` of
the same key and mechanism through ctypes, in the same process, in the same rounds. Ours is a whole
``key.sign``: hashing, choosing the mechanism, the lock, the session, the encoding of CMS.
"""

from __future__ import annotations

import ctypes
import hashlib
import time
from functools import partial
from typing import TYPE_CHECKING, Any

from esign_kit.testing import FixturePKI
from esign_kit.testing.softhsm import SoftHsm, SoftToken, find_softhsm

if TYPE_CHECKING:
    from collections.abc import Callable

    from esign_kit.keys.held import HeldKey

LIMIT = 1.15
_DATA = b"the octets of a signature's attributes, as long as they usually are" * 3
_RSA_PKCS, _ECDSA, _EDDSA = 0x01, 0x1041, 0x1057
_SHA256_RSA_PKCS = 0x40


class _Mechanism(ctypes.Structure):
    _fields_ = (
        ("mechanism", ctypes.c_ulong),
        ("parameter", ctypes.c_void_p),
        ("length", ctypes.c_ulong),
    )


class Bare:
    """The module of a token through ctypes: nothing but the two calls of a signature."""

    # Places in CK_FUNCTION_LIST, after the version.
    _SIGN_INIT, _SIGN = 42, 43

    def __init__(self, module: str, session: int) -> None:
        library = ctypes.CDLL(module)
        table = ctypes.c_void_p()
        library.C_GetFunctionList(ctypes.byref(table))
        pointers = ctypes.cast(table, ctypes.POINTER(ctypes.c_void_p))
        self._init = ctypes.CFUNCTYPE(
            ctypes.c_ulong, ctypes.c_ulong, ctypes.POINTER(_Mechanism), ctypes.c_ulong
        )(pointers[1 + self._SIGN_INIT])
        self._sign = ctypes.CFUNCTYPE(
            ctypes.c_ulong,
            ctypes.c_ulong,
            ctypes.c_char_p,
            ctypes.c_ulong,
            ctypes.c_char_p,
            ctypes.POINTER(ctypes.c_ulong),
        )(pointers[1 + self._SIGN])
        self._session = session

    def signer(self, key: int, mechanism: int, data: bytes) -> Callable[[], None]:
        """Return the bare operation, everything that can be prepared being prepared."""
        structure = _Mechanism(mechanism, None, 0)
        pointer = ctypes.byref(structure)
        buffer = ctypes.create_string_buffer(1024)
        length = ctypes.c_ulong(1024)
        size_pointer = ctypes.byref(length)
        session, size, init, sign = self._session, len(data), self._init, self._sign

        def once() -> None:
            length.value = 1024
            if init(session, pointer, key) or sign(session, data, size, buffer, size_pointer):
                raise RuntimeError("the module did not sign")

        return once


def rows(token: SoftToken, seconds: float) -> list[tuple[str, float, float, float]]:
    """Return (title, bare µs, python-pkcs11 µs, ours µs) for each kind of key on the token."""
    from esign_kit.keys import Pkcs11
    from pkcs11 import Mechanism

    found: list[tuple[str, float, float, float]] = []
    with Pkcs11.open(token.uri, pin=token.pin) as store:
        for entry in store.entries:
            key: HeldKey = entry.key  # type: ignore[assignment]
            algorithm = key.algorithms[0]
            private: Any = key._private
            key.sign(_DATA, algorithm)
            session = private._session
            bare = Bare(token.hsm.module, int(session._session.handle))
            (native,) = session._module.private_keys(session._session, private._info)
            mechanism, data = {
                "RSA": (_SHA256_RSA_PKCS, _DATA),
                "ECDSA": (_ECDSA, hashlib.sha256(_DATA).digest()),
                "EDDSA": (_EDDSA, _DATA),
            }[algorithm.family]
            once = bare.signer(int(native.handle), mechanism, data)
            named = Mechanism(mechanism)
            found.append(
                (
                    f"{entry.name} {algorithm.name}",
                    *_compare(
                        [
                            once,
                            partial(native.sign, data, mechanism=named),
                            partial(key.sign, _DATA, algorithm),
                        ],
                        seconds,
                    ),
                )
            )
    return found


def _compare(calls: list[Callable[[], Any]], seconds: float) -> list[float]:
    """Time all in turns; the best of many short rounds in processor time, against neighbours."""
    times: list[list[float]] = [[] for _ in calls]
    end = time.perf_counter() + seconds
    count = 20
    while time.perf_counter() < end or len(times[0]) < 15:
        for kept, call in zip(times, calls, strict=True):
            start = time.thread_time()
            for _ in range(count):
                call()
            kept.append((time.thread_time() - start) / count)
    return [min(kept) for kept in times]


def lines(seconds: float) -> list[str]:
    """Return the part of the report about tokens."""
    if find_softhsm() is None:
        return ["token: SoftHSM 2 is not installed"]
    try:
        import pkcs11  # noqa: F401
    except ImportError:
        return ["token: python-pkcs11 is not installed"]
    pki = FixturePKI()
    with SoftHsm() as hsm:
        token = hsm.token("bench")
        for label, kind in (("RSA-2048", "rsa"), ("P-256", "ec"), ("Ed25519", "ed25519")):
            token.put(pki.person(key=kind), label)
        found = rows(token, seconds)
    text = [
        "signature on SoftHSM, processor time   C_Sign   python-pkcs11   key.sign   "
        f"to C_Sign (at most {LIMIT})   to python-pkcs11"
    ]
    for title, bare, wrapped, ours in found:
        ratio = ours / bare
        verdict = "" if ratio <= LIMIT else " over"
        text.append(
            f"{title:<34} {bare * 1e6:>8.1f} µs   {wrapped * 1e6:>10.1f} µs {ours * 1e6:>8.1f} µs "
            f"{ratio:>12.3f}{verdict:<15} {ours / wrapped:>12.3f}"
        )
    return text
