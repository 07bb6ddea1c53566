"""The ``esign`` command: one verb per file, each a thin wrapper of one verb of the library.

A verb's module is imported when the verb is called, so that the command starts fast.
"""

from __future__ import annotations

import sys

VERBS = {
    "sign": "sign a file",
    "verify": "check a signature and say who stands behind it",
    "whoami": "name the person and the organisation of a signature or certificate",
    "inspect": "show the structure of a signed file without judging it",
    "keys": "list the keys of a key file or token and what each is for",
    "trust": "look after trust stores; why is a certificate trusted, or not",
    "bundle": "keep a verdict with all that it rests on, and check it again",
    "pki": "make a fixture country: authorities, people, organisations",
    "demo": "tell the story of a country: login, signature, acting for somebody",
}


def main() -> None:
    """Run the command; the exit codes are in ``esign_kit.cli.exits``."""
    try:
        import click
    except ImportError:  # pragma: no cover - click is a core dependency
        sys.stderr.write("The esign command needs click: pip install click\n")
        raise SystemExit(2) from None

    from esign_kit.cli import run

    del click
    run.main()
