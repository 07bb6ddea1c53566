"""Keys on tokens and in hardware security modules, through PKCS#11 (the extra ``[pkcs11]``)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from esign_kit.keys.pkcs11.pin import PinPrompt
    from esign_kit.keys.pkcs11.store import Pkcs11
    from esign_kit.keys.pkcs11.uri import Pkcs11Uri

__all__ = ["PinPrompt", "Pkcs11", "Pkcs11Uri"]

_HOMES = {"PinPrompt": "pin", "Pkcs11": "store", "Pkcs11Uri": "uri"}


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(f"{__name__}.{home}"), name)
    globals()[name] = value
    return value
