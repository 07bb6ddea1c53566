"""Seals of organisations: rate, switch, and a log that shows what was done to it."""

from __future__ import annotations

import json
import os
import threading
from contextvars import copy_context
from datetime import UTC, datetime, timedelta

import pytest

import esign_kit as ek
from esign_kit.keys.audit import AuditLog, verify_log
from esign_kit.keys.seal import RateLimit, Seal
from esign_kit.testing import FixturePKI

PKI = FixturePKI()
KEY = PKI.organisation().key
ALGORITHM = KEY.algorithms[0]


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def log(tmp_path):
    with AuditLog(tmp_path / "audit.jsonl") as opened:
        yield opened


def _entries(log: AuditLog) -> list[dict]:
    with open(log.path, encoding="ascii") as stream:
        return [json.loads(line) for line in stream]


def test_a_signature_is_logged_before_and_after(log: AuditLog) -> None:
    times = iter(datetime(2026, 11, 21, 12, 0, i, tzinfo=UTC) for i in range(9))
    seal = Seal(KEY, log, clock=lambda: next(times))
    document = ek.Document(b"<letter/>", name="letter.xml")
    with seal.asked_by("clerk 17"):
        signed = ek.sign(document, seal, format="xades", packaging="enveloped")
    assert ek.parse(signed).signatures
    asked, done = _entries(log)
    assert (asked["outcome"], done["outcome"]) == ("asked", "signed")
    assert asked["who"] == done["who"] == "clerk 17"
    assert asked["sha256"] == done["sha256"] and len(asked["sha256"]) == 64
    assert (asked["time"], done["time"]) == (
        "2026-11-21T12:00:00+00:00",
        "2026-11-21T12:00:01+00:00",
    )
    assert done["asked"] == done["previous"]
    assert verify_log(log.path).whole and verify_log(log.path).entries == 2


def test_nobody_asks(log: AuditLog) -> None:
    with pytest.raises(ek.KeyStoreError) as caught:
        Seal(KEY, log).sign(b"x", ALGORITHM)
    assert caught.value.code == "keys.seal-nobody"
    assert Seal(KEY, log, anonymous="nightly job").sign(b"x", ALGORITHM)
    assert [item["who"] for item in _entries(log)] == [None, "nightly job", "nightly job"]


def test_who_asks_belongs_to_the_task(log: AuditLog) -> None:
    seal = Seal(KEY, log)
    with seal.asked_by("outer"):
        outcome: list[str] = []

        def other() -> None:
            try:
                seal.sign(b"x", ALGORITHM)
            except ek.KeyStoreError as error:
                outcome.append(error.code)

        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
        assert outcome == ["keys.seal-nobody"]
        copy_context().run(seal.sign, b"x", ALGORITHM)
        with seal.asked_by("inner"):
            seal.sign(b"x", ALGORITHM)
        seal.sign(b"x", ALGORITHM)
    signed = [item["who"] for item in _entries(log) if item["outcome"] == "signed"]
    assert signed == ["outer", "inner", "outer"]


def test_rate(log: AuditLog) -> None:
    clock = Clock()
    seal = Seal(KEY, log, rate=RateLimit(3, 60, clock=clock), anonymous="x")
    for _ in range(3):
        seal.sign(b"x", ALGORITHM)
        clock.now += 10
    with pytest.raises(ek.KeyStoreError) as caught:
        seal.sign(b"x", ALGORITHM)
    assert caught.value.code == "keys.seal-rate" and "30.0 seconds" in caught.value.hint
    clock.now += 29.9
    with pytest.raises(ek.KeyStoreError):
        seal.sign(b"x", ALGORITHM)
    clock.now += 0.2
    assert seal.sign(b"x", ALGORITHM)
    outcomes = [item["outcome"] for item in _entries(log)]
    assert outcomes.count("keys.seal-rate") == 2 and outcomes.count("signed") == 4
    for wrong in ((0, 1.0), (1, 0.0)):
        with pytest.raises(ValueError, match="rate"):
            RateLimit(*wrong)


def test_switch_in_a_file(log: AuditLog, tmp_path) -> None:
    switch = tmp_path / "stop"
    seal = Seal(KEY, log, stopped=switch, anonymous="x")
    assert seal.sign(b"x", ALGORITHM)
    switch.write_text("")
    with pytest.raises(ek.KeyStoreError) as caught:
        seal.sign(b"x", ALGORITHM)
    assert caught.value.code == "keys.seal-stopped"
    switch.unlink()
    assert seal.sign(b"x", ALGORITHM)
    switch.symlink_to(tmp_path / "nowhere")
    with pytest.raises(ek.KeyStoreError):
        seal.sign(b"x", ALGORITHM)


def test_a_switch_that_cannot_be_asked_stops(log: AuditLog, tmp_path) -> None:
    def broken() -> bool:
        raise FileNotFoundError("no database")

    file = tmp_path / "file"
    file.write_text("")
    for switch in (broken, lambda: True, file / "below"):
        with pytest.raises(ek.KeyStoreError) as caught:
            Seal(KEY, log, stopped=switch, anonymous="x").sign(b"x", ALGORITHM)
        assert caught.value.code == "keys.seal-stopped"
    assert Seal(KEY, log, stopped=lambda: False, anonymous="x").sign(b"x", ALGORITHM)


def test_what_cannot_be_logged_is_not_signed(log: AuditLog) -> None:
    seal = Seal(KEY, log, anonymous="x")
    log.close()
    with pytest.raises(ek.KeyStoreError) as caught:
        seal.sign(b"x", ALGORITHM)
    assert caught.value.code == "keys.audit"


def test_a_key_that_fails_is_logged(log: AuditLog) -> None:
    class Failing:
        certificate_der = KEY.certificate_der

        def sign(self, data: bytes, algorithm: object) -> bytes:
            raise ek.KeyStoreError("MARKER", code="keys.token-removed")

    with pytest.raises(ek.KeyStoreError):
        Seal(Failing(), log, anonymous="x").sign(b"x", ALGORITHM)
    assert [item["outcome"] for item in _entries(log)] == ["asked", "keys.token-removed"]
    assert "MARKER" not in json.dumps(_entries(log))


def _filled(log: AuditLog, count: int = 5) -> list[str]:
    return [log.append({"who": f"person {i}", "outcome": "signed"}) for i in range(count)]


def _lines(log: AuditLog) -> list[bytes]:
    with open(log.path, "rb") as stream:
        return stream.read().splitlines(keepends=True)


def test_tampering_shows(log: AuditLog) -> None:
    hashes = _filled(log)
    good = _lines(log)
    assert verify_log(log.path).last == hashes[-1]
    changed = [*good]
    changed[2] = changed[2].replace(b"person 2", b"person 9")
    spaced = [*good]
    spaced[1] = spaced[1].replace(b":", b": ", 1)
    cases = {
        "changed": (changed, 4),
        "last changed": ([*good[:4], good[4].replace(b"4", b"5", 1)], 5),
        "left out": (good[:2] + good[3:], 3),
        "first left out": (good[1:], 1),
        "moved": ([good[0], good[2], good[1], *good[3:]], 2),
        "put in": ([*good[:2], good[1], *good[2:]], 3),
        "written otherwise": (spaced, 2),
        "cut in a line": ([*good[:4], good[4][:20]], 5),
        "rubbish": ([*good[:4], b"[" * 60000 + b"\n"], 5),
        "no object": ([*good[:4], b"7\n"], 5),
    }
    for name, (lines, line) in cases.items():
        with open(log.path, "wb") as stream:
            stream.write(b"".join(lines))
        report = verify_log(log.path)
        assert not report.whole or name == "last changed", name
        if report.problem:
            assert (report.line, report.entries) == (line, line - 1), name
        assert not verify_log(log.path, last=hashes[-1]).whole, name


def test_a_cut_end_shows_beside_a_kept_hash_only(log: AuditLog) -> None:
    hashes = _filled(log)
    with open(log.path, "wb") as stream:
        stream.write(b"".join(_lines(log)[:0]))
    log.close()
    for keep in (0, 3):
        with AuditLog(log.path) as again:
            _filled(again, keep)
        assert verify_log(log.path).whole
        report = verify_log(log.path, last="f" * 64)
        assert report.problem == "lines are missing at the end"
    assert hashes


def test_threads_and_processes_write_one_chain(log: AuditLog) -> None:
    def run(name: str) -> None:
        for i in range(25):
            log.append({"who": f"{name} {i}"})

    workers = [threading.Thread(target=run, args=(f"thread {i}",)) for i in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    children = []
    for number in range(3):
        child = os.fork()
        if child == 0:
            status = 1
            try:
                # The last one takes the log that it inherited.
                own = log if number == 2 else AuditLog(log.path)
                for i in range(25):
                    own.append({"who": f"process {number} {i}"})
                status = 0
            finally:
                os._exit(status)
        children.append(child)
    run("parent")
    for child in children:
        assert os.waitpid(child, 0)[1] == 0
    report = verify_log(log.path)
    assert report.whole and report.entries == 200


def test_a_torn_end_is_not_written_over(log: AuditLog) -> None:
    _filled(log, 2)
    for rest, problem in ((b'{"n":3', "middle of a line"), (b"rubbish\n", "none of ours")):
        good = b"".join(_lines(log)[:2])
        with open(log.path, "wb") as stream:
            stream.write(good + rest)
        with AuditLog(log.path) as again, pytest.raises(ek.KeyStoreError, match=problem):
            again.append({"who": "x"})


def test_values_are_plain(log: AuditLog) -> None:
    log.append({"who": "я" * 2000, "line": "a\nb", "count": 3, "none": None, "yes": True})
    (entry,) = _entries(log)
    assert len(entry["who"]) == 512 and entry["line"] == "a\nb"
    for event in ({"n": 1}, {"previous": "x"}):
        with pytest.raises(ValueError, match="belongs"):
            log.append(event)
    with pytest.raises(TypeError):
        log.append({"when": timedelta(1)})
    assert verify_log(log.path).whole
    with pytest.raises(ek.KeyStoreError):
        verify_log(log.path + ".not-there")
    with pytest.raises(ek.KeyStoreError):
        AuditLog(log.path + "/below")
