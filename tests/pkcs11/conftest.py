"""Soft tokens for all tests of this folder: made once, filled with one key of each kind."""

from __future__ import annotations

import os

import pytest

from esign_kit.testing import FixturePKI
from esign_kit.testing.softhsm import SoftHsm, SoftToken, find_softhsm

PIN = "135790"


def _needed(present: bool, what: str) -> None:
    if not present:
        if os.environ.get("CI") == "true":
            pytest.fail(f"{what} is not installed")
        pytest.skip(f"{what} is not installed")


@pytest.fixture(scope="session")
def pki() -> FixturePKI:
    return FixturePKI()


@pytest.fixture(scope="session")
def hsm(tmp_path_factory: pytest.TempPathFactory):
    _needed(find_softhsm() is not None, "SoftHSM 2")
    try:
        import pkcs11  # noqa: F401
    except ImportError:
        _needed(False, "python-pkcs11")
    with SoftHsm(tmp_path_factory.mktemp("hsm")) as made:
        yield made


KINDS = {
    "rsa": "rsa",
    "rsa-3072": "rsa-3072",
    "p256": "ec",
    "p384": "p384",
    "p521": "p521",
    "brainpool": "brainpool",
    "ed25519": "ed25519",
}


@pytest.fixture(scope="session")
def filled(hsm: SoftHsm, pki: FixturePKI) -> SoftToken:
    """A token with one signing key of each kind, and a key for logging in."""
    token = hsm.token("filled", PIN)
    for label, kind in KINDS.items():
        token.put(pki.person(key=kind), label, chain=label == "p256")
    token.put(pki.person(key="ec", purpose="AUTHENTICATION"), "login")
    return token
