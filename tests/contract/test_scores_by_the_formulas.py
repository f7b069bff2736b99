"""Section 5 of the leaderboard's contract, in plain Python, against what a station answers."""

import math
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from pathlib import Path
from statistics import fmean, median
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from exporter.model import NANOSECONDS
from tests.contract.conftest import A, B, Leaderboard, leaderboard, opened

REGIONS = ("FRA", "LAX", "MDW")
ORCHESTRATORS = (A, B, "0xCc" + "cC" * 19, "somebody")
PIPELINES = ("Text to image", "LLM")
MODELS = ("m/one", "m/two")


class Row(NamedTuple):
    """A stat, with what the formulas read."""

    region: str
    orchestrator: str
    pipeline: str
    model: str
    success: float
    time: float
    duration: float

    def stat(self) -> dict[str, Any]:
        return {
            "region": self.region,
            "orchestrator": self.orchestrator,
            "pipeline": self.pipeline,
            "model": self.model,
            "success_rate": self.success,
            "round_trip_time": self.time,
            "seg_duration": self.duration,
        }


RATES = st.sampled_from([1.0, 1.0, 1.0, 0.0, 0.5, 0.25, -1.0, 2.0])
"""Their sums are exact, so that which of two means is greater is no matter of rounding."""
TIMES = st.integers(-8, 400).map(lambda eighths: eighths / 8) | st.sampled_from([0.0, 1e-3, 1e6])
ROWS = st.builds(
    Row,
    st.sampled_from(REGIONS),
    st.sampled_from(ORCHESTRATORS),
    st.sampled_from(PIPELINES),
    st.sampled_from(MODELS),
    RATES,
    TIMES,
    st.sampled_from([0.0, 2.0, 10.0, -1.0]),
)
FEW = settings(
    max_examples=6,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def close(expected: float) -> Any:
    return pytest.approx(expected, rel=1e-9, abs=1e-9)


def finite(number: float) -> float:
    """An undefined score is 0; the original fails with one."""
    return number if math.isfinite(number) else 0.0


def power(exponent: float) -> float:
    try:
        return math.exp(exponent)
    except OverflowError:
        return math.inf


def median_of(rows: Iterable[Row]) -> float:
    times = [row.time for row in rows if row.success == 1 and row.time != 0]
    return median(times) if times else 0.0


def ai_score(rows: Sequence[Row], middle: float) -> tuple[float, float, float]:
    success, time = fmean(row.success for row in rows), fmean(row.time for row in rows)
    without_median = 0.0 if time > 0 else math.nan
    speed = power(math.log(0.8) * time / middle) if middle else without_median
    total = 0.65 * success + 0.35 * speed if success else 0.0
    return finite(success), finite(speed), finite(total)


def transcoding_score(rows: Sequence[Row]) -> tuple[float, float, float]:
    success, time = fmean(row.success for row in rows), fmean(row.time for row in rows)
    duration = fmean(row.duration for row in rows)
    speed = 1 - power(-duration / time) if time else 0.0
    return finite(success), finite(speed), finite(success * speed if success else 0.0)


def grouped(rows: Iterable[Row], by: Callable[[Row], Hashable]) -> dict[Any, list[Row]]:
    groups: dict[Any, list[Row]] = defaultdict(list)
    for row in rows:
        groups[by(row)].append(row)
    return groups


def by_region(row: Row) -> Hashable:
    return row.orchestrator, row.region


def answer(
    rows: Iterable[Row], score: Callable[[Sequence[Row]], tuple[float, float, float]]
) -> dict[str, Any]:
    found: dict[str, Any] = defaultdict(dict)
    for (orchestrator, region), some in grouped(rows, by_region).items():
        numbers = zip(("success_rate", "round_trip_score", "score"), score(some), strict=True)
        found[orchestrator][region] = {name: close(number) for name, number in numbers}
    return found


def ai_answer(rows: Sequence[Row]) -> dict[str, Any]:
    middle = median_of(rows)
    return answer(rows, lambda some: ai_score(some, middle))


async def each_question_about_one_model(board: Leaderboard, rows: Sequence[Row]) -> None:
    for pipeline in PIPELINES:
        for model in MODELS:
            asked = {"pipeline": pipeline, "model": model}
            of_model = [row for row in rows if (row.pipeline, row.model) == (pipeline, model)]
            expected = ai_answer(of_model)
            assert await board.ask("aggregated_stats", **asked) == expected
            assert await board.ask("aggregated_stats", **asked, since="0") == expected
            for name in ORCHESTRATORS:
                part = {name: expected[name]} if name in expected and name.islower() else {}
                got = await board.ask("aggregated_stats", **asked, orchestrator=name)
                assert got == part
            of_region = [row for row in of_model if row.region == "LAX"]
            got = await board.ask("aggregated_stats", **asked, region="lax")
            assert got == ai_answer(of_region)


async def all_models_at_once(board: Leaderboard, rows: Sequence[Row]) -> None:
    """Which of the models shows is open, but all have one median."""
    middle = median_of(rows)
    models = grouped(rows, lambda row: (*by_region(row), row.pipeline, row.model))  # type: ignore[misc]  # it is a tuple
    got = await board.ask("aggregated_stats?job_type=ai")
    for (orchestrator, region), some in grouped(rows, by_region).items():
        names = {(row.pipeline, row.model) for row in some}
        open_ones = [
            tuple(map(close, ai_score(models[orchestrator, region, *name], middle)))
            for name in names
        ]
        assert tuple(got[orchestrator].pop(region).values()) in open_ones
    assert not any(got.values()), "only groups with rows appear"


async def each_top_score(board: Leaderboard, rows: Sequence[Row]) -> None:
    for name in ORCHESTRATORS:
        groups = grouped(
            (row for row in rows if row.orchestrator == name),
            lambda row: (row.region, row.pipeline, row.model),
        )
        got = await board.ask("top_ai_score", orchestrator=name)
        if not groups:
            assert got == {}
            continue

        def turn(key: Any, groups: dict[Any, list[Row]] = groups) -> tuple[float, float]:
            return -fmean(row.success for row in groups[key]), sum(
                row.time for row in groups[key]
            ) / len(groups[key])

        best = min(map(turn, groups))
        key = (got["region"], got["pipeline"], got["model"])
        assert turn(key) == close_pair(best)
        middle = median_of(row for row in rows if (row.pipeline, row.model) == key[1:])
        assert got["value"] == close(ai_score(groups[key], middle)[2])
        assert got["orchestrator"] == name


def close_pair(pair: tuple[float, float]) -> Any:
    return pytest.approx(pair, rel=1e-9, abs=1e-9)


async def the_pipelines(board: Leaderboard, rows: Sequence[Row]) -> None:
    for region in ("", *REGIONS):
        there = [row for row in rows if region in ("", row.region)]
        expected = [
            {
                "id": pipeline,
                "models": sorted({row.model for row in some}),
                "regions": sorted({row.region for row in some}),
            }
            for pipeline, some in sorted(grouped(there, lambda row: row.pipeline).items())
        ]
        assert await board.ask("pipelines", region=region) == {"pipelines": expected}


@pytest.mark.parametrize("kind", ["embedded", "influxdb"])
@FEW
@given(st.lists(ROWS, min_size=1, max_size=25))
async def test_ai_scores_are_those_of_the_formulas(
    request: pytest.FixtureRequest, kind: str, rows: list[Row]
) -> None:
    with TemporaryDirectory() as folder:
        async with (
            opened(kind, Path(folder), request) as store,
            leaderboard(Path(folder), store) as board,
        ):
            await board.post_at_once(*(row.stat() for row in rows))
            await each_question_about_one_model(board, rows)
            await all_models_at_once(board, rows)
            await each_top_score(board, rows)
            await the_pipelines(board, rows)
            assert await board.ask("aggregated_stats") == {}


@pytest.mark.parametrize("kind", ["embedded", "influxdb"])
@FEW
@given(st.lists(ROWS.map(lambda row: row._replace(pipeline="", model="")), max_size=25))
async def test_transcoding_scores_are_those_of_the_formulas(
    request: pytest.FixtureRequest, kind: str, rows: list[Row]
) -> None:
    with TemporaryDirectory() as folder:
        async with (
            opened(kind, Path(folder), request) as store,
            leaderboard(Path(folder), store) as board,
        ):
            await board.post_at_once(*(row.stat() for row in rows))
            expected = answer(rows, transcoding_score)
            assert await board.ask("aggregated_stats") == expected
            assert await board.ask("aggregated_stats?since=0") == expected
            for region in REGIONS:
                there = [row for row in rows if row.region == region]
                got = await board.ask("aggregated_stats", region=region)
                assert got == answer(there, transcoding_score)
            assert await board.ask("aggregated_stats?job_type=ai") == {}


QUARTERS = st.integers(-6, 26)
"""Of a second, after the first row: exact as doubles, and so at whole microseconds."""


@pytest.mark.parametrize("kind", ["embedded", "influxdb"])
@settings(FEW, max_examples=2)
@given(
    st.lists(st.integers(0, 20), min_size=1, max_size=10),
    st.lists(st.tuples(st.none() | QUARTERS, st.none() | QUARTERS), min_size=8, max_size=8),
)
async def test_windows_hold_just_what_was_stored_in_them(
    request: pytest.FixtureRequest,
    kind: str,
    moments: list[int],
    windows: list[tuple[int | None, int | None]],
) -> None:
    with TemporaryDirectory() as folder:
        async with (
            opened(kind, Path(folder), request) as store,
            leaderboard(Path(folder), store) as board,
        ):
            begin = board.clock.moment // NANOSECONDS
            for moment in moments:
                board.clock.moment = begin * NANOSECONDS + moment * NANOSECONDS // 4
                await board.post_all(row(moment, 1, timestamp=moment))
            board.clock.moment = (begin + 3) * NANOSECONDS
            await board.station.delivered()
            for since, until in windows:
                ends = {"since": since, "until": until}
                asked = {
                    name: f"{begin + end / 4:.2f}" for name, end in ends.items() if end is not None
                }
                # The end of the default window is now, to the second.
                low = -math.inf if since is None else since
                high = 15 if until is None else until
                inside = sorted(moment for moment in moments if low <= moment <= high)
                stats = await board.ask("raw_stats", orchestrator=A, job_type="ai", **asked)
                found = sorted(one["timestamp"] for one in stats.get("FRA", []))
                assert found == inside, asked
                scores = await board.ask("aggregated_stats", pipeline="p", model="m", **asked)
                assert bool(scores) is bool(inside), asked
                if inside:
                    assert scores[A]["FRA"]["success_rate"] == close(fmean(inside)), asked
                listed = (await board.ask("pipelines", **asked))["pipelines"]
                assert bool(listed) is bool(inside), asked


def row(success: float, time: float, orchestrator: str = A, **more: Any) -> dict[str, Any]:
    names = {"pipeline": "p", "model": "m"}
    numbers = {"success_rate": success, "round_trip_time": time}
    return {"region": "FRA", "orchestrator": orchestrator, **names, **numbers, **more}


HUGE = 1.7e308


async def test_a_sum_that_overflows_leaves_the_whole_answer_empty(board: Leaderboard) -> None:
    ask = "aggregated_stats?pipeline=p&"
    await board.post_all(
        row(1, HUGE, model="time"),
        row(1, HUGE, model="time"),
        row(1, 1, B, model="time"),
        row(-HUGE, 1, model="rate"),
        row(-HUGE, 1, model="rate"),
        row(1, HUGE, model="apart"),
        row(1, -HUGE, B, model="apart"),
    )
    for model in ("time", "rate"):
        for more in ("", f"&orchestrator={B}", "&region=fra", "&since=0"):
            assert await board.read(f"{ask}model={model}{more}") == b"{}", (model, more)
    assert list(await board.ask(f"{ask}model=apart")) == [A, B]
    assert await board.read("aggregated_stats?job_type=ai") == b"{}"
    for name in (A, B):
        assert (await board.ask("top_ai_score", orchestrator=name))["orchestrator"] == name
    assert len((await board.ask("raw_stats", orchestrator=A, job_type="ai"))["FRA"]) == 5
    models = (await board.ask("pipelines"))["pipelines"][0]["models"]
    assert models == ["apart", "rate", "time"]


async def test_an_overflow_in_transcoding_leaves_the_whole_answer_empty(
    board: Leaderboard,
) -> None:
    for name in ("success_rate", "round_trip_time", "seg_duration"):
        stat = {"region": "FRA", "orchestrator": A, name: HUGE}
        await board.post_all({"region": "LAX", "orchestrator": B}, stat)
        assert list(await board.ask("aggregated_stats")) == [A, B], name
        await board.post_all(stat)
        for query in ("", "?since=0", f"?orchestrator={B}"):
            assert await board.read(f"aggregated_stats{query}") == b"{}", name
        assert list(await board.ask("aggregated_stats?region=lax")) == [B]
        board.clock.move(2 * 86400)
        if name != "seg_duration":
            board.clock.move(0.5)


async def test_numbers_at_the_end_of_the_range_have_a_median_too(board: Leaderboard) -> None:
    await board.post_all(row(1, HUGE), row(1, HUGE, B))
    got = await board.ask("aggregated_stats?pipeline=p&model=m")
    assert got == await board.ask("aggregated_stats?pipeline=p&model=m&since=0")
    for name in (A, B):
        assert got[name]["FRA"]["round_trip_score"] == close(0.8)
    await board.post_all(row(1, 1e-300, model="least"), row(1, 1e-300, B, model="least"))
    got = await board.ask("aggregated_stats?pipeline=p&model=least")
    assert got[A]["FRA"]["round_trip_score"] == close(0.8)


async def test_a_score_has_no_cap_and_no_floor(board: Leaderboard) -> None:
    await board.post_all(row(2, -10), row(1, 1, B), row(-3, 0, "c"), row(0, -1, "d"))
    got = await board.ask("aggregated_stats?pipeline=p&model=m")
    assert got[A]["FRA"]["score"] == close(0.65 * 2 + 0.35 * 0.8**-10)
    assert got["c"]["FRA"]["score"] == close(0.65 * -3 + 0.35)
    assert got["d"]["FRA"] == {
        "success_rate": 0,
        "round_trip_score": close(1.25),
        "score": 0,
    }


async def test_what_is_infinite_by_the_formulas_is_0(board: Leaderboard) -> None:
    await board.post_all(row(1, -1e300), row(1, 1e-300, B), row(1, 1e-300, "c"))
    got = await board.ask("aggregated_stats?pipeline=p&model=m")
    assert got[A]["FRA"] == {"success_rate": 1, "round_trip_score": 0, "score": 0}
    assert got[B]["FRA"]["round_trip_score"] == close(0.8)
