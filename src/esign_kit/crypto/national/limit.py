"""How much may be hashed where only pure Python computes a digest.

Pure Python takes 2 s for a megabyte; a hostile or merely large document must end in a clear error,
not in a process that seems to hang. The bound holds for every digest in the current context, so
that a format needs no code of its own for it.
"""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

from esign_kit.errors import LimitError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["check", "slow_hash_limit", "too_slow"]

_limit: ContextVar[int] = ContextVar("slow_hash_limit", default=4 * 1024 * 1024)


@contextmanager
def slow_hash_limit(octets: int) -> Iterator[None]:
    """Set ``Limits.slow_hash_size`` for digests that are computed inside the ``with`` block."""
    token = _limit.set(octets)
    try:
        yield
    finally:
        _limit.reset(token)


def check(name: str, octets: int) -> None:
    """Refuse to hash that many octets if it is over the limit.

    Raises:
        LimitError: it is.
    """
    limit = _limit.get()
    if octets > limit:
        raise too_slow(name, octets, limit)


def too_slow(name: str, octets: int, limit: int) -> LimitError:
    """Return the error for a document that pure Python should not hash."""
    return LimitError(
        f"{octets} octets are too many to hash with {name} in pure Python (the limit is {limit})",
        code="input.slow-hash",
        hint="install libgcrypt 1.8 or later (Debian: libgcrypt20), hand over the document's "
        "digest with Document.from_digests, or raise Limits.slow_hash_size",
    )
