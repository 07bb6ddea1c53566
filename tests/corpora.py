"""Where the conformance corpora are, for every test that reads them.

They are test input with licences of their own and no part of this project. The folder is named by
``ESIGN_KIT_CORPORA``; without it, ``../shared/corpora`` beside the project is taken.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parent.parent


def folder() -> Path:
    """Return the folder of corpora, whether it exists or not."""
    named = os.environ.get("ESIGN_KIT_CORPORA")
    return Path(named) if named else PROJECT.parent / "shared" / "corpora"


def require(*parts: str) -> Path:
    """Return a folder or file of the corpora; skip the test where it is absent.

    In CI (``CI=true``) an absent corpus is a failure: a suite that silently did not run is the
    worst kind of green.
    """
    path = folder().joinpath(*parts)
    if path.exists():
        return path
    message = f"the corpus {'/'.join(parts) or '.'} is not at {path}; set ESIGN_KIT_CORPORA"
    if os.environ.get("CI", "").lower() == "true":
        pytest.fail(message, pytrace=False)
    pytest.skip(message)


def national(*parts: str) -> Path:
    """The same for the folder of national samples, which lies beside the corpora."""
    path = folder().parent.joinpath("national", *parts)
    if path.exists():
        return path
    message = f"the national sample {'/'.join(parts)} is not at {path}; set ESIGN_KIT_CORPORA"
    if os.environ.get("CI", "").lower() == "true":
        pytest.fail(message, pytrace=False)
    pytest.skip(message)
