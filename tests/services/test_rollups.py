"""Roll-ups on the real server: a window that they answer equals the same window without them."""

import random
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import pytest
from pydantic import SecretStr

from exporter.model import Blame, Measurement, Origin, Outcome, Phases, Reported
from exporter.settings import Influx
from exporter.stores import Group, PhaseStatistics, Row, Where, Window
from exporter.stores.influx import InfluxStore
from exporter.stores.influx_rollups import DAY, HOUR, ROLLUP_ERROR
from tests.measurements import SECOND, failed, good
from tests.services.influx_server import ORG, InfluxServer

MONDAY = 1_790_000_000 * SECOND // DAY * DAY
SPAN = DAY + 9 * HOUR
LAST = MONDAY + SPAN + 20 * 60 * SECOND
NOW = LAST + 3 * DAY
MODELS = ("m/1", "m/2")
ORCHESTRATORS = ("0x" + "a1" * 20, "0x" + "b2" * 20, "runner")


def job(rng: random.Random, number: int) -> Measurement:
    start = MONDAY + rng.randrange(SPAN)
    if number % 10 == 0:  # at the very edge of an hour
        start = start // HOUR * HOUR + rng.choice([-1, 0, 1])
    facts: dict[str, Any] = {
        "started_at": start,
        "model": rng.choice(MODELS),
        "orchestrator": rng.choice(ORCHESTRATORS),
        "region": rng.choice(["FRA", "MDW"]),
    }
    kind = rng.random()
    if kind < 0.15:
        return failed(f"m{number}", blame=rng.choice([Blame.ORCHESTRATOR, Blame.TESTER]), **facts)
    if kind < 0.25:
        reported = Reported(success_rate=rng.choice([0.5, 1.7, -1.0]), round_trip_time=rng.random())
        return failed(
            f"m{number}",
            Outcome.REPORTED_FAILURE,
            None,
            origin=Origin.POSTED,
            reported=reported,
            **facts,
        )
    seconds = rng.lognormvariate(0.5, 1.2)
    phases = Phases(
        inference=int(seconds * SECOND),
        upload=rng.randrange(SECOND),
        round_trip=int(seconds * SECOND) + SECOND,
        tester=0 if number % 7 == 0 else None,
    )
    return good(f"m{number}", phases=phases, **facts)


@asynccontextmanager
async def stores(server: InfluxServer) -> AsyncIterator[tuple[InfluxStore, InfluxStore]]:
    """A store with roll-ups, and the same one without."""
    raw, rolled = uuid4().hex, uuid4().hex
    buckets = [server.bucket(name) for name in (raw, rolled)]
    settings = Influx(
        url=server.url,
        org=ORG,
        bucket=raw,
        rollup_bucket=rolled,
        token=SecretStr(server.token),
        retention=0,
    )
    plain = settings.model_copy(update={"rollup_bucket": None})
    opened = [InfluxStore.open(one, now=lambda: NOW) for one in (settings, plain)]
    opened[0].groups_longer = opened[0].phases_longer = 0
    try:
        yield opened[0], opened[1]
    finally:
        for store in opened:
            await store.close()
        for bucket in buckets:
            server.drop_bucket(bucket)


@asynccontextmanager
async def stores_like(store: InfluxStore) -> AsyncIterator[InfluxStore]:
    """Another station's store on the same server and buckets."""
    another = InfluxStore.open(store.settings, now=lambda: NOW)
    try:
        yield another
    finally:
        await another.close()


WINDOWS = [
    Window(LAST - DAY, LAST),
    Window(MONDAY + 5 * HOUR + 17, MONDAY + DAY + 3 * HOUR + 1),
    Window(LAST - 30 * DAY, LAST + 5 * DAY),
    Window(MONDAY + 10 * SECOND, MONDAY + 20 * SECOND),
]
WHERES = [Where(), Where(region="FRA", model="m/1")]


def same_groups(ours: Sequence[Group], theirs: Sequence[Group]) -> None:
    assert [one.rows for one in ours] == [one.rows for one in theirs]
    for a, b in zip(ours, theirs, strict=True):
        assert (a.orchestrator, a.region, a.model) == (b.orchestrator, b.region, b.model)
        assert a.success_rate == pytest.approx(b.success_rate, rel=1e-9)
        assert a.round_trip_time == pytest.approx(b.round_trip_time, rel=1e-9)


def same_phases(ours: Sequence[PhaseStatistics], theirs: Sequence[PhaseStatistics]) -> None:
    for a, b in zip(ours, theirs, strict=True):
        assert (a.orchestrator, a.model, a.phase) == (b.orchestrator, b.model, b.phase)
        assert (a.count, a.least, a.most) == (b.count, b.least, b.most)
        assert a.mean == pytest.approx(b.mean, rel=1e-9)
        if a.approximate:
            assert (a.p50, a.p90, a.p99) == pytest.approx((b.p50, b.p90, b.p99), rel=ROLLUP_ERROR)
        else:
            assert a == b


async def compare(rolled: InfluxStore, plain: InfluxStore) -> int:
    """Compare all windows; gives how many answers came from roll-ups."""
    used = 0
    for window in WINDOWS:
        for where in WHERES:
            same_groups(await rolled.groups(window, where), await plain.groups(window, where))
            phases = await rolled.phases(window, where)
            same_phases(phases, await plain.phases(window, where))
            used += any(one.approximate for one in phases)
            assert await rolled.median(window, where) == await plain.median(window, where)
    return used


async def test_a_window_served_from_roll_ups_equals_the_same_window_without_them(
    influx: InfluxServer,
) -> None:
    rng = random.Random(6)
    jobs = [job(rng, number) for number in range(900)]
    async with stores(influx) as (rolled, plain):
        await rolled.write("box", list(enumerate(jobs[:600], 1)))
        assert await compare(rolled, plain) == 0, "nothing is rolled up yet"
        await rolled.maintain()
        assert await compare(rolled, plain) == 6

        # Late ones: the same answers at once, and again once their hours are computed anew.
        await rolled.write("box", list(enumerate(jobs[600:603], 601)))
        assert await compare(rolled, plain) > 0
        await rolled.write("box", list(enumerate(jobs[603:], 604)))
        await compare(rolled, plain)
        assert rolled.rollups is not None
        assert rolled.rollups.heal() > 25
        assert rolled.rollups.heal() == 0, "nothing is left to be computed"
        assert await compare(rolled, plain) == 6


async def test_an_hour_that_two_stations_compute_at_once_is_computed_again(
    influx: InfluxServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One reads, the other takes in a late job, computes and cleans; then the first one writes."""
    async with stores(influx) as (rolled, plain), stores_like(rolled) as other:
        await rolled.write("box", [(n, good(f"m{n}", started_at=MONDAY + n)) for n in range(1, 4)])
        assert rolled.rollups is not None
        assert other.rollups is not None
        put = rolled.rollups._put
        calls = 0

        def late(series: str, sums: Any, start: int) -> None:
            nonlocal calls
            calls += 1
            if calls == 1:
                late_one = [Row("other box", 1, good("late", started_at=MONDAY + 9))]
                assert not other._add(late_one)
                other.rollups.heal()  # type: ignore[union-attr] # asserted above
            put(series, sums, start)

        monkeypatch.setattr(rolled.rollups, "_put", late)
        rolled.rollups.heal()
        rolled.rollups.heal()
        window = Window(MONDAY, MONDAY + DAY - 1)
        (found,) = await rolled.groups(window, Where())
        assert found.rows == 4
        same_groups([found], await plain.groups(window, Where()))
        assert any(one.series for one in rolled.rollups.stretches(window)), "roll-ups answered"


async def test_short_windows_are_answered_exactly_unless_they_are_not_kept_any_more(
    influx: InfluxServer,
) -> None:
    rng = random.Random(7)
    async with stores(influx) as (rolled, plain), stores_like(rolled) as by_default:
        await rolled.write("box", [(n, job(rng, n)) for n in range(1, 200)])
        await rolled.maintain()
        week = Window(LAST - 7 * DAY, LAST)
        assert {one.approximate for one in await by_default.phases(week, Where())} == {False}
        longer = Window(LAST - 8 * DAY, LAST)
        assert {one.approximate for one in await by_default.phases(longer, Where())} == {True}
        month = Window(LAST - 40 * DAY, LAST)
        same_groups(await by_default.groups(month, Where()), await plain.groups(month, Where()))
