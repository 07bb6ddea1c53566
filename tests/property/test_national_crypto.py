"""Our arithmetic and digests against libgcrypt, on random input."""

from __future__ import annotations

import pytest
from hypothesis import given, settings, strategies as st

from esign_kit.crypto.national import libgcrypt, python_digest
from esign_kit.crypto.national.curves import (
    CRYPTOPRO_A,
    CRYPTOPRO_B,
    CRYPTOPRO_C,
    TC26_512_A,
    Curve,
    _wnaf,
)
from esign_kit.crypto.national.signature import (
    SCHEMES,
    GostPublic,
    sign_number,
    verify_number,
)

LIBRARY = libgcrypt.load()
CURVES = (CRYPTOPRO_A, CRYPTOPRO_B, CRYPTOPRO_C, TC26_512_A)
_SCHEME = SCHEMES["OZDST1092-256"]
needs_library = pytest.mark.skipif(LIBRARY is None, reason="libgcrypt does not load here")


@needs_library
@settings(max_examples=60, deadline=None)
@given(
    name=st.sampled_from(["GOST34311-TEST", "GOST34311-CP", "STREEBOG-256", "STREEBOG-512"]),
    parts=st.lists(st.binary(max_size=200), max_size=6),
)
def test_digests_agree(name: str, parts: list[bytes]) -> None:
    assert LIBRARY is not None
    ours, theirs = python_digest(name), LIBRARY.new(name)
    for part in parts:
        ours.update(part)
        theirs.update(part)
    assert ours.digest() == theirs.digest()


_number = st.integers(min_value=1, max_value=(1 << 512) - 1)


@needs_library
@settings(max_examples=40, deadline=None)
@given(curve=st.sampled_from(CURVES), d=_number, e=_number, k=_number, flip=st.integers(0, 250))
def test_signatures_agree(curve: Curve, d: int, e: int, k: int, flip: int) -> None:
    assert LIBRARY is not None
    d, e, k = (value % (curve.q - 1) + 1 for value in (d, e, k))
    point = curve.multiply(d)
    numbers = sign_number(curve, d, e, k)
    assert point is not None and curve.contains(point)
    if numbers is None:
        return
    r, s = numbers
    key = GostPublic(_SCHEME, curve, point)
    for r2, s2, e2 in ((r, s, e), (r ^ 1 << flip, s, e), (r, s ^ 1 << flip, e), (r, s, e ^ 1)):
        expected = (r2, s2, e2) == (r, s, e)
        if 0 < r2 < curve.q and 0 < s2 < curve.q and 0 < e2 < curve.q:
            assert verify_number(key, e2, r2, s2) is expected
            assert LIBRARY.verify(curve.gcrypt, curve.size, point, e2, (r2, s2)) is expected


@settings(max_examples=60, deadline=None)
@given(
    curve=st.sampled_from(CURVES),
    d=_number,
    u=st.one_of(st.sampled_from([0, 1, 2, 3]), _number),
    v=st.one_of(st.sampled_from([0, 1, 2, 3, -1]), _number),
)
def test_folding_and_division_agree(curve: Curve, d: int, u: int, v: int) -> None:
    """The fast walk for p near a power of two, and the textbook one that only divides."""
    d, u, v = d % (curve.q - 1) + 1, u % curve.q, v % curve.q
    plain = curve._replace(fold=0)
    point = curve.multiply(d)
    assert point is not None and point == plain.multiply(d)
    assert curve.combine(u, v, point) == plain.combine(u, v, point)
    assert curve.combine(u, v, point) == curve.multiply(u + v * d)
    assert curve.combine_rows(u, v, curve.rows(point)) == curve.multiply(u + v * d)
    # The two multiples that cancel out.
    assert curve.combine(u, (-u * pow(d, -1, curve.q)) % curve.q, point) is None


@settings(max_examples=60, deadline=None)
@given(curve=st.sampled_from(CURVES), k=st.one_of(st.integers(-20, 20), _number))
def test_the_table_of_multiples_agrees(curve: Curve, k: int) -> None:
    """k·G by the table that a busy signer gets, and by the chain of doublings of everyone else."""
    k %= curve.q
    expected = curve._affine(curve._combine(_wnaf(k, 5), curve.odd_multiples(curve.g, 4), [], ()))
    assert curve._affine(curve._sum(k)) == expected
    assert curve.multiply(k) == expected
