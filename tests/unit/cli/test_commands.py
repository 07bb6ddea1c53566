"""The command line as other programs and people use it: arguments, words, exit codes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from esign_kit.testing import FixturePKI

if TYPE_CHECKING:
    from pathlib import Path

AT = "2026-11-01T12:00:00Z"
SECRET = "қүпия-secret-7319"


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a document, a director's key, anchors and revocation evidence."""
    folder = tmp_path_factory.mktemp("desk")
    pki = FixturePKI("kz", at=AT, key="rsa")
    director = pki.employee(person="900101300017", organisation="150240000006", role="head")
    director.export_p12(folder / "director.p12", SECRET)
    (folder / "director.cer").write_bytes(director.certificate_der)
    pki.export_trust(folder / "trust")
    (folder / "evidence").mkdir()
    for number, item in enumerate(pki.evidence()):
        (folder / "evidence" / f"{number}.crl").write_bytes(item)
    (folder / "password").write_text(SECRET + "\n", encoding="utf-8")
    (folder / "application.json").write_text('{"сома": 1500}', encoding="utf-8")
    (folder / "application.xml").write_text("<өтініш><сома>1500</сома></өтініш>", encoding="utf-8")
    return folder


def esign(
    desk: Path, *arguments: str, stdin: str | None = None
) -> subprocess.CompletedProcess[str]:
    environment = {k: v for k, v in os.environ.items() if k != "ESIGN_PASSWORD"}
    return subprocess.run(
        [sys.executable, "-m", "esign_kit.cli", *arguments],
        cwd=desk,
        env={**environment, "PYTHONUTF8": "1"},
        input=stdin if stdin is not None else "",
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )


TRUSTED = ("--trust", "trust", "--evidence", "evidence", "--at", "2027-01-01")


@pytest.fixture(scope="module")
def signed(desk: Path) -> Path:
    done = esign(
        desk,
        "sign",
        "application.json",
        "--key",
        "director.p12",
        "--password-file",
        "password",
        "--format",
        "cades",
        "--packaging",
        "detached",
        "--level",
        "B",
        "-o",
        "application.p7s",
    )
    assert done.returncode == 0, done.stderr
    return desk / "application.p7s"


def fresh(desk: Path, signed: Path, *more: str) -> subprocess.CompletedProcess[str]:
    return esign(
        desk,
        "verify",
        signed.name,
        "--detached",
        "application.json",
        "--trust",
        "trust",
        "--evidence",
        "evidence",
        "--at",
        AT,
        *more,
    )


def test_good(desk: Path, signed: Path) -> None:
    done = fresh(desk, signed, "--profile", "kz")
    assert done.returncode == 0, done.stdout + done.stderr
    first = done.stdout.splitlines()[0]
    assert first.startswith("VALID  application.p7s, signed by ")
    assert "150240000006" in first
    assert "900101300017" not in done.stdout, "a personal identifier is masked"


def test_json_is_the_report_and_nothing_else(desk: Path, signed: Path) -> None:
    done = fresh(desk, signed, "--json")
    report = json.loads(done.stdout)
    assert report["indication"] == "TOTAL_PASSED"
    assert report["signatures"][0]["level"] == "CAdES-BASELINE-B"
    assert next(check["name"] for check in report["signatures"][0]["checks"]) == "format"


def test_another_document_fails(desk: Path, signed: Path) -> None:
    done = esign(
        desk,
        "verify",
        signed.name,
        "--detached",
        "application.xml",
        "--trust",
        "trust",
        "--evidence",
        "evidence",
        "--at",
        AT,
    )
    assert done.returncode == 1
    assert done.stdout.startswith("NOT VALID")
    assert "the data are not what was signed" in done.stdout


def test_nothing_is_trusted_that_was_not_named(desk: Path, signed: Path) -> None:
    done = esign(desk, "verify", signed.name, "--detached", "application.json", "--at", AT)
    assert done.returncode == 3
    assert done.stdout.startswith("NOT PROVEN")
    assert "NO_CERTIFICATE_CHAIN_FOUND" in done.stdout


def test_a_missing_document_is_asked_for(desk: Path, signed: Path) -> None:
    done = esign(desk, "verify", signed.name, *TRUSTED)
    assert done.returncode == 3
    assert "detached" in done.stdout


def test_hints_are_in_the_words_of_the_command(desk: Path, signed: Path) -> None:
    for done in (
        esign(desk, "verify", signed.name, "--at", AT),
        esign(desk, "verify", signed.name, "--detached", "application.json", "--at", AT),
        esign(desk, "verify", "application.json"),
    ):
        assert "--" in done.stdout + done.stderr
        assert "=…" not in done.stdout + done.stderr
        assert "=[" not in done.stdout + done.stderr


def test_no_signature(desk: Path) -> None:
    done = esign(desk, "verify", "application.json")
    assert done.returncode == 4
    assert "no signature" in done.stderr


def test_usage(desk: Path) -> None:
    assert esign(desk, "verify").returncode == 2
    assert esign(desk, "verify", "absent.p7s").returncode == 2
    assert esign(desk, "verify", "application.json", "--profile", "atlantis").returncode == 2


def test_a_wrong_password_is_a_key_store_matter(desk: Path) -> None:
    done = esign(
        desk,
        "sign",
        "application.json",
        "--key",
        "director.p12",
        "--password-file",
        "-",
        stdin="wrong-marker-5521\n",
    )
    assert done.returncode == 5
    assert "password" in done.stderr.lower()
    assert "wrong-marker-5521" not in done.stderr + done.stdout
    assert not (desk / "application.json.p7s").exists()


def test_nobody_to_ask(desk: Path) -> None:
    done = esign(desk, "sign", "application.json", "--key", "director.p12")
    assert done.returncode == 5
    assert "--password-file" in done.stderr


def test_xml_enveloped(desk: Path) -> None:
    done = esign(
        desk,
        "sign",
        "application.xml",
        "--key",
        "director.p12",
        "--password-file",
        "password",
        "--format",
        "xades",
        "--packaging",
        "enveloped",
        "-o",
        "application.signed.xml",
    )
    assert done.returncode == 0, done.stderr
    done = esign(
        desk,
        "verify",
        "application.signed.xml",
        "--trust",
        "trust",
        "--evidence",
        "evidence",
        "--at",
        AT,
    )
    assert done.returncode == 0, done.stdout
    assert "XAdES-BASELINE-B" in done.stdout
    assert "schema" not in done.stdout

    text = (desk / "application.signed.xml").read_text(encoding="utf-8")
    odd = text.replace("<ds:KeyInfo>", '<ds:KeyInfo Name="">')
    (desk / "odd.xml").write_text(odd, encoding="utf-8")
    given = ("--trust", "trust", "--evidence", "evidence", "--at", AT)
    done = esign(desk, "verify", "odd.xml", *given)
    assert done.returncode == 0, done.stdout
    assert "against the schema: KeyInfo may not have the attribute Name" in done.stdout


def test_whoami_of_a_certificate_and_of_a_signature(desk: Path, signed: Path) -> None:
    for target, more in (("director.cer", ()), (signed.name, ("--detached", "application.json"))):
        done = esign(
            desk,
            "whoami",
            target,
            *more,
            "--profile",
            "kz",
            "--trust",
            "trust",
            "--evidence",
            "evidence",
            "--at",
            AT,
            "--json",
        )
        assert done.returncode == 0, done.stdout + done.stderr
        found = json.loads(done.stdout)["signers"][0]
        assert found["indication"] == "TOTAL_PASSED"
        assert "150240000006" in json.dumps(found)


def test_inspect_judges_nothing(desk: Path, signed: Path) -> None:
    done = esign(desk, "inspect", signed.name)
    assert done.returncode == 0
    assert "nothing here is checked" in done.stdout
    assert json.loads(esign(desk, "inspect", signed.name, "--json").stdout)["format"] == "CAdES"


def test_a_failed_write_leaves_nothing_behind(desk: Path) -> None:
    before = sorted(path.name for path in desk.iterdir())
    done = esign(
        desk,
        "sign",
        "application.json",
        "--key",
        "director.p12",
        "--password-file",
        "password",
        "-o",
        "absent-folder/out.p7s",
    )
    assert done.returncode == 5
    assert sorted(path.name for path in desk.iterdir()) == before
