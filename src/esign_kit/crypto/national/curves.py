"""Arithmetic on the short Weierstrass curves of GOST R 34.10, in pure Python.

Jacobian coordinates, sliding windows of signed digits, and one chain of doublings for the two
multiples of a verification (Shamir). Nothing here is constant-time: a verification has no secrets,
and a signature with a key in this process is for tests and for seals on trusted hosts.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

__all__ = ["CRYPTOPRO_A", "CRYPTOPRO_B", "CRYPTOPRO_C", "TC26_512_A", "Curve", "Point", "Rows"]

Point = tuple[int, int]
"""Affine coordinates; the point at infinity is ``None`` where it can occur."""

Rows = tuple[tuple[Point, ...], ...]
"""What :meth:`Curve.rows` returns."""

_Jacobian = tuple[int, int, int]


class Curve(NamedTuple):
    """y² = x³ + ax + b over the integers modulo p, with a generator of prime order q.

    Attributes:
        name: as standards call it.
        gcrypt: libgcrypt's name.
        size: octets of a coordinate and of a scalar.
        bits, fold: p is 2^bits − fold with a small fold of either sign; 0 where it is not.
    """

    name: str
    gcrypt: str
    size: int
    p: int
    a: int
    b: int
    q: int
    g: Point
    bits: int
    fold: int

    def contains(self, point: Point) -> bool:
        """Tell whether the point lies on the curve, both coordinates below p."""
        x, y = point
        p = self.p
        return 0 <= x < p and 0 <= y < p and (y * y - (x * x + self.a) * x - self.b) % p == 0

    def multiply(self, k: int) -> Point | None:
        """Return k·G."""
        k %= self.q
        _uses[self.name] = uses = _uses.get(self.name, 0) + 1
        if uses > 4:
            # A table of multiples costs as much as four multiplications and saves three quarters
            # of every later one.
            return self._affine(self._sum(k))
        return self._affine(self._combine(_wnaf(k, 7), _base(self), [], ()))

    def combine(self, u: int, v: int, point: Point) -> Point | None:
        """Return u·G + v·Q; Q lies on the curve and 0 ≤ u, v < q."""
        odd = self.odd_multiples(point, 4)
        return self._affine(self._combine(_wnaf(u, 7), _base(self), _wnaf(v, 5), odd))

    def combine_rows(self, u: int, v: int, rows: Rows) -> Point | None:
        """Return u·G + v·Q for a point whose :meth:`rows` are at hand, in a third of the time."""
        steps = self._row_steps(u, _base_rows(self)) + self._row_steps(v, rows)
        return self._affine(self._walk(steps, doubling=False))

    def rows(self, point: Point) -> Rows:
        """Return, for each four bits of a scalar, the multiples 1 to 8 of 16^i·Q.

        It costs as much as eight verifications and takes a quarter of a megabyte.
        """
        current: _Jacobian = (*point, 1)
        bases = []
        # One row more than the scalar has digits: a signed digit may carry over.
        for _ in range(self.q.bit_length() // 4 + 1):
            bases.append(current)
            for _ in range(4):
                current = self._double(current)
        multiples: list[_Jacobian] = []
        for first in self._all_affine(bases):
            current = (*first, 1)
            for _ in range(8):
                multiples.append(current)
                current = self._add(current, first)
        flat = self._all_affine(multiples)
        return tuple(flat[index : index + 8] for index in range(0, len(flat), 8))

    def _sum(self, k: int) -> _Jacobian:
        return self._walk(self._row_steps(k, _base_rows(self)), doubling=False)

    def _row_steps(self, k: int, rows: Rows) -> list[Point | None]:
        """k·Q as a sum over signed digits of four bits, without any doubling."""
        p = self.p
        steps: list[Point | None] = []
        for row in rows:
            digit = k & 15
            k >>= 4
            if digit > 8:
                digit -= 16
                k += 1
            if digit:
                x, y = row[abs(digit) - 1]
                steps.append((x, y if digit > 0 else p - y))
        return steps

    def odd_multiples(self, point: Point, bits: int) -> tuple[Point, ...]:
        """Return Q, 3Q, 5Q, … (2^bits − 1)Q."""
        p = self.p
        double = self._double((point[0], point[1], 1))
        # 2Q in affine coordinates makes every further step the cheap mixed addition.
        inverse = pow(double[2], -1, p)
        square = inverse * inverse % p
        twice = (double[0] * square % p, double[1] * square * inverse % p)
        chain: list[_Jacobian] = [(point[0], point[1], 1)]
        for _ in range((1 << bits - 1) - 1):
            chain.append(self._add(chain[-1], twice))
        return self._all_affine(chain)

    def _all_affine(self, points: list[_Jacobian]) -> tuple[Point, ...]:
        """Convert several points with one inversion (Montgomery's trick)."""
        p = self.p
        products = [1]
        for _, _, z in points:
            products.append(products[-1] * z % p)
        inverse = pow(products[-1], -1, p)
        result: list[Point] = []
        for index in range(len(points) - 1, -1, -1):
            x, y, z = points[index]
            single = inverse * products[index] % p
            inverse = inverse * z % p
            square = single * single % p
            result.append((x * square % p, y * square * single % p))
        return tuple(reversed(result))

    def _affine(self, point: _Jacobian) -> Point | None:
        x, y, z = point
        if z == 0:
            return None
        p = self.p
        inverse = pow(z, -1, p)
        square = inverse * inverse % p
        return x * square % p, y * square * inverse % p

    def _combine(
        self,
        first: list[int],
        base: tuple[Point, ...],
        second: list[int],
        odd: tuple[Point, ...],
    ) -> _Jacobian:
        """Σ digits · 2^i over both lists of digits, from the top."""
        p = self.p
        length = max(len(first), len(second))
        first = first + [0] * (length - len(first))
        second = second + [0] * (length - len(second))
        steps: list[Point | None] = []
        for one, two in zip(reversed(first), reversed(second), strict=True):
            for digit, points in ((one, base), (two, odd)):
                if digit == 0:
                    steps.append(None)
                else:
                    x, y = points[abs(digit) >> 1]
                    steps.append((x, y if digit > 0 else p - y))
        return self._walk(steps, doubling=True)

    def _walk(self, steps: list[Point | None], *, doubling: bool) -> _Jacobian:
        """Add the steps up; with ``doubling`` the sum is doubled before every second one."""
        if self.fold:
            return self._walk_folded(steps, doubling)
        point: _Jacobian = (1, 1, 0)
        for index, step in enumerate(steps):
            if doubling and not index & 1:
                point = self._double(point)
            if step is not None:
                point = self._add(point, step)
        return point

    def _walk_folded(self, steps: list[Point | None], doubling: bool) -> _Jacobian:
        """The same for p = 2^n − c with a small c: 2^n is c, so no division is needed.

        One fold of a product leaves a few bits above n, which the next product bears; what goes
        round the loop is folded twice. Python's shifts and masks round down, so that negative
        numbers stay congruent too. Written out because every call would cost more than it does.
        """
        p, n, c = self.p, self.bits, self.fold
        mask = (1 << n) - 1
        x = y = 1
        z = 0
        for index, step in enumerate(steps):
            if doubling and not index & 1 and z:
                t = z * z
                zz = (t & mask) + c * (t >> n)
                t = 2 * y * y
                gamma = (t & mask) + c * (t >> n)
                t = 2 * x * gamma
                beta = (t & mask) + c * (t >> n)
                t = 3 * (x - zz) * (x + zz)
                alpha = (t & mask) + c * (t >> n)
                t = 2 * y * z
                t = (t & mask) + c * (t >> n)
                z = (t & mask) + c * (t >> n)
                t = alpha * alpha - 2 * beta
                t = (t & mask) + c * (t >> n)
                x = (t & mask) + c * (t >> n)
                t = alpha * (beta - x) - 2 * gamma * gamma
                t = (t & mask) + c * (t >> n)
                y = (t & mask) + c * (t >> n)
            if step is None:
                continue
            if not z:
                x, y = step
                z = 1
                continue
            x2, y2 = step
            t = z * z
            zz = (t & mask) + c * (t >> n)
            h = (x2 * zz - x) % p
            t = z * zz
            r = (y2 * ((t & mask) + c * (t >> n)) - y) % p
            if h == 0:
                x, y, z = self._add((x % p, y % p, z % p), step)
                continue
            t = h * h
            hh = (t & mask) + c * (t >> n)
            t = h * hh
            hhh = (t & mask) + c * (t >> n)
            t = x * hh
            v = (t & mask) + c * (t >> n)
            t = r * r - hhh - 2 * v
            t = (t & mask) + c * (t >> n)
            x = (t & mask) + c * (t >> n)
            t = r * (v - x) - y * hhh
            t = (t & mask) + c * (t >> n)
            y = (t & mask) + c * (t >> n)
            t = z * h
            t = (t & mask) + c * (t >> n)
            z = (t & mask) + c * (t >> n)
        return x % p, y % p, z % p

    def _double(self, point: _Jacobian) -> _Jacobian:
        x, y, z = point
        if z == 0 or y == 0:
            return 1, 1, 0
        p = self.p
        square = z * z % p
        gamma = y * y % p
        beta = x * gamma % p
        if self.a == p - 3:
            alpha = 3 * (x - square) * (x + square) % p
        else:
            alpha = (3 * x * x + self.a * square * square) % p
        new = (alpha * alpha - 8 * beta) % p
        return (
            new,
            (alpha * (4 * beta - new) - 8 * gamma * gamma) % p,
            2 * y * z % p,
        )

    def _add(self, left: _Jacobian, right: Point) -> _Jacobian:
        """Mixed addition; equal and opposite points are told apart, not assumed away."""
        x1, y1, z1 = left
        x2, y2 = right
        if z1 == 0:
            return x2, y2, 1
        p = self.p
        square = z1 * z1 % p
        h = (x2 * square - x1) % p
        r = (y2 * square * z1 - y1) % p
        if h == 0:
            if r == 0:
                return self._double((x2, y2, 1))
            return 1, 1, 0
        hh = h * h % p
        hhh = h * hh % p
        v = x1 * hh % p
        x3 = (r * r - hhh - 2 * v) % p
        return x3, (r * (v - x3) - y1 * hhh) % p, z1 * h % p


def _wnaf(k: int, width: int) -> list[int]:
    """Signed odd digits of k below 2^(width−1), the lowest first, mostly zeros."""
    digits: list[int] = []
    full, half = 1 << width, 1 << width - 1
    while k:
        if k & 1:
            digit = k & full - 1
            if digit >= half:
                digit -= full
            k -= digit
            digits.append(digit)
            k >>= 1
        else:
            digits.append(0)
            k >>= 1
    return digits


@cache
def _base(curve: Curve) -> tuple[Point, ...]:
    return curve.odd_multiples(curve.g, 6)


_uses: dict[str, int] = {}


@cache
def _base_rows(curve: Curve) -> Rows:
    return curve.rows(curve.g)


def _curve(name: str, gcrypt: str, size: int, p: int, b: int, q: int, x: int, y: int) -> Curve:
    # Between 2^(n−1) and 2^n, p may lie near either.
    bits = p.bit_length() if p >> p.bit_length() - 2 & 1 else p.bit_length() - 1
    fold = (1 << bits) - p
    return Curve(
        name, gcrypt, size, p, p - 3, b, q, (x, y), bits, fold if abs(fold) < 1 << 16 else 0
    )


# RFC 4357 § 11.4.
CRYPTOPRO_A = _curve(
    "CryptoPro-A",
    "GOST2001-CryptoPro-A",
    32,
    (1 << 256) - 617,
    0xA6,
    0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF6C611070995AD10045841B09B761B893,
    1,
    0x8D91E471E0989CDA27DF505A453F2B7635294F2DDF23E3B122ACC99C9E9F1E14,
)
CRYPTOPRO_B = _curve(
    "CryptoPro-B",
    "GOST2001-CryptoPro-B",
    32,
    0x8000000000000000000000000000000000000000000000000000000000000C99,
    0x3E1AF419A269A5F866A7D3C25C3DF80AE979259373FF2B182F49D4CE7E1BBC8B,
    0x800000000000000000000000000000015F700CFFF1A624E5E497161BCC8A198F,
    1,
    0x3FA8124359F96680B83D1C3EB2C070E5C545C9858D03ECFB744BF8D717717EFC,
)
CRYPTOPRO_C = _curve(
    "CryptoPro-C",
    "GOST2001-CryptoPro-C",
    32,
    0x9B9F605F5A858107AB1EC85E6B41C8AACF846E86789051D37998F7B9022D759B,
    0x805A,
    0x9B9F605F5A858107AB1EC85E6B41C8AA582CA3511EDDFB74F02F3A6598980BB9,
    0,
    0x41ECE55743711A8C3CBF3783CD08C0EE4D4DC440D4641A8F366E550DFDB3BB67,
)
# RFC 7836 § A.1.
TC26_512_A = _curve(
    "tc26-512-A",
    "GOST2012-512-tc26-A",
    64,
    (1 << 512) - 569,
    0xE8C2505DEDFC86DDC1BD0B2B6667F1DA34B82574761CB0E879BD081CFD0B6265EE3CB090F30D27614CB4574010DA90DD862EF9D4EBEE4761503190785A71C760,
    0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF27E69532F48D89116FF22B8D4E0560609B4B38ABFAD2B85DCACDB1411F10B275,
    3,
    0x7503CFE87A836AE3A61B8816E25450E6CE5E1C93ACF1ABC1778064FDCBEFA921DF1626BE4FD036E93D75E6A50E3A41E98028FE5FC235F5B889A589CB5215F2A4,
)
