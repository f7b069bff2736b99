"""Every query of every panel, put to real servers, shows what is true of a known network."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

import msgspec
import pytest

from dashboards.boards import BOARDS
from dashboards.interpolation import Asked
from dashboards.panel import Board, Panel, Query
from dashboards.queries import OVER_TIME
from exporter.alerting.kept import KEPT
from tests.dashboards.asking import Answer, Picked, all_of, from_influxdb, from_prometheus, step
from tests.dashboards.both import EMPTY, PICKED, Both
from tests.dashboards.filled import prometheus
from tests.dashboards.truths import bounds
from tests.dashboards.truths.question import Question, Values
from tests.dashboards.truths.registry import TRUTHS
from tests.dashboards.who import FAST, MINUTE, PAUSE, REPORTED, SCRAPE, START, STOP

CHOICES: Final = ("orchestrator", "pipeline", "model", "region", "tester", "installation")
WHOLE: Final = (START - 30, STOP + 30)
INNER: Final = (START + 30 * MINUTE, STOP - 10 * MINUTE + 30)
"""Something was before, and something is after; the counters restart in it."""
MONTH: Final = (STOP + 30 - 30 * 86_400, STOP + 30)
GAP: Final = (PAUSE.start + 6 * MINUTE, PAUSE.stop - 30)
AT_ONCE: Final = 3


def asked_of(panel: Panel, start: int, stop: int) -> Asked:
    return Asked(start=start, stop=stop, least=step(panel), scrape=SCRAPE, points=panel.points)


def at(answer: Answer, moment: int) -> Values:
    return {labels: curve[moment] for labels, curve in answer.items() if moment in curve}


def same(expected: Values, shown: Values) -> str:
    """What is wrong with an answer that has to be exact; empty if nothing is."""
    for labels in expected.keys() | shown.keys():
        true, seen = expected.get(labels), shown.get(labels)
        if true is None or seen is None or seen != pytest.approx(true, rel=bounds.EXACT, abs=1e-6):
            return f"{labels}: {seen} instead of {true}"
    return ""


def steps(span: tuple[int, int], interval: int) -> range:
    """The ends of whole steps of a range, where anything is."""
    first = -(-max(span[0], START - interval) // interval) * interval + interval
    return range(first, min(span[1], STOP + 2 * interval), interval)


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
        expected: Values = truth.of(moment) if moment else {}
        yield same(expected, at(told_by_jobs, span[1]))
        if moment:
            yield bounds.wrong(truth, moment, at(told_by_metrics, span[1]), whole=True)
        return
    for stop in steps(span, asked.interval):
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


def test_every_query_has_a_truth_and_every_truth_a_query() -> None:
    queries = {
        (board.name, panel.title, query.name) for board in BOARDS for panel, query in all_of(board)
    }
    assert queries == TRUTHS.keys()


def test_there_is_something_to_show_for_every_query(both: Both) -> None:
    silent = set(TRUTHS)
    for board in BOARDS:
        for name in PICKED:
            for span in (WHOLE, INNER):
                whole = Question(both.told, chosen(board, name), *span, first=span[0], last=span[1])
                moment = whole.at(span[1])
                assert moment is not None
                silent -= {
                    key
                    for key in silent
                    if key[0] == board.name and TRUTHS[key].of(moment if TRUTHS[key].now else whole)
                }
    assert not silent


def all_wrong(both: Both, board: Board, picked: Picked, span: tuple[int, int]) -> str:
    """Everything in which what a board shows is not the truth."""

    def of(query: tuple[Panel, Query]) -> list[str]:
        texts = wrong_with(both, board, *query, picked=picked, span=span)
        return [f"{query[0].title} / {query[1].name}: {text}" for text in texts if text]

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return "\n".join(text for found in pool.map(of, all_of(board)) for text in found)


WAYS: Final = [
    pytest.param(board, name, id=f"{board.name}, {name}")
    for board in BOARDS
    for name in PICKED
    if board.name != "tester" or name in {"all", "one"}
    if name != "an id" or any(one.name == "orchestrator" for one in board.choices)
]


@pytest.mark.parametrize(("board", "name"), WAYS)
def test_every_query_shows_what_is_true_whatever_is_chosen(
    both: Both, board: Board, name: str
) -> None:
    assert not all_wrong(both, board, chosen(board, name), WHOLE)


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.name)
def test_every_query_shows_what_is_true_of_a_part_of_the_time(both: Both, board: Board) -> None:
    assert not all_wrong(both, board, chosen(board, "all"), INNER)


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.name)
def test_every_query_shows_what_is_true_of_a_month_with_but_three_hours(
    both: Both, board: Board
) -> None:
    assert not all_wrong(both, board, chosen(board, "all"), MONTH)


KEEPING: Final = [
    pytest.param(board, span, id=f"{board.name}, {name}")
    for board in BOARDS
    if any(one.hidden for one in board.choices)
    for name, span in (("all", WHOLE), ("a part", INNER), ("a month", MONTH))
]


@pytest.mark.parametrize(("board", "span"), KEEPING)
def test_what_is_kept_is_true(both: Both, board: Board, span: tuple[int, int]) -> None:
    kept = msgspec.structs.replace(chosen(board, "all"), series=KEPT, curves=KEPT)
    assert not all_wrong(both, board, kept, span)


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.name)
def test_nothing_is_shown_of_a_time_without_jobs_and_scrapes(both: Both, board: Board) -> None:
    for panel, query in all_of(board):
        picked = chosen(board, "all")
        asked = asked_of(panel, *GAP)
        for answer in both.ask(board, panel, query, picked, asked):
            first = GAP[0] if panel.kind not in OVER_TIME else PAUSE.start + asked.rate_interval
            assert not any(moment >= first for curve in answer.values() for moment in curve), (
                panel.title
            )


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.name)
def test_an_empty_database_shows_nothing(both: Both, board: Board, tmp_path: Path) -> None:
    picked = msgspec.structs.replace(chosen(board, "all"), bucket=EMPTY)
    (tmp_path / "data").mkdir()
    with prometheus(tmp_path, tmp_path / "data") as server:
        for panel, query in all_of(board):
            asked = asked_of(panel, *WHOLE)
            told = from_prometheus(server, board, panel, query, picked=picked, asked=asked)
            assert told == {}, panel.title
            told = from_influxdb(both.influxdb, board, panel, query, picked=picked, asked=asked)
            assert told == {}, panel.title


def chosen(board: Board, name: str) -> Picked:
    """What is chosen of what the board has; where but one orchestrator can be, one of them."""
    offered = {one.name: one for one in board.choices}
    dropped = {choice: None for choice in CHOICES if choice not in offered}
    picked = msgspec.structs.replace(PICKED[name], **dropped)
    if "orchestrator" not in offered or offered["orchestrator"].multi:
        return picked
    only = REPORTED if name == "posted" else (picked.orchestrator or (FAST,))[0]
    return msgspec.structs.replace(picked, orchestrator=(only,))
