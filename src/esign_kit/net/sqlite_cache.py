"""The default cache: one SQLite file in WAL mode, shared by the processes of one machine.

A write is all or nothing, whatever happens to the process. A file that is damaged is replaced by a
new one that keeps every entry that can still be read whole.
"""

from __future__ import annotations

import contextlib
import logging
import os
import sqlite3
import threading
import time
from typing import TYPE_CHECKING

from esign_kit.net.cache import SEAL_SIZE, MemoryCache, seal, unseal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["SqliteCache"]

_LOG = logging.getLogger("esign_kit.net")
_PRUNE_EVERY = 256
_COLUMNS = ["key", "until", "entry"]
_SCHEMA = (
    "CREATE TABLE IF NOT EXISTS evidence "
    "(key TEXT PRIMARY KEY, until REAL NOT NULL, entry BLOB NOT NULL) WITHOUT ROWID"
)


class SqliteCache:
    """An :class:`~esign_kit.net.cache.EvidenceCache` in a file.

    Args:
        path: of the file; missing folders are made. One that is damaged, or is no database, is put
            aside as ``<path>.damaged``; a database of another program is left alone, and nothing is
            kept then.
        max_bytes: above this the entries that end soonest go.
        seconds: how long to wait for another process that is writing.
        memory: octets of entries that this process keeps at hand, so that a large CRL is not
            read from the file for every signature.
        clock: POSIX seconds.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        max_bytes: int = 1024 * 1024 * 1024,
        seconds: float = 10.0,
        memory: int = 128 * 1024 * 1024,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._path = os.fspath(path)
        self._max = max_bytes
        self._seconds = seconds
        self._clock = clock
        self._memory = memory
        self._near = MemoryCache(memory, clock=clock)
        self._lock = threading.RLock()
        self._connection: sqlite3.Connection | None = None
        self._pid = 0
        self._file = (0, 0)
        self._writes = 0

    def get(self, key: str) -> bytes | None:
        """See :class:`~esign_kit.net.cache.EvidenceCache`."""
        near = self._near.get(key)
        if near is not None:
            return near
        with self._lock, self._guarded():
            row = (
                self._open()
                .execute(
                    "SELECT entry FROM evidence WHERE key = ? AND until > ? AND length(entry) <= ?",
                    (key, self._clock(), self._max + SEAL_SIZE),
                )
                .fetchone()
            )
            if row is None:
                return None
            found = unseal(key, row[0]) if isinstance(row[0], bytes) else None
            if found is None:
                self.drop(key)
                return None
            # The sealed moment counts; the column beside it only serves the search.
            if found[1] <= self._clock():
                return None
            self._near.put(key, *found)
            return found[0]
        return None

    def put(self, key: str, value: bytes, until: float) -> None:
        """See :class:`~esign_kit.net.cache.EvidenceCache`."""
        now = self._clock()
        if until <= now:
            return
        self._near.put(key, value, until)
        with self._lock, self._guarded():
            connection = self._open()
            if self._writes % _PRUNE_EVERY == 0:
                self._prune(connection, now)
            self._writes += 1
            with connection:
                connection.execute(
                    "INSERT OR REPLACE INTO evidence VALUES (?, ?, ?)",
                    (key, until, seal(key, value, until)),
                )

    def drop(self, key: str) -> None:
        """See :class:`~esign_kit.net.cache.EvidenceCache`."""
        self._near.drop(key)
        with self._lock, self._guarded():
            connection = self._open()
            with connection:
                connection.execute("DELETE FROM evidence WHERE key = ?", (key,))

    def close(self) -> None:
        """Close the file and forget what is at hand; it opens again when it is needed."""
        self._near.clear()
        self._disconnect()

    def _disconnect(self) -> None:
        with self._lock:
            if self._connection is not None:
                with contextlib.suppress(sqlite3.Error):
                    self._connection.close()
                self._connection = None

    def __del__(self) -> None:
        # A caller may let go of a cache without a word; after a fork the file is the parent's.
        if getattr(self, "_connection", None) is not None and self._pid == os.getpid():
            self._disconnect()

    def __reduce__(self) -> tuple[object, ...]:
        return (_again, (self._path, self._max, self._seconds, self._memory))

    def _open(self) -> sqlite3.Connection:
        if self._connection is not None and self._pid != os.getpid():
            # A connection must not be used across fork; the parent's stays the parent's.
            self._connection = None
        if self._connection is not None and self._identity() != self._file:
            # Another process has put a new file in place of a damaged one.
            self._disconnect()
        if self._connection is None:
            folder = os.path.dirname(self._path)
            if folder:
                os.makedirs(folder, exist_ok=True)
            if not os.path.exists(self._path):
                # Evidence is no secret, but nobody else has to write or read it.
                os.close(os.open(self._path, os.O_CREAT | os.O_RDWR, 0o600))
            self._connection = self._connect()
            self._pid = os.getpid()
            self._file = self._identity()
        return self._connection

    def _identity(self) -> tuple[int, int]:
        try:
            found = os.stat(self._path)
        except OSError:
            return (0, 0)
        return (found.st_dev, found.st_ino)

    def _connect(self) -> sqlite3.Connection:
        """Open the file; processes that do so at the same first moment wait for each other."""
        end = time.monotonic() + self._seconds
        while True:
            try:
                return self._connect_once()
            except sqlite3.OperationalError as error:
                # Turning to WAL does not wait by itself as other statements do.
                if "locked" not in str(error) or time.monotonic() > end:
                    raise
                time.sleep(0.01)

    def _connect_once(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self._path, timeout=self._seconds, check_same_thread=False, cached_statements=16
        )
        try:
            _require_ours(connection)
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=NORMAL")
            connection.execute("PRAGMA trusted_schema=OFF")
            connection.execute(_SCHEMA)
            connection.commit()
        except sqlite3.Error:
            connection.close()
            raise
        return connection

    def _prune(self, connection: sqlite3.Connection, now: float) -> None:
        with connection:
            connection.execute("DELETE FROM evidence WHERE until <= ?", (now,))
            total = connection.execute(
                "SELECT coalesce(sum(length(entry)), 0) FROM evidence"
            ).fetchone()[0]
            while total > self._max:
                rows = connection.execute(
                    "SELECT key, length(entry) FROM evidence ORDER BY until LIMIT 64"
                ).fetchall()
                if not rows:
                    break
                connection.executemany(
                    "DELETE FROM evidence WHERE key = ?", [(row[0],) for row in rows]
                )
                total -= sum(row[1] for row in rows)

    @contextlib.contextmanager
    def _guarded(self) -> Iterator[None]:
        """Whatever the file does, the caller sees an empty cache and nothing worse."""
        try:
            yield
        except sqlite3.OperationalError as error:
            # Locked, full, read-only: a state of the moment, not of the file.
            _LOG.info("evidence cache unavailable: %s", error)
        except sqlite3.DatabaseError as error:
            _LOG.warning("evidence cache damaged, salvaging it: %s", error)
            self._salvage()
        except (OSError, sqlite3.Error) as error:
            _LOG.info("evidence cache unavailable: %s", error)

    def _salvage(self) -> None:
        """Put a new file in place of a damaged one, with all entries that are whole."""
        damaged = self._file if self._connection is not None else self._identity()
        self._disconnect()
        with _alone(self._path + ".lock"):
            if self._identity() != damaged:
                return
            kept = list(self._whole_entries())
            for suffix in ("-wal", "-shm"):
                with contextlib.suppress(OSError):
                    os.unlink(self._path + suffix)
            with contextlib.suppress(OSError):
                # Not removed: it may be anything, if the path was a slip of the pen.
                os.replace(self._path, self._path + ".damaged")
            try:
                connection = self._open()
                with connection:
                    connection.executemany("INSERT OR REPLACE INTO evidence VALUES (?, ?, ?)", kept)
            except (OSError, sqlite3.Error) as error:
                _LOG.warning("evidence cache cannot be replaced: %s", error)
                self._disconnect()

    def _whole_entries(self) -> Iterator[tuple[str, float, bytes]]:
        try:
            connection = sqlite3.connect(self._path, timeout=self._seconds)
        except sqlite3.Error:
            return
        try:
            for key, until, entry in connection.execute("SELECT key, until, entry FROM evidence"):
                if isinstance(key, str) and isinstance(entry, bytes) and unseal(key, entry):
                    yield key, until, entry
        except sqlite3.Error:
            return
        finally:
            connection.close()


def _require_ours(connection: sqlite3.Connection) -> None:
    """Look what is in a file before anything in it is changed.

    Raises:
        sqlite3.OperationalError: it belongs to another program.
        sqlite3.DatabaseError: it is a cache of another make.
    """
    found = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
    if found and ("evidence",) not in found:
        raise sqlite3.OperationalError("the file is a database of another program")
    columns = [row[1] for row in connection.execute("PRAGMA table_info(evidence)")]
    if found and columns != _COLUMNS:
        raise sqlite3.DatabaseError("the file is a cache of another make")


def _again(path: str, max_bytes: int, seconds: float, memory: int) -> SqliteCache:
    """Open the same file in another process."""
    return SqliteCache(path, max_bytes=max_bytes, seconds=seconds, memory=memory)


@contextlib.contextmanager
def _alone(path: str) -> Iterator[None]:
    """Keep other processes of this machine from doing the same at the same time."""
    try:
        import fcntl

        descriptor = os.open(path, os.O_CREAT | os.O_RDWR, 0o600)
    except (ImportError, OSError):
        # No such locks here: at worst two processes salvage one after the other.
        yield
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
