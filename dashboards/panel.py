"""What dashboards are made of: plain data that knows no data source but by its queries."""

from dataclasses import dataclass, field
from typing import Final, Literal

Kind = Literal["stat", "curves", "stacked", "columns", "bars", "table", "timeline", "text"]
"""How a panel shows its answers: big numbers; curves, also stacked; stacked columns over time, for
counts; bars of single values; a table; states over time; or words of ours."""

SINGLE: Final = 300
"""Points of a curve about one thing: every 5 minutes of a day, every 2 hours of a month."""
MANY: Final = 120
"""Of one that puts together everybody: every quarter of an hour of a day, every 6 hours of a
month."""


@dataclass(frozen=True, kw_only=True)
class Query:
    """One question, in the words of both data sources.

    Grafana's variables and macros stand in the texts as they are. Both give the same values by the
    same labels. What the Flux gives has the columns of `by` (by InfluxDB's names) and `_value`, and
    for curves and timelines `_time`; grouping is not needed.
    """

    promql: str
    flux: str
    by: tuple[str, ...] = ()
    """Labels of the metrics that tell its values apart; both editions show them."""
    more: tuple[str, ...] = ()
    """In a table: further columns of the Flux, for which no metric has a label."""
    name: str = ""
    """What its one value or curve is called; in a table the heading of its column."""
    unit: str | None = None
    """In a table the unit of its column; `None`: the panel's."""
    steps: tuple[tuple[float | None, str], ...] = ()
    """In a table: from which value on the cell has which colour; the first from `None`."""
    values: tuple[tuple[float, str, str], ...] = ()
    """In a table: value, the word that stands for it, and its colour."""


@dataclass(frozen=True, kw_only=True)
class Panel:
    """One thing to look at; `width` in 24ths of the page, `height` in Grafana's rows."""

    title: str
    description: str
    kind: Kind
    queries: tuple[Query, ...] = ()
    unit: str = "short"
    width: int = 6
    height: int = 8
    decimals: int | None = None
    interval: str = "1m"
    """Shortest step of a curve, which `$__interval` and `v.windowPeriod` never go below. Jobs are
    minutes apart: what is about them has half an hour or more."""
    points: int = SINGLE
    """Most points of a curve (`maxDataPoints`): each of them costs."""
    steps: tuple[tuple[float | None, str], ...] = ()
    """From which value on it has which colour; the first from `None`."""
    values: tuple[tuple[float, str, str], ...] = ()
    """Value, the word that stands for it, and its colour."""
    colours: dict[str, str] = field(default_factory=dict)
    """Colours of curves or bars by their name, or by a `/regular expression/`."""
    least: float | None = None
    most: float | None = None
    no_value: str = "no data"
    sort_by: str = ""
    """In a table: the heading that it is sorted by, descending with a `-` in front."""
    links_to: str = ""
    """In a table with orchestrators: the board that an address leads to."""
    headings: dict[str, str] = field(default_factory=dict)
    """In a table: headings of the labels, where not the usual ones."""
    text: str = ""
    """The Markdown of a panel of words."""
    instead: str = ""
    """What stands in its place in the InfluxDB edition, where its metrics are in Prometheus only;
    Markdown. Its queries need no Flux then."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """Panels under one heading; a closed one asks nothing until it is opened."""

    title: str
    panels: tuple[Panel, ...]
    closed: bool = False


@dataclass(frozen=True, kw_only=True)
class Choice:
    """A variable that the reader chooses, with the questions that give its values."""

    name: str
    label: str
    description: str
    promql: str = ""
    flux: str = ""
    fixed: tuple[str, ...] = ()
    """Values that it has without asking; the first is chosen."""
    multi: bool = True
    """Whether several, or all, can be chosen."""
    regex: str = ""
    """What of an answer is the value: its first group, between slashes."""
    hidden: bool = False
    """Whether it is found and not chosen, one value; only the Prometheus edition has such ones."""


@dataclass(frozen=True, kw_only=True)
class Mark:
    """Moments or spells that are marked on every curve.

    The PromQL has samples while it lasts. The Flux gives the columns `_time` and `text`, and
    `timeEnd` for a spell.
    """

    name: str
    promql: str
    flux: str
    title: str
    """What a mark says, with `{{label}}` for labels, in the Prometheus edition."""
    colour: str


@dataclass(frozen=True, kw_only=True)
class Board:
    """A dashboard: the one question that it answers, from general to specific."""

    name: str
    """Part of its file's name and uid."""
    title: str
    question: str
    choices: tuple[Choice, ...]
    rows: tuple[Row, ...]
    marks: tuple[Mark, ...] = ()
    refresh: str = "1m"
    span: str = "now-24h"

    @property
    def panels(self) -> tuple[Panel, ...]:
        """All of its panels, those of closed rows included."""
        return tuple(panel for row in self.rows for panel in row.panels)
