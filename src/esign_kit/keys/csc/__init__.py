"""Keys at a remote signing service that speaks the Cloud Signature Consortium API (1.0.4 or 2)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from esign_kit.keys.csc.client import Authorization, Credential, CscClient
    from esign_kit.keys.csc.oauth import authorize_url, exchange_code
    from esign_kit.keys.csc.store import Csc
    from esign_kit.keys.csc.transport import Answer, HttpTransport, Transport

__all__ = [
    "Answer",
    "Authorization",
    "Credential",
    "Csc",
    "CscClient",
    "HttpTransport",
    "Transport",
    "authorize_url",
    "exchange_code",
]

_HOMES = {
    "Answer": "transport",
    "Authorization": "client",
    "Credential": "client",
    "Csc": "store",
    "CscClient": "client",
    "HttpTransport": "transport",
    "Transport": "transport",
    "authorize_url": "oauth",
    "exchange_code": "oauth",
}


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(f"{__name__}.{home}"), name)
    globals()[name] = value
    return value
