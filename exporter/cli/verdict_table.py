"""What was found in the simulated network, beside what the simulation says it deserves."""

from collections.abc import Sequence

import msgspec
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from exporter.shown import printable

_WIDE = 400
_ALL = ("", "orchestrator", "profile", "pipeline", "model", "found", "deserved")
_BY_PIPELINE = ("", "pipeline", "profile", "found", "deserved")


class Compared(msgspec.Struct, frozen=True, kw_only=True):
    """One job's outcome and blame, beside each pair that would have been right."""

    orchestrator: str
    profile: str
    pipeline: str
    model: str
    found: str
    deserved: tuple[str, ...]

    @property
    def right(self) -> bool:
        """Whether the job was judged as it deserves."""
        return self.found in self.deserved


def verdict(outcome: str, blame: str | None) -> str:
    """An outcome and whose doing it is, as the table shows them."""
    return outcome if blame is None else f"{outcome} ({blame})"


def print_verdicts(rows: list[Compared], *, by_pipeline: bool = False) -> None:
    """Print the table, with the wrong ones first, and how many rows agree.

    By orchestrator, or `by_pipeline` and what the orchestrators do.
    """
    console = Console(highlight=False)
    terminal = console.is_terminal
    shown = console if terminal else Console(highlight=False, width=_WIDE)
    with shown.capture() as captured:
        shown.print(_table(rows, _BY_PIPELINE if by_pipeline else _ALL, terminal=terminal))
    right = sum(row.right for row in rows)
    lines = [line.rstrip() for line in captured.get().splitlines()]
    print("\n".join(lines))  # noqa: T201 - the answer to the person who asked
    print(f"{right} of {len(rows)} jobs judged as they deserve")  # noqa: T201 - the same


def _table(rows: list[Compared], columns: Sequence[str], *, terminal: bool) -> Table:
    table = Table(box=box.SIMPLE_HEAD if terminal else None, pad_edge=False)
    for name in columns:
        table.add_column(name, no_wrap=True, overflow="ellipsis")
    cells = [_cells(row) for row in rows]
    for cell in sorted([row[name] for name in columns] for row in cells):
        table.add_row(*(Text(printable(text)) for text in cell))
    return table


def _cells(row: Compared) -> dict[str, str]:
    return {
        "": "ok" if row.right else "WRONG",
        "orchestrator": row.orchestrator,
        "profile": row.profile,
        "pipeline": row.pipeline,
        "model": row.model.rpartition("/")[2],
        "found": row.found,
        "deserved": " or ".join(row.deserved),
    }
