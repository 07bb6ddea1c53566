"""PEM and DER private keys, and the crafted containers."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from typing import TYPE_CHECKING

import pytest

import esign_kit as ek
from esign_kit.asn1.reader import encode, encode_oid
from esign_kit.errors import EsignError, KeyStoreError
from esign_kit.keys import KeyFile
from esign_kit.keys.ciphers import pkcs12_kdf
from esign_kit.keys.rc2 import rc4
from esign_kit.testing import FixturePKI, keys as test_keys
from esign_kit.testing.export import pem
from tests.corpora import require

if TYPE_CHECKING:
    from pathlib import Path

PKI = FixturePKI()
PERSON = PKI.person()
KEY = pem(PERSON.private_key.pkcs8, "PRIVATE KEY")
CERTIFICATE = pem(PERSON.certificate.der)
ISSUER = pem(PKI.issuing.certificate.der)


def _code(source: object, **options: object) -> str:
    with pytest.raises(EsignError) as caught:
        KeyFile.open(source, **options)
    return caught.value.code


@pytest.mark.parametrize(
    ("source", "certificate"),
    [
        (KEY + CERTIFICATE + ISSUER, None),
        (ISSUER + b"# a remark\n" + CERTIFICATE + KEY, None),
        (KEY, CERTIFICATE + ISSUER),
        (KEY.replace(b"\n", b"\r\n"), PERSON.certificate.der),
        (PERSON.private_key.pkcs8, PERSON.certificate),
        (PERSON.private_key.pkcs8, PERSON.key.certificate),
    ],
)
def test_plain(source: bytes, certificate: object) -> None:
    with ek.KeyFile.open(source, certificate=certificate) as store:
        key = store.find(purpose=ek.Purpose.SIGNING)
    assert key.certificate_der == PERSON.certificate.der
    with_issuer = ISSUER in source or (isinstance(certificate, bytes) and ISSUER in certificate)
    assert key.chain_der == ((PKI.issuing.certificate.der,) if with_issuer else ())


def test_from_paths(tmp_path: Path) -> None:
    PERSON.export_pem(tmp_path)
    store = KeyFile.open(tmp_path / "key.pem", certificate=str(tmp_path / "chain.pem"))
    assert store.find().chain_der == (PKI.issuing.certificate.der,)


def test_a_key_alone_opens_but_is_not_found() -> None:
    store = KeyFile.open(KEY)
    assert len(store.entries) == 1
    with pytest.raises(KeyStoreError) as caught:
        store.find()
    assert caught.value.code == "keys.no-certificate"


def test_failures(tmp_path: Path) -> None:
    assert _code(CERTIFICATE) == "keys.no-key"
    assert _code(b"") == _code(b"nonsense") == _code(b"\x30\x00") == "keys.not-a-key"
    assert _code(PERSON.certificate.der) == "keys.not-a-key"
    assert _code(KEY[:60] + b"!" + KEY[60:]) == "keys.not-a-key"
    assert _code(KEY.replace(b"-----END", b"----END")) == "keys.not-a-key"
    assert _code(KEY + b"-----BEGIN CERTIFICATE-----\nMAAA\n") == "keys.not-a-key"
    assert _code(tmp_path / "absent.pem") == "keys.no-such-file"
    other = test_keys.make("ec", b"other", 0)
    unknown = other.pkcs8.replace(bytes.fromhex("2a8648ce3d0201"), bytes.fromhex("2a8648ce3d0209"))
    assert _code(unknown) == "keys.unsupported-key"


@pytest.mark.parametrize("kind", ["rsa", "ec"])
@pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl command")
def test_traditional_forms(kind: str, tmp_path: Path) -> None:
    holder = FixturePKI(key=kind).person()
    (tmp_path / "k.pem").write_bytes(pem(holder.private_key.pkcs8, "PRIVATE KEY"))
    done = subprocess.run(
        ["openssl", "pkey", "-traditional", "-in", "k.pem"],
        cwd=tmp_path, capture_output=True, timeout=60, check=True,
    )  # fmt: skip
    assert KeyFile.open(done.stdout, certificate=holder.certificate.der).find()


@pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl command")
@pytest.mark.parametrize(
    "options",
    [
        "-scrypt",
        *(f"-v1 PBE-{n}" for n in ("MD5-DES", "SHA1-DES", "MD5-RC2-64", "SHA1-RC2-64")),
        *(f"-v1 PBE-{n}" for n in ("SHA1-RC2-40", "SHA1-3DES", "SHA1-RC4-128")),
        *(f"-v2 {n}" for n in ("aes-128-cbc", "aes-256-cbc", "des3", "rc2-cbc", "rc2-40-cbc")),
        *(f"-v2 aes256 -v2prf hmacWithSHA{n}" for n in (1, 224, 384, 512)),
    ],
)
def test_encrypted_by_openssl(options: str, tmp_path: Path) -> None:
    (tmp_path / "k.pem").write_bytes(KEY)
    done = subprocess.run(
        ["openssl", "pkcs8", "-topk8", "-provider", "legacy", "-provider", "default",
         "-in", "k.pem", *options.split(), "-passout", "pass:pw"],
        cwd=tmp_path, capture_output=True, timeout=60, check=False,
    )  # fmt: skip
    if done.returncode:
        pytest.skip("this openssl does not write it")
    store = KeyFile.open(done.stdout, certificate=CERTIFICATE, password="pw")
    assert store.find().certificate_der == PERSON.certificate.der
    assert _code(done.stdout) == "keys.password-needed"
    assert _code(done.stdout, password="PW") == "keys.wrong-password"


@pytest.mark.parametrize(
    "plain",
    [b"0\x01\x05", b"0\x03\x02\x01\x00", b"0\x02\x05\x00junk", b"\x04\x00", b"", b"\x30\x80" * 99],
)
def test_what_decrypts_to_no_key_was_another_password(plain: bytes) -> None:
    # RC4 has no padding, so another password gives octets of any look.
    salt = b"saltsalt"
    parameters = encode(0x30, encode(4, salt), encode(2, b"\x05"))
    algorithm = encode(0x30, encode_oid("1.2.840.113549.1.12.1.1"), parameters)
    secret = pkcs12_kdf("sha1", "pw".encode("utf-16-be") + b"\0\0", salt, 5, 1, 16)
    for shown, code in ((plain, "keys.wrong-password"), (PERSON.private_key.pkcs8, None)):
        data = encode(0x30, algorithm, encode(4, rc4(secret, shown)))
        if code is not None:
            assert _code(data, certificate=CERTIFICATE, password="pw") == code
        else:
            assert KeyFile.open(data, certificate=CERTIFICATE, password="pw").find()


def test_large_nonsense_costs_little() -> None:
    start = time.monotonic()
    nulls = b"\x05\x00" * 4_000_000
    flood = b"\x30\x84" + len(nulls).to_bytes(4, "big") + nulls
    blocks = b"-----BEGIN X-----\nAA==\n-----END X-----\n" * 100_000
    for data in (flood, blocks, b"-----BEGIN " * 500_000, b"\x30\x80" * 1_000_000):
        for opener in (ek.KeyFile, ek.Pkcs12):
            with pytest.raises(EsignError):
                opener.open(data, password="pw")
    with pytest.raises(EsignError):
        KeyFile.open(KEY, certificate=blocks)
    assert time.monotonic() - start < 10


def test_crafted_containers() -> None:
    folder = require("crafted-containers")
    manifest = json.loads((folder / "manifest.json").read_text())
    wrong = []
    for case in manifest["cases"]:
        path = folder / case["file"]
        opener = ek.KeyFile if path.suffix == ".pem" else ek.Pkcs12
        start = time.monotonic()
        try:
            store = opener.open(path, password=case["password"])
            verdict = "accept" if store.entries else "refuse"
        except EsignError:
            verdict = "refuse"
        if case["expect"] not in (verdict, "either"):
            wrong.append((case["id"], verdict))
        if time.monotonic() - start > case["limit_seconds"]:
            wrong.append((case["id"], "slow"))
    assert manifest["cases"] and not wrong
