"""Pipes, full disks, other scripts: what happens around a verdict must not look like one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import esign_kit as ek
from esign_kit.testing import FixturePKI

AT = "2027-01-01"
TRUSTED = ("--trust", "trust", "--evidence", "evidence", "--at", AT)


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("streams")
    pki = FixturePKI("kz", at="2027-01-01", key="ec")
    holder = pki.person("900101300017")
    (folder / "a.txt").write_bytes(b"an application")
    (folder / "a.p7m").write_bytes(
        ek.sign(b"an application", holder.key, format="cades", packaging="attached")
    )
    holder.export_p12(folder / "key.p12", "secret")
    pki.person("900101300017", valid_until="2026-06-01", valid_from="2026-01-01").export_p12(
        folder / "old.p12", "secret"
    )
    pki.export_trust(folder / "trust")
    (folder / "evidence").mkdir()
    for number, item in enumerate(pki.evidence()):
        (folder / "evidence" / f"{number}.crl").write_bytes(item)
    return folder


def esign(
    desk: Path, *arguments: str, stdin: bytes = b"", stdout: int = subprocess.PIPE, **more: str
) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "esign_kit.cli", *arguments],
        cwd=desk,
        env={**os.environ, "PYTHONUTF8": "1", "ESIGN_PASSWORD": "secret", **more},
        input=stdin,
        stdout=stdout,
        stderr=subprocess.PIPE,
        timeout=60,
        check=False,
    )


def test_a_reader_that_goes_away_does_not_make_a_failure(desk: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = esign(desk, "verify", "a.p7m", *TRUSTED, stdout=writing)
    finally:
        os.close(writing)
    assert done.returncode == 5


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no full device here")
@pytest.mark.parametrize("form", [(), ("--json",)])
def test_a_full_disk_is_told(desk: Path, form: tuple[str, ...]) -> None:
    with open("/dev/full", "wb") as full:
        done = esign(desk, "verify", "a.p7m", *TRUSTED, *form, stdout=full.fileno())
    assert done.returncode == 5
    assert b"cannot be written" in done.stderr
    assert b"internal error" not in done.stderr


@pytest.mark.parametrize("encoding", ["cp866", "cp1251"])
def test_names_in_a_script_that_the_terminal_does_not_know(desk: Path, encoding: str) -> None:
    plain = esign(desk, "verify", "a.p7m", *TRUSTED, PYTHONIOENCODING=encoding)
    assert plain.returncode == 0
    assert rb"\u04d8" in plain.stdout  # Ә, in neither of them
    data = esign(desk, "verify", "a.p7m", *TRUSTED, "--json", PYTHONIOENCODING=encoding)
    certificate = json.loads(data.stdout)["signatures"][0]["signing_certificate"]
    assert "ӘБІЛҚЫЗЫ" in certificate["subject"]


def test_standard_input_and_output(desk: Path) -> None:
    signed = esign(desk, "sign", "-", "--key", "key.p12", stdin=b"piped").stdout
    judged = esign(desk, "verify", "-", "--detached", "a.txt", *TRUSTED, stdin=signed)
    assert judged.returncode == 1
    (desk / "piped.p7s").write_bytes(signed)
    judged = esign(desk, "verify", "piped.p7s", "--detached", "-", *TRUSTED, stdin=b"piped")
    assert judged.returncode == 0
    bundle = esign(desk, "bundle", "make", "a.p7m", *TRUSTED, "-o", "-").stdout
    again = esign(desk, "bundle", "verify", "-", "--trust", "trust", stdin=bundle)
    assert again.returncode == 0
    data = (desk / "a.p7m").read_bytes()
    assert esign(desk, "whoami", "-", *TRUSTED, stdin=data).returncode == 0
    assert esign(desk, "inspect", "-", stdin=data).returncode == 0
    assert esign(desk, "verify", "-", stdin=b"").returncode == 4


def test_one_stream_is_one_thing(desk: Path) -> None:
    both = esign(desk, "sign", "-", "--key", "key.p12", "--password-file", "-", stdin=b"x")
    assert both.returncode == 2
    both = esign(desk, "bundle", "make", "a.p7m", *TRUSTED, "-o", "-", "--json")
    assert both.returncode == 2
    assert both.stdout == b""


def test_a_pipe_is_read_and_written_as_it_is(desk: Path) -> None:
    signed = (desk / "a.p7m").read_bytes()
    assert esign(desk, "verify", "/dev/stdin", *TRUSTED, stdin=signed).returncode == 0
    os.mkfifo(desk / "fifo")
    reader = subprocess.Popen(["cat", "fifo"], cwd=desk, stdout=subprocess.PIPE)
    assert esign(desk, "sign", "a.txt", "--key", "key.p12", "-o", "fifo").returncode == 0
    assert reader.communicate(timeout=20)[0][:1] == b"\x30"
    assert not (desk / "fifo").is_file()


@pytest.mark.parametrize(("target", "what"), [("a.txt", "document"), ("key.p12", "key")])
def test_what_is_signed_with_and_what_is_signed_stay(desk: Path, target: str, what: str) -> None:
    before = (desk / target).read_bytes()
    done = esign(desk, "sign", "a.txt", "--key", "key.p12", "-o", target)
    assert done.returncode == 2
    assert f"would overwrite the {what}".encode() in done.stderr
    assert (desk / target).read_bytes() == before


@pytest.mark.parametrize(
    "wrong",
    [("--algorithm", "NOPE"), ("--format", "raw", "--packaging", "attached")],
)
def test_wrong_use_is_wrong_use(desk: Path, wrong: tuple[str, ...]) -> None:
    assert esign(desk, "sign", "a.txt", "--key", "key.p12", *wrong).returncode == 2


def test_what_verifiers_will_say_is_said_at_once(desk: Path) -> None:
    old = esign(desk, "sign", "a.txt", "--key", "old.p12", "-o", "old.p7s")
    assert b"but the certificate expired on 2026-06-01" in old.stderr
    weak = esign(
        desk, "sign", "a.txt", "--key", "key.p12", "--algorithm", "ECDSA-SHA1", "-o", "weak.p7s"
    )
    assert b"but digest SHA1 is not accepted after" in weak.stderr


def test_a_file_that_is_no_key_is_told_before_a_password_is_asked(desk: Path) -> None:
    done = esign(desk, "sign", "a.txt", "--key", "a.txt")
    assert (done.returncode, b"no key file" in done.stderr) == (5, True)


def test_a_place_that_cannot_be_written_is_not_an_unreadable_signature(desk: Path) -> None:
    done = esign(desk, "sign", "a.txt", "--key", "key.p12", "-o", "nowhere/a.p7s")
    assert done.returncode == 5


def test_the_demo_says_where_it_cannot_write(
    desk: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from esign_kit.testing import demo

    monkeypatch.setattr(sys, "argv", ["demo", str(desk / "a.txt")])
    assert demo.main() == 5
    assert "cannot write into" in capsys.readouterr().err
    assert esign(desk, "pki", "new", "a.txt/land").returncode == 5
