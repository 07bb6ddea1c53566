"""The text of a challenge: a person can read it, and it can be taken for nothing else.

A login signature must never pass as a signature on a document, nor the reverse: the first line
says what it is, and the portal compares all of it, octet for octet.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from esign_kit.login.pending import Pending

__all__ = ["TITLE", "challenge_text", "challenge_xml", "origin_of"]

TITLE = "esign-kit login challenge, version 1. This is no document and grants nothing else."
_HOST = re.compile(r"[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?", re.ASCII)
_PURPOSE = re.compile(r"[a-z][a-z0-9.-]{0,39}", re.ASCII)


def origin_of(url: str) -> str:
    """Return scheme, host and port of an address, as browsers write an origin (RFC 6454).

    Raises:
        ValueError: it is no https origin; http is for this machine only.
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    local = host in ("localhost", "127.0.0.1")
    if not _HOST.fullmatch(host) or parts.username or (parts.scheme != "https" and not local):
        raise ValueError("an origin is https://host[:port]")
    if parts.path not in ("", "/") or parts.query or parts.fragment:
        raise ValueError("an origin has no path")
    port = parts.port
    usual = {"https": 443, "http": 80}.get(parts.scheme)
    return f"{parts.scheme}://{host}" + (f":{port}" if port not in (None, usual) else "")


def fields(pending: Pending) -> tuple[tuple[str, str], ...]:
    """Return what a challenge states, in order."""
    extra = pending.extra
    stated = [
        ("origin", str(extra["origin"])),
        ("purpose", str(extra["purpose"])),
        ("nonce", pending.nonce),
        ("issued", pending.issued.isoformat(timespec="seconds")),
        ("expires", pending.expires.isoformat(timespec="seconds")),
    ]
    if extra.get("subject"):
        stated.append(("subject", str(extra["subject"])))
    return tuple(stated)


def check_purpose(purpose: str) -> str:
    """Return the purpose; raises ``ValueError`` unless it is one short word."""
    if not _PURPOSE.fullmatch(purpose):
        raise ValueError("a purpose is one word of small letters")
    return purpose


def challenge_text(pending: Pending) -> bytes:
    """Return the octets to be signed as CMS, or as a raw value."""
    lines = [TITLE, *(f"{name}: {value}" for name, value in fields(pending))]
    return "\n".join(lines).encode()


def challenge_xml(pending: Pending) -> bytes:
    """Return the same as XML, for agents that sign XML only; it is its own canonical form."""
    inner = "".join(f"<{name}>{value}</{name}>" for name, value in fields(pending))
    return f"<login><title>{TITLE}</title>{inner}</login>".encode()
