"""The runner itself: what a child may do to it, and that it reads manifests and no names."""

from __future__ import annotations

import json
import os
import socket
from typing import TYPE_CHECKING

import pytest

from esign_kit.testing import FixturePKI
from tests.conformance import __main__ as runner, judge, pool
from tests.conformance.model import Job, Row

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="the runner forks")


def _row(note: str = "") -> Row:
    return Row("s", "i", "refuse", "refuse", True, note)


def _run(work: Callable[[], list[Row]], **limits: float) -> Row:
    job = Job("s", (("i", "refuse"),), work, **limits)  # type: ignore[arg-type]
    (row,) = pool.run_all([job], 1, (), lambda done: None)
    return row


def test_a_quiet_child() -> None:
    row = _run(lambda: [_row()])
    assert (row.verdict, row.right) == ("refuse", True)


def test_a_child_that_dies() -> None:
    def work() -> list[Row]:
        os._exit(7)

    row = _run(work)
    assert (row.verdict, row.right) == ("crash", False)


def test_a_child_that_never_ends() -> None:
    def work() -> list[Row]:
        while True:
            pass

    row = _run(work, seconds=0.05)
    assert (row.verdict, row.right) == ("hang", False)


def test_a_slow_child_is_wrong_whatever_it_says() -> None:
    def work() -> list[Row]:
        sum(range(10_000_000))
        return [_row()]

    row = _run(work, seconds=0.02)
    assert (row.verdict, row.right) == ("hang", False)


def test_a_child_that_eats_memory() -> None:
    row = _run(lambda: [_row(note=str(len(bytearray(1 << 30))))], mib=64)
    assert (row.verdict, row.right) == ("crash", False)


def test_a_child_that_reaches_out() -> None:
    def work() -> list[Row]:
        # The address is of this machine: nothing leaves it even if the watch failed.
        with socket.socket() as one:
            one.settimeout(0.1)
            one.connect_ex(("127.0.0.1", 9))
        return [_row()]

    row = _run(work)
    assert row.right is False
    assert "socket.connect" in row.note


def test_a_child_that_opens_what_nobody_gave_it(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("x")

    def work() -> list[Row]:
        secret.read_text()
        return [_row()]

    row = _run(work)
    assert row.right is False
    assert "secret" in row.note


@pytest.mark.parametrize(
    ("expect", "verdict", "right"),
    [
        ("accept", "accept", True),
        ("accept", "refuse", False),
        ("accept", "partial", False),
        ("refuse", "refuse", True),
        ("refuse", "accept", False),
        ("partial", "refuse", True),
        ("partial", "accept", False),
        ("either", "accept", True),
        ("refuse-or-partial", "accept", False),
    ],
)
def test_what_is_right(expect: str, verdict: str, right: bool) -> None:
    assert judge.ask("s", "i", expect, lambda: (verdict, "", None)).right is right


def test_errors_of_others_are_not_refusals() -> None:
    def question() -> tuple[str, str, None]:
        raise KeyError("leaked")

    row = judge.ask("s", "i", "refuse", question)
    assert (row.verdict, row.right) == ("untyped", False)


def test_a_suite_that_nobody_knows(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A folder made here, with names that stand nowhere in the code."""
    pki = FixturePKI("xx", key="ec")
    root = tmp_path / "suite"
    root.mkdir()
    (root / "a.pem").write_bytes(pki.root.certificate.der)
    good = pki.person().sign(b"payload")
    (root / "one").write_bytes(good)
    (root / "two").write_bytes(good.replace(b"payload", b"paylord"))
    (root / "three").write_bytes(pki.person().sign(b"payload", packaging="detached"))
    (root / "bytes").write_bytes(b"payload")
    cases = [
        {"id": "first", "expect": "accept", "signature": "one", "profile": "CAdES-B"},
        {"id": "second", "expect": "refuse", "signature": "two", "profile": "CAdES-B"},
        {"id": "third", "expect": "accept", "signature": "three", "content": "bytes"},
        {"id": "mislabelled", "expect": "refuse", "signature": "one", "profile": "CAdES-B"},
    ]
    manifest = {
        "suite": "made-up",
        "at": pki.now.isoformat(),
        "anchor": "a.pem",
        "note": "no revocation check",
        "cases": [{"threat": "x", "files": [case["signature"]], **case} for case in cases],
    }
    (root / "manifest.json").write_text(json.dumps(manifest))
    out = tmp_path / "rows.json"
    assert runner.main([str(tmp_path), "--json", str(out), "--jobs", "2"]) == 1
    rows = {row["id"]: row for row in json.loads(out.read_text())}
    assert {name: row["right"] for name, row in rows.items()} == {
        "first": True,
        "second": True,
        "third": True,
        "mislabelled": False,
    }
    assert set(rows["first"]) == {
        "suite", "id", "expect", "verdict", "right", "note", "seconds"
    }  # fmt: skip
    assert capsys.readouterr().out.endswith("3 passed, 1 failed\n")


def test_a_folder_without_suites(tmp_path: Path) -> None:
    assert runner.main([str(tmp_path)]) == 2
