"""Both ways with OpenSSL's GOST engine, where it is installed (Debian: libengine-gost-openssl).

The engine knows neither country's object identifiers, so keys are relabelled with Russian ones:
that is a change of name only. It has no Test S-box, so the old Kazakh algorithm is left out.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from esign_kit.asn1.reader import decode_oid, encode, encode_oid, read_all
from esign_kit.crypto import load_public_key, verify
from esign_kit.crypto.national import private_key

if TYPE_CHECKING:
    from pathlib import Path

    from esign_kit.crypto import PublicKey

DATA = b"Both must agree on this."
CASES = {
    # our key type: (curve, OID and parameters for OpenSSL, its digest, its key generation)
    "GOST3410-512": (
        "tc26-512-A",
        "1.2.643.7.1.1.1.2",
        ("1.2.643.7.1.2.1.2.1", "1.2.643.7.1.1.2.3"),
        "md_gost12_512",
        ("gost2012_512", "A"),
    ),
    "OZDST1092-256": (
        "CryptoPro-A",
        "1.2.643.2.2.19",
        ("1.2.643.2.2.35.1", "1.2.643.2.2.30.1"),
        "md_gost94",
        ("gost2001", "A"),
    ),
    "OZDST1092-256 B": (
        "CryptoPro-B",
        "1.2.643.2.2.19",
        ("1.2.643.2.2.35.2", "1.2.643.2.2.30.1"),
        "md_gost94",
        ("gost2001", "B"),
    ),
    "OZDST1092-256 C": (
        "CryptoPro-C",
        "1.2.643.2.2.19",
        ("1.2.643.2.2.35.3", "1.2.643.2.2.30.1"),
        "md_gost94",
        ("gost2001", "C"),
    ),
}


def _openssl(*arguments: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [shutil.which("openssl") or "openssl", *arguments],
        capture_output=True,
        timeout=30,
        check=False,
        env={**os.environ, "LC_ALL": "C"},
    )


@pytest.fixture(scope="module", autouse=True)
def _engine() -> None:
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    if b"[ available ]" not in _openssl("engine", "-t", "gost").stdout:
        pytest.skip("OpenSSL has no GOST engine here")


def _relabelled(key: PublicKey, oid: str, parameters: tuple[str, ...]) -> bytes:
    bits = read_all(key.spki).items()[1].raw
    inner = encode(0x30, b"".join(map(encode_oid, parameters)))
    return encode(0x30, encode(0x30, encode_oid(oid), inner), bits)


@pytest.mark.parametrize("case", CASES)
def test_openssl_accepts_what_we_sign(case: str, tmp_path: Path) -> None:
    curve, oid, parameters, digest, _ = CASES[case]
    kind = case.split()[0]
    key = private_key(kind, int.from_bytes(os.urandom(64), "big"), curve=curve)
    value = key.sign(DATA, key.algorithms[0])
    (tmp_path / "data").write_bytes(DATA)
    (tmp_path / "key").write_bytes(_relabelled(key.public_key, oid, parameters))
    # Kazakhstan's value is the Russian one with all octets reversed, Uzbekistan's is the same.
    (tmp_path / "value").write_bytes(value[::-1] if kind == "GOST3410-512" else value)
    arguments = ["dgst", "-engine", "gost", f"-{digest}", "-keyform", "DER"]
    arguments += ["-verify", str(tmp_path / "key"), "-signature", str(tmp_path / "value")]
    answer = _openssl(*arguments, str(tmp_path / "data"))
    assert b"Verified OK" in answer.stdout, answer.stderr
    (tmp_path / "data").write_bytes(DATA + b".")
    assert b"Verified OK" not in _openssl(*arguments, str(tmp_path / "data")).stdout


@pytest.mark.parametrize("case", CASES)
def test_we_accept_what_openssl_signs(case: str, tmp_path: Path) -> None:
    curve, oid, _, digest, (algorithm, paramset) = CASES[case]
    kind = case.split()[0]
    private, public = str(tmp_path / "private.pem"), str(tmp_path / "public.der")
    made = _openssl(
        "genpkey", "-engine", "gost", "-algorithm", algorithm,
        "-pkeyopt", f"paramset:{paramset}", "-out", private,
    )  # fmt: skip
    assert made.returncode == 0, made.stderr
    _openssl(
        "pkey", "-engine", "gost", "-in", private, "-pubout", "-outform", "DER", "-out", public
    )
    (tmp_path / "data").write_bytes(DATA)
    value = str(tmp_path / "value")
    _openssl(
        "dgst", "-engine", "gost", f"-{digest}", "-sign", private, "-out", value,
        str(tmp_path / "data"),
    )  # fmt: skip
    spki = read_all((tmp_path / "public.der").read_bytes()).items()
    assert decode_oid(spki[0].items()[0].contents) == oid
    template = private_key(kind, 1, curve=curve)
    identifier = read_all(template.public_key.spki).items()[0].raw
    key = load_public_key(encode(0x30, identifier, spki[1].raw))
    octets = (tmp_path / "value").read_bytes()
    octets = octets[::-1] if kind == "GOST3410-512" else octets
    assert key.curve == curve
    assert verify(key, template.algorithms[0], octets, DATA)
    assert not verify(key, template.algorithms[0], octets[::-1], DATA)
    assert not verify(key, template.algorithms[0], octets, DATA + b".")


def test_digests_agree(tmp_path: Path) -> None:
    from esign_kit.crypto.national import python_digest

    for length in (1, 31, 32, 33, 64, 1000):
        data = bytes(range(256)) * 4
        (tmp_path / "data").write_bytes(data[:length])
        for ours, theirs in (("STREEBOG-512", "md_gost12_512"), ("STREEBOG-256", "md_gost12_256"),
                             ("GOST34311-CP", "md_gost94")):  # fmt: skip
            running = python_digest(ours)
            running.update(data[:length])
            answer = _openssl(
                "dgst", "-engine", "gost", f"-{theirs}", "-binary", str(tmp_path / "data")
            )
            assert running.digest() == answer.stdout, (ours, length)
