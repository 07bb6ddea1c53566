"""``python -m tests.conformance FOLDER --json OUT``: run every suite in a folder.

Exit status: 0 if every wrong row is written down in ``deviations.toml``, 1 otherwise, 2 for a
folder without suites.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from pathlib import Path

import esign_kit
from tests.conformance import pool, suites, table


def main(arguments: list[str] | None = None) -> int:
    options = _options(arguments)
    folder = options.folder.resolve()
    if not folder.is_dir():
        sys.stderr.write(f"no such folder: {folder}\n")
        return 2
    found = [s for s in suites.find(folder) if not options.suite or s.name in options.suite]
    if not found:
        sys.stderr.write(f"no suite (manifest.json or corpus.json) in {folder}\n")
        return 2
    _load_everything()
    jobs = [job for suite in found for job in suites.jobs_of(suite)]
    if options.only:
        jobs = [job for job in jobs if any(options.only in name for name, _ in job.asks)]
    # Long jobs first, so that no worker is left with one at the end.
    jobs.sort(key=lambda job: -job.seconds * len(job.asks))
    started = time.monotonic()
    allowed = (folder, Path(esign_kit.__file__).resolve().parent, Path(__file__).resolve().parent)
    tick = _progress(sum(len(job.asks) for job in jobs))
    rows = list(pool.run_all(jobs, options.jobs, allowed, tick))
    rows.sort(key=lambda row: (row.suite, row.id))
    if options.json:
        with open(options.json, "w", encoding="utf-8") as stream:
            json.dump([row.to_dict() for row in rows], stream, ensure_ascii=False, indent=1)
            stream.write("\n")
    out = sys.stdout.write
    listing = table.wrong(rows)
    if listing and not options.quiet:
        out(f"{listing}\n\n")
    agreement = table.dss_agreement(rows)
    if agreement:
        out(f"{agreement}\n\n")
    out(f"{table.summary(rows)}\n\n")
    if options.markdown:
        table.write_page(options.markdown, rows)
    missing = table.unexplained(rows)
    out(f"{len(rows)} rows in {time.monotonic() - started:.0f} s; ")
    out(f"{len(missing)} wrong rows are not written down in deviations.toml\n")
    for name in table.stale(rows):
        out(f"written down in deviations.toml, but right now: {name}\n")
    passed = sum(row.right is True for row in rows)
    failed = sum(row.right is False for row in rows)
    out(f"{passed} passed, {failed} failed\n")
    return 1 if missing else 0


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.conformance", description=__doc__)
    parser.add_argument("folder", type=Path, help="a folder of suites, or one suite")
    parser.add_argument("--json", metavar="OUT", help="write the rows to this file")
    parser.add_argument(
        "--markdown", metavar="PAGE", type=Path, help="renew the tables of this page"
    )
    parser.add_argument("--suite", action="append", help="only suites (folders) of this name")
    parser.add_argument("--only", help="only cases with this text in their id")
    parser.add_argument("--jobs", type=int, default=max(2, os.cpu_count() or 1), help="children")
    parser.add_argument("--quiet", action="store_true", help="do not list the wrong rows")
    return parser.parse_args(arguments)


def _load_everything() -> None:
    """Import before forking: each child then starts with a warm interpreter."""
    for name in esign_kit.__all__:
        try:
            getattr(esign_kit, name)
        except (ImportError, AttributeError) as error:
            sys.stderr.write(f"esign_kit.{name} cannot be loaded: {error}\n")
    import importlib
    import pkgutil

    for module in pkgutil.walk_packages(esign_kit.__path__, "esign_kit."):
        if ".cli" in module.name or ".testing" in module.name:
            continue
        try:
            importlib.import_module(module.name)
        except Exception as error:
            sys.stderr.write(f"{module.name} cannot be loaded: {type(error).__name__}: {error}\n")


def _progress(total: int):  # type: ignore[no-untyped-def]
    last = [0.0]

    def tick(done: int) -> None:
        now = time.monotonic()
        if sys.stderr.isatty() and now - last[0] > 0.2:
            last[0] = now
            sys.stderr.write(f"\r{done} of {total}")
            sys.stderr.flush()

    return tick


if __name__ == "__main__":
    sys.exit(main())
