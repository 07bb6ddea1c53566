"""``esign trust``: what people see and what programs get."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click
import pytest
from click.testing import CliRunner
from tests.unit.trust.making import DAY, NOW, crl, issue, root

from esign_kit.cli.trust import command
from esign_kit.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

AT = "2026-11-21T12:00:00Z"


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    top = root("Root of Tests")
    ca = issue("Issuing CA", top, ca=True)
    expired = issue("Issuing CA", top, ca=True, number=ca.number, until=NOW - DAY)
    leaf = issue("Citizen", ca)
    for name, entity in (("root", top), ("ca", ca), ("expired", expired), ("leaf", leaf)):
        (tmp_path / f"{name}.cer").write_bytes(entity.der)
    (tmp_path / "old.cer").write_bytes(root("Old", until=NOW - DAY).der)
    (tmp_path / "soon.cer").write_bytes(root("Soon", until=NOW + 5 * DAY).der)
    (tmp_path / "evidence").mkdir()
    for number, item in enumerate((crl(top), crl(ca))):
        (tmp_path / "evidence" / f"{number}.crl").write_bytes(item)
    return tmp_path


def run(*arguments: object) -> tuple[int, str]:
    result = CliRunner().invoke(command, [str(a) for a in arguments], standalone_mode=False)
    if result.exception is not None:
        raise result.exception
    return result.return_value or 0, result.output


def test_why_draws_every_path_and_names_what_is_missing(desk: Path) -> None:
    code, text = run(
        "why", desk / "leaf.cer", "--trust", desk / "root.cer", "--certificate", desk / "ca.cer",
        "--certificate", desk / "expired.cer", "--evidence", desk / "evidence", "--at", AT,
    )  # fmt: skip
    assert code == 0 and text.startswith("TRUSTED")
    assert "└─ Issuing CA" in text and "this path holds" in text
    code, text = run("why", desk / "leaf.cer", "--trust", desk / "root.cer", "--at", AT)
    assert code == 3 and "no issuer found: C=XX, CN=Issuing CA" in text
    assert "→ add the certificate of C=XX, CN=Issuing CA" in text
    code, text = run(
        "why", desk / "leaf.cer", "--trust", desk / "root.cer", "--certificate", desk / "ca.cer",
        "--certificate", desk / "expired.cer", "--at", AT,
    )  # fmt: skip
    assert code == 3
    assert "├─ Issuing CA" in text and "└─ Issuing CA" in text
    assert "[ca.expired]" in text and "[revocation.missing]" in text


def test_a_past_time_with_evidence_of_today(desk: Path) -> None:
    """A revocation list of today speaks about last week only where that is asked for."""
    usual = (
        "why", desk / "leaf.cer", "--trust", desk / "root.cer", "--certificate", desk / "ca.cer",
        "--evidence", desk / "evidence", "--at", "2026-11-15T12:00:00Z",
    )  # fmt: skip
    code, text = run(*usual)
    assert code == 3 and "[revocation.stale]" in text
    code, text = run(*usual, "--evidence-until", AT)
    assert code == 0 and "judged as of 2026-11-15 12:00:00 UTC" in text
    assert run(*usual, "--evidence-until", "2026-11-19")[0] == 3


def test_an_evidence_time_without_a_past_time_is_wrong_use(desk: Path) -> None:
    usual = ("why", desk / "leaf.cer", "--trust", desk / "root.cer", "--evidence-until")
    for more in ((AT,), ("2026-11-01", "--at", AT), ("someday", "--at", AT)):
        with pytest.raises(click.UsageError):
            run(*usual, *more)


def test_hints_are_in_the_words_of_the_command(desk: Path) -> None:
    text = run("why", desk / "leaf.cer", "--at", AT)[1]
    assert "→ give --trust PATH or --profile NAME" in text


def test_what_is_wrong_is_said_with_the_name_of_the_file(desk: Path) -> None:
    bad = desk / "bad.pem"
    bad.write_text("minutes of a meeting")
    usual = ("why", desk / "leaf.cer", "--trust", desk / "root.cer")
    for arguments in (
        ("why", bad),
        ("add", bad, "--to", desk / "store"),
        ("show", bad),
        (*usual, "--certificate", bad),
        (*usual, "--evidence", bad),
        ("refresh", "http://lists.test/", "--signer", bad, "--folder", desk / "l", "--offline"),
    ):
        with pytest.raises(InputError, match=r"bad\.pem"):
            run(*arguments)
    # In a folder of evidence other files are passed over.
    (desk / "evidence" / "readme.txt").write_text("lists of November")
    assert run(*usual, "--certificate", desk / "ca.cer", "--evidence", desk / "evidence",
               "--at", AT)[0] == 0  # fmt: skip


@pytest.mark.parametrize(
    "arguments",
    [
        ("check", "root.cer", "--days", "-5"),
        ("check", "root.cer", "--days", "99999999999"),
        ("add", "root.cer", "--to", "store", "--sha256", "xyz"),
        ("add", "root.cer", "--to", "store", "--sha256", "00"),
        ("why", "leaf.cer", "--online", "--allow", "10.1.2.3/16"),
        ("why", "leaf.cer", "--online", "--allow", "http://ocsp.test/"),
        ("why", "leaf.cer", "--online", "--proxy", "socks5://10.0.0.1"),
    ],
)
def test_wrong_use(desk: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]) -> None:
    monkeypatch.chdir(desk)
    with pytest.raises(click.UsageError):
        run(*arguments)
    assert not (desk / "store").exists()


def test_an_end_that_never_comes(desk: Path) -> None:
    from datetime import UTC, datetime

    end = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
    (desk / "ever.cer").write_bytes(root("Ever", until=end).der)
    assert run("check", desk / "ever.cer", "--at", AT)[0] == 0
    assert run("check", desk / "ever.cer", "--at", "9999-12-30")[0] == 3


def test_a_bundle_with_repetitions_is_added_once(desk: Path) -> None:
    from base64 import encodebytes

    body = encodebytes((desk / "root.cer").read_bytes()).decode()
    block = f"-----BEGIN CERTIFICATE-----\n{body}-----END CERTIFICATE-----\n"
    (desk / "twice.pem").write_text(block * 2)
    code, text = run("add", desk / "twice.pem", "--to", desk / "store")
    assert code == 0 and text.count("trusted from now on") == 1


def test_why_in_json_has_the_attempts(desk: Path) -> None:
    code, text = run("why", desk / "leaf.cer", "--trust", desk / "root.cer", "--at", AT, "--json")
    report = json.loads(text)
    assert code == 3 and report["attempts"][0]["code"] == "chain.incomplete"


def test_show_and_check(desk: Path) -> None:
    code, text = run("show", desk / "root.cer", "--json")
    anchors = json.loads(text)["anchors"]
    assert code == 0 and anchors[0]["label"] == "Root of Tests"
    assert anchors[0]["unsupported"] is None
    assert run("check", desk / "root.cer", "--at", AT)[0] == 0
    code, text = run("check", desk / "soon.cer", "--at", AT)
    assert code == 3 and "ends soon" in text
    code, text = run("check", desk / "old.cer", desk / "root.cer", "--at", AT)
    assert code == 1 and "is past its end" in text and "1 of 2" in text


def test_an_anchor_that_cannot_be_used_is_said(desk: Path) -> None:
    der = (desk / "root.cer").read_bytes()
    # id-ecPublicKey becomes an algorithm that nobody has.
    odd = der.replace(bytes.fromhex("2a8648ce3d0201"), bytes.fromhex("2a8648ce3d0277"))
    (desk / "odd.cer").write_bytes(odd)
    code, text = run("check", desk / "odd.cer", "--at", AT)
    assert code == 1 and "cannot be used" in text


def test_add_copies_once_and_compares_the_digest(desk: Path) -> None:
    store = desk / "store"
    code, text = run("add", desk / "root.cer", "--to", store)
    assert code == 0 and "trusted from now on: Root of Tests" in text
    assert "already there" in run("add", desk / "root.cer", "--to", store)[1]
    assert "not self-issued" in run("add", desk / "ca.cer", "--to", store)[1]
    run("add", desk / "leaf.cer", "--to", store, "--intermediate")
    assert len(list(store.glob("*.cer"))) == 2
    assert len(list((store / "intermediates").glob("*.cer"))) == 1
    with pytest.raises(InputError):
        run("add", desk / "root.cer", "--to", store, "--sha256", "00" * 32)
    from esign_kit.trust.store import TrustStore

    found = TrustStore.from_path(store)
    assert len(found) == 2 and len(found.intermediates) == 1


def test_what_is_kept_for_the_past_is_no_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    from esign_kit.trust.store import TrustAnchor, TrustStore

    top, other = root("Old"), root("New")
    ended = TrustAnchor(top.der, until=NOW - DAY)
    stores = {"both": TrustStore([ended, TrustAnchor(other.der)]), "old": TrustStore([ended])}
    monkeypatch.setattr("esign_kit.cli.trust.trust_from", lambda paths: stores[paths[0]])
    monkeypatch.setattr("click.Path.convert", lambda self, value, *more: value)
    code, said = run("check", "both", "--at", NOW.isoformat())
    assert (code, "1 of 2 anchors are good for 30 days and more; 1 are kept" in said) == (0, True)
    assert run("check", "old", "--at", NOW.isoformat())[0] == 1


def test_an_anchor_that_is_no_authority_is_told(desk: Path, tmp_path: Path) -> None:
    top = root("Top")
    store = tmp_path / "mixed"
    store.mkdir()
    (store / "top.cer").write_bytes(top.der)
    assert "no authority" not in run("show", store)[1]
    (store / "leaf.cer").write_bytes(issue("Leaf", top).der)
    assert run("show", store)[1].count("no authority: it vouches for itself alone") == 1
