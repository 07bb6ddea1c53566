"""What a developer copies is short. That it runs is shown by ``tests/test_docs.py``."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

PAGES = Path(__file__).resolve().parents[2] / "docs" / "stories"
_PYTHON = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def lines(block: str) -> list[str]:
    return [line for line in block.splitlines() if line.strip()]


def test_the_quick_start_has_twenty_lines_and_needs_nothing_else() -> None:
    blocks = _PYTHON.findall((PAGES / "README.md").read_text(encoding="utf-8"))
    assert len(blocks) == 1
    assert len(lines(blocks[0])) <= 20
    namespace: dict[str, object] = {"__name__": "quick start"}
    exec(compile(blocks[0], "twenty lines", "exec"), namespace)
    assert str(namespace["signer"]) == "ӘБІЛҚЫЗЫ АЙГҮЛ (KZ/IIN/********0017)"


@pytest.mark.parametrize("page", sorted(PAGES.glob("??.md")), ids=lambda page: page.stem)
def test_the_lines_to_copy_are_twenty(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert f"esign demo {page.stem}" in text
    _, _, copied = text.partition("## The lines to copy")
    _fixtures, block, *_ = _PYTHON.findall(copied)
    assert 10 <= len(lines(block)) <= 20
