"""A cache that the machines of a portal share: Redis or Valkey, with the extra ``[cache]``."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Any

from esign_kit.errors import EvidenceError
from esign_kit.net.cache import SEAL_SIZE, MemoryCache, seal, unseal

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["RedisCache"]

_LOG = logging.getLogger("esign_kit.net")


class RedisCache:
    """An :class:`~esign_kit.net.cache.EvidenceCache` in a Redis or Valkey server.

    Whoever can write to the server can remove entries or put wrong ones; neither makes anything
    pass, because what is read is verified again. A server that is down, or that is no such server,
    is an empty cache, and is left alone for a while.

    Args:
        url: ``redis://``, ``rediss://`` or ``unix://``.
        prefix: of all keys.
        seconds: how long the server may be silent.
        pause: seconds during which a server that failed is not asked again.
        max_value: larger values are neither kept nor read.
        memory: octets of entries that this process keeps at hand.
        clock: POSIX seconds.

    Raises:
        EvidenceError: ``cache.extra-missing``: the client is not installed; ``cache.url``: the
            address is malformed.
    """

    def __init__(
        self,
        url: str,
        *,
        prefix: str = "esign-kit:",
        seconds: float = 2.0,
        pause: float = 5.0,
        max_value: int = 64 * 1024 * 1024,
        memory: int = 128 * 1024 * 1024,
        clock: Callable[[], float] = time.time,
    ) -> None:
        try:
            import redis
        except ImportError as error:
            raise EvidenceError(
                "the client for Redis is not installed",
                code="cache.extra-missing",
                hint='pip install "esign-kit[cache]"',
            ) from error
        self._url = url
        self._prefix = prefix
        self._seconds = seconds
        self._max = max_value
        self._clock = clock
        self._memory = memory
        self._near = MemoryCache(memory, clock=clock)
        self._answered: type[Exception] = redis.ResponseError
        self._pause = pause
        self._resting_until = 0.0
        try:
            self._client: Any = redis.Redis.from_url(
                url, socket_timeout=seconds, socket_connect_timeout=seconds
            )
        except ValueError as error:
            raise EvidenceError(
                f"not the address of a server: {error}", code="cache.url"
            ) from error

    def get(self, key: str) -> bytes | None:
        """See :class:`~esign_kit.net.cache.EvidenceCache`."""
        near = self._near.get(key)
        if near is not None:
            return near
        # No more than may be there: whoever writes to the server does not choose our memory.
        entry = self._ask("getrange", key, 0, self._max + SEAL_SIZE)
        if not isinstance(entry, bytes) or not entry:
            return None
        found = unseal(key, entry)
        if found is None:
            self.drop(key)
            return None
        if found[1] <= self._clock():
            return None
        self._near.put(key, *found)
        return found[0]

    def put(self, key: str, value: bytes, until: float) -> None:
        """See :class:`~esign_kit.net.cache.EvidenceCache`."""
        left = int(until - self._clock())
        if left <= 0 or len(value) > self._max:
            return
        self._near.put(key, value, until)
        self._ask("set", key, seal(key, value, until), ex=left)

    def drop(self, key: str) -> None:
        """See :class:`~esign_kit.net.cache.EvidenceCache`."""
        self._near.drop(key)
        self._ask("delete", key)

    def _ask(self, command: str, key: str, *arguments: Any, **options: Any) -> Any:
        """Give the server one command; ``None`` if it cannot answer."""
        if time.monotonic() < self._resting_until:
            return None
        try:
            return getattr(self._client, command)(self._prefix + key, *arguments, **options)
        except Exception as error:
            # What its client raises about a peer that speaks something else has no common class.
            if not isinstance(error, self._answered):
                self._resting_until = time.monotonic() + self._pause
            _LOG.info("evidence cache unavailable: %s", error)
            return None

    def close(self) -> None:
        """Close the connections and forget what is at hand."""
        self._near.clear()
        self._client.close()

    def __reduce__(self) -> tuple[object, ...]:
        settings = {
            "url": self._url,
            "prefix": self._prefix,
            "seconds": self._seconds,
            "pause": self._pause,
            "max_value": self._max,
            "memory": self._memory,
        }
        return (_again, (settings,))


def _again(settings: dict[str, Any]) -> RedisCache:
    """Connect to the same server from another process."""
    return RedisCache(**settings)
