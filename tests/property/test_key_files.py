"""Key files of any octets end in a store or in an error of ours, soon."""

from __future__ import annotations

import pytest

hypothesis = pytest.importorskip("hypothesis")

from hypothesis import given, strategies as st  # noqa: E402

from esign_kit.errors import EsignError  # noqa: E402
from esign_kit.keys import KeyFile, Pkcs12  # noqa: E402
from esign_kit.model.limits import Limits  # noqa: E402
from esign_kit.testing import FixturePKI  # noqa: E402
from esign_kit.testing.export import pem, pkcs12  # noqa: E402

PERSON = FixturePKI().person()
SAMPLES = [
    pkcs12(PERSON, "pw", scheme=scheme, iterations=2, mac=mac)
    for scheme in ("aes", "3des", "none")
    for mac in (None, "")
]
SAMPLES += [PERSON.private_key.pkcs8, pem(PERSON.private_key.pkcs8, "PRIVATE KEY")]
SMALL = Limits().with_(kdf_iterations=2000, kdf_memory=1 << 20)


def _open(data: bytes) -> None:
    for opener in (Pkcs12.open, KeyFile.open, Pkcs12.look, KeyFile.look):
        try:
            store = opener(data, password="pw", limits=SMALL)
            repr(store)
            store.find()
        except EsignError:
            pass


@given(st.binary(max_size=300))
def test_random_octets(data: bytes) -> None:
    _open(data)
    _open(b"\x30\x80\x02\x01\x03" + data)


@given(
    st.sampled_from(SAMPLES),
    st.lists(st.tuples(st.integers(0, 5000), st.integers(0, 255)), min_size=1, max_size=6),
    st.integers(0, 40),
)
def test_mutated_files(data: bytes, changes: list[tuple[int, int]], cut: int) -> None:
    octets = bytearray(data)
    for position, value in changes:
        octets[position % len(octets)] = value
    _open(bytes(octets[: len(octets) - cut]) if cut % 3 == 0 else bytes(octets))
