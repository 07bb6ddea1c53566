"""OpenSSL's ``cms`` command, both ways.

``-cades`` makes it check the signing-certificate attribute.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.interop.conftest import PAYLOAD, Country, assert_passed, command, run

if TYPE_CHECKING:
    from pathlib import Path

PACKAGINGS = ["attached", "detached"]


def _openssl_verify(country: Country, signed: bytes, folder: Path, detached: bool) -> bytes:
    signature = folder / "signature.p7s"
    signature.write_bytes(signed)
    content = folder / "content"
    content.write_bytes(PAYLOAD)
    out = folder / "out"
    done = run(
        command("openssl"), "cms", "-verify", "-cades", "-binary", "-inform", "DER",
        "-in", signature, "-CAfile", country.root, "-out", out, "-purpose", "any",
        *(("-content", content) if detached else ()),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr.decode()
    return out.read_bytes()


@pytest.mark.parametrize("packaging", PACKAGINGS)
def test_openssl_accepts_ours(country: Country, tmp_path: Path, packaging: str) -> None:
    signed = country.person.sign(PAYLOAD, format="cades", packaging=packaging)
    assert _openssl_verify(country, signed, tmp_path, packaging == "detached") == PAYLOAD


def test_openssl_accepts_pss(country: Country, tmp_path: Path) -> None:
    if country.kind != "rsa":
        pytest.skip("PSS is for RSA keys")
    signed = country.person.sign(
        PAYLOAD, format="cades", packaging="attached", algorithm="RSA-PSS-SHA256"
    )
    assert _openssl_verify(country, signed, tmp_path, False) == PAYLOAD


@pytest.mark.parametrize("packaging", PACKAGINGS)
def test_openssl_accepts_two_signers(country: Country, tmp_path: Path, packaging: str) -> None:
    first = country.person.sign(PAYLOAD, format="cades", packaging=packaging)
    both = country.colleague.sign(PAYLOAD, format="cades", packaging=packaging, existing=first)
    assert _openssl_verify(country, both, tmp_path, packaging == "detached") == PAYLOAD
    assert_passed(country.verify(both, detached=[PAYLOAD] if packaging == "detached" else ()), 2)


def test_openssl_refuses_ours_over_other_content(country: Country, tmp_path: Path) -> None:
    signed = country.person.sign(b"other", format="cades", packaging="detached")
    (tmp_path / "s").write_bytes(signed)
    (tmp_path / "c").write_bytes(PAYLOAD)
    done = run(
        command("openssl"), "cms", "-verify", "-cades", "-binary", "-inform", "DER",
        "-in", tmp_path / "s", "-content", tmp_path / "c", "-CAfile", country.root,
        "-purpose", "any", "-out", tmp_path / "o",
    )  # fmt: skip
    assert done.returncode != 0


@pytest.mark.parametrize("extra", [(), ("-stream",), ("-keyopt", "rsa_padding_mode:pss")])
@pytest.mark.parametrize("packaging", PACKAGINGS)
def test_we_accept_openssl(
    country: Country, tmp_path: Path, packaging: str, extra: tuple[str, ...]
) -> None:
    if "-keyopt" in extra and country.kind != "rsa":
        pytest.skip("PSS is for RSA keys")
    (tmp_path / "content").write_bytes(PAYLOAD)
    done = run(
        command("openssl"), "cms", "-sign", "-cades", "-binary", "-outform", "DER", "-md", "sha256",
        "-in", tmp_path / "content", "-out", tmp_path / "s.p7s",
        "-signer", country.certificate, "-inkey", country.key, "-certfile", country.issuing,
        *(("-nodetach",) if packaging == "attached" else ()), *extra,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr.decode()
    detached = [PAYLOAD] if packaging == "detached" else ()
    report = country.verify((tmp_path / "s.p7s").read_bytes(), detached=detached)
    assert_passed(report)
    # OpenSSL writes no mime-type or content-hints, and needs none: this is baseline B.
    assert report.only.level == "CAdES-BASELINE-B"
    assert report.only.signing_certificate_der == country.person.certificate_der


def test_we_accept_a_signer_that_openssl_added(country: Country, tmp_path: Path) -> None:
    signed = country.person.sign(PAYLOAD, format="cades", packaging="attached")
    (tmp_path / "one").write_bytes(signed)
    colleague = country.folder / "colleague"
    done = run(
        command("openssl"), "cms", "-resign", "-cades", "-inform", "DER", "-outform", "DER",
        "-in", tmp_path / "one", "-out", tmp_path / "two", "-md", "sha256",
        "-signer", colleague / "certificate.pem", "-inkey", colleague / "key.pem",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr.decode()
    assert_passed(country.verify((tmp_path / "two").read_bytes()), 2)
