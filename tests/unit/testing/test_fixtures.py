"""The committed fixture files are what their specification gives, octet for octet."""

from __future__ import annotations

import tomllib
from pathlib import Path

from esign_kit.testing.__main__ import build, differences, main

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures"
SPEC = FIXTURES / "certs.toml"


def test_generator_and_files_have_not_drifted() -> None:
    files = build(tomllib.loads(SPEC.read_text(encoding="utf-8")))
    assert len(files) > 50
    assert differences(files, FIXTURES / "certs") == []


def test_the_command_writes_checks_and_tidies(tmp_path: Path, capsys) -> None:
    out = tmp_path / "out"
    assert main([str(SPEC), str(out)]) == 0
    assert main(["--check", str(SPEC), str(out)]) == 0
    (out / "kz" / "director.pem").write_bytes(b"other")
    (out / "stray").write_bytes(b"")
    assert main(["--check", str(SPEC), str(out)]) == 1
    told = capsys.readouterr().err
    assert "kz/director.pem differs" in told and "stray should not be there" in told
    assert main([str(SPEC), str(out)]) == 0
    assert main(["--check", str(SPEC), str(out)]) == 0


def test_a_broken_specification(tmp_path: Path, capsys) -> None:
    (tmp_path / "bad.toml").write_text("[[country]]\nname = 'xx'\n")
    assert main([str(tmp_path / "bad.toml")]) == 2
    assert main([str(tmp_path / "absent.toml")]) == 2
    assert main(["--what"]) == 2
    assert "usage" in capsys.readouterr().err
