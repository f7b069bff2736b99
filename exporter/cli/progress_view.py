"""What the demo shows while it runs: the round, what is under way, the outcomes so far."""

import time
from typing import Any

from rich.console import Group, RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from exporter.cli.ranking_table import ranking_table
from exporter.shown import printable

SHOWN_JOBS = 12


def progress_view(
    report: dict[str, Any] | None, ranking: dict[str, Any] | None, width: int
) -> RenderableType:
    """The picture of one moment, from the probe's `/status` and the station's leaderboard."""
    if report is None or report["round"] is None:
        return Text("starting: discovery …")
    parts: list[RenderableType] = [
        _headline(report),
        _outcomes(report),
        _running(report["running"]),
    ]
    if ranking is not None and ranking.get("entries"):
        parts += [Text(""), ranking_table(ranking["entries"], terminal=True, width=width)]
    return Group(*parts)


def _headline(report: dict[str, Any]) -> RenderableType:
    current = report["round"]
    line = Table.grid(padding=(0, 2))
    over = current["ended_at"] is not None
    line.add_row(
        ProgressBar(total=max(current["expected"], 1), completed=current["done"], width=30),
        Text(f"{current['done']}/{current['expected']} jobs"),
        Text("waiting for the next round" if over else f"{current['left']} left"),
        Text(f"{sum(current['skipped'].values())} skipped" if current["skipped"] else ""),
    )
    return line


def _outcomes(report: dict[str, Any]) -> RenderableType:
    counted = report["round"]["outcomes"].items()
    return Text("  ").join(
        Text(f"{count} {code}", style="green" if code == "ok" else "yellow")
        for code, count in sorted(counted, key=lambda item: (item[0] != "ok", item[0]))
    )


def _running(jobs: list[dict[str, Any]]) -> RenderableType:
    table = Table.grid(padding=(0, 2))
    now = time.time()
    for job in sorted(jobs, key=lambda job: job["since"])[:SHOWN_JOBS]:
        target = job["target"]
        table.add_row(
            Text(f"{now - job['since']:5.1f} s"),
            Text(printable(target["orchestrator"])[:14] + "…"),
            Text(printable(target["pipeline"])),
            Text(printable(target["model"])[:50]),
            Text(printable(job["lane"])),
        )
    return table
