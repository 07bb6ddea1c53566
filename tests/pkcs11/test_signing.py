"""Every format, every algorithm of the token: made there, verified by us and by OpenSSL."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

import esign_kit as ek
from esign_kit import crypto
from esign_kit.algorithms import signature_algorithm
from esign_kit.keys import Pkcs11
from tests.pkcs11.conftest import KINDS, PIN

if TYPE_CHECKING:
    from pathlib import Path

    from esign_kit.testing import FixturePKI
    from esign_kit.testing.softhsm import SoftToken

_DIGESTS = ("SHA256", "SHA384", "SHA512", "SHA1", "SHA224", "SHA3-256", "SHA3-384", "SHA3-512")
_ALGORITHMS = {
    **dict.fromkeys(
        ("rsa", "rsa-3072"),
        {f"RSA-{name}" for name in _DIGESTS} | {f"RSA-PSS-{name}" for name in _DIGESTS[:5]},
    ),
    **{
        key: {f"ECDSA-{name}" for name in _DIGESTS} for key in ("p256", "p384", "p521", "brainpool")
    },
    "ed25519": {"ED25519"},
}
_WEAK = ("SHA1", "SHA224")
CASES = [(label, name) for label in KINDS for name in sorted(_ALGORITHMS[label])]


@pytest.fixture(scope="module")
def store(filled: SoftToken):
    with Pkcs11.open(filled.uri, pin=PIN) as opened:
        yield opened


def _key(store: Pkcs11, label: str):
    (entry,) = [item for item in store.entries if item.name == label]
    assert entry.key is not None
    return entry.key


def test_what_the_token_can_do(store: Pkcs11) -> None:
    for label in KINDS:
        key = _key(store, label)
        assert {row.name for row in key.algorithms} == _ALGORITHMS[label]
    preferred = {label: _key(store, label).algorithms[0].name for label in KINDS}
    assert preferred == {
        "rsa": "RSA-SHA256",
        "rsa-3072": "RSA-SHA256",
        "p256": "ECDSA-SHA256",
        "p384": "ECDSA-SHA384",
        "p521": "ECDSA-SHA512",
        "brainpool": "ECDSA-SHA256",
        "ed25519": "ED25519",
    }


@pytest.mark.parametrize(("label", "name"), CASES)
@pytest.mark.parametrize("size", [40, 100_000], ids=["small", "large"])
def test_values_are_verified_by_us_and_openssl(
    store: Pkcs11, tmp_path: Path, label: str, name: str, size: int
) -> None:
    key, algorithm = _key(store, label), signature_algorithm(name)
    data = bytes(range(200)) * (size // 200) + b"x" * (size % 200)
    value = key.sign(data, algorithm)
    public = crypto.load_public_key(key.view.spki)
    assert crypto.verify(public, algorithm, value, data)
    assert not crypto.verify(public, algorithm, value, data + b".")
    for file, octets in (("key", key.view.spki), ("data", data), ("value", value)):
        (tmp_path / file).write_bytes(octets)
    command = ["openssl", "pkeyutl", "-verify", "-pubin", "-keyform", "DER", "-inkey", "key"]
    command += ["-in", "data", "-sigfile", "value", "-rawin"]
    if algorithm.digest is not None:
        command += ["-digest", algorithm.digest.lower()]
    if algorithm.family == "RSA-PSS":
        command += ["-pkeyopt", "rsa_padding_mode:pss"]
        command += ["-pkeyopt", f"rsa_pss_saltlen:{algorithm.salt_length}"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, timeout=30, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(("label", "name"), CASES)
@pytest.mark.parametrize(
    ("format", "packaging"),
    [("cades", "attached"), ("cades", "detached"), ("xades", "enveloped"), ("raw", "detached")],
)
def test_formats(
    store: Pkcs11, pki: FixturePKI, label: str, name: str, format: str, packaging: str
) -> None:
    key = _key(store, label)
    document = ek.Document(b"<application><person>1</person></application>", name="a.xml")
    if format == "xades" and not signature_algorithm(name).uris:
        with pytest.raises(ek.UnsupportedError):
            ek.sign(document, key, format=format, packaging=packaging, algorithm=name)
        return
    signed = ek.sign(
        document,
        key,
        format=format,
        packaging=packaging,
        algorithm=name,
        signing_time=pki.now,
    )
    report = ek.verify(
        signed,
        detached=[document] if packaging == "detached" else [],
        certificates=[key.certificate_der, *key.chain_der, pki.issuing.certificate_der],
        trust=pki.trust,
        policy=ek.ValidationPolicy().with_(revocation=ek.Revocation.NOT_CHECKED),
        at=pki.now,
    )
    checks = {check.name: str(check.status) for check in report.only.checks}
    assert checks["signature-value"] == "PASSED"
    if not name.endswith(_WEAK):
        assert str(report.indication) == "TOTAL_PASSED", report.only.to_dict()
    else:
        assert checks["algorithm-strength"] != "PASSED"


@pytest.mark.parametrize("label", [label for label in KINDS if label != "ed25519"])
def test_cms_is_accepted_by_openssl(
    store: Pkcs11, pki: FixturePKI, tmp_path: Path, label: str
) -> None:
    key = _key(store, label)
    for algorithm in key.algorithms:
        if algorithm.name.endswith(_WEAK) or "SHA3" in algorithm.name:
            continue
        signed = ek.sign(
            b"payload", key, format="cades", packaging="attached", algorithm=algorithm.name
        )
        (tmp_path / "signed").write_bytes(signed)
        done = subprocess.run(
            ["openssl", "cms", "-verify", "-inform", "DER", "-in", "signed", "-noverify"],
            cwd=tmp_path,
            capture_output=True,
            timeout=30,
            check=False,
        )
        assert done.returncode == 0, (algorithm.name, done.stderr)
        assert done.stdout == b"payload"


def test_which_key_is_for_what(store: Pkcs11, pki: FixturePKI) -> None:
    login = store.find(purpose=ek.Purpose.AUTHENTICATION)
    assert login.name == "login"
    with pytest.raises(ek.KeyStoreError, match="say which") as caught:
        store.find(purpose=ek.Purpose.SIGNING)
    assert caught.value.code == "keys.ambiguous"
    with pytest.raises(ek.SigningError) as refused:
        ek.sign(b"x", login, format="cades", packaging="attached")
    assert refused.value.code == "signing.authentication-key"


def test_uri_narrows_and_chain_comes_along(filled: SoftToken, pki: FixturePKI) -> None:
    uri = filled.uri.replace("?", ";object=p256?")
    with Pkcs11.open(uri, pin=PIN) as store:
        key = store.find(purpose=ek.Purpose.SIGNING)
        assert key.name == "p256"
        assert key.chain_der == (pki.issuing.certificate_der,)


def test_prepare_and_complete(store: Pkcs11, pki: FixturePKI) -> None:
    key = _key(store, "p256")
    job = ek.prepare(
        b"payload", certificate=key.certificate_der, format="cades", packaging="attached"
    )
    value = key.sign(job.to_be_signed, job.algorithm)
    assert ek.parse(job.complete(value)).signatures
    other = _key(store, "p384").sign(job.to_be_signed, signature_algorithm("ECDSA-SHA384"))
    with pytest.raises(ek.SigningError):
        job.complete(other)
