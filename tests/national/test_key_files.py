"""Key files of two countries: each opens with its password, its key fits its certificate."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import esign_kit as ek
from esign_kit.asn1.certificate import Certificate
from esign_kit.crypto import load_private_key, load_public_key, verify
from esign_kit.crypto.national import encode_private_key
from esign_kit.keys import pkcs12
from esign_kit.keys.ciphers import Work
from tests import corpora

if TYPE_CHECKING:
    from pathlib import Path

# Published with the test keys of the national authority.
PASSWORD = "Qwerty12"
KEYS = {
    "2026_gost2015_individual.p12": "GOST3410-512",
    "2026_gost2015_ceo.p12": "GOST3410-512",
    "2026_gost2015_can_sign.p12": "GOST3410-512",
    "2026_gost2015_infosystem.p12": "GOST3410-512",
    "2026_gost2015_treasury.p12": "GOST3410-512",
    "2026_gost2015_employee.p12": "GOST3410-512",
    "2026_gost2015_individual_revoked.p12": "GOST3410-512",
    "2023_gost2004_hr.p12": "GOST34310-256",
    "2023_gost2004_financial.p12": "GOST34310-256",
    "2023_gost2004_can_sign_revoked.p12": "GOST34310-256",
    "2023_rsa_individual_sign.p12": "RSA",
    "2023_rsa_individual_auth.p12": "RSA",
    "2023_rsa_individual_sign_revoked.p12": "RSA",
    "2023_rsa_ceo_auth.p12": "RSA",
}
DATA = b"An application for an unemployment benefit."


def test_no_key_file_is_left_out() -> None:
    assert {path.name for path in corpora.national("kz", "p12").iterdir()} == set(KEYS)


@pytest.mark.parametrize("name", KEYS)
def test_kazakh_key_files(name: str) -> None:
    path = corpora.national("kz", "p12", name)
    with ek.Pkcs12.open(path, password=PASSWORD) as store:
        (key,) = store.keys()
        public = load_public_key(Certificate.load(key.certificate_der).spki)
        assert public.type == KEYS[name]
        purpose = ek.Purpose.AUTHENTICATION if "auth" in name else ek.Purpose.SIGNING
        assert key.purpose is purpose
        algorithm = key.algorithms[0]
        assert algorithm.key_type == KEYS[name]
        assert verify(public, algorithm, key.sign(DATA, algorithm), DATA)
        assert key.chain_der == ()


@pytest.mark.parametrize("name", ["2026_gost2015_ceo.p12", "2023_gost2004_hr.p12"])
def test_the_layout_of_a_private_key_is_the_one_that_we_write(name: str) -> None:
    path = corpora.national("kz", "p12", name)
    bags = pkcs12._read(path.read_bytes(), PASSWORD, Work())
    (pkcs8,) = [bag.pkcs8 for bag in bags if bag.pkcs8 is not None]
    assert encode_private_key(load_private_key(pkcs8)) == pkcs8


def test_a_wrong_password_says_so() -> None:
    path = corpora.national("kz", "p12", "2026_gost2015_ceo.p12")
    with pytest.raises(ek.KeyStoreError, match="password"):
        ek.Pkcs12.open(path, password="qwerty12")


@pytest.mark.parametrize("kind", ["gost", "gost-2004", "ozdst", "ozdst-c", "ozmst"])
def test_a_key_file_of_a_fixture_country(kind: str, tmp_path: Path) -> None:
    from esign_kit.testing import FixturePKI

    person = FixturePKI("kz", key=kind).person()
    person.export_p12(tmp_path / "key.p12", "secret")
    (key,) = ek.Pkcs12.open(tmp_path / "key.p12", password="secret").keys()
    public = load_public_key(Certificate.load(key.certificate_der).spki)
    algorithm = key.algorithms[0]
    assert verify(public, algorithm, key.sign(DATA, algorithm), DATA)
    assert public.spki == load_public_key(Certificate.load(person.certificate_der).spki).spki
