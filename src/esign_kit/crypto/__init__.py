"""Public-key operations: one port, several backends, found by ``algorithm.family``.

What comes in is bytes of unknown origin; what goes out is a key, a truth value, a signature value
or an exception of ours. No exception of a backend leaves this package.
"""

from __future__ import annotations

from esign_kit.crypto.backend import Backend, register_backend
from esign_kit.crypto.encoding import der_to_plain, plain_to_der
from esign_kit.crypto.keys import (
    PrivateKey,
    PublicKey,
    clear_cache,
    explain,
    load_private_key,
    load_public_key,
    register_key,
    verify,
)

__all__ = [
    "Backend",
    "PrivateKey",
    "PublicKey",
    "clear_cache",
    "der_to_plain",
    "explain",
    "load_private_key",
    "load_public_key",
    "plain_to_der",
    "register_backend",
    "register_key",
    "verify",
]
