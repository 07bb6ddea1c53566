"""What the factory makes is accepted by an independent reader: the openssl command."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from esign_kit.testing import FixturePKI
from esign_kit.testing.export import pem, pkcs12

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl command")

# The machine's openssl asks the real clock; the validity of what is made lies around this time.
NOW = "2026-11-21T12:00:00Z"


def _run(*arguments: str, at: Path, good: bool = True) -> str:
    done = subprocess.run(
        ["openssl", *arguments],
        cwd=at,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=60,
        check=False,
    )
    assert (done.returncode == 0) is good, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.fixture(params=[("xx", "ec"), ("kz", "rsa"), ("eidas", "p384"), ("xx", "brainpool")])
def made(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[FixturePKI, Path]:
    pki = FixturePKI(request.param[0], key=request.param[1], at=NOW)
    good, bad = pki.employee(role="head"), pki.person()
    pki.revoke(bad)
    (tmp_path / "data").write_bytes(b"payload")
    for name, holder in (("root", pki.root), ("ca", pki.issuing), ("good", good), ("bad", bad)):
        (tmp_path / f"{name}.pem").write_bytes(pem(holder.certificate.der))
    crls = pem(pki.crl(), "X509 CRL") + pem(pki.crl(pki.root), "X509 CRL")
    (tmp_path / "crls.pem").write_bytes(crls)
    (tmp_path / "ca.crl").write_bytes(pki.crl())
    (tmp_path / "good.ocsp").write_bytes(pki.ocsp(good))
    (tmp_path / "bad.ocsp").write_bytes(pki.ocsp(bad, digest="sha256"))
    (tmp_path / "token").write_bytes(pki.tsa.timestamp(b"payload"))
    return pki, tmp_path


def test_chain_and_crl(made: tuple[FixturePKI, Path]) -> None:
    _, folder = made
    common = (
        "-CAfile",
        "root.pem",
        "-untrusted",
        "ca.pem",
        "-x509_strict",
        "-attime",
        "1795262400",
    )
    checked = (*common, "-crl_check_all", "-CRLfile", "crls.pem")
    assert "good.pem: OK" in _run("verify", *checked, "good.pem", at=folder)
    assert "certificate revoked" in _run("verify", *checked, "bad.pem", at=folder, good=False)
    (folder / "chain.pem").write_bytes(
        (folder / "ca.pem").read_bytes() + (folder / "root.pem").read_bytes()
    )
    text = _run("crl", "-inform", "DER", "-in", "ca.crl", "-CAfile", "chain.pem", at=folder)
    assert "verify OK" in text


def test_ocsp(made: tuple[FixturePKI, Path]) -> None:
    _, folder = made
    for name, word, extra in (("good", "good", ()), ("bad", "revoked", ("-sha256",))):
        text = _run(
            "ocsp", *extra, "-respin", f"{name}.ocsp", "-issuer", "ca.pem", "-cert", f"{name}.pem",
            "-CAfile", "root.pem", "-verify_other", "ca.pem", "-no_nonce",
            "-validity_period", "3153600000", "-attime", "1795262400", at=folder,
        )  # fmt: skip
        assert "Response verify OK" in text
        assert f"{name}.pem: {word}" in text


def test_timestamps(made: tuple[FixturePKI, Path]) -> None:
    pki, folder = made
    trust = ("-CAfile", "root.pem", "-untrusted", "ca.pem", "-attime", "1795262400")
    text = _run("ts", "-verify", "-data", "data", "-token_in", "-in", "token", *trust, at=folder)
    assert "Verification: OK" in text
    _run("ts", "-query", "-data", "data", "-sha384", "-cert", "-out", "query", at=folder)
    (folder / "reply").write_bytes(pki.tsa.respond((folder / "query").read_bytes()))
    text = _run("ts", "-verify", "-queryfile", "query", "-in", "reply", *trust, at=folder)
    assert "Verification: OK" in text
    _run("ts", "-query", "-data", "data", "-tspolicy", "1.2.3", "-out", "query", at=folder)
    (folder / "reply").write_bytes(pki.tsa.respond((folder / "query").read_bytes()))
    assert "policy is not supported" in _run("ts", "-reply", "-in", "reply", "-text", at=folder)


@pytest.mark.parametrize("scheme", ["aes", "3des", "none"])
@pytest.mark.parametrize("password", ["pw", ""])
def test_pkcs12_is_read(scheme: str, password: str, tmp_path: Path) -> None:
    (tmp_path / "f.p12").write_bytes(pkcs12(FixturePKI().person(), password, scheme=scheme))
    text = _run("pkcs12", "-in", "f.p12", "-nodes", "-passin", f"pass:{password}", at=tmp_path)
    assert text.count("BEGIN CERTIFICATE") == 2
    assert text.count("BEGIN PRIVATE KEY") == 1


@pytest.mark.skipif(shutil.which("keytool") is None, reason="no keytool command")
@pytest.mark.parametrize("scheme", ["aes", "3des"])
def test_keytool_reads_it(scheme: str, tmp_path: Path) -> None:
    pki = FixturePKI("kz", key="ec")
    people = [pki.person(surname="Біріншi"), pki.person(surname="Екінші")]
    (tmp_path / "f.p12").write_bytes(pkcs12(people, "secret", scheme=scheme))
    done = subprocess.run(
        ["keytool", "-list", "-keystore", "f.p12", "-storetype", "PKCS12", "-storepass", "secret"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stdout.count("PrivateKeyEntry") == 2, done.stdout + done.stderr
