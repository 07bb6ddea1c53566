"""Profiles are data: strict, sourced, overridable by name, and open to other packages."""

from __future__ import annotations

import re
import sys
import tomllib
from datetime import UTC, datetime
from hashlib import sha256
from importlib.resources import files
from pathlib import Path

import pytest

import esign_kit as ek
from esign_kit import algorithms
from esign_kit.asn1.certificate import load_certificates
from esign_kit.profiles import BUILT_IN, _load, load_profile, profiles
from esign_kit.testing import FixturePKI
from tests.corpora import national


@pytest.mark.parametrize("name", BUILT_IN)
def test_built_in(name: str) -> None:
    profile = ek.profile(name)
    assert profile.name == name
    assert profile is ek.profile(name)
    assert profile.policy.id.startswith(f"esign-kit/{name}/")
    assert profile.unsupported
    assert profile.data["anchors_hint"]
    assert profile.assurance
    assert all(rule.when for rule in profile.assurance)
    for row in profile.data["assurance"]["rules"]:
        # What is recalled says so in its source, and the other way round.
        assert row.get("recalled", False) == row["source"].startswith("recalled"), row["id"]


@pytest.mark.parametrize("name", BUILT_IN)
def test_algorithms_stand_in_the_one_table(name: str) -> None:
    table = ek.profile(name).data.get("algorithms", {})
    for algorithm in table.get("signatures", ()):
        assert algorithms.signature_algorithm(algorithm)
    for digest in table.get("digests", ()):
        assert algorithms.digest_algorithm(digest)
        assert digest in ek.profile(name).policy.algorithms.digests
    for row in table.get("recognised", ()):
        assert algorithms.signature_by_oid(row["oid"]) is None, row


@pytest.mark.parametrize("name", BUILT_IN)
def test_every_certificate_is_named_with_digest_source_and_date(name: str) -> None:
    folder = Path(str(files(f"esign_kit.profiles.{name}")))
    data = tomllib.loads((folder / "profile.toml").read_text("utf-8"))
    rows = [*data.get("anchors", ()), *data.get("intermediates", ())]
    listed = {row["file"] for row in rows}
    found = {path.name for path in (folder / "anchors").iterdir()} if rows else set()
    assert found == listed
    for row in rows:
        (certificate,) = load_certificates((folder / "anchors" / row["file"]).read_bytes())
        assert sha256(certificate.der).hexdigest() == row["sha256"]
        assert row["source"]
        assert row["obtained"]


@pytest.mark.parametrize("name", BUILT_IN)
def test_rules_are_at_most_a_page_and_import_the_model_only(name: str) -> None:
    path = Path(str(files(f"esign_kit.profiles.{name}"))) / "rules.py"
    if not path.exists():
        return
    text = path.read_text("utf-8")
    assert len(text.splitlines()) <= 70
    for module in re.findall(r"^\s*from (\S+) import", text, re.M):
        assert not module.startswith("esign_kit") or module.startswith("esign_kit.model"), module


def test_shipped_anchors_are_the_public_ones() -> None:
    for country, place in (("kz", ("kz", "ca")), ("uz", ("uz", "certs")), ("vn", ("vn", "roots"))):
        known = {
            load_certificates(path.read_bytes())[0].der
            for path in national(*place).rglob("*")
            if path.is_file()
        }
        for environment in ("production", "test"):
            for anchor in ek.profile(country, environment=environment).trust:
                assert anchor.certificate.der in known


def test_production_and_test_are_apart() -> None:
    production = {anchor.certificate.der for anchor in ek.profile("kz").trust}
    test = {anchor.certificate.der for anchor in ek.profile("kz:test").trust}
    assert len(production) == 11
    assert len(test) == 10
    assert not production & test
    assert ek.profile("kz:test") is ek.profile("kz", environment="test")


def test_an_anchor_is_trusted_as_long_as_its_certificate_holds() -> None:
    (old,) = [
        a
        for a in ek.profile("kz").trust
        if a.certificate.label.startswith("ҰЛТТЫҚ")
        and "(RSA)" in a.certificate.label
        and "2022" not in a.certificate.label
    ]
    assert old.serves(ek.Purpose.SIGNING, datetime(2020, 1, 1, tzinfo=UTC))
    assert not old.serves(ek.Purpose.SIGNING, datetime(2026, 1, 1, tzinfo=UTC))


def test_services_follow_the_environment() -> None:
    assert ek.profile("kz").services("OCSP") == ("http://ocsp.pki.gov.kz",)
    assert ek.profile("kz:test").services("OCSP") == ("http://test.pki.gov.kz/ocsp/",)
    assert ek.profile("az").services("TSP") == ()


@pytest.mark.parametrize("name", ["nope", "", "kz:staging", "../kz"])
def test_unknown(name: str) -> None:
    with pytest.raises(ek.ProfileError):
        ek.profile(name)


def test_changes_are_by_name_and_visible() -> None:
    kz = ek.profile("kz")
    assert kz.with_assurance("kz-key-file", authentication="LOW").overrides
    for call in (
        lambda: kz.with_assurance("no-such-rule", identity="LOW"),
        lambda: kz.with_assurance("kz-key-file", authentication="VERY"),
        lambda: kz.with_assurance("kz-key-file", beauty="HIGH"),
        lambda: kz.with_rights("no-such-role", ["a:b"]),
    ):
        with pytest.raises(ek.ProfileError):
            call()
    assert kz.overrides == ()


# ── a seventh country, from another package ───────────────────────────────────────────────────

SEVENTH = """
schema = 1
name = "zz"
country = "ZZ"
title = "A seventh country"
version = "1"
regime = "ZZ"
unsupported = ["everything else"]
anchors_hint = "bring your own"

[[schemes]]
name = "HERO"
kind = "PERSON"
pattern = "[A-Z]{2}[0-9]{6}"
title = "hero number"
visible = 2
prefixes = ["HERO:"]
semantics = "PNO"

[policy]
revocation = "REQUIRED"

[identity.names]
raw = "CN"

[[identity.person]]
scheme = "HERO"
attribute = "serialNumber"
form = "prefix"
prefix = "HERO:"

[assurance]
version = "1"
[[assurance.rules]]
id = "zz-all"
when = { proof = "certificate" }
identity = "HIGH"
authentication = "HIGH"
source = "own rule"
"""


@pytest.fixture
def seventh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Install a distribution that offers the profile, as pip would lay it out."""
    package = tmp_path / "zz_profile"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "profile.toml").write_text(SEVENTH)
    info = tmp_path / "zz_profile-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: zz-profile\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[esign_kit.profiles]\nzz = zz_profile\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    _load.cache_clear()
    yield package
    _load.cache_clear()
    sys.modules.pop("zz_profile", None)


def test_a_seventh_country_comes_with_another_package(seventh: Path) -> None:
    assert "zz" in profiles()
    pki = FixturePKI("xx")
    profile = ek.profile("zz").with_trust(pki.trust)
    from esign_kit.testing import der

    subject = der.name(
        [("2.5.4.6", "ZZ", 0x13), ("2.5.4.5", "HERO:AB123456", 0x13), ("2.5.4.3", "Hero", 0x0C)]
    )
    hero = pki.issue("person", subject=subject)
    report = ek.verify(
        hero.sign(b"x", format="cades", packaging="enveloping"),
        profile=profile,
        evidence=pki.evidence(),
        at=pki.now,
    )
    who = ek.identify(report.only, profile=profile, minimum=ek.Assurance.HIGH)
    assert who.identifier == ek.Identifier("ZZ", "HERO", "AB123456")
    assert "AB1234" not in repr(who)
    assert ek.Identifier.parse("PNOZZ-AB123456") == who.identifier
    assert ek.describe(hero.certificate).profile == "zz"


@pytest.mark.parametrize(
    ("old", "new", "word"),
    [
        ("schema = 1", "schema = 1\nsurprise = true", "unknown key surprise"),
        ("schema = 1", "schema = 2", "profile schema 2"),
        ('country = "ZZ"', "", "missing key country"),
        ('regime = "ZZ"', "regime = 7", "expected str"),
        ('revocation = "REQUIRED"', 'revocation = "MAYBE"', "MAYBE"),
        ('form = "prefix"', 'form = "guess"', "guess"),
        ('scheme = "HERO"', 'scheme = "VILLAIN"', "VILLAIN"),
        ('attribute = "serialNumber"', 'attribute = "serial"', "serial"),
        ('prefix = "HERO:"\n\n', 'prefix = ""\n\n', "without a prefix"),
        ('identity = "HIGH"', 'identity = "SKY"', "SKY"),
        ('name = "zz"', 'name = "yy"', "yy"),
        (
            "[policy]",
            '[[anchors]]\nfile = "a.cer"\nsha256 = "00"\ntitle = "t"\nsource = "s"\n'
            "obtained = 2026-01-01\n[policy]",
            "a.cer",
        ),
        ("[policy]", "[policy", "cannot be read"),
    ],
)
def test_broken_data_are_refused_with_the_place(
    seventh: Path, old: str, new: str, word: str
) -> None:
    assert old in SEVENTH
    (seventh / "profile.toml").write_text(SEVENTH.replace(old, new, 1))
    with pytest.raises(ek.ProfileError) as caught:
        ek.profile("zz")
    assert word in str(caught.value)


def test_an_anchor_that_is_not_the_named_one_is_refused(seventh: Path) -> None:
    der = next(iter(ek.profile("kz").trust)).certificate.der
    (seventh / "anchors").mkdir()
    (seventh / "anchors" / "a.cer").write_bytes(der)
    row = (
        '[[anchors]]\nfile = "a.cer"\nsha256 = "' + "0" * 64 + '"\ntitle = "t"\nsource = "s"\n'
        "obtained = 2026-01-01\n"
    )
    (seventh / "profile.toml").write_text(SEVENTH.replace("[policy]", row + "[policy]"))
    with pytest.raises(ek.ProfileError, match="not the certificate that the table names"):
        ek.profile("zz")


def test_a_package_that_does_not_import() -> None:
    with pytest.raises(ek.ProfileError):
        load_profile("no_such_package_anywhere")


def test_a_profile_goes_to_another_process() -> None:
    import pickle

    for name in BUILT_IN:
        profile = ek.profile(name)
        again = pickle.loads(pickle.dumps(profile))
        assert again.name == name
        assert [a.certificate for a in again.trust] == [a.certificate for a in profile.trust]
        assert again.policy == profile.policy


def test_what_is_remembered_is_bounded_and_not_sent_along() -> None:
    import pickle

    profile = ek.profile("kz").with_policy(ek.ValidationPolicy())
    for number in range(2000):
        assert profile.remembered(number, lambda: number) == number
    assert len(profile.memory) <= 512
    assert pickle.loads(pickle.dumps(profile)).memory == {}
    assert profile.with_policy(profile.policy).memory == {}
