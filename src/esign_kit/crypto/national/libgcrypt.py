"""libgcrypt through ctypes: the one widespread library with the S-boxes of both countries.

It is part of the base system of Debian, Ubuntu, Fedora and their like. A library that is too old,
in FIPS mode, or wrong about a known answer counts as absent.
"""

from __future__ import annotations

import sys
from functools import cache
from typing import Any

__all__ = ["Library", "Md", "load"]

_NAMES = {"linux": "libgcrypt.so.20", "darwin": "libgcrypt.20.dylib"}
_OLDEST = b"1.8.0"

# gcrypt.h: GCRY_MD_GOSTR3411_94 (the Test S-box since 1.6), GCRY_MD_STRIBOG256, …512, …_CP.
_DIGESTS = {
    "GOST34311-TEST": (308, 32),
    "STREEBOG-256": (309, 32),
    "STREEBOG-512": (310, 64),
    "GOST34311-CP": (311, 32),
}
_KNOWN = {
    # The digest of "abc": what decides whether this library is used at all.
    "GOST34311-TEST": "f3134348c44fb1b2a277729e2285ebb5cb5e0f29c975bc753b70497c06a4d51d",
    "STREEBOG-256": "4e2919cf137ed41ec4fb6270c61826cc4fffb660341e0af3688cd0626d23b481",
    "STREEBOG-512": "28156e28317da7c98f4fe2bed6b542d0dab85bb224445fcedaf75d46e26d7eb8"
    "d5997f3e0915dd6b7f0aab08d9c8beb0d8c64bae2ab8b3c8c6bc53b3bf0db728",
    "GOST34311-CP": "b285056dbf18d7392d7677369524dd14747459ed8143997e163b2986f92fd42c",
}
_INITIALIZATION_FINISHED, _INITIALIZATION_FINISHED_P, _DISABLE_SECMEM = 38, 39, 37


class Library:
    """A loaded and tested libgcrypt.

    Attributes:
        version: for the facts of a report.
    """

    def __init__(self, handle: Any, version: str) -> None:
        self._handle = handle
        self.version = version

    def new(self, name: str) -> Md:
        """Return a running digest by its name in the algorithm table."""
        number, size = _DIGESTS[name]
        return Md(self._handle, number, size, name)

    def verify(
        self, curve: str, size: int, point: tuple[int, int], digest: int, rs: tuple[int, int]
    ) -> bool:
        """Verify a GOST R 34.10 signature; for comparison with our own arithmetic.

        Args:
            curve: libgcrypt's name of it.
            size: octets of a coordinate.
            point: the public key.
            digest: the digest as the number e.
            rs: r and s.
        """
        x, y = (value.to_bytes(size, "big") for value in point)
        r, s = (value.to_bytes(size, "big") for value in rs)
        expressions = (
            b"(sig-val(gost(r #00%b#)(s #00%b#)))" % (_hex(r), _hex(s)),
            b"(data(flags gost)(value #%b#))" % _hex(digest.to_bytes(size, "big")),
            b"(public-key(ecc(curve %b)(flags gost)(q #04%b%b#)))"
            % (curve.encode("ascii"), _hex(x), _hex(y)),
        )
        from ctypes import byref, c_void_p

        handles: list[c_void_p] = []
        try:
            for text in expressions:
                handle = c_void_p()
                if self._handle.gcry_sexp_new(byref(handle), text, len(text), 1):
                    return False
                handles.append(handle)
            return not self._handle.gcry_pk_verify(*handles)
        finally:
            for handle in handles:
                self._handle.gcry_sexp_release(handle)


def _hex(data: bytes) -> bytes:
    return data.hex().encode("ascii")


class Md:
    """A running digest in the manner of ``hashlib``."""

    __slots__ = ("_handle", "_library", "_number", "digest_size", "name")

    def __init__(self, library: Any, number: int, size: int, name: str, handle: Any = None) -> None:
        self._library = library
        self._number = number
        self.digest_size = size
        self.name = name
        if handle is None:
            from ctypes import byref, c_void_p

            handle = c_void_p()
            if library.gcry_md_open(byref(handle), number, 0):
                raise MemoryError(f"libgcrypt has no room for {name}")
        self._handle = handle

    @property
    def block_size(self) -> int:
        """Octets of a block."""
        return 64 if self.name.startswith("STREEBOG") else 32

    def update(self, data: bytes, /) -> None:
        """Take more octets."""
        if not isinstance(data, bytes):
            data = bytes(data)
        self._library.gcry_md_write(self._handle, data, len(data))

    def digest(self) -> bytes:
        """Return the value so far."""
        from ctypes import string_at

        # Reading ends a digest in libgcrypt, so a copy is read.
        copy = self.copy()
        address = self._library.gcry_md_read(copy._handle, self._number)
        return string_at(address, self.digest_size)

    def hexdigest(self) -> str:
        """Return the value so far as lower-case hex."""
        return self.digest().hex()

    def copy(self) -> Md:
        """Return an independent copy."""
        from ctypes import byref, c_void_p

        handle = c_void_p()
        if self._library.gcry_md_copy(byref(handle), self._handle):
            raise MemoryError(f"libgcrypt has no room for {self.name}")
        return Md(self._library, self._number, self.digest_size, self.name, handle)

    def __del__(self) -> None:
        handle = getattr(self, "_handle", None)
        if handle is not None:
            self._library.gcry_md_close(handle)


@cache
def load() -> Library | None:
    """Return the library, or ``None`` where there is none that gives the known answers."""
    name = _NAMES.get(sys.platform)
    if name is None:
        return None
    try:
        import ctypes

        handle = ctypes.CDLL(name)
        _declare(handle, ctypes)
        version = handle.gcry_check_version(_OLDEST)
        if not version:
            return None
        if not handle.gcry_control(_INITIALIZATION_FINISHED_P, 0):
            handle.gcry_control(_DISABLE_SECMEM, 0)
            handle.gcry_control(_INITIALIZATION_FINISHED, 0)
        library = Library(handle, f"libgcrypt {version.decode('ascii')}")
        for digest, answer in _KNOWN.items():
            running = library.new(digest)
            running.update(b"abc")
            if running.hexdigest() != answer:
                return None
    except (ImportError, OSError, AttributeError, MemoryError):
        return None
    return library


def _declare(handle: Any, ctypes: Any) -> None:
    pointer, size, integer = ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int
    out = ctypes.POINTER(pointer)
    for name, result, arguments in (
        ("gcry_check_version", ctypes.c_char_p, (ctypes.c_char_p,)),
        ("gcry_control", ctypes.c_uint, (integer, integer)),
        ("gcry_md_open", ctypes.c_uint, (out, integer, ctypes.c_uint)),
        ("gcry_md_write", None, (pointer, ctypes.c_char_p, size)),
        ("gcry_md_read", pointer, (pointer, integer)),
        ("gcry_md_copy", ctypes.c_uint, (out, pointer)),
        ("gcry_md_close", None, (pointer,)),
        ("gcry_sexp_new", ctypes.c_uint, (out, ctypes.c_char_p, size, integer)),
        ("gcry_sexp_release", None, (pointer,)),
        ("gcry_pk_verify", ctypes.c_uint, (pointer, pointer, pointer)),
    ):
        function = getattr(handle, name)
        function.restype = result
        function.argtypes = arguments
