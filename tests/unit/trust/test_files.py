"""Trust stores from files of every kind that a system administrator has."""

from __future__ import annotations

import shutil
import subprocess
from base64 import encodebytes
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7

from esign_kit.errors import InputError
from esign_kit.trust.files import load, read_certificates
from esign_kit.trust.store import TrustStore
from tests.unit.trust import making
from tests.unit.trust.making import issue, root

if TYPE_CHECKING:
    from pathlib import Path

ONE, TWO = root("One"), root("Two")


def pem(der: bytes, label: str = "CERTIFICATE") -> bytes:
    return (
        f"-----BEGIN {label}-----\n".encode()
        + encodebytes(der)
        + f"-----END {label}-----\n".encode()
    )


@pytest.mark.parametrize(
    "data",
    [
        ONE.der,
        pem(ONE.der),
        b"# CN=One\n" + pem(ONE.der) + b"\ncomment\n",
        encodebytes(ONE.der),
    ],
)
def test_one_certificate(data: bytes) -> None:
    assert [c.der for c in read_certificates(data)] == [ONE.der]


def test_bundles() -> None:
    both = [ONE.der, TWO.der]
    assert [c.der for c in read_certificates(pem(ONE.der) + pem(TWO.der))] == both
    for encoding in (Encoding.DER, Encoding.PEM):
        data = pkcs7.serialize_certificates([ONE.x509, TWO.x509], encoding)
        assert sorted(c.der for c in read_certificates(data)) == sorted(both)


def test_a_bag_hides_nothing_that_stands_beside_it() -> None:
    bag = pkcs7.serialize_certificates([ONE.x509], Encoding.PEM)
    single = pem(TWO.der)
    assert read_certificates(bag + single) == (ONE.view, TWO.view)
    assert read_certificates(single + bag) == (TWO.view, ONE.view)


def test_a_folder_with_helpers(tmp_path: Path) -> None:
    (tmp_path / "one.crt").write_bytes(pem(ONE.der))
    (tmp_path / "two.DER").write_bytes(TWO.der)
    (tmp_path / "readme.txt").write_text("not a certificate")
    (tmp_path / ".hidden.crt").write_text("not one either")
    (tmp_path / "intermediates").mkdir()
    (tmp_path / "intermediates" / "ca.cer").write_bytes(issue("CA", ONE, ca=True).der)
    store = load(tmp_path)
    assert [a.certificate.label for a in store] == ["One", "Two"]
    assert [c.label for c in store.intermediates] == ["CA"]
    assert store.anchors[0].note.endswith("one.crt")


def test_what_cannot_be_read_is_named(tmp_path: Path) -> None:
    bad = tmp_path / "bad.crt"
    bad.write_bytes(b"rubbish")
    with pytest.raises(InputError, match=r"bad\.crt"):
        load(tmp_path)
    with pytest.raises(InputError, match="absent"):
        load(tmp_path / "absent.crt")
    with pytest.raises(InputError):
        read_certificates(b"\x30\x0b\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02")


def p12(*certificates: bytes, password: bytes | None = None, key: bool = False) -> bytes:
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import (
        BestAvailableEncryption,
        NoEncryption,
    )
    from cryptography.hazmat.primitives.serialization.pkcs12 import serialize_key_and_certificates

    found = [x509.load_der_x509_certificate(der) for der in certificates]
    return serialize_key_and_certificates(
        b"x",
        making.key(ONE.number) if key else None,  # type: ignore[arg-type]
        found[0] if key else None,
        found[1:] if key else found,
        BestAvailableEncryption(password) if password else NoEncryption(),
    )


@pytest.mark.parametrize("password", [None, b"changeit"])
def test_a_trust_store_as_java_writes_it_today(tmp_path: Path, password: bytes | None) -> None:
    file = tmp_path / "cacerts"
    file.write_bytes(p12(ONE.der, TWO.der, password=password))
    assert sorted(a.certificate.label for a in load(file)) == ["One", "Two"]


def test_a_trust_store_with_a_password_of_its_own(tmp_path: Path) -> None:
    file = tmp_path / "store.p12"
    file.write_bytes(p12(ONE.der, password="тайна".encode()))
    with pytest.raises(InputError, match=r"store\.p12.*does not open") as caught:
        load(file)
    assert caught.value.code == "input.pkcs12" and "openssl pkcs12" in caught.value.hint
    with pytest.raises(InputError):
        load(file, "wrong")
    (anchor,) = TrustStore.from_path(file, password="тайна")
    assert anchor.certificate.der == ONE.der


def test_a_key_file_is_no_trust_store() -> None:
    with pytest.raises(InputError, match="private key") as caught:
        read_certificates(p12(ONE.der, TWO.der, key=True))
    assert caught.value.code == "input.pkcs12" and "openssl pkcs12" in caught.value.hint


def test_keytool_writes_what_we_read(tmp_path: Path) -> None:
    program = shutil.which("keytool")
    if program is None:
        pytest.skip("no keytool on this machine")
    (tmp_path / "one.cer").write_bytes(ONE.der)
    for kind in ("pkcs12", "jks", "jceks"):
        if kind != "pkcs12":
            pytest.importorskip("jks")
        store = tmp_path / f"store.{kind}"
        command = [
            program, "-importcert", "-noprompt", "-alias", "one", "-file", tmp_path / "one.cer",
            "-keystore", store, "-storetype", kind, "-storepass", "changeit",
        ]  # fmt: skip
        subprocess.run(command, check=True, capture_output=True, timeout=60)
        assert [a.certificate.der for a in load(store)] == [ONE.der]


def test_one_certificate_in_several_files_is_one_anchor(tmp_path: Path) -> None:
    (tmp_path / "one.cer").write_bytes(ONE.der)
    (tmp_path / "same.pem").write_bytes(pem(ONE.der) * 2)
    assert len(load(tmp_path)) == 1


def test_a_revocation_list_is_told_apart(tmp_path: Path) -> None:
    (tmp_path / "root.crt").write_bytes(making.crl(ONE))
    with pytest.raises(InputError, match=r"root\.crt: a revocation list and no certificate"):
        load(tmp_path)


@pytest.mark.parametrize(
    "data",
    [
        b"", b"\x30", b"\x30\x80" * 50_000, b"\x30\x84\xff\xff\xff\xff" + bytes(1000),
        b"-----BEGIN CERTIFICATE-----", pem(b"x"), pem(b"x", "PKCS7"), pem(ONE.der)[:-40],
        b"\xfe\xed\xfe\xed" + bytes(100), b"\xce\xce\xce\xce\xff" * 50,
        b"\xfe\xed\xfe\xed\x00\x00\x00\x02\x7f\xff\xff\xff" + bytes(40),
        ONE.der[:-30], ONE.der + b"xx", b"-----BEGIN " * 100_000, b"\xff\xfe" + bytes(100),
        b"\x30\x07\x02\x01\x03\x30\x02\x06\x00", "текст".encode(),
    ],
)  # fmt: skip
def test_rubbish_is_refused_in_our_own_words(data: bytes) -> None:
    with pytest.raises(InputError):
        read_certificates(data)


def test_a_java_keystore(tmp_path: Path) -> None:
    jks = pytest.importorskip("jks")
    entries = [jks.TrustedCertEntry.new("one", ONE.der), jks.TrustedCertEntry.new("two", TWO.der)]
    file = tmp_path / "cacerts.jks"
    file.write_bytes(jks.KeyStore.new("jks", entries).saves("changeit"))
    assert sorted(a.certificate.label for a in load(file)) == ["One", "Two"]
    file.write_bytes(b"\xfe\xed\xfe\xed rubbish")
    with pytest.raises(InputError):
        load(file)
