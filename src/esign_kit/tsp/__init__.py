"""Time-stamps by themselves: ``parse`` reads one, ``request`` asks an authority (RFC 3161)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from esign_kit.tsp.client import request

__all__ = ["request"]


def __getattr__(name: str) -> Any:
    if name != "request":
        raise AttributeError(f"module 'esign_kit.tsp' has no attribute {name!r}")
    from esign_kit.tsp.client import request

    return request
