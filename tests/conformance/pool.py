"""Runs each job in a forked child with limits on time and memory, several children at a time.

The parent has imported everything before it forks, so a child costs a few milliseconds and no case
can leave anything behind for the next one. A child that touches the network, or opens a file that
nobody handed to it, is told off in the row.
"""

from __future__ import annotations

import json
import os
import resource
import selectors
import signal
import sys
import time
from typing import TYPE_CHECKING

from tests.conformance.model import Job, Row

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

_FORBIDDEN = (
    "socket.connect",
    "socket.getaddrinfo",
    "socket.sendto",
    "subprocess.Popen",
    "os.exec",
)
_PACE = float(os.environ.get("ESIGN_KIT_PACE", "1"))
"""Patience on a loaded machine; the limits are of processor time, so 1 is right nearly always."""


class _Child:
    __slots__ = ("buffer", "deadline", "job", "pid", "pipe")

    def __init__(self, job: Job, pid: int, pipe: int) -> None:
        self.job = job
        self.pid = pid
        self.pipe = pipe
        self.buffer = bytearray()
        # Wall clock is only the last resort: a child that waits for a busy processor is not slow.
        self.deadline = time.monotonic() + max(20.0, 3 * job.seconds) * len(job.asks) ** 0.5 * _PACE


def run_all(
    jobs: Iterable[Job], workers: int, allowed: tuple[Path, ...], tick: Callable[[int], None]
) -> Iterator[Row]:
    """Yield the rows of all jobs, in the order in which the children end."""
    waiting = iter(jobs)
    living: dict[int, _Child] = {}
    watch = selectors.DefaultSelector()
    done = 0
    more = True
    while more or living:
        while more and len(living) < workers:
            job = next(waiting, None)
            if job is None:
                more = False
                break
            child = _fork(job, allowed)
            living[child.pipe] = child
            watch.register(child.pipe, selectors.EVENT_READ)
        for key, _ in watch.select(timeout=0.5):
            child = living[key.fd]
            block = os.read(child.pipe, 1 << 16)
            if block:
                child.buffer += block
                continue
            watch.unregister(child.pipe)
            os.close(child.pipe)
            del living[child.pipe]
            rows = _reap(child)
            done += len(rows)
            tick(done)
            yield from rows
        now = time.monotonic()
        for child in living.values():
            if now > child.deadline:
                os.kill(child.pid, signal.SIGKILL)


def _fork(job: Job, allowed: tuple[Path, ...]) -> _Child:
    sys.stdout.flush()
    sys.stderr.flush()
    reader, writer = os.pipe()
    pid = os.fork()
    if pid:
        os.close(writer)
        return _Child(job, pid, reader)
    status = 1
    try:
        os.close(reader)
        _limit(job)
        told = _listen(allowed)
        rows = job.run()
        if told:
            for row in rows:
                row.right = False
                row.note = f"touched {told[0]}; {row.note}"
        _send(writer, [row.to_dict() for row in rows])
        status = 0
    except BaseException as error:
        note = f"{type(error).__name__}: {error}"[:300]
        verdict = "crash" if isinstance(error, MemoryError) else "untyped"
        _send(writer, {"verdict": verdict, "note": note})
    finally:
        os._exit(status)


def _send(writer: int, value: object) -> None:
    data = json.dumps(value).encode()
    while data:
        data = data[os.write(writer, data) :]


def _limit(job: Job) -> None:
    with open("/proc/self/statm", "rb") as stream:
        pages = int(stream.read().split()[0])
    size = pages * resource.getpagesize() + job.mib * 1024 * 1024
    resource.setrlimit(resource.RLIMIT_AS, (size, size))
    seconds = int(3 * job.seconds * len(job.asks) * _PACE) + 2
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    devnull = os.open(os.devnull, os.O_RDWR)
    os.dup2(devnull, 0)
    os.dup2(devnull, 1)


def _listen(allowed: tuple[Path, ...]) -> list[str]:
    """Note forbidden doings in the returned list (audit events of the interpreter)."""
    told: list[str] = []
    prefixes = (
        *(str(path) for path in allowed),
        *{sys.prefix, sys.base_prefix, sys.exec_prefix},
        "/usr/lib",
        "/lib",
        "/dev/",
        "/proc/",
        "/sys/",
        "/etc/ssl",
        "/usr/share/zoneinfo",
    )

    def hook(event: str, arguments: tuple[object, ...]) -> None:
        if event in _FORBIDDEN:
            told.append(f"{event} {arguments[1:]!r}"[:120])
        elif event == "open" and isinstance(arguments[0], str):
            name = os.path.abspath(arguments[0])
            if not name.startswith(prefixes):
                told.append(f"file {arguments[0]}"[:120])

    sys.addaudithook(hook)
    return told


def _reap(child: _Child) -> list[Row]:
    _, status, usage = os.wait4(child.pid, 0)
    job = child.job
    cost = usage.ru_utime + usage.ru_stime
    try:
        answer = json.loads(child.buffer.decode()) if child.buffer else None
    except ValueError:
        answer = None
    if os.WIFSIGNALED(status) or answer is None:
        number = os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
        slow = number in (signal.SIGKILL, signal.SIGXCPU)
        word, note = ("hang", "stopped") if slow else ("crash", f"signal {number}")
        return [Row(job.suite, i, e, word, False, note, round(cost, 3)) for i, e in job.asks]
    if isinstance(answer, dict):
        word, note = answer["verdict"], answer["note"]
        return [Row(job.suite, i, e, word, False, note, round(cost, 3)) for i, e in job.asks]
    rows = [Row(**item) for item in answer]
    if job.alone:
        for row in rows:
            row.seconds = round(cost, 3)
            if cost > job.seconds * _PACE and row.verdict != "hang":
                row.note = f"took {cost:.1f} s of {job.seconds:g}; was {row.verdict}; {row.note}"
                row.verdict, row.right = "hang", False
    return rows
