"""The two calls of a signature without anything in between.

A token in software signs with P-256 in 60 µs, and python-pkcs11 adds 8 to that for each signature:
it makes mechanism, buffer and operation anew and asks for the length first. Here all that is made
once per key. Sessions, logins, searches and every failure stay with python-pkcs11: where a call
does not answer 0, the caller goes the usual way, which names the error.
"""

from __future__ import annotations

import ctypes
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Direct"]

# Places in CK_FUNCTION_LIST (PKCS#11 2.40 § 3.6); before them stands the version, padded to a
# pointer.
_SIGN_INIT, _SIGN = 1 + 42, 1 + 43
_ROOM = 1024  # octets of a value; RSA of 8192 bits


class _Mechanism(ctypes.Structure):
    _fields_ = (
        ("mechanism", ctypes.c_ulong),
        ("parameter", ctypes.c_void_p),
        ("length", ctypes.c_ulong),
    )


class Direct:
    """C_SignInit and C_Sign of a module that is loaded already; its lock is the caller's matter."""

    def __init__(self, path: str) -> None:
        """Find the functions.

        Raises:
            OSError: not a module, or a system whose structures are laid out otherwise.
        """
        if os.name != "posix":
            raise OSError("structures of this system are packed otherwise")
        library = ctypes.CDLL(path)
        table = ctypes.c_void_p()
        try:
            failed = library.C_GetFunctionList(ctypes.byref(table))
        except AttributeError as error:
            raise OSError("not a PKCS#11 module") from error
        if failed or not table.value:
            raise OSError("not a PKCS#11 module")
        pointers = ctypes.cast(table, ctypes.POINTER(ctypes.c_void_p))
        number = ctypes.c_ulong
        self._init = ctypes.CFUNCTYPE(number, number, ctypes.c_void_p, number)(
            pointers[_SIGN_INIT] or 0
        )
        self._sign = ctypes.CFUNCTYPE(
            number, number, ctypes.c_char_p, number, ctypes.c_void_p, ctypes.c_void_p
        )(pointers[_SIGN] or 0)

    def signer(self, session: int, key: int, mechanism: int) -> Callable[[bytes], bytes | None]:
        """Return a function that signs, or answers ``None`` if a call did not answer 0."""
        structure = _Mechanism(mechanism, None, 0)
        buffer = ctypes.create_string_buffer(_ROOM)
        length = ctypes.c_ulong(_ROOM)
        at, into, size = (ctypes.addressof(item) for item in (structure, buffer, length))
        init, sign, copy = self._init, self._sign, ctypes.string_at

        def signed(data: bytes) -> bytes | None:
            length.value = _ROOM
            if init(session, at, key) or sign(session, data, len(data), into, size):
                return None
            return copy(into, length.value)

        # Their addresses are numbers; something has to keep them in memory.
        signed.kept = (structure, buffer)  # type: ignore[attr-defined]
        return signed
