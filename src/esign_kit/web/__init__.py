"""In a portal: login with a key and signed upload, for ASGI applications and for Django.

    from esign_kit.web.asgi import EsignMiddleware        # FastAPI, Starlette, any ASGI
    from esign_kit.web.django import esign_urls           # Django

Both serve a challenge, a page with a script of ours that talks to NCALayer or E-IMZO, and an upload
that is compared with what was shown. The session carries the principal; requests of other sites and
answers that were used before are refused. The logic is in ``portal`` and knows no framework.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from esign_kit.web.guard import RequestRefused
    from esign_kit.web.portal import Agents, KeyPortal, Upload
    from esign_kit.web.sessions import MemorySessions, Sessions
    from esign_kit.web.statement import principal_from_data

__all__ = [
    "Agents",
    "KeyPortal",
    "MemorySessions",
    "RequestRefused",
    "Sessions",
    "Upload",
    "principal_from_data",
]

_HOMES = {
    "Agents": "portal",
    "KeyPortal": "portal",
    "MemorySessions": "sessions",
    "RequestRefused": "guard",
    "Sessions": "sessions",
    "Upload": "portal",
    "principal_from_data": "statement",
}


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(f"{__name__}.{home}"), name)
    globals()[name] = value
    return value
