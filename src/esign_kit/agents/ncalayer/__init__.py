"""NCALayer of Kazakhstan: what a page sends to ``wss://127.0.0.1:13579/`` and what comes back."""

from __future__ import annotations

from esign_kit.agents.ncalayer.answers import read_answer, read_greeting
from esign_kit.agents.ncalayer.requests import (
    ADDRESS,
    STORAGES,
    basics_sign,
    change_locale,
    create_cades,
    create_cms,
    get_active_tokens,
    get_key_info,
    sign_xml,
)

__all__ = [
    "ADDRESS",
    "STORAGES",
    "basics_sign",
    "change_locale",
    "create_cades",
    "create_cms",
    "get_active_tokens",
    "get_key_info",
    "read_answer",
    "read_greeting",
    "sign_xml",
]
