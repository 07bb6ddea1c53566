"""r ‖ s and DER."""

from __future__ import annotations

import pytest

from esign_kit.crypto import der_to_plain, plain_to_der
from esign_kit.errors import InputError


@pytest.mark.parametrize("r", [0, 1, 127, 128, 255, 256, (1 << 256) - 1])
@pytest.mark.parametrize("s", [0, 1, 0x80 << 248])
def test_there_and_back(r: int, s: int) -> None:
    plain = r.to_bytes(32, "big") + s.to_bytes(32, "big")
    assert der_to_plain(plain_to_der(plain), 32) == plain


@pytest.mark.parametrize("value", [b"", b"\x01", b"\x01" * 63])
def test_halves_must_be_equal(value: bytes) -> None:
    with pytest.raises(InputError):
        plain_to_der(value)


@pytest.mark.parametrize(
    "value",
    [
        "",
        "30",
        "3006020101020102ff",  # octets after the SEQUENCE
        "3009020101020101020101",  # three numbers
        "3003020101",  # one number
        "300602020001020101",  # cut off
        "300702020001020101",  # non-minimal INTEGER
        "308106020101020102",  # non-minimal length
        "3006020101020181",  # negative
        "3106020101020102",  # SET
        "3005020002010100",  # INTEGER without contents
        "300702010102020100",  # larger than the order's size
    ],
)
def test_only_der_of_two_numbers_that_fit(value: str) -> None:
    with pytest.raises(InputError):
        der_to_plain(bytes.fromhex(value), 1)
