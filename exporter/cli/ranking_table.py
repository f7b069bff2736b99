"""The ranking as a table: with rules and colour on a terminal, plain text elsewhere."""

from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from exporter.shown import duration, printable

_COLUMNS = ("rank", "orchestrator", "score", "success", "round trip", "jobs", "models")
_WIDE = 160
ADDRESS = 42
SHORT = 13
NUMBER = 5
NARROW = 125


def print_ranking(document: dict[str, Any]) -> None:
    """Print the entries of a station's `/api/v1/leaderboard` document."""
    console = Console(highlight=False)
    if not document["entries"]:
        console.print("no orchestrator matches, or none is known yet")
    elif console.is_terminal:
        console.print(ranking_table(document["entries"], terminal=True, width=console.width))
    else:
        plain = Console(highlight=False, width=_WIDE)
        with plain.capture() as captured:
            plain.print(ranking_table(document["entries"], terminal=False))
        for line in captured.get().splitlines():
            print(line.rstrip())  # noqa: T201 - the answer to the person who asked


def ranking_table(entries: list[dict[str, Any]], *, terminal: bool, width: int = _WIDE) -> Table:
    """The entries as a table; rules only on a terminal.

    Where it is narrow, addresses are shortened and the models left out, so that no number is cut.
    """
    narrow = width < NARROW
    columns = _COLUMNS[:-1] if narrow else _COLUMNS
    table = Table(box=box.SIMPLE_HEAD if terminal else None, pad_edge=False)
    for name in columns:
        table.add_column(
            name,
            justify="left" if name in ("orchestrator", "models") else "right",
            no_wrap=True,
            overflow="ellipsis",
            min_width=(SHORT if narrow else ADDRESS)
            if name == "orchestrator"
            else max(len(name), NUMBER),
        )
    for entry in entries:
        cells = list(_row(entry))
        if narrow:
            cells[1] = _short(cells[1])
        table.add_row(*(Text(cell) for cell in cells[: len(columns)]))
    return table


def _short(address: str) -> str:
    return address if len(address) <= SHORT else f"{address[:6]}...{address[-4:]}"


def _row(entry: dict[str, Any]) -> tuple[str, ...]:
    models = {group["model"].rpartition("/")[2] for group in entry["groups"]}
    if entry["rank"] is None:
        return ("-", printable(entry["orchestrator_address"]), "no data", "", "", "0", "")
    return (
        str(entry["rank"]),
        printable(entry["orchestrator_address"]),
        f"{entry['score']:.3f}",
        f"{entry['success_rate']:.0%}",
        duration(entry["round_trip_time"]),
        str(entry["jobs"]),
        printable(", ".join(sorted(models))),
    )
