"""What variables offer and what is marked, asked as Grafana asks, is what is true."""

import re
from collections import Counter
from datetime import datetime
from typing import Final

import msgspec
import pytest

from dashboards.boards import BOARDS
from dashboards.edition import Edition
from dashboards.interpolation import Asked, flux, promql
from dashboards.marks import CONFIGURATION, FAILING, SPELL
from dashboards.panel import Board, Choice
from exporter.model import normal_orchestrator
from exporter.stores.influx_lines import tag_text, tag_value
from tests.dashboards.asking import Picked, rows
from tests.dashboards.both import ALL, EMPTY, PICKED, Both
from tests.dashboards.told import NEW_SETTINGS
from tests.dashboards.truth import GUEST, TESTERS
from tests.dashboards.truths.question import Question
from tests.dashboards.truths.question import tested as is_tested
from tests.dashboards.who import (
    BUSY,
    LANGUAGE,
    MINUTE,
    PAUSE,
    PICTURE,
    REPORTED,
    SCRAPE,
    SLOW,
    START,
    STOP,
)
from tests.dashboards.who import (
    FAILING as THE_FAILING,
)

WHOLE: Final = Asked(start=START - 30, stop=STOP + 30, least=60, scrape=SCRAPE)
_LABEL_VALUES: Final = re.compile(r"label_values\((.*), (\w+)\)", re.DOTALL)
CHOICES: Final = [
    pytest.param(board, choice, id=f"{board.name}: {choice.name}")
    for board in BOARDS
    for choice in board.choices
    if not choice.fixed and not choice.hidden
]
WAYS: Final = {
    "all": ALL,
    "a tester and an id": Picked(
        testers=tuple(one.name for one in TESTERS),
        tester=("tester-2",),
        orchestrator=(BUSY,),
        pipeline=(LANGUAGE[0],),
    ),
    "posted": PICKED["posted"],
    "followed": Picked(testers=(), origin="followed"),
}


def offered_by_prometheus(both: Both, board: Board, choice: Choice, picked: Picked) -> set[str]:
    """As Grafana asks for `label_values(metric, label)` within the range."""
    found = _LABEL_VALUES.fullmatch(choice.promql)
    assert found is not None
    match = promql(found.group(1), picked.variables(board, Edition.PROMETHEUS), WHOLE)
    texts = both.prometheus.get(
        f"label/{found.group(2)}/values",
        **{"match[]": match, "start": WHOLE.start, "end": WHOLE.stop},
    )
    hosts = {one.instance: one.name for one in TESTERS} if choice.name == "installation" else {}
    return {_plain(hosts.get(text, text)) for text in texts}


def offered_by_influxdb(both: Both, board: Board, choice: Choice, picked: Picked) -> set[str]:
    text = flux(choice.flux, picked.variables(board, Edition.INFLUXDB), WHOLE)
    return {_plain(row["_value"]) for row in rows(both.influxdb, text)}


def _plain(text: str) -> str:
    return normal_orchestrator(tag_text(text))


def there_is(both: Both, board: Board, choice: Choice, picked: Picked) -> set[str]:
    """What fits those that are chosen before it."""
    if choice.name == "installation":
        return {one.name for one in TESTERS}
    whole = Question(both.told, picked, WHOLE.start, WHOLE.stop, WHOLE.start, WHOLE.stop)
    place = {"orchestrator": 0, "pipeline": 1, "model": 2, "region": 3, "tester": 4}[choice.name]
    before = {"tester": 0, "orchestrator": 1, "region": 1, "pipeline": 2, "model": 3}[choice.name]
    order = ("tester", "orchestrator", "pipeline")[:before]
    known = [name for name in order if any(one.name == name for one in board.choices)]
    narrowed = msgspec.structs.replace(
        picked,
        **{
            name: getattr(picked, name) if name in known else None
            for name in ("tester", "orchestrator", "pipeline", "model", "region")
        },
    )
    jobs = Question(both.told, narrowed, whole.start, whole.stop, whole.first, whole.last).jobs()
    told = {
        (job.orchestrator, job.pipeline, job.model, job.region, job.tester)[place] for job in jobs
    }
    if "offer" in choice.promql:
        by_pipeline = msgspec.structs.replace(narrowed, orchestrator=None, tester=None)
        if choice.name == "pipeline":
            by_pipeline = msgspec.structs.replace(by_pipeline, pipeline=None)
        for origin in ("own", "posted"):
            one = msgspec.structs.replace(
                by_pipeline, origin=origin, testers=(*(one.name for one in TESTERS), GUEST)
            )
            every = Question(both.told, one, whole.start, whole.stop, whole.first, whole.last)
            told |= {(job.pipeline, job.model)[place - 1] for job in every.jobs()}
            told |= {key[place] for key in every.offers(is_tested)}
    return told


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("board", "choice"), CHOICES)
def test_a_variable_offers_what_there_is(
    both: Both, board: Board, choice: Choice, way: str
) -> None:
    picked = WAYS[way]
    if any(one.name == "orchestrator" and not one.multi for one in board.choices):
        only = REPORTED if way == "posted" else (picked.orchestrator or (SLOW,))[0]
        picked = msgspec.structs.replace(picked, orchestrator=(only,))
    expected = there_is(both, board, choice, picked)
    assert expected or way == "followed"
    assert offered_by_prometheus(both, board, choice, picked) == expected
    assert offered_by_influxdb(both, board, choice, picked) == expected


@pytest.mark.parametrize(("board", "choice"), CHOICES)
def test_a_variable_offers_nothing_of_an_empty_database(
    both: Both, board: Board, choice: Choice
) -> None:
    picked = msgspec.structs.replace(ALL, bucket=EMPTY, orchestrator=(SLOW,))
    assert offered_by_influxdb(both, board, choice, picked) == set()


BOARD: Final = next(board for board in BOARDS if board.name == "orchestrator")


def streaks(both: Both, picked: Picked, moments: list[int]) -> dict[tuple[str, ...], int]:
    """Targets and regions that are in a spell at any of these moments, and the longest one."""
    found: dict[tuple[str, ...], int] = {}
    for moment in moments:
        one = Question(both.told, picked, moment, moment + 1, WHOLE.start, WHOLE.stop)
        for key, value in one.streaks().items():
            if value >= SPELL:
                found[key] = max(int(value), found.get(key, 0))
    return found


def test_spells_are_marked_as_long_as_they_last(both: Both) -> None:
    picked = msgspec.structs.replace(ALL, orchestrator=(THE_FAILING,))
    text = promql(FAILING.promql, picked.variables(BOARD, Edition.PROMETHEUS), WHOLE)
    found = both.prometheus.ask("query_range", query=text, start=START, end=STOP, step=60)["result"]
    labels = set(re.findall(r"{{(\w+)}}", FAILING.title))
    assert found
    assert all(labels <= one["metric"].keys() for one in found)
    marked = Counter(int(when) for one in found for when, _ in one["values"])
    for moment in both.told.moments:
        assert marked[moment] == len(streaks(both, picked, [moment])), moment - START


def test_what_is_said_of_spells_is_true(both: Both) -> None:
    picked = msgspec.structs.replace(ALL, orchestrator=(THE_FAILING,))
    text = flux(FAILING.flux, picked.variables(BOARD, Edition.INFLUXDB), WHOLE)
    said = Counter((_unix(row["_time"]), row["text"]) for row in rows(both.influxdb, text))
    expected: Counter[tuple[int, str]] = Counter()
    every = 5 * MINUTE
    for stop in range(START + every, STOP + every, every):
        moments = [one for one in both.told.moments if stop - every <= one < stop]
        for key, most in streaks(both, picked, moments).items():
            text = f"{most} failures in a row: {tag_value(key[2])} of {key[0]}"
            expected[stop, text] += 1
    assert {key: count for key, count in said.items() if key[0] <= STOP} == expected
    assert any(PICTURE[1] in text for _, text in said)


def test_new_settings_are_marked_once_and_a_gap_is_none(both: Both) -> None:
    text = promql(CONFIGURATION.promql, {}, WHOLE)
    found = both.prometheus.ask("query_range", query=text, start=START, end=STOP, step=60)["result"]
    assert [one["metric"] for one in found] == [{"digest": "fedcba987654"}]
    assert [int(when) for when, _ in found[0]["values"]] == [
        NEW_SETTINGS + minute * MINUTE for minute in range(5)
    ]


@pytest.mark.parametrize("start", [START - 30, NEW_SETTINGS - 10 * MINUTE])
def test_new_settings_are_told_of_once(both: Both, start: int) -> None:
    asked = Asked(start=start, stop=STOP)
    text = flux(CONFIGURATION.flux, ALL.variables(BOARD, Edition.INFLUXDB), asked)
    found = [(_unix(row["_time"]), row["text"]) for row in rows(both.influxdb, text)]
    assert found == [(NEW_SETTINGS, "New settings: fedcba987654")]


@pytest.mark.parametrize("start", [NEW_SETTINGS + 5 * MINUTE, PAUSE.start + 5 * MINUTE])
def test_settings_that_are_known_only_since_the_range_began_are_not_new(
    both: Both, start: int
) -> None:
    asked = Asked(start=start, stop=STOP)
    text = flux(CONFIGURATION.flux, ALL.variables(BOARD, Edition.INFLUXDB), asked)
    assert rows(both.influxdb, text) == []


def _unix(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp())
