"""Timing: the contestants of a row run round robin, so that a busy moment hits all of them."""

from __future__ import annotations

import functools
import gc
import statistics
import sys
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(slots=True)
class Contestant:
    """Something that is timed.

    Attributes:
        before: runs untimed before each round, for example to forget caches.
        note: what the reader must know to read the number fairly.
        loops: calls in a round; ``None`` for as many as fill four milliseconds.
    """

    name: str
    run: Callable[[], object]
    before: Callable[[], object] | None = None
    note: str = ""
    loops: int | None = None


@dataclass(slots=True)
class Row:
    """One line of the table: the floor and everybody's median, in seconds.

    A multiple is the median of the ratios within a round: what slows a machine down for a moment
    hits the floor of that round as well.
    """

    title: str
    floor: float
    medians: dict[str, float] = field(default_factory=dict)
    notes: dict[str, str] = field(default_factory=dict)
    goal: float | None = None
    ratios: dict[str, float] = field(default_factory=dict)

    def multiple(self, name: str) -> float:
        return self.ratios.get(name, self.medians[name] / self.floor)


def row(
    title: str,
    floor: Callable[[], object],
    contestants: list[Contestant],
    *,
    seconds: float = 1.5,
    goal: float | None = None,
) -> Row:
    """Time the floor and the contestants in turn until the time is used up."""
    everybody = [Contestant("floor", floor), *contestants]
    loops = {one.name: _loops(one) for one in everybody}
    times: dict[str, list[float]] = {one.name: [] for one in everybody}
    started = time.perf_counter()
    rounds = 0
    gc.collect()
    gc.disable()
    try:
        while rounds < 200 and (rounds < 5 or time.perf_counter() - started < seconds):
            for one in everybody:
                times[one.name].append(_timed(one, loops[one.name]))
            rounds += 1
            gc.collect()
    finally:
        gc.enable()
    medians = {name: statistics.median(values) for name, values in times.items()}
    floors = times.pop("floor")
    result = Row(title, medians.pop("floor"), medians, goal=goal)
    result.ratios = {
        name: statistics.median(value / base for value, base in zip(values, floors, strict=True))
        for name, values in times.items()
    }
    result.notes = {one.name: one.note for one in contestants if one.note}
    return result


def _loops(one: Contestant) -> int:
    """Calls per round: enough for four milliseconds, one where something happens before each."""
    if one.before is not None:
        one.before()
    one.run()
    if one.loops is not None:
        return one.loops
    if one.before is not None:
        return 1
    started = time.perf_counter()
    one.run()
    once = time.perf_counter() - started
    return max(1, min(200, int(0.004 / max(once, 1e-7))))


def _timed(one: Contestant, loops: int) -> float:
    run = one.run
    if one.before is not None:
        one.before()
    elif loops > 1:
        # What ran before, and the collection of garbage, have emptied the processor's caches.
        run()
    started = time.perf_counter()
    for _ in range(loops):
        run()
    return (time.perf_counter() - started) / loops


def spent(work: Callable[[], object]) -> float:
    """Return the seconds that one call takes."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def forget() -> None:
    """Empty every cache of the package, so that the next call starts cold."""
    for name, module in list(sys.modules.items()):
        if not name.startswith("esign_kit"):
            continue
        for label, value in list(vars(module).items()):
            for holder in (value, *(vars(value).values() if isinstance(value, type) else ())):
                inner = getattr(holder, "__func__", holder)
                if isinstance(inner, functools._lru_cache_wrapper):
                    inner.cache_clear()
            # Bounded memories of answers, and dictionaries that are named for what they do.
            if type(value).__name__ == "Bounded" or label == "_remembered":
                value.clear()


def table(rows: list[Row]) -> str:
    """Return rows as Markdown: the floor in microseconds, everybody as multiples of it."""
    names = list(dict.fromkeys(name for one in rows for name in one.medians))
    lines = [
        "| case | floor | " + " | ".join(names) + " | goal |",
        "|---|---:|" + "---:|" * len(names) + "---:|",
    ]
    for one in rows:
        cells = [f"{one.multiple(name):.2f}×" if name in one.medians else "–" for name in names]
        goal = f"≤ {one.goal:g}×" if one.goal else ""
        lines.append(f"| {one.title} | {_duration(one.floor)} | {' | '.join(cells)} | {goal} |")
    return "\n".join(lines)


def _duration(seconds: float) -> str:
    if seconds < 1e-3:
        return f"{seconds * 1e6:.0f} µs"
    if seconds < 1:
        return f"{seconds * 1e3:.2f} ms"
    return f"{seconds:.2f} s"
