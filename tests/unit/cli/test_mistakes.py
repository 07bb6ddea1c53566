"""What people hand over by mistake is named, and what would help is said."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import esign_kit as ek
from esign_kit.bundle import make
from esign_kit.cli import run
from esign_kit.testing import FixturePKI

if TYPE_CHECKING:
    from pathlib import Path

TRUSTED = ("--trust", "trust", "--evidence", "evidence", "--at", "2027-01-01")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("mistakes")
    pki = FixturePKI("kz", at="2027-01-01", key="ec")
    holder = pki.person("900101300017")
    signed = ek.sign(b"an application", holder.key, format="cades", packaging="attached")
    (folder / "a.p7m").write_bytes(signed)
    (folder / "citizen.cer").write_bytes(holder.certificate_der)
    holder.export_p12(folder / "key.p12", "secret")
    pki.export_trust(folder / "trust")
    (folder / "empty").mkdir()
    (folder / "evidence").mkdir()
    for number, item in enumerate(pki.evidence()):
        (folder / "evidence" / f"{number}.crl").write_bytes(item)
    bundle = make(signed, trust=pki.trust, evidence=pki.evidence(), at=pki.now)
    (folder / "a.bundle.zip").write_bytes(bundle)
    (folder / "torn.bundle.zip").write_bytes(bundle[: len(bundle) // 2])
    return folder


@pytest.fixture
def esign(place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):  # type: ignore[no-untyped-def]
    monkeypatch.chdir(place)

    def call(*arguments: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as stop:
            run.main(list(arguments))
        said = capsys.readouterr()
        return int(stop.value.code or 0), said.out, said.err

    return call


@pytest.mark.parametrize(
    ("file", "words"),
    [
        ("key.p12", "a key file"),
        ("citizen.cer", "a certificate"),
        ("a.bundle.zip", "an evidence bundle"),
    ],
)
@pytest.mark.parametrize("verb", ["verify", "inspect"])
def test_another_kind_of_file_is_named(esign, verb: str, file: str, words: str) -> None:  # type: ignore[no-untyped-def]
    code, _, said = esign(verb, file)
    assert code == 4
    assert words in said


def test_a_file_that_was_cut_off(esign, place: Path) -> None:  # type: ignore[no-untyped-def]
    whole = (place / "a.p7m").read_bytes()
    (place / "cut.p7m").write_bytes(whole[:1500])
    code, _, said = esign("verify", "cut.p7m")
    assert (code, f"after 1500 of {len(whole)} octets" in said) == (4, True)


def test_of_several_signatures_the_one_is_named(esign, place: Path) -> None:  # type: ignore[no-untyped-def]
    pki = FixturePKI("kz", at="2027-01-01", key="ec")
    one = (place / "a.p7m").read_bytes()
    document = ek.Document(b"an application")
    stranger = FixturePKI("xx", at="2027-01-01", key="ec").person()
    both = ek.sign(document, stranger.key, format="cades", packaging="attached", existing=one)
    (place / "both.p7m").write_bytes(both)
    numbers = {
        str(item.indication): number
        for number, item in enumerate(
            ek.verify(both, trust=pki.trust, evidence=pki.evidence(), at=pki.now).signatures, 1
        )
    }
    _, said, _ = esign("verify", "both.p7m", *TRUSTED)
    assert f"signature {numbers['INDETERMINATE']} of 2: " in said.splitlines()[1]


def test_a_verdict_that_is_kept_says_why_it_did_not_pass(esign) -> None:  # type: ignore[no-untyped-def]
    code, said, _ = esign("bundle", "make", "a.p7m", "-o", "poor.zip")
    assert (code, "there are no trust anchors – give --trust PATH" in said) == (3, True)
    _, said, _ = esign("bundle", "make", "a.p7m", *TRUSTED, "-o", "good.zip")
    assert said.count("\n") == 1


def test_a_damaged_bundle_is_one(esign) -> None:  # type: ignore[no-untyped-def]
    code, _, said = esign("bundle", "verify", "torn.bundle.zip")
    assert (code, "bundle that is damaged" in said) == (4, True)


def test_a_folder_without_anything_useful_is_named(esign) -> None:  # type: ignore[no-untyped-def]
    code, _, said = esign("verify", "a.p7m", "--trust", "evidence", "--evidence", "evidence")
    assert (code, "evidence: no anchor in this folder" in said) == (3, True)
    code, _, said = esign("verify", "a.p7m", "--trust", "trust", "--evidence", "empty")
    assert (code, "empty: no evidence in this folder" in said) == (3, True)
    _, _, said = esign("verify", "a.p7m", *TRUSTED)
    assert said == ""


def test_a_country_without_anchors_says_so(esign) -> None:  # type: ignore[no-untyped-def]
    assert "mk comes without anchors" in esign("trust", "why", "citizen.cer", "--profile", "mk")[2]


@pytest.mark.parametrize(
    "setting",
    [("--proxy", "http://127.0.0.1:1"), ("--allow", "a.example"), ("--only-allowed",)],
)
def test_settings_of_a_network_that_is_not_asked(esign, setting: tuple[str, ...]) -> None:  # type: ignore[no-untyped-def]
    code, _, said = esign("verify", "a.p7m", *TRUSTED, *setting)
    assert (code, f"{setting[0]} goes with --online" in said) == (2, True)


def test_helpers_may_lie_in_a_folder(esign) -> None:  # type: ignore[no-untyped-def]
    alone = ("--trust", "trust/root.pem", "--evidence", "evidence", "--at", "2027-01-01")
    assert esign("trust", "why", "citizen.cer", *alone)[0] == 3
    helped = (*alone, "--certificate", "trust/intermediates")
    assert esign("trust", "why", "citizen.cer", *helped)[0] == 0


def test_why_asks_about_the_signer_of_a_signed_file(esign) -> None:  # type: ignore[no-untyped-def]
    _, said, _ = esign("trust", "why", "a.p7m", *TRUSTED)
    assert said.startswith("TRUSTED  CN=ӘБІЛҚЫЗЫ АЙГҮЛ")


def test_somebody_is_revoked_by_the_key_file(  # type: ignore[no-untyped-def]
    esign, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    land, key = str(tmp_path / "land"), str(tmp_path / "key.p12")
    monkeypatch.setenv("ESIGN_PASSWORD", "secret")
    assert esign("pki", "new", land, "--key", "ec")[0] == 0
    assert esign("pki", "issue", land, "-o", key)[0] == 0
    assert esign("pki", "revoke", land, key)[0] == 0
    assert "revoked" in esign("pki", "list", land)[1]
