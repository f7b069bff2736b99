"""Panels asked as Grafana asks them, of either data source, and their answers in one form."""

import csv
import io
import math
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Final

import httpx
import msgspec

from dashboards.edition import Edition, column
from dashboards.interpolation import Asked, Chosen, flux, promql
from dashboards.panel import Board, Choice, Panel, Query
from dashboards.queries import OVER_TIME
from dashboards.queries import flux as whole_flux
from exporter.alerting.kept import SERIES
from exporter.delivery.families import clean
from exporter.leaderboard.display import shown
from exporter.model import normal_orchestrator
from exporter.stores.influx_lines import tag_text, tag_value
from tests.dashboards.filled import Prometheus
from tests.dashboards.truth import TESTERS
from tests.services.influx_server import ORG, InfluxServer

Labels = tuple[str, ...]
"""Values of a query's `by`, as the program itself writes them."""
Curve = dict[int, float]
"""Values by Unix seconds."""
Answer = dict[Labels, Curve]
"""One value at the end of the range, or one each step."""

_SECONDS: Final = {"s": 1, "m": 60, "h": 3600}


class Picked(msgspec.Struct, frozen=True, kw_only=True):
    """What the reader chose, in the program's own words; `None`: all."""

    orchestrator: tuple[str, ...] | None = None
    pipeline: tuple[str, ...] | None = None
    model: tuple[str, ...] | None = None
    region: tuple[str, ...] | None = None
    tester: tuple[str, ...] | None = None
    installation: tuple[str, ...] | None = None
    """By the names of their testers."""
    testers: tuple[str, ...] = ()
    """All that there are of the origin."""
    origin: str = "own"
    bucket: str = "measured"
    series: str = SERIES
    curves: str = SERIES
    """Prefixes of the names of counters, for the whole range and for curves."""

    def variables(self, board: Board, edition: Edition) -> dict[str, Chosen]:
        """The variables of a board as they stand then."""
        made = {
            "bucket": Chosen(values=(self.bucket,)),
            "datasource": Chosen(values=("source",)),
        }
        for choice in board.choices:
            if choice.fixed or choice.hidden:
                made[choice.name] = Chosen(values=(getattr(self, choice.name),))
                continue
            picked = getattr(self, choice.name, None)
            custom = None if choice.name == "tester" else ".*"
            if picked is None and choice.multi:
                made[choice.name] = Chosen(
                    everything=True, options=self.testers, all_value=custom, multi=True
                )
                continue
            values = tuple(_spelled(choice.name, one, edition) for one in picked or ())
            chosen = values if choice.multi else values[:1]
            made[choice.name] = Chosen(values=chosen, multi=choice.multi)
        return made


def _spelled(name: str, value: str, edition: Edition) -> str:
    """A value as it stands in the labels or the tags."""
    if edition is Edition.INFLUXDB:
        return tag_value(value)
    if name == "installation":
        return next(one.instance for one in TESTERS if one.name == value)
    return clean(shown(value)) if name == "orchestrator" else clean(value)


def found_by_prometheus(server: Prometheus, choice: Choice, asked: Asked) -> list[str]:
    """The values of a variable that is a `query_result(…)`: asked at the end of the range.

    Grafana writes each answer as Prometheus' own text and takes of it what the expression says.
    """
    query = re.fullmatch(r"query_result\((.*)\)", choice.promql)
    assert query is not None, choice.promql
    found = server.ask("query", query=promql(query[1], {}, asked), time=asked.stop)["result"]
    values = []
    for one in found:
        labels = ", ".join(f'{name}="{text}"' for name, text in one["metric"].items())
        when, value = one["value"]
        said = f"{{{labels}}} {value} {int(1000 * when)}"
        values += re.findall(choice.regex.strip("/"), said)
    return values


def step(panel: Panel) -> int:
    """Least step of a panel's curves, seconds."""
    return int(panel.interval[:-1]) * _SECONDS[panel.interval[-1]]


def from_prometheus(
    server: Prometheus, board: Board, panel: Panel, query: Query, *, picked: Picked, asked: Asked
) -> Answer:
    """What the Prometheus edition of a panel shows."""
    text = promql(query.promql, picked.variables(board, Edition.PROMETHEUS), asked)
    if panel.kind in OVER_TIME:
        first = asked.start // asked.interval * asked.interval
        found = server.ask(
            "query_range", query=text, start=first, end=asked.stop, step=asked.interval
        )["result"]
        return {
            _labels(one["metric"], query): _curve(one["values"])
            for one in found
            if _curve(one["values"])
        }
    found = server.ask("query", query=text, time=asked.stop)["result"]
    answer: Answer = {}
    for one in found:
        labels = _labels(one["metric"], query)
        assert labels not in answer, (panel.title, labels)
        if curve := _curve([one["value"]]):
            answer[labels] = curve
    return answer


def _labels(metric: Mapping[str, str], query: Query) -> Labels:
    extra = metric.keys() - set(query.by)
    assert not extra, (query.promql, extra)
    return tuple(_plain(label, metric.get(label, "")) for label in query.by)


def _plain(label: str, text: str) -> str:
    text = tag_text(text)
    if label == "instance":
        return next((one.name for one in TESTERS if one.instance == text), text)
    return normal_orchestrator(text) if label == "orchestrator_address" else text


def _curve(values: list[tuple[float, str]]) -> Curve:
    numbers = {int(when): float(value) for when, value in values}
    return {when: value for when, value in numbers.items() if math.isfinite(value)}


def from_influxdb(
    server: InfluxServer, board: Board, panel: Panel, query: Query, *, picked: Picked, asked: Asked
) -> Answer:
    """What the InfluxDB edition of a panel shows."""
    place = panel.queries.index(query)
    text = flux(whole_flux(panel, query, place), picked.variables(board, Edition.INFLUXDB), asked)
    answer: Answer = {}
    for row in rows(server, text):
        value = next((row[name] for name in row if name.startswith(("_value", "Value"))), "")
        if value == "":
            continue
        labels = tuple(
            _plain(label, row.get(column(Edition.INFLUXDB, label), "")) for label in query.by
        )
        when = asked.stop if panel.kind not in OVER_TIME else _unix(row["_time"])
        curve = answer.setdefault(labels, {})
        if panel.kind != "table" or when not in curve:
            assert when not in curve, (panel.title, labels)
            curve[when] = float(value)
    return answer


def rows(server: InfluxServer, text: str) -> list[dict[str, str]]:
    """The rows of an answer; an error fails the test, and shows the query."""
    answer = httpx.post(
        f"{server.url}/api/v2/query",
        params={"org": ORG},
        headers={
            "Authorization": f"Token {server.token}",
            "Content-Type": "application/vnd.flux",
            "Accept": "application/csv",
        },
        content=text.encode(),
        timeout=120,
        trust_env=False,
        verify=False,
    )
    assert answer.is_success, (answer.text, text)
    found: list[dict[str, str]] = []
    for part in answer.text.replace("\r\n", "\n").split("\n\n"):
        if part.strip():
            # A result without tables leaves an empty line, which no reader of CSV takes for a row.
            table = list(csv.DictReader(io.StringIO(part.lstrip("\n"))))
            assert not any("error" in row for row in table), (table, text)
            found += table
    return found


def _unix(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp())


def all_of(board: Board) -> list[tuple[Panel, Query]]:
    """Every query that both editions have."""
    return [
        (panel, query)
        for panel in board.panels
        if panel.kind != "text" and not getattr(panel, "instead", "")
        for query in panel.queries
    ]


def last(answer: Answer) -> dict[Labels, float]:
    """The last value of each."""
    return {labels: curve[max(curve)] for labels, curve in answer.items() if curve}
