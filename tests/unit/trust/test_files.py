"""Trust stores from files of every kind that a system administrator has."""

from __future__ import annotations

from base64 import encodebytes
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7

from esign_kit.errors import InputError
from esign_kit.trust.files import load, read_certificates
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


def test_a_pkcs12_file_is_told_apart() -> None:
    from cryptography.hazmat.primitives.serialization import NoEncryption
    from cryptography.hazmat.primitives.serialization.pkcs12 import serialize_key_and_certificates

    data = serialize_key_and_certificates(b"x", None, ONE.x509, None, NoEncryption())
    with pytest.raises(InputError) as caught:
        read_certificates(data)
    assert caught.value.code == "input.pkcs12" and "openssl pkcs12" in caught.value.hint


def test_a_java_keystore(tmp_path: Path) -> None:
    jks = pytest.importorskip("jks")
    entries = [jks.TrustedCertEntry.new("one", ONE.der), jks.TrustedCertEntry.new("two", TWO.der)]
    file = tmp_path / "cacerts.jks"
    file.write_bytes(jks.KeyStore.new("jks", entries).saves("changeit"))
    assert sorted(a.certificate.label for a in load(file)) == ["One", "Two"]
    file.write_bytes(b"\xfe\xed\xfe\xed rubbish")
    with pytest.raises(InputError):
        load(file)
