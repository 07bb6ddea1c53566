"""An audit log that shows when somebody took a pen to it: one JSON line per event, each chained.

Every line carries the SHA-256 of the line before it and a number. A line that is changed, left out,
moved or put in breaks the chain. What a chain alone cannot show is an end that was cut off: keep
the last hash elsewhere (another machine, a time-stamp) and give it to :func:`verify_log`.
"""

from __future__ import annotations

import hashlib
import json
import os
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self
from weakref import WeakSet

from esign_kit.errors import KeyStoreError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["AuditLog", "LogReport", "verify_log"]

_START = "0" * 64
_MAX_LINE = 64 * 1024
_MAX_TEXT = 512

try:
    import fcntl
except ImportError:  # a system without advisory locks: one process per log
    fcntl = None  # type: ignore[assignment]


@dataclass(frozen=True, slots=True)
class LogReport:
    """What the chain of a log says.

    Attributes:
        entries: lines whose chain is whole, counted from the start.
        last: SHA-256 of the last of them, hexadecimal; what to keep elsewhere.
        problem: what broke the chain; empty if nothing did.
        line: number of the line with the problem, from 1.
    """

    entries: int
    last: str
    problem: str = ""
    line: int = 0

    @property
    def whole(self) -> bool:
        """True if no line was changed, left out, moved or put in."""
        return not self.problem


class AuditLog:
    """An append-only chained log in a file, shared by threads and processes of one machine.

    An event is on disk (``fsync``) before :meth:`append` returns.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        """Open or make the file.

        Raises:
            KeyStoreError: ``keys.audit``: it cannot be written, or its last line is damaged.
        """
        self.path = os.fspath(path)
        self._lock = threading.Lock()
        self._known = (0, 0, _START)  # size of the file, number and hash of its last line
        self._inherited = False
        self._file = _opened(self.path)
        _logs.add(self)

    def append(self, event: Mapping[str, Any]) -> str:
        """Write one event and return the hash of its line.

        Args:
            event: plain values; texts are cut to 512 characters. ``n`` and ``previous`` are ours.

        Raises:
            KeyStoreError: ``keys.audit``: it was not written; what it speaks of must not happen.
        """
        with self._lock:
            self._own_file()
            self._hold(True)
            try:
                number, previous = self._end()
                line = _line({"n": number + 1, "previous": previous, **_plain(event)})
                size = os.fstat(self._file).st_size
                written = os.write(self._file, line)
                if written != len(line):
                    os.ftruncate(self._file, size)
                    raise _failed("the audit log cannot be written: the disk is full")
                os.fsync(self._file)
                found = hashlib.sha256(line).hexdigest()
                self._known = (size + len(line), number + 1, found)
                return found
            except OSError as error:
                raise _failed(f"the audit log cannot be written: {error.strerror}") from error
            finally:
                self._hold(False)

    def _own_file(self) -> None:
        if self._file < 0:
            raise _failed("the audit log is closed")
        if self._inherited:
            # A lock on an inherited file is the parent's lock too, and keeps nobody out.
            self._inherited = False
            os.close(self._file)
            self._file = -1
            self._file = _opened(self.path)

    def _hold(self, hold: bool) -> None:
        if fcntl is not None:
            fcntl.flock(self._file, fcntl.LOCK_EX if hold else fcntl.LOCK_UN)

    def _end(self) -> tuple[int, str]:
        """Number and hash of the last line; another process may have written since."""
        size = os.fstat(self._file).st_size
        if size == self._known[0]:
            return self._known[1], self._known[2]
        start = max(0, size - _MAX_LINE)
        tail = os.pread(self._file, size - start, start)
        if not tail.endswith(b"\n"):
            raise _failed("the audit log ends in the middle of a line")
        line = tail[:-1].rpartition(b"\n")[2] + b"\n"
        try:
            number = int(json.loads(line)["n"])
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise _failed("the last line of the audit log is none of ours") from error
        return number, hashlib.sha256(line).hexdigest()

    def close(self) -> None:
        """Close the file."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


_logs: WeakSet[AuditLog] = WeakSet()


def _after_in_child() -> None:
    for log in list(_logs):
        log._lock = threading.Lock()
        log._inherited = True


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_in_child)


def _opened(path: str) -> int:
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
    except OSError as error:
        raise _failed(f"the audit log cannot be opened: {error.strerror}") from error


def verify_log(path: str | os.PathLike[str], *, last: str | None = None) -> LogReport:
    """Follow the chain of a log from its first line.

    Args:
        path: the file.
        last: the hash that was kept elsewhere; it has to be that of one of the lines, so that an
            end that was cut off behind it shows.

    Raises:
        KeyStoreError: ``keys.audit``: the file cannot be read.
    """
    previous, number, seen = _START, 0, last is None or last == _START
    try:
        with open(path, "rb") as stream:
            while line := stream.readline(_MAX_LINE + 1):
                problem = _wrong(line, number + 1, previous)
                if problem:
                    return LogReport(number, previous, problem, number + 1)
                previous = hashlib.sha256(line).hexdigest()
                number += 1
                seen = seen or previous == last
    except OSError as error:
        raise _failed(f"the audit log cannot be read: {error.strerror}") from error
    if not seen:
        return LogReport(number, previous, "lines are missing at the end", number + 1)
    return LogReport(number, previous)


def _wrong(line: bytes, number: int, previous: str) -> str:
    if not line.endswith(b"\n"):
        return "a line without an end"
    try:
        entry = json.loads(line)
    except (ValueError, RecursionError):
        return "not a line of this log"
    if not isinstance(entry, dict) or _line(entry) != line:
        return "not a line of this log"
    if entry.get("previous") != previous:
        return "does not follow the line before it"
    if entry.get("n") != number:
        return "out of its place"
    return ""


def _line(entry: Mapping[str, Any]) -> bytes:
    text = json.dumps(entry, ensure_ascii=True, separators=(",", ":"), allow_nan=False)
    return text.encode("ascii") + b"\n"


def _plain(event: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in event.items():
        if name in ("n", "previous"):
            raise ValueError(f"{name} belongs to the log")
        if isinstance(value, str):
            found[name] = value[:_MAX_TEXT]
        elif value is None or isinstance(value, (int, bool)):
            found[name] = value
        else:
            raise TypeError(f"an event holds plain values, not {type(value).__name__}")
    return found


def _failed(detail: str) -> KeyStoreError:
    return KeyStoreError(detail, code="keys.audit", hint="nothing is signed that is not logged")
