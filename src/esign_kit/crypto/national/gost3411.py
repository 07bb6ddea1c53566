"""GOST R 34.11-94 (RFC 5831) in pure Python, with the S-boxes of Kazakhstan and of Uzbekistan.

Kazakhstan's GOST 34.311-95 is this digest with the S-box of the Russian standard's test example;
Uzbekistan's O'zDSt 1106 algorithm 2, parameter set A, is it with the CryptoPro S-box. The start
value is zero in both, and all numbers are little-endian.
"""

from __future__ import annotations

from functools import cache
from struct import Struct

from esign_kit.crypto.national.limit import check

__all__ = ["CRYPTOPRO", "TEST", "Gost3411"]

# Row i substitutes nibble i, the lowest first (RFC 4357 § 11.2).
TEST = (
    "4a92d80e6b1c7f53",
    "eb4c6dfa23810759",
    "581da342efc7609b",
    "7da1089fe46cb253",
    "6c715fd84a9e03b2",
    "4ba0721d36859cfe",
    "db413f590ae7682c",
    "1fd057a4923e6b8c",
)
CRYPTOPRO = (
    "a4568137dce092bf",
    "5f402db91763cea8",
    "7fce94103b526a8d",
    "4a7c0f28e165db93",
    "764b9c2a180efd35",
    "7624d9f0a15b8ec3",
    "de41705a3c8f629b",
    "13a95b4f867ed02c",
)

_C3 = 0xFF00FFFF000000FFFF0000FF00FFFF0000FF00FF00FF00FFFF00FF00FF00FF00
_64 = (1 << 64) - 1
_32 = 0xFFFFFFFF
_256 = (1 << 256) - 1
_eight = Struct("<8I")
_sixteen = Struct("<16H")


@cache
def _tables(rows: tuple[str, ...]) -> tuple[tuple[int, ...], ...]:
    """The four tables that substitute an octet each and rotate the word by 11 bits."""
    tables = []
    for position in range(4):
        low, high = rows[2 * position], rows[2 * position + 1]
        table = []
        for octet in range(256):
            value = int(low[octet & 15], 16) | int(high[octet >> 4], 16) << 4
            word = value << 8 * position
            table.append((word << 11 | word >> 21) & _32)
        tables.append(tuple(table))
    return tuple(tables)


def _permute(value: int) -> bytes:
    """The transformation P (RFC 5831 § 5.2): octet 8i + k goes to place i + 4k."""
    octets = value.to_bytes(32, "little")
    result = bytearray(32)
    result[0::4] = octets[0:8]
    result[1::4] = octets[8:16]
    result[2::4] = octets[16:24]
    result[3::4] = octets[24:32]
    return bytes(result)


def _keys(h: int, m: int) -> list[bytes]:
    """The four keys of one step (RFC 5831 § 5.2)."""
    u, v = h, m
    keys = [_permute(u ^ v)]
    for step in (2, 3, 4):
        u = u >> 64 | ((u ^ u >> 64) & _64) << 192
        if step == 3:
            u ^= _C3
        for _ in range(2):
            v = v >> 64 | ((v ^ v >> 64) & _64) << 192
        keys.append(_permute(u ^ v))
    return keys


def _encrypt(tables: tuple[tuple[int, ...], ...], key: bytes, block: int) -> int:
    """GOST 28147-89 in the mode of simple substitution, 32 rounds over 64 bits."""
    t0, t1, t2, t3 = tables
    words = _eight.unpack(key)
    a, b = block & _32, block >> 32
    # The rounds come in pairs, so that the two halves need not change places.
    k0, k1, k2, k3, k4, k5, k6, k7 = words
    for first, second in (
        *((k0, k1), (k2, k3), (k4, k5), (k6, k7)) * 3,
        (k7, k6),
        (k5, k4),
        (k3, k2),
        (k1, k0),
    ):
        x = a + first & _32
        b ^= t0[x & 255] ^ t1[x >> 8 & 255] ^ t2[x >> 16 & 255] ^ t3[x >> 24]
        x = b + second & _32
        a ^= t0[x & 255] ^ t1[x >> 8 & 255] ^ t2[x >> 16 & 255] ^ t3[x >> 24]
    return b | a << 32


def _mix(words: list[int], steps: int) -> list[int]:
    """That many steps of ψ on sixteen words of 16 bits."""
    for i in range(steps):
        words.append(
            words[i] ^ words[i + 1] ^ words[i + 2] ^ words[i + 3] ^ words[i + 12] ^ words[i + 15]
        )
    return words[steps:]


def _step(tables: tuple[tuple[int, ...], ...], h: int, m: int) -> int:
    """The step-hash function (RFC 5831 § 5): H' = ψ^61(H ⊕ ψ(M ⊕ ψ^12(S)))."""
    s = 0
    for index, key in enumerate(_keys(h, m)):
        s |= _encrypt(tables, key, h >> 64 * index & _64) << 64 * index
    words = _mix(list(_sixteen.unpack(s.to_bytes(32, "little"))), 12)
    words = [x ^ y for x, y in zip(words, _sixteen.unpack(m.to_bytes(32, "little")), strict=True)]
    words = _mix(words, 1)
    words = [x ^ y for x, y in zip(words, _sixteen.unpack(h.to_bytes(32, "little")), strict=True)]
    return int.from_bytes(_sixteen.pack(*_mix(words, 61)), "little")


class Gost3411:
    """A running digest in the manner of ``hashlib``.

    Args:
        rows: the S-box, :data:`TEST` or :data:`CRYPTOPRO`.
        name: the name in the algorithm table.
    """

    __slots__ = ("_h", "_rest", "_rows", "_sum", "_tables", "_total", "name")

    block_size = 32
    digest_size = 32

    def __init__(self, rows: tuple[str, ...], name: str) -> None:
        self.name = name
        self._rows = rows
        self._tables = _tables(rows)
        self._h = 0
        self._sum = 0
        self._rest = b""
        self._total = 0

    def update(self, data: bytes, /) -> None:
        """Take more octets; raises :class:`LimitError` over the limit of slow digests."""
        self._total += len(data)
        check(self.name, self._total)
        data = self._rest + data
        tables, h, total = self._tables, self._h, self._sum
        end = len(data) & ~31
        for offset in range(0, end, 32):
            block = int.from_bytes(data[offset : offset + 32], "little")
            h = _step(tables, h, block)
            total += block
        self._h, self._sum = h, total & _256
        self._rest = data[end:]

    def digest(self) -> bytes:
        """Return the value so far."""
        h, total = self._h, self._sum
        if self._rest:
            block = int.from_bytes(self._rest, "little")
            h = _step(self._tables, h, block)
            total = total + block & _256
        h = _step(self._tables, h, 8 * self._total)
        return _step(self._tables, h, total).to_bytes(32, "little")

    def hexdigest(self) -> str:
        """Return the value so far as lower-case hex."""
        return self.digest().hex()

    def copy(self) -> Gost3411:
        """Return an independent copy."""
        other = Gost3411(self._rows, self.name)
        other._h, other._sum = self._h, self._sum
        other._rest, other._total = self._rest, self._total
        return other
