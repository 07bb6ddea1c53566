"""Sessions on the server: the browser holds a random name and nothing else."""

from __future__ import annotations

import threading
from copy import deepcopy
from secrets import token_urlsafe
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

__all__ = ["MemorySessions", "Sessions", "new_name"]


def new_name() -> str:
    """Return a fresh name of a session, 256 bits."""
    return token_urlsafe(32)


class Sessions(Protocol):
    """Keeps sessions by name. Several workers need one that they share; all values are JSON."""

    def load(self, name: str, *, at: datetime) -> dict[str, Any] | None:
        """Return a session that has not expired."""
        ...

    def save(
        self,
        name: str,
        data: Mapping[str, Any],
        *,
        until: datetime,
        at: datetime,
        create: bool = False,
    ) -> None:
        """Keep a session until then.

        Without ``create`` a name that is gone stays gone, in one atomic step: a request that began
        before a log-out must not bring the session back when it ends.
        """
        ...

    def delete(self, name: str) -> None:
        """Forget a session."""
        ...


class MemorySessions:
    """Sessions of one process.

    Args:
        limit: how many at most; the oldest without a principal go first, then the oldest.
    """

    def __init__(self, limit: int = 10_000) -> None:
        self._held: dict[str, tuple[dict[str, Any], datetime]] = {}
        self._limit = limit
        self._lock = threading.Lock()

    def load(self, name: str, *, at: datetime) -> dict[str, Any] | None:
        """Return a copy of a session that has not expired."""
        with self._lock:
            found = self._held.get(name)
            if found is None:
                return None
            if at >= found[1]:
                del self._held[name]
                return None
            return deepcopy(found[0])

    def save(
        self,
        name: str,
        data: Mapping[str, Any],
        *,
        until: datetime,
        at: datetime,
        create: bool = False,
    ) -> None:
        """Keep a session until then; without ``create`` a name that is gone stays gone."""
        with self._lock:
            if self._held.pop(name, None) is None and not create:
                return
            self._held[name] = (deepcopy(dict(data)), until)
            if len(self._held) > self._limit:
                self._make_room(at)

    def delete(self, name: str) -> None:
        """Forget a session."""
        with self._lock:
            self._held.pop(name, None)

    def _make_room(self, at: datetime) -> None:
        for name in [name for name, (_, until) in self._held.items() if at >= until]:
            del self._held[name]
        if len(self._held) > self._limit:
            empty = (n for n, (data, _) in self._held.items() if "esign.principal" not in data)
            del self._held[next(empty, next(iter(self._held)))]

    def __len__(self) -> int:
        return len(self._held)
