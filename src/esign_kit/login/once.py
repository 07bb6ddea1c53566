"""What may be used once: states, challenges, assertions."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, Protocol

from esign_kit.login import faults

if TYPE_CHECKING:
    from datetime import datetime

__all__ = ["MemoryOnceStore", "OnceStore", "RedisOnceStore"]


class OnceStore(Protocol):
    """Remembers what was used. Several workers need one that they share.

    :class:`RedisOnceStore` is one; any store will do that can set a key only if it is absent.
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


class RedisOnceStore:
    """A store that several workers share, in Redis or Valkey: one ``SET … NX EX``.

    Args:
        client: of ``redis`` or ``valkey``, synchronous.
        prefix: of the keys.
    """

    __slots__ = ("_client", "_prefix")

    def __init__(self, client: Any, *, prefix: str = "esign-kit:once:") -> None:
        self._client = client
        self._prefix = prefix

    def use(self, key: str, *, until: datetime, at: datetime) -> bool:
        """Note a use; ``False`` if the key was used before.

        Raises:
            LoginProviderError: the store does not answer. Nobody is let in meanwhile.
        """
        seconds = max(1, int((until - at).total_seconds()) + 1)
        try:
            return bool(self._client.set(self._prefix + key, b"1", nx=True, ex=seconds))
        except Exception as error:
            # Whatever the client raises: without the store nothing is known to be unused.
            raise faults.provider(
                "login.store-unavailable", f"the store of used logins: {type(error).__name__}"
            ) from None
