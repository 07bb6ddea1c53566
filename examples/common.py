"""What both examples share: a fixture country, its portal, and the options of the command line."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import esign_kit as ek
from esign_kit.login import MemoryOnceStore
from esign_kit.testing import FixturePKI
from esign_kit.web import Agents, KeyPortal

if TYPE_CHECKING:
    from esign_kit.web import Upload


def options() -> argparse.Namespace:
    """Return the options of the command line."""
    parser = argparse.ArgumentParser(description="Login with a key and signed upload.")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--country", choices=("kz", "uz"), default="kz")
    parser.add_argument("--ncalayer", default="wss://127.0.0.1:13579")
    parser.add_argument("--eimzo", default="wss://127.0.0.1:64443/service/cryptapi")
    parser.add_argument(
        "--eimzo-key", nargs=2, action="append", default=[], metavar=("DOMAIN", "KEY")
    )
    parser.add_argument("--keep", type=Path, help="folder for what was signed")
    return parser.parse_args()


def portal(given: argparse.Namespace) -> KeyPortal:
    """Return the portal.

    In production: ``profile=ek.profile("kz")``, ``fetcher=ek.HttpFetcher()``, and a ``once`` that
    all workers share.
    """
    pki = FixturePKI(given.country, at=datetime.now(UTC))
    return KeyPortal(
        f"http://127.0.0.1:{given.port}",
        profile=pki.profile,
        once=MemoryOnceStore(),
        evidence=lambda: pki.evidence(at=datetime.now(UTC)),
        agents=Agents(
            given.ncalayer or None,
            given.eimzo or None,
            tuple(tuple(pair) for pair in given.eimzo_key),
            login_keys="login",
        ),
        signing_minimum=ek.Assurance.demand(signature="ADVANCED"),
    )


def documents(principal: ek.Principal, name: str) -> bytes | None:
    """Return what this person may sign: an application in their own name."""
    if name != "application" or principal.identifier is None:
        return None
    return f"I apply for unemployment benefit.\nApplicant: {principal.identifier.urn()}\n".encode()


def keeper(folder: Path | None) -> object:
    """Return a function that keeps what was signed."""

    def keep(upload: Upload) -> None:
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
            (folder / f"{upload.name}.p7m").write_bytes(upload.signature)

    return keep


def front_page(principal: ek.Principal | None) -> str:
    """Return the page of the portal itself."""
    from html import escape

    if principal is None:
        return (
            '<!doctype html><h1>Portal</h1><p><a href="/esign/login">Log in with your key</a></p>'
        )
    return (
        f'<!doctype html><h1>Portal</h1><p id="who">{escape(str(principal))}</p>'
        '<p><a href="/esign/sign/application">Sign your application</a></p>'
    )
