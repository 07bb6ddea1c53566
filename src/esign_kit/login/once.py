"""What may be used once: states, challenges, assertions."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from datetime import datetime

__all__ = ["MemoryOnceStore", "OnceStore"]


class OnceStore(Protocol):
    """Remembers what was used. Several workers need one that they share.

    With Redis or Valkey this is one command: ``SET key 1 NX EXAT until``.
    """

    def use(self, key: str, *, until: datetime, at: datetime) -> bool:
        """Note a use; ``False`` if the key was used before. The two must be one atomic step.

        Args:
            key: what is used; it holds no secret.
            until: how long it has to be remembered.
            at: the present.
        """
        ...


class MemoryOnceStore:
    """A store for one process.

    Args:
        limit: how many keys are held at most; above it nothing is let in until some expire,
            because forgetting one would let it in twice.
    """

    __slots__ = ("_held", "_limit", "_lock")

    def __init__(self, limit: int = 100_000) -> None:
        self._held: dict[str, datetime] = {}
        self._limit = limit
        self._lock = threading.Lock()

    def use(self, key: str, *, until: datetime, at: datetime) -> bool:
        """Note a use; ``False`` if the key was used before, or the store is full."""
        with self._lock:
            if key in self._held:
                return False
            if len(self._held) >= self._limit:
                for old in [name for name, end in self._held.items() if end <= at]:
                    del self._held[old]
                if len(self._held) >= self._limit:
                    return False
            self._held[key] = until
            return True

    def __len__(self) -> int:
        return len(self._held)
