"""Every query of every panel, of both editions, shows what a direct computation gives.

A Prometheus and an InfluxDB are filled with the same three hours of the known network, by the
program's own code; what they answer is held against what plain Python makes of the jobs and metrics
themselves. So both editions agree within the bounds of `tests.dashboards.computing`.
"""

import asyncio
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from dashboards.boards import BOARDS
from dashboards.edition import Edition
from dashboards.interpolation import Asked
from dashboards.panel import Board, Panel, Query
from dashboards.queries import OVER_TIME
from tests.dashboards import shows_jobs
from tests.dashboards.asking import (
    Answer,
    Labels,
    Picked,
    all_of,
    from_influxdb,
    from_prometheus,
    last,
    step,
)
from tests.dashboards.computing import Shows, Span, Truth
from tests.dashboards.filled import (
    Prometheus,
    openmetrics,
    points,
    prometheus,
    scrapes,
    take_in,
)
from tests.dashboards.seen import Seen, Shown
from tests.dashboards.shows_tester import TESTER
from tests.dashboards.truth import (
    FLAKY,
    SCRAPE,
    START,
    STOP,
    TESTERS,
    World,
)
from tests.services.influx_server import InfluxServer, influx_server

SHOWS: Final = {
    "orchestrator": shows_jobs.ORCHESTRATOR,
    "network": shows_jobs.NETWORK,
    "models": shows_jobs.MODELS,
    "gateway-operator": shows_jobs.GATEWAY_OPERATOR,
    "tester": TESTER,
}
ASKED: Final = [
    pytest.param(board, panel, query, id=f"{board.name}: {panel.title}: {query.name}")
    for board in BOARDS
    for panel, query in all_of(board)
]
OURS: Final = tuple(tester.name for tester in TESTERS)
LOOKBACK: Final = 300
"""Seconds for which Prometheus takes a value to be true."""
_BATCH: Final = 20_000


@dataclass(frozen=True)
class Servers:
    """Both of them, and what they were filled with."""

    world: World
    shown: Shown
    prometheus: Prometheus
    influxdb: InfluxServer

    def answer(
        self, edition: Edition, board: Board, panel: Panel, query: Query, picked: Picked
    ) -> Answer:
        """What an edition shows of the three hours."""
        asked = Asked(start=START, stop=STOP, least=step(panel), scrape=SCRAPE)
        if edition is Edition.PROMETHEUS:
            return from_prometheus(self.prometheus, board, panel, query, picked=picked, asked=asked)
        return from_influxdb(self.influxdb, board, panel, query, picked=picked, asked=asked)

    def seen(self, picked: Picked, start: int, stop: int, moment: int) -> Seen:
        """The same for plain Python."""
        return Seen(self.world, self.shown, picked, start, stop, moment)


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    folder: Path = tmp_path_factory.mktemp("truths")
    world = World()
    found = asyncio.run(scrapes(world))
    (folder / "data").mkdir()
    take_in(folder / "data", openmetrics(found))
    with prometheus(folder, folder / "data") as prom, influx_server(folder) as influx:
        influx.bucket("measured")
        influx.bucket("empty")
        lines = list(points(world, found))
        for first in range(0, len(lines), _BATCH):
            influx.write("measured", lines[first : first + _BATCH])
        yield Servers(world, Shown(found), prom, influx)


def usual(board: Board) -> Picked:
    """All that there is; on the board of one orchestrator, one with everything."""
    return Picked(orchestrator=(FLAKY,) if board.name == "orchestrator" else None, testers=OURS)


@dataclass(frozen=True)
class Expected:
    """What may be shown at the end of some time, and what must be."""

    truth: Truth
    needed: set[Labels]


def expected(
    servers: Servers, edition: Edition, shows: Shows, *, picked: Picked, start: int, stop: int
) -> Expected:
    """Of what is true now, what was true at any scrape of the time; it is read at any of them."""
    if not shows.now:
        truth = shows.computed(servers.seen(picked, start, stop, stop), edition)
        return Expected(truth, set(truth))
    moments = servers.shown.moments
    found = [
        shows.computed(servers.seen(picked, START, stop, moment), edition)
        for moment in moments[bisect_left(moments, start) : bisect_right(moments, stop)]
    ]
    if not found:
        return Expected({}, set())
    spans = {
        key: [truth[key] for truth in found if key in truth] for key in set[Labels]().union(*found)
    }
    return Expected(
        {
            key: Span(min(one.low for one in all_of), max(one.high for one in all_of))
            for key, all_of in spans.items()
        },
        set(found[0]).intersection(*found) if read(edition, servers, start, stop) else set(),
    )


def read(edition: Edition, servers: Servers, start: int, stop: int) -> bool:
    """Whether an edition has to know what is true at the end: it was scraped where it looks."""
    first = stop - LOOKBACK + 1 if edition is Edition.PROMETHEUS else start
    moments = servers.shown.moments
    return bisect_left(moments, stop) > bisect_left(moments, first)


def compare(found: dict[Labels, float], wanted: Expected) -> None:
    """No labels but those, none of the needed ones missing, and each value within its bounds."""
    assert wanted.needed <= found.keys() <= wanted.truth.keys()
    wrong = {
        key: (value, wanted.truth[key])
        for key, value in found.items()
        if not wanted.truth[key].low - 1e-9 <= value <= wanted.truth[key].high + 1e-9
    }
    assert not wrong


@pytest.mark.parametrize("edition", Edition)
@pytest.mark.parametrize(("board", "panel", "query"), ASKED)
def test_a_query_shows_what_the_jobs_and_metrics_say(
    servers: Servers, edition: Edition, board: Board, panel: Panel, query: Query
) -> None:
    picked = usual(board)
    shows = SHOWS[board.name][panel.title, query.name]
    answer = servers.answer(edition, board, panel, query, picked)
    if panel.kind not in OVER_TIME:
        start = STOP - 2 * SCRAPE if shows.now else START
        compare(
            last(answer),
            expected(servers, edition, shows, picked=picked, start=start, stop=STOP),
        )
        return
    for stop in range(START + step(panel), STOP + 1, step(panel)):
        start = stop - max(step(panel), LOOKBACK if shows.now else 0)
        wanted = expected(servers, edition, shows, picked=picked, start=start, stop=stop)
        compare({key: curve[stop] for key, curve in answer.items() if stop in curve}, wanted)
