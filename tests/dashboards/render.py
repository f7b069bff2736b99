"""Draws dashboards from their panels' own queries, for the README: not by Grafana, and it says so.

`python -m tests.dashboards.render docs/images` fills a Prometheus with the known network of
`tests.dashboards.truth`, asks it what Grafana would ask, and draws the open rows of some boards.
"""

import asyncio
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import matplotlib as mpl
from matplotlib.figure import Figure

from dashboards.boards import BOARDS
from dashboards.colours import BLUE, GOOD, GREEN, GREY, ORANGE, PURPLE, SKY, VERMILLION
from dashboards.interpolation import Asked
from dashboards.panel import Board, Panel, Query
from dashboards.queries import OVER_TIME
from dashboards.shapes import HEADINGS
from tests.dashboards.asking import Answer, Picked, from_prometheus, last, step
from tests.dashboards.filled import Prometheus, openmetrics, prometheus, scrapes, take_in
from tests.dashboards.truth import TESTERS, World
from tests.dashboards.who import FLAKY, HOSTILE, START, STOP

SCALE: Final = 100
"""Pixels of an inch; a page is 1366 pixels wide, as many laptops are."""
WIDTH: Final = 13.66
UNIT: Final = 0.34
"""Inches of a row of Grafana's grid."""
COLOURS: Final = (BLUE, ORANGE, SKY, VERMILLION, PURPLE, GREEN, GREY)
SHOWN: Final = {"orchestrator": 34, "gateway-operator": 26, "network": 30}
"""Boards that are drawn, and how many rows of the grid."""
LABEL: Final = "Drawn from the panels' queries on a simulated network; not a screenshot of Grafana."
_ROWS: Final = 7
_ROOM: Final = 0.12
"""Part of the height of curves that a line of their names takes."""
_CELL: Final = 30


def drawn(server: Prometheus, board: Board, most: int) -> Figure:
    """A page with the panels of the open rows, as far as they fit."""
    placed = [one for one in _placed(board) if one[2] + one[0].height <= most]
    height = max(top + panel.height for panel, _, top in placed) + 2
    figure = Figure(figsize=(WIDTH, height * UNIT), dpi=SCALE, facecolor="white")
    figure.text(0.01, 1 - 0.7 / height, board.title, fontsize=13, weight="bold", va="center")
    figure.text(0.99, 1 - 0.7 / height, LABEL, fontsize=8, color="#555", ha="right", va="center")
    for panel, left, top in placed:
        frame = (
            (left + 0.85) / 24,
            1 - (top + 1.4 + panel.height - 0.7) / height,
            (panel.width - 1.25) / 24,
            (panel.height - 1.9) / height,
        )
        axes = figure.add_axes(frame)
        axes.set_title(panel.title, loc="left", fontsize=8, weight="bold", color="#333")
        _draw(
            axes, panel, [(query, _asked(server, board, panel, query)) for query in panel.queries]
        )
    return figure


def _placed(board: Board) -> Iterator[tuple[Panel, int, int]]:
    top = 0
    for row in board.rows:
        left, lowest = 0, 0
        for panel in row.panels if not row.closed else ():
            if left + panel.width > 24:
                left, top, lowest = 0, top + lowest, 0
            yield panel, left, top
            left, lowest = left + panel.width, max(lowest, panel.height)
        top += lowest


def _asked(server: Prometheus, board: Board, panel: Panel, query: Query) -> Answer:
    testers = tuple(tester.name for tester in TESTERS)
    chosen = (FLAKY,) if board.name == "orchestrator" else None
    picked = Picked(orchestrator=chosen, testers=testers)
    asked = Asked(start=START, stop=STOP, least=min(step(panel), 600), scrape=60)
    return from_prometheus(server, board, panel, query, picked=picked, asked=asked)


def _draw(axes: Any, panel: Panel, answers: list[tuple[Query, Answer]]) -> None:
    if panel.kind in OVER_TIME:
        _over_time(axes, panel, answers)
    elif panel.kind == "bars":
        _bars(axes, panel, answers)
    elif panel.kind == "table":
        _table(axes, panel, answers)
    else:
        _numbers(axes, panel, answers)


def _numbers(axes: Any, panel: Panel, answers: list[tuple[Query, Answer]]) -> None:
    axes.axis("off")
    found = [
        (query.name if len(answers) > 1 else "", value)
        for query, answer in answers
        for value in list(last(answer).values())[:1]
    ]
    for place, (name, value) in enumerate(found or [("", None)]):
        text = panel.no_value if value is None else _shown(value, panel.unit, panel)
        where = (place + 0.5) / max(len(found), 1)
        axes.text(
            where, 0.55, text, ha="center", va="center", fontsize=15, color=_colour(panel, value)
        )
        axes.text(where, 0.12, name, ha="center", va="center", fontsize=7, color="#555")


def _over_time(axes: Any, panel: Panel, answers: list[tuple[Query, Answer]]) -> None:
    curves = {
        (" ".join(_short(one) for one in labels) or query.name): curve
        for query, answer in answers
        for labels, curve in answer.items()
    }
    colour = {
        name: panel.colours.get(name, COLOURS[place % len(COLOURS)])
        for place, name in enumerate(curves)
    }
    if panel.kind == "timeline":
        _timeline(axes, panel, curves)
        return
    if panel.kind in ("stacked", "columns"):
        moments = sorted({moment for curve in curves.values() for moment in curve})
        below = dict.fromkeys(moments, 0.0)
        for name, curve in curves.items():
            heights = [curve.get(moment, 0.0) for moment in moments]
            axes.bar(
                [_when(moment) for moment in moments],
                heights,
                bottom=[below[moment] for moment in moments],
                width=0.8 * (moments[1] - moments[0]) / 86400 if len(moments) > 1 else 0.005,
                color=colour[name],
                label=name,
            )
            below = {m: below[m] + h for m, h in zip(moments, heights, strict=True)}
    else:
        for name, curve in curves.items():
            moments = list(range(min(curve), max(curve) + 1, 600))
            axes.plot(
                [_when(moment) for moment in moments],
                [curve.get(moment, float("nan")) for moment in moments],
                color=colour[name],
                linewidth=1.2,
                label=name,
            )
    _dressed(axes, panel, len(curves))


def _timeline(axes: Any, panel: Panel, curves: dict[str, dict[int, float]]) -> None:
    for place, (name, curve) in enumerate(list(curves.items())[:_ROWS]):
        for moment, value in curve.items():
            axes.barh(
                place,
                600 / 86400,
                left=_when(moment),
                height=0.7,
                color=_colour(panel, value),
            )
        axes.text(
            0.01,
            place,
            name[:_CELL],
            va="center",
            fontsize=6.5,
            transform=axes.get_yaxis_transform(),
        )
    axes.set_yticks([])
    axes.xaxis_date()
    _dressed(axes, panel, 0)


def _dressed(axes: Any, panel: Panel, curves: int) -> None:
    from matplotlib.dates import DateFormatter
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    axes.xaxis.set_major_formatter(DateFormatter("%H:%M"))  # type: ignore[no-untyped-call] # has no types
    if panel.kind != "timeline":
        axes.yaxis.set_major_formatter(
            FuncFormatter(lambda value, _: _shown(value, panel.unit, panel))
        )
        if panel.decimals == 0 and panel.unit != "percentunit":
            axes.yaxis.set_major_locator(MaxNLocator(integer=True))
        lowest, highest = axes.get_ylim()
        least = lowest if panel.least is None else panel.least
        most = highest if panel.most is None else panel.most
        axes.set_ylim(bottom=least, top=most + _ROOM * -(-curves // 3) * (most - least))
        axes.grid(visible=True, color="#ddd", linewidth=0.5)
    axes.tick_params(labelsize=6.5)
    axes.set_xlim(_when(START), _when(STOP))
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    if curves:
        axes.legend(fontsize=6, frameon=False, loc="upper left", ncols=min(curves, 3))
    else:
        axes.set_xlabel("")


def _bars(axes: Any, panel: Panel, answers: list[tuple[Query, Answer]]) -> None:
    values = {
        (" ".join(_short(one) for one in labels) or query.name): value
        for query, answer in answers
        for labels, value in last(answer).items()
    }
    shown = sorted(values.items(), key=lambda item: item[1])[-_ROWS:]
    names = [name[:_CELL] for name, _ in shown]
    colours = [panel.colours.get(name) or _colour(panel, value) for name, value in shown]
    axes.barh(range(len(shown)), [value for _, value in shown], color=colours, height=0.6)
    for place, (name, (_, value)) in enumerate(zip(names, shown, strict=True)):
        text = f" {name}  {_shown(value, panel.unit, panel)}"
        axes.text(0, place + 0.42, text, fontsize=6.5, va="center", color="#333")
    axes.axis("off")
    if not shown:
        axes.text(
            0.5, 0.5, panel.no_value, ha="center", fontsize=10, color=GREY, transform=axes.transAxes
        )


def _table(axes: Any, panel: Panel, answers: list[tuple[Query, Answer]]) -> None:
    axes.axis("off")
    common = [label for label in answers[0][0].by if all(label in q.by for q, _ in answers)]
    labels = list(dict.fromkeys((*common, *(label for q, _ in answers for label in q.by))))
    rows: dict[tuple[str, ...], dict[str, str | float]] = {}
    for query, answer in answers:
        for found, value in last(answer).items():
            named = dict(zip(query.by, found, strict=True))
            row = rows.setdefault(tuple(named[label] for label in common), {})
            row |= {**named, f"value {query.name}": value}
    heading = panel.sort_by.removeprefix("-")
    ordered = sorted(
        rows.values(),
        key=lambda row: float(row.get(f"value {heading}", "inf")),
        reverse=panel.sort_by.startswith("-"),
    )[: int(panel.height * 0.8)]
    columns = [(panel.headings | HEADINGS).get(label, label) for label in labels]
    cells = [
        [
            *(_short(str(row.get(label, ""))) for label in labels),
            *(_cell(panel, query, row.get(f"value {query.name}")) for query, _ in answers),
        ]
        for row in ordered
    ]
    if not cells:
        axes.text(0.5, 0.5, panel.no_value, ha="center", fontsize=10, color=GREY)
        return
    parts = [*(1.6 if one == "model_name" else 1.0 for one in labels), *(0.8 for _ in answers)]
    widths = [part / sum(parts) for part in parts]
    high = min(1.0, (len(cells) + 1) / (panel.height * 1.2))
    table = axes.table(
        cells,
        colLabels=[*columns, *(query.name for query, _ in answers)],
        bbox=[0, 1 - high, 1, high],
        cellLoc="left",
        edges="horizontal",
        colWidths=widths,
    )
    table.auto_set_font_size(False)
    table.set_fontsize(6.5)


def _cell(panel: Panel, query: Query, value: str | float | None) -> str:
    if value is None:
        return "-"
    word = {number: text for number, text, _ in query.values}.get(float(value))
    return word or _shown(float(value), query.unit or panel.unit, panel)


def _colour(panel: Panel, value: float | None) -> str:
    if value is None:
        return GREY
    for wanted, _, colour in panel.values:
        if wanted == value:
            return colour
    chosen = GOOD
    for bound, colour in panel.steps:
        if bound is None or value >= bound:
            chosen = colour
    return chosen


def _shown(value: float, unit: str, panel: Panel) -> str:
    word = {number: text for number, text, _ in panel.values}.get(value)
    if word is not None:
        return word
    if unit == "percentunit":
        return f"{100 * value:.{panel.decimals or 0}f} %"
    if unit.startswith("dateTime"):
        return f"{(STOP - value / 1000) / 60:.0f} min ago"
    if unit == "s":
        return f"{value:.0f} s" if value >= 10 else f"{value:.2f} s"
    decimals = panel.decimals if panel.decimals is not None else 2 * (value != int(value))
    return f"{value:.{decimals}f}" + unit.removeprefix("suffix:") * unit.startswith("suffix:")


def _short(text: str) -> str:
    if text == HOSTILE[1]:  # it holds everything that breaks queries, and looks like it
        return "painter"
    text = f"{text[:6]}…{text[-4:]}" if text.startswith("0x") else text.rpartition("/")[2]
    return text.replace("\n", " ").replace("$", r"\$")[:_CELL]


def _when(moment: int) -> Any:
    from matplotlib.dates import date2num

    return date2num(datetime.fromtimestamp(moment, UTC))  # type: ignore[no-untyped-call] # has no types


def main(folder: Path) -> None:
    """Draw them all."""
    mpl.use("Agg")
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        data = Path(name) / "data"
        data.mkdir()
        take_in(data, openmetrics(asyncio.run(scrapes(World()))))
        with prometheus(Path(name), data) as server:
            for board in BOARDS:
                if board.name in SHOWN:
                    page = drawn(server, board, SHOWN[board.name])
                    page.savefig(folder / f"{board.name}.png", pil_kwargs={"optimize": True})


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "docs/images"))
