"""Peers of the login protocols; absent ones skip with a word, in CI they fail."""

from __future__ import annotations

import importlib
import os
import shutil
import warnings
from typing import Any

import pytest

IN_CI = os.environ.get("CI", "").lower() == "true"


def peer(name: str) -> Any:
    """Return a module of a peer; its own deprecations are not ours to mend."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return importlib.import_module(name)
    except ImportError as error:
        _missing(f"{name} ({error})")


def command(name: str) -> str:
    """Return the path of a peer's command."""
    path = shutil.which(name)
    if path is None:
        _missing(name)
    return str(path)


def _missing(what: str) -> None:
    if IN_CI:
        pytest.fail(f"the peer {what} is not installed", pytrace=False)
    pytest.skip(f"the peer {what} is not installed")
