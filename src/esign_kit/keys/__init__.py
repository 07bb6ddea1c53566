"""Keys: where they live, what each is for, and how they are asked to sign."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from esign_kit.keys.audit import AuditLog, verify_log
    from esign_kit.keys.base import KeyStore, SigningKey
    from esign_kit.keys.ciphers import register_cipher
    from esign_kit.keys.csc.store import Csc
    from esign_kit.keys.files import KeyFile
    from esign_kit.keys.held import HeldKey
    from esign_kit.keys.pkcs11.store import Pkcs11
    from esign_kit.keys.pkcs12 import Pkcs12
    from esign_kit.keys.purpose import purpose_of
    from esign_kit.keys.seal import RateLimit, Seal

__all__ = [
    "AuditLog",
    "Csc",
    "HeldKey",
    "KeyFile",
    "KeyStore",
    "Pkcs11",
    "Pkcs12",
    "RateLimit",
    "Seal",
    "SigningKey",
    "purpose_of",
    "register_cipher",
    "verify_log",
]

_HOMES = {
    "AuditLog": "audit",
    "Csc": "csc.store",
    "HeldKey": "held",
    "KeyFile": "files",
    "KeyStore": "base",
    "Pkcs11": "pkcs11.store",
    "Pkcs12": "pkcs12",
    "RateLimit": "seal",
    "Seal": "seal",
    "SigningKey": "base",
    "purpose_of": "purpose",
    "register_cipher": "ciphers",
    "verify_log": "audit",
}


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(f"{__name__}.{home}"), name)
    globals()[name] = value
    return value
