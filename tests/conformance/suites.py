"""Finds the suites in a folder and turns their manifests into jobs.

A suite is a folder with a ``manifest.json`` or ``corpus.json``. Its schema is told by the fields
that are there: a corpus of signed files with asserted outcomes; testcases of x509-limbo; groups of
raw vectors; or cases, whose fields say what kind each is.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tests.conformance import dss, paths, signatures, vectors
from tests.conformance.model import Job, Row

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def find(folder: Path) -> list[Path]:
    """Return the suites in a folder, or the folder itself if it is one."""
    if _index(folder) is not None:
        return [folder]
    return [path for path in sorted(folder.iterdir()) if path.is_dir() and _index(path) is not None]


def _index(folder: Path) -> Path | None:
    for name in ("corpus.json", "manifest.json"):
        if (folder / name).is_file():
            return folder / name
    return None


def jobs_of(root: Path) -> Iterator[Job]:
    """Yield the jobs of one suite."""
    index = _index(root)
    if index is None:
        return
    suite = json.loads(index.read_bytes())
    suite.setdefault("suite", root.name)
    if index.name == "corpus.json":
        yield from dss.dss_jobs(root, root.name, suite["cases"])
    elif isinstance(suite.get("files"), dict):
        yield from vectors.vector_jobs(root, suite)
    elif "cases" not in suite and "file" in suite:
        testcases = json.loads((root / suite["file"]).read_bytes())["testcases"]
        yield from paths.limbo_jobs(root, suite, testcases)
    elif "cases" in suite:
        yield from _case_jobs(root, suite)
    else:
        yield _unknown(root.name, sorted(suite))


def _case_jobs(root: Path, suite: dict[str, Any]) -> Iterator[Job]:
    kinds: dict[Any, list[dict[str, Any]]] = {}
    for case in suite["cases"]:
        kinds.setdefault(_kind(case), []).append(case)
    for kind, cases in kinds.items():
        yield from kind(root, suite, cases)


def _kind(case: dict[str, Any]) -> Any:
    if "target" in case:
        return paths.path_jobs
    if "may_return" in case or "must_not_return" in case:
        return paths.identity_jobs
    if "password" in case:
        return paths.container_jobs
    return signatures.signature_jobs


def _unknown(name: str, fields: list[str]) -> Job:
    note = f"no schema that this runner knows; fields: {', '.join(fields)}"[:300]

    def run() -> list[Row]:
        return [Row(name, "manifest", "known schema", "untyped", False, note)]

    return Job(name, (("manifest", "known schema"),), run)
