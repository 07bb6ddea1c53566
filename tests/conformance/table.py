"""The summary: one line per suite, the rows that are wrong, and which of them are meant."""

from __future__ import annotations

import tomllib
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING

from tests.conformance.model import NOT_BUILT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.conformance.model import Row

DEVIATIONS = Path(__file__).with_name("deviations.toml")


def deviations() -> dict[tuple[str, str], dict[str, str]]:
    """Return the written-down deviations by (suite, id). They are shown and change no verdict."""
    if not DEVIATIONS.is_file():
        return {}
    entries = tomllib.loads(DEVIATIONS.read_text(encoding="utf-8")).get("deviation", [])
    return {(entry["suite"], entry["id"]): entry for entry in entries}


def summary(rows: Sequence[Row]) -> str:
    """Return the table as Markdown."""
    known = deviations()
    by_suite: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        by_suite[row.suite].append(row)
    lines = [
        "| suite | rows | right | wrong | written down | uncounted | not built | slowest |",
        "|---|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for suite in sorted(by_suite):
        found = by_suite[suite]
        wrong = [row for row in found if row.right is False]
        lines.append(
            f"| {suite} | {len(found)} | {sum(row.right is True for row in found)} | {len(wrong)} "
            f"| {sum((row.suite, row.id) in known for row in wrong)} "
            f"| {sum(row.right is None and row.verdict != NOT_BUILT for row in found)} "
            f"| {sum(row.verdict == NOT_BUILT for row in found)} "
            f"| {max(row.seconds for row in found):.2f} s |"
        )
    return "\n".join(lines)


def dss_agreement(rows: Sequence[Row]) -> str:
    """Return agreement by asserted key for a corpus whose rows are named ``case#key``."""
    keys: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        if "#" in row.id and row.right is not None and row.suite == "dss":
            keys[row.id.partition("#")[2]].append(row)
    if not keys:
        return ""
    lines = ["| asserted key | cases | agree | share |", "|---|---:|---:|---:|"]
    for key, found in sorted(keys.items(), key=lambda item: -len(item[1])):
        right = sum(row.right is True for row in found)
        lines.append(f"| {key} | {len(found)} | {right} | {100 * right / len(found):.1f} % |")
    return "\n".join(lines)


def wrong(rows: Sequence[Row]) -> str:
    """Return the wrong rows, those that are written down apart."""
    known = deviations()
    lines = []
    for row in sorted((r for r in rows if r.right is False), key=lambda r: (r.suite, r.id)):
        entry = known.get((row.suite, row.id))
        mark = f"  [{entry['kind']}: {entry['reason']}]" if entry else ""
        lines.append(
            f"{row.suite}  {row.id}  expected {row.expect}, answered {row.verdict}"
            f"  ({row.note}){mark}"
        )
    return "\n".join(lines)


def unexplained(rows: Sequence[Row]) -> list[Row]:
    """Return the wrong rows that are not written down."""
    known = deviations()
    return [row for row in rows if row.right is False and (row.suite, row.id) not in known]


def stale(rows: Sequence[Row]) -> list[str]:
    """Return written-down deviations that are none any more."""
    known = deviations()
    return [f"{r.suite} {r.id}" for r in rows if r.right is not False and (r.suite, r.id) in known]


def write_page(page: Path, rows: Sequence[Row]) -> None:
    """Renew the tables of a Markdown page between ``<!-- NAME -->`` and ``<!-- /NAME -->``."""
    text = page.read_text(encoding="utf-8")
    for name, made in (
        ("suites", summary(rows)),
        ("keys", dss_agreement(rows)),
        ("meant", _written_down(rows, "meant")),
        ("open", _written_down(rows, "open")),
        ("outside", _outside(rows)),
    ):
        begin, end = f"<!-- {name} -->", f"<!-- /{name} -->"
        before, _, rest = text.partition(begin)
        _, found, after = rest.partition(end)
        if found:
            text = f"{before}{begin}\n\n{made}\n\n{end}{after}"
    page.write_text(text, encoding="utf-8")


def _outside(rows: Sequence[Row]) -> str:
    """Return the rows outside a suite's own subset in which our answer is another."""
    names = [f"`{row.id}`" for row in rows if "other answer" in row.note and row.right is None]
    return ", ".join(sorted(names)) or "None."


def _written_down(rows: Sequence[Row], kind: str) -> str:
    """Return the deviations of a kind whose rows are wrong, grouped by their reason."""
    known = deviations()
    groups: dict[tuple[str, str, str], list[str]] = defaultdict(list)
    for row in rows:
        entry = known.get((row.suite, row.id))
        if entry is not None and row.right is False and entry["kind"] == kind:
            groups[row.suite, entry.get("clause", ""), entry["reason"]].append(row.id)
    if not groups:
        return "None."
    lines = ["| suite | rows | clause | why |", "|---|---|---|---|"]
    for (suite, clause, reason), ids in sorted(groups.items()):
        names = ", ".join(f"`{name}`" for name in sorted(ids))
        lines.append(f"| {suite} | {names} | {clause} | {reason} |")
    return "\n".join(lines)
