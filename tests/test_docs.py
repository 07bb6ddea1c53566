"""The samples in README and docs are run: Python blocks as they stand, console blocks by `esign`.

A page's Python blocks share one namespace, in order. They run in a folder where ``make demo`` has
left its files. A console line ends in ``# exit N`` where the command is meant not to answer 0.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parent.parent
_FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PAGES = [PROJECT / "README.md", *sorted((PROJECT / "docs").rglob("*.md"))]


def _blocks(page: Path, language: str) -> list[tuple[int, str]]:
    if "_build" in page.parts:
        return []
    text = page.read_text(encoding="utf-8")
    return [
        (text.count("\n", 0, match.start()) + 2, match[2])
        for match in _FENCE.finditer(text)
        if match[1] == language
    ]


@pytest.fixture(scope="module")
def workplace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from esign_kit.testing import demo

    folder = tmp_path_factory.mktemp("docs")
    demo.play(folder / "demo")
    return folder


@pytest.mark.parametrize(
    "page", [p for p in PAGES if _blocks(p, "python")], ids=lambda p: str(p.relative_to(PROJECT))
)
def test_python_samples(page: Path, workplace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(workplace)
    # A sample may leave a file to the garbage collector; a program would not.
    namespace: dict[str, object] = {"__name__": "sample"}
    for line, source in _blocks(page, "python"):
        code = compile("\n" * (line - 1) + source, str(page), "exec")
        exec(code, namespace)


@pytest.mark.parametrize(
    "page", [p for p in PAGES if _blocks(p, "console")], ids=lambda p: str(p.relative_to(PROJECT))
)
def test_console_samples(page: Path, workplace: Path) -> None:
    esign = Path(sys.executable).with_name("esign")
    for _, block in _blocks(page, "console"):
        for line in block.splitlines():
            assert line.startswith("$ esign "), f"not run: {line}"
            command, _, remark = line[2:].partition("  # exit ")
            done = subprocess.run(
                [str(esign), *shlex.split(command)[1:]],
                cwd=workplace,
                capture_output=True,
                timeout=60,
                check=False,
                env={**os.environ, "NO_COLOR": "1"},
            )
            wanted = int(remark or 0)
            assert done.returncode == wanted, (
                f"{line}\n{done.stdout.decode()}{done.stderr.decode()}"
            )


def test_links_between_pages_lead_somewhere() -> None:
    missing = []
    for page in [*PAGES, *PROJECT.glob("*.md")]:
        if "_build" in page.parts:
            continue
        for target in re.findall(r"\]\(([^)#:]+\.md)\)", page.read_text(encoding="utf-8")):
            if not (page.parent / target).exists():
                missing.append(f"{page.name}: {target}")
    assert not missing
