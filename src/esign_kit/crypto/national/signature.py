"""GOST R 34.10-2001 and -2012 (RFC 7091): the equations, and the two wire orders of them.

Kazakhstan writes r ‖ s with each half little-endian; Uzbekistan writes s ‖ r big-endian, as
RFC 4491 does. One is the other with all octets reversed. The digest is read little-endian by both.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from collections import deque
from typing import TYPE_CHECKING, NamedTuple

from esign_kit.crypto.national.curves import CRYPTOPRO_A, CRYPTOPRO_B, CRYPTOPRO_C, TC26_512_A

if TYPE_CHECKING:
    from collections.abc import Iterator

    from esign_kit.crypto.national.curves import Curve, Point, Rows

__all__ = ["SCHEMES", "GostPrivate", "GostPublic", "Scheme", "sign_number", "verify_number"]


class Scheme(NamedTuple):
    """One national signature scheme.

    Attributes:
        key_type: ``PublicKey.type``.
        size: octets of a coordinate; a signature has twice as many.
        reversed: r ‖ s little-endian (Kazakhstan) instead of s ‖ r big-endian (Uzbekistan).
        digest: name of the digest.
        curves: those on which a key may lie.
    """

    key_type: str
    size: int
    reversed: bool
    digest: str
    curves: tuple[Curve, ...]

    def decode(self, signature: bytes) -> tuple[int, int] | None:
        """Return r and s, or ``None`` where the length is another."""
        size = self.size
        if len(signature) != 2 * size:
            return None
        wire = bytes(signature)[::-1] if self.reversed else signature
        return int.from_bytes(wire[size:], "big"), int.from_bytes(wire[:size], "big")

    def encode(self, r: int, s: int) -> bytes:
        """Return the signature value."""
        wire = s.to_bytes(self.size, "big") + r.to_bytes(self.size, "big")
        return wire[::-1] if self.reversed else wire


SCHEMES = {
    scheme.key_type: scheme
    for scheme in (
        Scheme("GOST34310-256", 32, True, "GOST34311-TEST", (CRYPTOPRO_A,)),
        Scheme("GOST3410-512", 64, True, "STREEBOG-512", (TC26_512_A,)),
        Scheme(
            "OZDST1092-256",
            32,
            False,
            "GOST34311-CP",
            (CRYPTOPRO_A, CRYPTOPRO_B, CRYPTOPRO_C),
        ),
    )
}


class GostPublic:
    """A point on a curve of a scheme, checked.

    A key that verifies again and again (an authority's, a responder's, a time-stamping unit's) gets
    a table of multiples, which makes it three times faster; the busiest few keep theirs.
    """

    __slots__ = ("_rows", "_uses", "curve", "point", "scheme")

    def __init__(self, scheme: Scheme, curve: Curve, point: Point) -> None:
        self.scheme = scheme
        self.curve = curve
        self.point = point
        self._rows: Rows | None = None
        self._uses = 0

    def public_numbers(self) -> tuple[str, Point]:
        """What makes two keys equal, however they are written."""
        return self.curve.name, self.point

    def combine(self, u: int, v: int) -> Point | None:
        """Return u·G + v·Q."""
        self._uses += 1
        if self._rows is None:
            if self._uses <= _BUSY_AFTER:
                return self.curve.combine(u, v, self.point)
            self._rows = self.curve.rows(self.point)
            _busy.append(self)
            if len(_busy) > _BUSY_KEYS:
                oldest = _busy.popleft()
                oldest._rows, oldest._uses = None, 0
        rows = self._rows
        if rows is None:  # another thread has just taken it away
            return self.curve.combine(u, v, self.point)
        return self.curve.combine_rows(u, v, rows)


_BUSY_AFTER = 24
_BUSY_KEYS = 32
_busy: deque[GostPublic] = deque()


class GostPrivate:
    """A scalar; ``repr`` does not show it.

    Args:
        public: the scheme and d·G.
        d: 0 < d < q.
        hedged: mix fresh randomness into every nonce. Without it signatures are deterministic,
            which is for reproducible test material only.
    """

    __slots__ = ("d", "hedged", "public")

    def __init__(self, public: GostPublic, d: int, *, hedged: bool = True) -> None:
        self.public = public
        self.d = d
        self.hedged = hedged

    def __repr__(self) -> str:
        return f"GostPrivate({self.public.scheme.key_type}, {self.public.curve.name})"


def digest_number(digest: bytes, curve: Curve) -> int:
    """Return e (RFC 7091 § 6.1 step 2): the digest modulo q, never 0."""
    return int.from_bytes(digest, "little") % curve.q or 1


def verify_number(key: GostPublic, e: int, r: int, s: int) -> bool:
    """RFC 7091 § 6.2: tell whether (r, s) is a signature of e, 0 < e < q."""
    q = key.curve.q
    if not (0 < r < q and 0 < s < q):
        return False
    v = pow(e, -1, q)
    result = key.combine(s * v % q, (q - r) * v % q)
    return result is not None and result[0] % q == r


def verify_digest(key: GostPublic, digest: bytes, signature: bytes) -> bool:
    """Tell whether the signature value is one of the digest; any malformed value is not."""
    values = key.scheme.decode(signature)
    if values is None or len(digest) != key.scheme.size:
        return False
    r, s = values
    return verify_number(key, digest_number(digest, key.curve), r, s)


def sign_number(curve: Curve, d: int, e: int, k: int) -> tuple[int, int] | None:
    """RFC 7091 § 6.1: return (r, s) for the nonce k, or ``None`` where the nonce does not do."""
    point = curve.multiply(k)
    if point is None:
        return None
    r = point[0] % curve.q
    s = (r * d + k * e) % curve.q
    return (r, s) if r and s else None


def sign_digest(key: GostPrivate, digest: bytes) -> bytes:
    """Return the signature value of a digest.

    The arithmetic is not constant-time: such a key belongs on a host that nobody else can time.
    """
    curve = key.public.curve
    e = digest_number(digest, curve)
    for k in _nonces(curve, key.d, e, os.urandom(32) if key.hedged else b""):
        values = sign_number(curve, key.d, e, k)
        if values is not None:
            return key.public.scheme.encode(*values)
    raise AssertionError("unreachable: nonces do not end")


def _nonces(curve: Curve, d: int, e: int, fresh: bytes) -> Iterator[int]:
    """Nonces of RFC 6979 § 3.2 with HMAC-SHA-512, fresh octets as additional data (§ 3.6).

    A broken random generator leaves them secret and distinct, and a fault or a repeated digest
    does not give the key away as with purely derived ones.
    """
    size = curve.size
    seed = d.to_bytes(size, "big") + e.to_bytes(size, "big") + fresh
    value, key = b"\x01" * 64, b"\x00" * 64

    def mac(key: bytes, data: bytes) -> bytes:
        return hmac.digest(key, data, hashlib.sha512)

    for mark in (b"\x00", b"\x01"):
        key = mac(key, value + mark + seed)
        value = mac(key, value)
    excess = 8 * size - curve.q.bit_length()
    while True:
        stream = b""
        while len(stream) < size:
            value = mac(key, value)
            stream += value
        k = int.from_bytes(stream[:size], "big") >> excess
        if 0 < k < curve.q:
            yield k
        key = mac(key, value + b"\x00")
        value = mac(key, value)
