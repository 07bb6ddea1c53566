"""What libgcrypt signs, we verify; what loads is what was asked for."""

from __future__ import annotations

import ctypes
import os
import re
import sys

import pytest

from esign_kit.crypto.national import libgcrypt
from esign_kit.crypto.national.curves import (
    CRYPTOPRO_A,
    CRYPTOPRO_B,
    CRYPTOPRO_C,
    TC26_512_A,
    Curve,
)
from esign_kit.crypto.national.signature import SCHEMES, GostPublic, verify_number


def _sign(handle: ctypes.CDLL, curve: Curve, d: int, e: int) -> tuple[int, int]:
    """Have libgcrypt sign the number e."""
    point = curve.multiply(d)
    assert point is not None
    size = curve.size

    def number(value: int) -> str:
        return value.to_bytes(size, "big").hex()

    expressions = (
        f"(data(flags gost)(value #{number(e)}#))",
        f"(private-key(ecc(curve {curve.gcrypt})(flags gost)"
        f"(q #04{number(point[0])}{number(point[1])}#)(d #00{number(d)}#)))",
    )
    handles = []
    for text in expressions:
        value = ctypes.c_void_p()
        octets = text.encode()
        assert not handle.gcry_sexp_new(ctypes.byref(value), octets, len(octets), 1)
        handles.append(value)
    result = ctypes.c_void_p()
    handle.gcry_pk_sign.restype = ctypes.c_uint
    handle.gcry_pk_sign.argtypes = (ctypes.POINTER(ctypes.c_void_p), *[ctypes.c_void_p] * 2)
    assert not handle.gcry_pk_sign(ctypes.byref(result), *handles)
    handle.gcry_sexp_sprint.restype = ctypes.c_size_t
    handle.gcry_sexp_sprint.argtypes = (
        ctypes.c_void_p,
        ctypes.c_int,
        ctypes.c_char_p,
        ctypes.c_size_t,
    )
    buffer = ctypes.create_string_buffer(4096)
    assert handle.gcry_sexp_sprint(result, 3, buffer, len(buffer))
    text = buffer.value.decode()
    for value in (*handles, result):
        handle.gcry_sexp_release(value)
    r, s = (re.search(rf"\({name} #([0-9A-F]+)#", text) for name in "rs")
    assert r is not None
    assert s is not None
    return int(r[1], 16), int(s[1], 16)


@pytest.mark.parametrize(
    "curve", [CRYPTOPRO_A, CRYPTOPRO_B, CRYPTOPRO_C, TC26_512_A], ids=lambda curve: curve.name
)
def test_we_accept_what_libgcrypt_signs(curve: Curve) -> None:
    library = libgcrypt.load()
    if library is None:
        pytest.skip("libgcrypt does not load here")
    for _ in range(5):
        d, e = (int.from_bytes(os.urandom(80), "big") % (curve.q - 1) + 1 for _ in "de")
        point = curve.multiply(d)
        assert point is not None
        r, s = _sign(library._handle, curve, d, e)
        key = GostPublic(SCHEMES["OZDST1092-256"], curve, point)
        assert verify_number(key, e, r, s)
        assert not verify_number(key, e, s, r)
        assert not verify_number(key, e % (curve.q - 1) + 1, r, s)


@pytest.mark.parametrize("platform", ["win32", "emscripten"])
def test_no_library_where_none_is_looked_for(
    platform: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "platform", platform)
    assert libgcrypt.load.__wrapped__() is None


def test_a_library_that_is_missing_or_too_old(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(libgcrypt, "_OLDEST", b"99.0.0")
    assert libgcrypt.load.__wrapped__() is None
    monkeypatch.setattr(libgcrypt, "_NAMES", {sys.platform: "libnothing.so.0"})
    assert libgcrypt.load.__wrapped__() is None
    # A library of another kind: no such function.
    monkeypatch.setattr(libgcrypt, "_NAMES", {sys.platform: None})
    assert libgcrypt.load.__wrapped__() is None
