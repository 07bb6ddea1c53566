"""Keys from strangers: any octets give a key or an error of ours, and cost little."""

from __future__ import annotations

from hypothesis import given, settings, strategies as st

from esign_kit.algorithms import signature_algorithms
from esign_kit.crypto import load_private_key, load_public_key, verify
from esign_kit.crypto.national import encode_private_key, private_key
from esign_kit.errors import InputError

_KEYS = [
    private_key("GOST34310-256", 12345),
    private_key("GOST3410-512", 12345),
    private_key("OZDST1092-256", 12345),
    private_key("OZDST1092-256", 12345, curve="CryptoPro-C"),
]
_PUBLIC = [key.public_key.spki for key in _KEYS]
_PRIVATE = [encode_private_key(key) for key in _KEYS]


def _mutated(base: list[bytes]) -> st.SearchStrategy[bytes]:
    def change(case: tuple[bytes, list[tuple[int, int]], int]) -> bytes:
        octets, flips, cut = case
        changed = bytearray(octets)
        for position, value in flips:
            changed[position % len(changed)] = value
        return bytes(changed[: len(changed) - cut])

    flips = st.lists(st.tuples(st.integers(0, 200), st.integers(0, 255)), max_size=4)
    return st.tuples(st.sampled_from(base), flips, st.sampled_from([0, 0, 0, 1, 5])).map(change)


@settings(max_examples=300, deadline=None)
@given(octets=st.one_of(st.binary(max_size=120), _mutated(_PUBLIC)), value=st.binary(max_size=140))
def test_public_keys(octets: bytes, value: bytes) -> None:
    try:
        key = load_public_key(octets)
    except InputError:
        return
    for algorithm in signature_algorithms():
        if algorithm.key_type == key.type:
            assert not verify(key, algorithm, value, b"data")


@settings(max_examples=300, deadline=None)
@given(octets=st.one_of(st.binary(max_size=120), _mutated(_PRIVATE)))
def test_private_keys(octets: bytes) -> None:
    try:
        key = load_private_key(octets)
    except InputError:
        return
    algorithm = key.algorithms[0]
    assert verify(key.public_key, algorithm, key.sign(b"data", algorithm), b"data")
