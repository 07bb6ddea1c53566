"""What the runner passes around: jobs that run in a child, and rows that come back."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

NOT_BUILT = "room not built"
SECONDS = 10.0
MIB = 1024


@dataclass(slots=True)
class Row:
    """One line of the table; ``right`` is ``None`` where the row counts neither way."""

    suite: str
    id: str
    expect: Any
    verdict: str
    right: bool | None
    note: str = ""
    seconds: float = 0.0

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(slots=True)
class Job:
    """Work for one child process.

    Attributes:
        asks: (id, expectation) of every row that the child owes; if it dies, these are its rows.
        run: called in the child; yields the rows.
        seconds: processor time that one ask may cost; ``mib``: memory that the child may add.
        alone: the limits are those of one case, so the time of the child is the time of the row.
    """

    suite: str
    asks: tuple[tuple[str, Any], ...]
    run: Callable[[], list[Row]]
    seconds: float = SECONDS
    mib: int = MIB
    alone: bool = True
