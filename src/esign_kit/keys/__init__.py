"""Keys: where they live, what each is for, and how they are asked to sign."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from esign_kit.keys.base import KeyStore, SigningKey
    from esign_kit.keys.ciphers import register_cipher
    from esign_kit.keys.files import KeyFile
    from esign_kit.keys.held import HeldKey
    from esign_kit.keys.pkcs11.store import Pkcs11
    from esign_kit.keys.pkcs12 import Pkcs12
    from esign_kit.keys.purpose import purpose_of

__all__ = [
    "HeldKey",
    "KeyFile",
    "KeyStore",
    "Pkcs11",
    "Pkcs12",
    "SigningKey",
    "purpose_of",
    "register_cipher",
]

_HOMES = {
    "HeldKey": "held",
    "KeyFile": "files",
    "KeyStore": "base",
    "Pkcs11": "pkcs11.store",
    "Pkcs12": "pkcs12",
    "SigningKey": "base",
    "purpose_of": "purpose",
    "register_cipher": "ciphers",
}


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(f"{__name__}.{home}"), name)
    globals()[name] = value
    return value
