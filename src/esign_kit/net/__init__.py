"""The network, and nothing else: fetching evidence behind a guard, and remembering it.

Verification never touches the network by itself. A caller who wants fresh evidence hands over a
fetcher; every connection goes through it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from esign_kit.net.cache import CachingFetcher, EvidenceCache, MemoryCache
    from esign_kit.net.client import HttpClient
    from esign_kit.net.fetcher import HttpFetcher
    from esign_kit.net.gathering import gather
    from esign_kit.net.guard import Guard
    from esign_kit.net.redis_cache import RedisCache
    from esign_kit.net.sqlite_cache import SqliteCache

__all__ = [
    "CachingFetcher",
    "EvidenceCache",
    "Guard",
    "HttpClient",
    "HttpFetcher",
    "MemoryCache",
    "RedisCache",
    "SqliteCache",
    "gather",
]

_HOMES = {
    "CachingFetcher": "cache",
    "EvidenceCache": "cache",
    "Guard": "guard",
    "HttpClient": "client",
    "HttpFetcher": "fetcher",
    "MemoryCache": "cache",
    "RedisCache": "redis_cache",
    "SqliteCache": "sqlite_cache",
    "gather": "gathering",
}


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'esign_kit.net' has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(f"esign_kit.net.{home}"), name)
    globals()[name] = value
    return value
