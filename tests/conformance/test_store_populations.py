"""What every store must answer: populations made at random, compared with plain Python."""

import asyncio
from collections.abc import Sequence
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from exporter.model import Blame, Measurement, Origin, Outcome, Phases, Reported
from exporter.stores import Store, Where, Window
from tests.conformance import plain
from tests.conformance.conftest import FreshStore
from tests.measurements import SECOND, START, measurements
from tests.stored import newest

FEW = settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)

STEP = 250_000_000
MOMENTS = st.builds(
    lambda quarter, more: START + quarter * STEP + more, st.integers(0, 16), st.integers(-1, 2)
)
"""Moments that fall together, lie side by side, and lie seconds apart."""
ALL = Window(START - SECOND, START + 20 * STEP)
ORCHESTRATORS = st.sampled_from(["0xa", "0xb"])
REGIONS = st.sampled_from(["FRA", "MDW"])
PIPELINES = st.sampled_from(["llm", "text-to-image", "text-to-image", ""])
MODELS = st.sampled_from(["m/1", "m/2"])
TIMES = st.none() | st.sampled_from([0, 1, 10**9]) | st.integers(0, 10**11)

crowded = measurements(
    origin=st.sampled_from([Origin.OWN, Origin.OWN, Origin.POSTED]),
    tester=st.sampled_from(["t1", "t2"]),
    region=REGIONS,
    orchestrator=ORCHESTRATORS,
    pipeline=PIPELINES,
    model=MODELS,
    started_at=MOMENTS,
    outcome=st.sampled_from([Outcome.OK, Outcome.OK, Outcome.UNAVAILABLE]),
    blame=st.sampled_from([None, Blame.ORCHESTRATOR, Blame.UNKNOWN]),
    phases=st.builds(Phases, round_trip=TIMES, inference=TIMES),
    session_setup_time=TIMES,
    reported=st.none()
    | st.builds(
        Reported,
        success_rate=st.none() | st.sampled_from([0.0, 0.5, 1.0, 1.0, -1.0, 1.7]),
        round_trip_time=st.none() | st.sampled_from([0.0, -1.5, 2.0, 3.25]),
        orchestrator=st.none() | st.sampled_from(["0xA", "0XB"]),
        pipeline=st.none() | st.sampled_from(["Llm", "Text to image", "LLM"]),
        timestamp=st.none() | st.just(7),
        seg_duration=st.none() | st.sampled_from([0.0, 2.0]),
    ),
)
populations = st.lists(crowded, max_size=60, unique_by=lambda one: one.id)
windows = st.builds(Window, MOMENTS, MOMENTS) | st.builds(
    lambda first, last: Window(START + first * SECOND, START + last * SECOND - 1),
    st.integers(0, 4),
    st.integers(1, 5),
)
wheres = st.builds(
    Where,
    orchestrator=st.none() | ORCHESTRATORS,
    region=st.none() | REGIONS,
    pipeline=st.none() | PIPELINES,
    model=st.none() | MODELS,
    addresses_only=st.booleans(),
)


async def fill(store: Store, population: list[Measurement], cuts: list[int]) -> list[plain.Row]:
    """Write the population in batches that overlap and come again, and give its rows."""
    rows = [plain.Row(seq, one) for seq, one in enumerate(population, 1)]
    reached = 0
    for cut in [*cuts, len(rows)]:
        await store.write("box", rows[min(cut, reached) : cut])
        reached = max(reached, cut)
    return rows


def same(ours: Sequence[Any], theirs: Sequence[Any]) -> bool:
    """Equal, numbers to 1e-9."""
    return [
        {
            name: pytest.approx(value, rel=1e-9, abs=1e-12) if isinstance(value, float) else value
            for name, value in msgspec.structs.asdict(one).items()
        }
        for one in theirs
    ] == [msgspec.structs.asdict(one) for one in ours]


@FEW
@given(
    population=populations,
    cuts=st.lists(st.integers(0, 60), max_size=4),
    questions=st.lists(st.tuples(windows, wheres), min_size=1, max_size=5),
    limit=st.integers(0, 70),
)
def test_every_question_has_the_answer_of_plain_python(
    fresh_store: FreshStore,
    population: list[Measurement],
    cuts: list[int],
    questions: list[tuple[Window, Where]],
    limit: int,
) -> None:
    async def compare() -> None:
        async with fresh_store() as store:
            rows = await fill(store, population, cuts)
            assert await store.count() == len(rows)
            assert await store.cursor("box") == len(rows)
            assert await store.target_states() == plain.target_states(rows)
            for question in [(ALL, Where()), *questions]:
                assert same(await store.groups(*question), plain.groups(rows, *question))
                assert same(
                    await store.spelled_groups(*question), plain.spelled_groups(rows, *question)
                )
                for about in (False, True):
                    assert await store.regions(*question, transcoding=about) == plain.regions(
                        rows, *question, transcoding=about
                    )
                assert same(await store.medians(*question), plain.medians(rows, *question))
                assert same(await store.phases(*question), plain.phases(rows, *question))
                assert same(
                    await store.transcoding_groups(*question),
                    plain.transcoding_groups(rows, *question),
                )
                median = plain.overall_median(rows, *question)
                assert await store.median(*question) == (median and pytest.approx(median, rel=1e-9))
                assert await store.served(*question) == plain.served(rows, *question)
                assert await newest(store, *question, limit) == plain.measurements(
                    rows, *question, limit
                )

    asyncio.run(compare())


@FEW
@given(
    population=st.lists(measurements(), max_size=20, unique_by=lambda one: one.id),
)
def test_every_measurement_survives(fresh_store: FreshStore, population: list[Measurement]) -> None:
    async def there_and_back() -> None:
        async with fresh_store() as store:
            rows = await fill(store, population, [])
            everything = Window(0, 2**63 - 1), Where()
            assert await newest(store, *everything, 100) == plain.measurements(
                rows, *everything, 100
            )
            assert await newest(store, *everything, 100, transcoding=True) == plain.measurements(
                rows, *everything, 100, transcoding=True
            )
            assert await store.target_states() == plain.target_states(rows)

    asyncio.run(there_and_back())


@FEW
@given(population=populations, window=windows, middle=MOMENTS)
def test_windows_side_by_side_hold_what_the_whole_holds(
    fresh_store: FreshStore, population: list[Measurement], window: Window, middle: int
) -> None:
    async def compare() -> None:
        async with fresh_store() as store:
            await fill(store, population, [])

            async def rows(part: Window) -> int:
                return sum(group.rows for group in await store.groups(part, Where()))

            first, cut, last = sorted([window.since, window.until, middle])
            left, right = Window(first, cut), Window(cut + 1, last)
            assert await rows(left) + await rows(right) == await rows(Window(first, last))

    asyncio.run(compare())
