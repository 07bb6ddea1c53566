"""A key that cannot leave: signatures of a TPM 2.0 through its PKCS#11 module (``make tpm``)."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

import esign_kit as ek
from esign_kit.asn1.reader import BIT_STRING, NULL, SEQUENCE, encode, encode_oid
from esign_kit.testing import FixturePKI

MODULE = os.environ.get("ESIGN_KIT_TPM_MODULE", "")
pytestmark = pytest.mark.skipif(not MODULE, reason="no TPM here: run make tpm")

# The public halves are read by a process of its own: one login to the module is enough for ours.
READ_KEYS = """
import sys
import pkcs11
from pkcs11.util.ec import encode_ec_public_key
from pkcs11.util.rsa import encode_rsa_public_key
token = pkcs11.lib(sys.argv[1]).get_token(token_label="esign")
with token.open(user_pin="1234") as session:
    keys = list(session.get_objects({pkcs11.Attribute.CLASS: pkcs11.ObjectClass.PUBLIC_KEY}))
    for key in keys:
        encoded = encode_ec_public_key(key) if key.label == "ec" else encode_rsa_public_key(key)
        print(key.label, encoded.hex())
"""


class OnToken:
    """The public half of a key that stays where it is."""

    pkcs8 = b""
    algorithms = ()

    def __init__(self, spki: bytes) -> None:
        self.spki = spki


@pytest.fixture(scope="module")
def pki() -> FixturePKI:
    return FixturePKI("xx", at="2026-11-01")


@pytest.fixture(scope="module")
def certificates(pki: FixturePKI) -> list[bytes]:
    found = subprocess.run(
        [sys.executable, "-c", READ_KEYS, MODULE],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    issued = []
    for line in found.stdout.split("\n"):
        if not line:
            continue
        label, octets = line.split()
        public = bytes.fromhex(octets)
        if label == "rsa":
            algorithm = encode(SEQUENCE, encode_oid("1.2.840.113549.1.1.1") + encode(NULL, b""))
            public = encode(SEQUENCE, algorithm, encode(BIT_STRING, b"\x00" + public))
        issued.append(pki.issue("person", key=OnToken(public)).certificate_der)
    assert len(issued) == 2
    return issued


def test_every_algorithm_of_the_tpm(pki: FixturePKI, certificates: list[bytes]) -> None:
    tried = []
    uri = f"pkcs11:token=esign?module-path={MODULE}"
    with ek.Pkcs11.open(uri, pin="1234", certificates=certificates) as store:
        for key in store.keys():  # noqa: SIM118 - a key store, not a dict
            for algorithm in key.algorithms:
                if algorithm.digest in ("SHA1", "SHA224"):
                    continue
                signed = ek.sign(
                    b"application",
                    key,
                    format="cades",
                    packaging="attached",
                    algorithm=algorithm.name,
                    signing_time=pki.now,
                )
                report = ek.verify(signed, trust=pki.trust, evidence=pki.evidence(), at=pki.now)
                assert report.indication is ek.Indication.TOTAL_PASSED, algorithm.name
                tried.append(algorithm.name)
    assert {"RSA-SHA256", "RSA-PSS-SHA256", "ECDSA-SHA256"} <= set(tried)


def test_a_wrong_pin_is_told(certificates: list[bytes]) -> None:
    code = (
        "import sys, esign_kit as ek\n"
        "try: ek.Pkcs11.open(sys.argv[1], pin='9999').keys()\n"
        "except ek.KeyStoreError as error: print(error.code)\n"
    )
    uri = f"pkcs11:token=esign?module-path={MODULE}"
    done = subprocess.run(
        [sys.executable, "-c", code, uri], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.strip() == "keys.pin-wrong"
