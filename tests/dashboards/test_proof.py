"""Every query of every panel, put to real servers, shows what is true of a known network."""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

import msgspec
import pytest

from dashboards.boards import BOARDS
from dashboards.interpolation import Asked
from dashboards.panel import Board, Panel, Query
from dashboards.queries import OVER_TIME
from tests.dashboards.asking import Answer, Picked, all_of, from_influxdb, from_prometheus, step
from tests.dashboards.filled import (
    Prometheus,
    openmetrics,
    points,
    prometheus,
    scrapes,
    take_in,
)
from tests.dashboards.truth import GUEST, TESTERS, World
from tests.dashboards.truths import bounds
from tests.dashboards.truths.question import Question, Told, Values
from tests.dashboards.truths.registry import TRUTHS
from tests.dashboards.who import (
    BUSY,
    FAILING,
    FLAKY,
    HOSTILE,
    LANGUAGE,
    PICTURE,
    REPORTED,
    SCRAPE,
    SLOW,
    START,
    STOP,
)
from tests.services.influx_server import InfluxServer, influx_server

OWN: Final = tuple(tester.name for tester in TESTERS)
ALL: Final = Picked(testers=OWN)
PICKED: Final = {
    "all": ALL,
    "one": Picked(
        testers=OWN,
        orchestrator=(SLOW,),
        pipeline=(LANGUAGE[0],),
        model=(LANGUAGE[1],),
        region=("FRA",),
        tester=("tester-1",),
        installation=("tester-1",),
    ),
    "many": Picked(
        testers=OWN,
        orchestrator=(FAILING, FLAKY, BUSY),
        pipeline=(HOSTILE[0], PICTURE[0], "not there"),
        model=(HOSTILE[1], PICTURE[1], "not (there"),
        region=("FRA", "MDW"),
        tester=OWN,
        installation=OWN,
    ),
    "an id": Picked(testers=OWN, orchestrator=(BUSY,), model=(HOSTILE[1],)),
    "posted": Picked(testers=(GUEST,), origin="posted"),
}
CHOICES: Final = ("orchestrator", "pipeline", "model", "region", "tester", "installation")
WHOLE: Final = (START - 30, STOP + 30)


@dataclass
class Both:
    """Both servers, full and empty, and what they were filled with."""

    prometheus: Prometheus
    influxdb: InfluxServer
    told: Told

    def ask(
        self, board: Board, panel: Panel, query: Query, picked: Picked, asked: Asked
    ) -> tuple[Answer, Answer]:
        """What both editions show."""
        return (
            from_prometheus(self.prometheus, board, panel, query, picked=picked, asked=asked),
            from_influxdb(self.influxdb, board, panel, query, picked=picked, asked=asked),
        )


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Both]:
    world = World()
    shown = asyncio.run(scrapes(world))
    folder = tmp_path_factory.mktemp("proof")
    (folder / "data").mkdir()
    take_in(folder / "data", openmetrics(shown))
    told = Told(world, shown, {tester.instance: tester.name for tester in TESTERS})
    with prometheus(folder, folder / "data") as one, influx_server(folder) as other:
        other.bucket("measured")
        lines = list(points(world, shown))
        for first in range(0, len(lines), 5000):
            other.write("measured", lines[first : first + 5000])
        yield Both(one, other, told)


def asked_of(panel: Panel, start: int, stop: int) -> Asked:
    return Asked(start=start, stop=stop, least=step(panel), scrape=SCRAPE)


def at(answer: Answer, moment: int) -> Values:
    return {labels: curve[moment] for labels, curve in answer.items() if moment in curve}


def same(expected: Values, shown: Values) -> str:
    """What is wrong with an answer that has to be exact; empty if nothing is."""
    for labels in expected.keys() | shown.keys():
        true, seen = expected.get(labels), shown.get(labels)
        if true is None or seen is None or seen != pytest.approx(true, rel=bounds.EXACT, abs=1e-6):
            return f"{labels}: {seen} instead of {true}"
    return ""


def wrong_with(
    both: Both, board: Board, panel: Panel, query: Query, *, picked: Picked, span: tuple[int, int]
) -> Iterator[str]:
    """Everything in which what a query shows is not the truth."""
    truth = TRUTHS[board.name, panel.title, query.name]
    asked = asked_of(panel, *span)
    whole = Question(both.told, picked, span[0], span[1], first=span[0], last=span[1])
    told_by_metrics, told_by_jobs = both.ask(board, panel, query, picked, asked)
    if panel.kind not in OVER_TIME:
        moment = whole.at(span[1]) if truth.now else whole
        nothing: Callable[[], Values] = dict
        expected = truth.of(moment) if moment else nothing()
        yield same(expected, at(told_by_jobs, span[1]))
        if moment:
            yield bounds.wrong(truth, moment, at(told_by_metrics, span[1]), whole=True)
        return
    first = -(-span[0] // asked.interval) * asked.interval + asked.interval
    for stop in range(first, span[1], asked.interval):
        said = f"until {stop - START} "
        window = whole.during(stop - asked.interval, stop)
        if found := same(truth.of(window), at(told_by_jobs, stop)):
            yield f"{said}InfluxDB {found}"
        seen = whole.at(stop) if truth.now else whole.during(stop - int(asked.rate_interval), stop)
        shown = at(told_by_metrics, stop)
        if seen is None:
            if shown:
                yield f"{said}Prometheus {shown} of nothing"
        elif found := bounds.wrong(truth, seen, shown, whole=False):
            yield f"{said}Prometheus {found}"


def of_boards(*names: str) -> list[Board]:
    return [board for board in BOARDS if board.name in names]


def test_every_query_has_a_truth_and_every_truth_a_query() -> None:
    queries = {
        (board.name, panel.title, query.name) for board in BOARDS for panel, query in all_of(board)
    }
    assert queries == TRUTHS.keys()


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.name)
@pytest.mark.parametrize("picked", PICKED)
def test_every_query_shows_what_is_true(both: Both, board: Board, picked: str) -> None:
    if board.name == "tester" and picked in {"an id", "posted"}:
        pytest.skip("it has neither orchestrators nor origins to choose")
    found = []
    for panel, query in all_of(board):
        texts = wrong_with(both, board, panel, query, picked=chosen(board, picked), span=WHOLE)
        found += [f"{panel.title} / {query.name}: {text}" for text in texts if text]
    assert not found, "\n".join(found[:200])


def chosen(board: Board, name: str) -> Picked:
    """What is chosen of what the board has; where but one orchestrator can be, one of them."""
    offered = {one.name: one for one in board.choices}
    dropped = {choice: None for choice in CHOICES if choice not in offered}
    picked = msgspec.structs.replace(PICKED[name], **dropped)
    if "orchestrator" not in offered or offered["orchestrator"].multi:
        return picked
    only = REPORTED if name == "posted" else (picked.orchestrator or (SLOW,))[0]
    return msgspec.structs.replace(picked, orchestrator=(only,))
