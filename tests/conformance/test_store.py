"""What every store must answer: cases with answers worked out by hand."""

from collections.abc import Sequence
from typing import Any

import msgspec
import pytest

from exporter.model import (
    Blame,
    Check,
    Measurement,
    Origin,
    Outcome,
    Phases,
    Reported,
    Step,
    Target,
    decode,
    encode,
)
from exporter.stores import (
    Group,
    ModelMedian,
    Place,
    Row,
    Served,
    Store,
    StoreError,
    Turn,
    Where,
    Window,
)
from tests.measurements import SECOND, START, failed, good
from tests.stored import newest

ALL = Window(0, 2**63 - 1)
ANY = Where()


async def stored(store: Store, *batch: Measurement, outbox: str = "box") -> None:
    await store.write(outbox, list(enumerate(batch, 1)))


def group(rows: int, success_rate: float, round_trip_time: float | None, **names: str) -> Group:
    example = good("example")
    return Group(
        orchestrator=names.get("orchestrator", example.orchestrator),
        region=names.get("region", example.region),
        pipeline=names.get("pipeline", example.pipeline),
        model=names.get("model", example.model),
        rows=rows,
        success_rate=success_rate,
        round_trip_time=round_trip_time,
    )


async def test_an_empty_store_has_no_answers(store: Store) -> None:
    assert await store.cursor("box") == 0
    assert await store.count() == 0
    assert await store.groups(ALL, ANY) == []
    assert await store.median(ALL, ANY) is None
    assert await store.medians(ALL, ANY) == []
    assert await newest(store, ALL, ANY, 10) == []
    assert await store.served(ALL, ANY) == []
    assert await store.target_states() == []


async def test_one_row_is_its_own_mean_and_median(store: Store) -> None:
    await stored(store, good("m1", 2.5))
    assert await store.groups(ALL, ANY) == [group(1, 1.0, 2.5)]
    assert await store.median(ALL, ANY) == 2.5
    assert await store.count() == 1


async def test_a_failure_lowers_the_rate_and_has_no_round_trip(store: Store) -> None:
    await stored(store, good("m1", 2), good("m2", 4), failed("m3"), failed("m4"))
    assert await store.groups(ALL, ANY) == [group(4, 0.5, 3.0)]


async def test_a_group_of_failures_has_no_round_trip_rather_than_zero(store: Store) -> None:
    await stored(store, failed("m1"), failed("m2", phases=Phases(round_trip=5 * SECOND)))
    assert await store.groups(ALL, ANY) == [group(2, 0.0, None)]
    assert await store.median(ALL, ANY) is None


@pytest.mark.parametrize("blame", [None, Blame.GATEWAY, Blame.NETWORK, Blame.TESTER, Blame.UNKNOWN])
async def test_a_failure_that_is_not_the_orchestrators_does_not_count(
    store: Store, blame: Blame | None
) -> None:
    await stored(store, good("m1", 2), failed("m2", blame=blame))
    assert await store.groups(ALL, ANY) == [group(1, 1.0, 2.0)]
    assert await store.count() == 2
    assert len(await newest(store, ALL, ANY, 10)) == 2


async def test_a_target_without_rows_that_count_is_in_no_group_and_not_served(
    store: Store,
) -> None:
    await stored(store, failed("m1", Outcome.NO_CAPACITY, None))
    assert await store.groups(ALL, ANY) == []
    assert await store.served(ALL, ANY) == []


async def test_what_others_report_counts_with_its_round_trip(store: Store) -> None:
    reported = failed(
        "m2",
        Outcome.REPORTED_FAILURE,
        None,
        origin=Origin.POSTED,
        phases=Phases(round_trip=6 * SECOND),
    )
    await stored(store, good("m1", 2), reported)
    assert await store.groups(ALL, ANY) == [group(2, 0.5, 4.0)]
    assert await store.median(ALL, ANY) == 2.0, "only full successes enter the median"


@pytest.mark.parametrize(
    ("times", "median"),
    [
        ((3, 1, 2), 2.0),
        ((4, 1, 3, 2), 2.5),
        ((5, 5, 5, 1), 5.0),
        ((10, 1), 5.5),
        ((0, 0, 7), 7.0),
        ((0, 0), None),
    ],
)
async def test_the_median_is_exact_and_leaves_zeros_out(
    store: Store, times: Sequence[float], median: float | None
) -> None:
    await stored(store, *(good(f"m{n}", time) for n, time in enumerate(times)))
    assert await store.median(ALL, ANY) == median


async def test_the_first_contact_of_a_gateway_is_in_no_mean_and_no_median(store: Store) -> None:
    await stored(
        store,
        good("m1", 3, session_setup_time=SECOND, network_rtt=SECOND),
        good("m2", 4, session_setup_time=0),
        good("m3", 6),
    )
    assert await store.groups(ALL, ANY) == [group(3, 1.0, 4.0)]
    assert await store.median(ALL, ANY) == 4.0
    assert [one.median for one in await store.medians(ALL, ANY)] == [4.0]


async def test_the_round_trip_that_others_report_is_taken_as_it_is(store: Store) -> None:
    await stored(store, good("m1", 3, origin=Origin.SUBMITTED, session_setup_time=SECOND))
    assert await store.groups(ALL, ANY) == [group(1, 1.0, 3.0)]
    assert await store.median(ALL, ANY) == 3.0


async def test_a_first_contact_as_long_as_the_whole_job_leaves_nothing_to_compare(
    store: Store,
) -> None:
    await stored(
        store, good("m1", 3, session_setup_time=4 * SECOND, network_rtt=SECOND), good("m2", 2)
    )
    assert await store.groups(ALL, ANY) == [group(2, 1.0, 2.0)]
    assert await store.median(ALL, ANY) == 2.0


async def test_each_model_has_a_median_of_its_own(store: Store) -> None:
    await stored(
        store,
        good("m1", 1, model="b"),
        good("m2", 3, model="b"),
        good("m3", 8, model="a"),
        good("m4", 4, pipeline="llm", model="b"),
        failed("m5", model="c"),
    )
    assert await store.medians(ALL, ANY) == [
        ModelMedian("llm", "b", 4.0),
        ModelMedian("text-to-image", "a", 8.0),
        ModelMedian("text-to-image", "b", 2.0),
    ]
    assert await store.median(ALL, ANY) == 3.5


async def test_both_ends_of_a_window_are_inside(store: Store) -> None:
    await stored(store, *(good(f"m{n}", n + 1, started_at=START + n) for n in range(5)))

    async def ids(since: int, until: int) -> list[str]:
        window = Window(START + since, START + until)
        found = await newest(store, window, ANY, 10)
        (counted,) = await store.groups(window, ANY) or [group(0, 0, None)]
        assert counted.rows == len(found)
        return [one.id for one in found]

    assert await ids(1, 3) == ["m3", "m2", "m1"]
    assert await ids(2, 2) == ["m2"]
    assert await ids(5, 9) == []
    assert await ids(-9, -1) == []
    assert await ids(3, 1) == []


async def test_a_window_may_reach_beyond_all_time(store: Store) -> None:
    await stored(store, good("m1", started_at=0), good("m2"))
    assert len(await newest(store, Window(-(10**30), 10**30), ANY, 10)) == 2


async def test_endpoints_without_an_address_can_be_left_out_of_every_question(
    store: Store,
) -> None:
    address = "0x" + "aB" * 20
    await stored(
        store,
        good("m1", 1, orchestrator=address),
        good("m2", 2, orchestrator="my-runner", model="private"),
        good("m3", 3, orchestrator=address + "0", model="private"),
        good("m4", 4, orchestrator="0x" + "g" * 40, model="private"),
    )
    where = Where(addresses_only=True)
    (found,) = await newest(store, ALL, where, 10)
    assert found.id == "m1"
    assert await store.median(ALL, where) == 1.0
    assert [one.median for one in await store.medians(ALL, where)] == [1.0]
    assert [one.orchestrator for one in await store.groups(ALL, where)] == [address]
    assert await store.served(ALL, where) == [Served(found.pipeline, found.model, found.region)]


async def test_each_filter_narrows_every_question(store: Store) -> None:
    await stored(
        store,
        good("m1", 1),
        good("m2", 2, orchestrator="0xb"),
        good("m3", 3, region="FRA"),
        good("m4", 4, pipeline="llm"),
        good("m5", 5, model="other"),
    )
    for where, identity, seconds in [
        (Where(orchestrator="0xb"), "m2", 2.0),
        (Where(region="FRA"), "m3", 3.0),
        (Where(pipeline="llm"), "m4", 4.0),
        (Where(model="other"), "m5", 5.0),
        (Where(region="MDW", model="other"), "m5", 5.0),
    ]:
        (found,) = await newest(store, ALL, where, 10)
        assert found.id == identity
        assert await store.median(ALL, where) == seconds
        assert [one.median for one in await store.medians(ALL, where)] == [seconds]
        assert [one.round_trip_time for one in await store.groups(ALL, where)] == [seconds]
        assert await store.served(ALL, where) == [Served(found.pipeline, found.model, found.region)]
    assert await store.groups(ALL, Where(region="LAX")) == []
    assert await store.groups(ALL, Where(region="")) == [], "empty is a name, and not any name"


async def test_groups_come_in_order(store: Store) -> None:
    names = [("b", "X", "p", "m"), ("a", "Y", "p", "m"), ("a", "X", "q", "n"), ("a", "X", "q", "m")]
    await stored(
        store,
        *(
            good("-".join(name), orchestrator=o, region=r, pipeline=p, model=m)
            for name in names
            for o, r, p, m in [name]
        ),
    )
    found = [
        (one.orchestrator, one.region, one.pipeline, one.model)
        for one in await store.groups(ALL, ANY)
    ]
    assert found == sorted(names)


async def test_measurements_are_given_back_whole_but_for_their_steps(store: Store) -> None:
    one = good(
        "m1",
        message="ok",
        evidence=("a", "b"),
        proof=(Check(name="nonce", score=0.25, at_least=0.2, exempt=True), Check(name="seen")),
        response='{"text": "…"}',
        steps=(Step(1, "connected"),),
        fee=5e13,
        lane_version="0.9.1",
        session_setup_time=132_000_000,
        attempts=1,
        lane_log=("W0918 something new",),
        repeats="m0",
    )
    await stored(store, one)
    assert await newest(store, ALL, ANY, 10) == [msgspec.structs.replace(one, steps=())]


async def test_measurements_come_newest_first_up_to_the_limit(store: Store) -> None:
    await stored(
        store,
        good("m1", started_at=START + 2),
        good("m2", started_at=START + 1),
        good("m3", started_at=START + 2),
        good("m4", started_at=START),
    )

    async def ids(limit: int) -> list[str]:
        return [one.id for one in await newest(store, ALL, ANY, limit)]

    assert await ids(10) == ["m3", "m1", "m2", "m4"]
    assert await ids(2) == ["m3", "m1"]
    assert await ids(0) == []


HOSTILE = [
    "'; DROP TABLE ai_job; --",
    '" OR ""="',
    "$model",
    "%_*?",
    "back\\slash\\",
    "a,b=c d\n\te",
    "żółć 模型 \N{SAUROPOD} e\u0301",
    "\u202eright to left",
    " ",
    "a" * 5000,
]


@pytest.mark.parametrize("name", HOSTILE)
async def test_a_name_is_a_name_whatever_it_looks_like(store: Store, name: str) -> None:
    await stored(store, good("m1", 2, model=name, tester=name), good("m2", 4, model="other"))
    assert await store.groups(ALL, Where(model=name)) == [group(1, 1.0, 2.0, model=name)]
    (found,) = await newest(store, ALL, Where(model=name), 10)
    assert (found.id, found.model, found.tester) == ("m1", name, name)
    assert name in [one.target.model for one in await store.target_states()]
    assert await store.count() == 2


async def test_a_nul_survives_or_is_refused_with_nothing_stored(store: Store) -> None:
    try:
        await stored(store, good("m1", model="a\0b"), good("m2", model="a"))
    except StoreError:
        assert await store.count() == 0
        assert await store.cursor("box") == 0
    else:
        (found,) = await newest(store, ALL, Where(model="a\0b"), 10)
        assert found == good("m1", model="a\0b")


async def test_the_cursor_is_the_last_number_written(store: Store) -> None:
    await store.write("box", [(3, good("m3")), (7, good("m7"))])
    assert await store.cursor("box") == 7
    assert await store.cursor("another") == 0
    await store.write("box", [])
    assert await store.cursor("box") == 7


async def test_a_batch_written_again_adds_nothing(store: Store) -> None:
    batch = [(1, good("m1", 2)), (2, failed("m2"))]
    for _ in range(3):
        await store.write("box", batch)
    assert await store.count() == 2
    assert await store.groups(ALL, ANY) == [group(2, 0.5, 2.0)]


async def test_batches_that_overlap_add_each_row_once(store: Store) -> None:
    rows = [(n, good(f"m{n}", started_at=START + n)) for n in range(1, 10)]
    for first, last in [(0, 4), (2, 6), (0, 3), (5, 9)]:
        await store.write("box", rows[first:last])
    assert [one.id for one in await newest(store, ALL, ANY, 100)] == [
        f"m{n}" for n in range(9, 0, -1)
    ]
    assert await store.cursor("box") == 9


async def test_each_outbox_has_its_own_cursor(store: Store) -> None:
    await store.write("one", [(1, good("a1")), (2, good("a2"))])
    await store.write("two", [(1, good("b1"))])
    assert (await store.cursor("one"), await store.cursor("two")) == (2, 1)
    assert await store.count() == 3


async def test_the_same_measurement_through_two_outboxes_is_stored_once(store: Store) -> None:
    await store.write("one", [(1, good("m1", 2)), (2, good("m2", 4))])
    await store.write("two", [(1, good("m2", 4)), (2, good("m3", 6))])
    assert await store.count() == 3
    assert await store.groups(ALL, ANY) == [group(3, 1.0, 4.0)]
    assert await store.cursor("two") == 2


async def test_two_measurements_of_the_same_moment_are_two(store: Store) -> None:
    await stored(store, good("m1", 2), good("m2", 4))
    await store.write("box", [(3, good("m3", 6))])
    assert await store.groups(ALL, ANY) == [group(3, 1.0, 4.0)]


async def streak(store: Store, *rows: Measurement) -> int:
    await stored(store, *rows)
    (state,) = await store.target_states()
    return state.consecutive_failures


def at(second: int, one: Measurement) -> Measurement:
    return msgspec.structs.replace(one, started_at=START + second * SECOND)


async def test_failures_since_the_last_success_are_consecutive(store: Store) -> None:
    rows = (at(1, failed("m1")), at(2, good("m2")), at(3, failed("m3")), at(4, failed("m4")))
    assert await streak(store, *rows) == 2


async def test_without_a_success_every_failure_is_consecutive(store: Store) -> None:
    assert await streak(store, at(1, failed("m1")), at(2, failed("m2"))) == 2
    (state,) = await store.target_states()
    assert state.last_success is None
    assert state.last_attempt == START + 2 * SECOND


async def test_a_success_ends_the_streak(store: Store) -> None:
    assert await streak(store, at(1, failed("m1")), at(2, good("m2"))) == 0


async def test_what_is_not_the_orchestrators_neither_advances_nor_resets(store: Store) -> None:
    rows = (
        at(1, failed("m1")),
        at(2, failed("m2", Outcome.LANE_FAILED, Blame.TESTER)),
        at(3, failed("m3", Outcome.NO_CAPACITY, None)),
        at(4, failed("m4")),
        at(5, failed("m5", blame=Blame.UNKNOWN)),
    )
    assert await streak(store, *rows) == 2
    (state,) = await store.target_states()
    assert state.last_attempt == START + 5 * SECOND


async def test_a_streak_goes_by_the_order_of_the_outbox_since_clocks_are_set_back(
    store: Store,
) -> None:
    rows = (at(3, failed("m1")), at(2, good("m3")), at(1, failed("m2")))
    assert await streak(store, *rows) == 1
    (state,) = await store.target_states()
    assert state.last_success == START + 2 * SECOND
    assert state.last_attempt == START + 3 * SECOND


async def test_a_streak_can_be_asked_for_up_to_a_number_of_the_outbox(store: Store) -> None:
    rows = (failed("m1"), good("m2"), failed("m3"), failed("m4"), good("m5"))
    await stored(store, *rows)

    async def upto(seq: int) -> int:
        (state,) = await store.target_states(upto=seq)
        return state.consecutive_failures

    assert [await upto(seq) for seq in range(6)] == [0, 1, 0, 1, 2, 0]


async def test_the_states_of_one_tester_in_one_region_can_be_asked_for(store: Store) -> None:
    await stored(
        store, failed("m1"), failed("m2", tester="tester-2"), failed("m3", region="FRA"), good("m4")
    )
    (state,) = await store.target_states(tester="tester-2", region="MDW")
    assert (state.tester, state.region, state.consecutive_failures) == ("tester-2", "MDW", 1)
    assert await store.target_states(tester="tester-3") == []


@pytest.mark.parametrize(("success_last", "failures"), [(True, 0), (False, 1)])
async def test_of_equal_times_the_later_number_is_the_later_job(
    store: Store, success_last: bool, failures: int
) -> None:
    rows = (failed("m1"), good("m2")) if success_last else (good("m2"), failed("m1"))
    assert await streak(store, *rows) == failures


async def test_targets_regions_and_testers_are_never_mixed(store: Store) -> None:
    await stored(
        store,
        failed("m1"),
        good("m2", region="FRA"),
        failed("m3", tester="tester-2"),
        failed("m4", tester="tester-2"),
        good("m5", model="other"),
    )
    example = good("example")
    assert [
        (state.target, state.region, state.tester, state.consecutive_failures)
        for state in await store.target_states()
    ] == [
        (Target(example.orchestrator, "text-to-image", "other"), "MDW", "tester-1", 0),
        (example.target, "FRA", "tester-1", 0),
        (example.target, "MDW", "tester-1", 1),
        (example.target, "MDW", "tester-2", 2),
    ]


async def test_served_names_each_model_and_region_once_in_order(store: Store) -> None:
    await stored(
        store,
        good("m1", model="b"),
        good("m2", model="b"),
        good("m3", model="a", region="LAX"),
        good("m4", model="b", region="FRA"),
        failed("m5", pipeline="llm", model="c"),
    )
    assert await store.served(ALL, ANY) == [
        Served("llm", "c", "MDW"),
        Served("text-to-image", "a", "LAX"),
        Served("text-to-image", "b", "FRA"),
        Served("text-to-image", "b", "MDW"),
    ]


async def test_a_time_that_no_store_can_hold_does_not_stop_the_others(store: Store) -> None:
    await stored(store, good("m1"), good("m2", started_at=2**63), good("m3"))
    assert sorted(one.id for one in await newest(store, ALL, ANY, 10)) == ["m1", "m3"]
    assert await store.cursor("box") == 3


async def test_a_number_that_no_store_can_hold_does_not_stop_its_measurement(
    store: Store,
) -> None:
    one = good("m1", response_bytes=2**70, price_per_unit=1e308)
    await stored(store, one)
    (found,) = await newest(store, ALL, ANY, 10)
    assert found.id == "m1"


def transcoded(
    identity: str, rate: float, seconds: float, length: float, **facts: Any
) -> Measurement:
    reported = Reported(success_rate=rate, round_trip_time=seconds, seg_duration=length)
    names = {"pipeline": "", "model": "", "origin": Origin.POSTED}
    return good(identity, reported=reported, **{**names, **facts})


async def test_results_of_transcoding_have_questions_of_their_own(store: Store) -> None:
    await stored(
        store,
        transcoded("m1", 1, 1.5, 2),
        transcoded("m2", 0.5, 2.5, 2),
        transcoded("m3", 0, 0, 2, region="SIN"),
        transcoded("m4", 1, 1, 2, pipeline="llm", started_at=START + 1),
        good("m5"),
    )
    groups = [
        (
            one.region,
            one.pipeline,
            one.rows,
            one.success_rate,
            one.round_trip_time,
            one.seg_duration,
        )
        for one in await store.transcoding_groups(ALL, ANY)
    ]
    assert groups == [
        ("MDW", "", 2, 0.75, 2.0, 2.0),
        ("MDW", "llm", 1, 1.0, 1.0, 2.0),
        ("SIN", "", 1, 0.0, 0.0, 2.0),
    ]
    found = await newest(store, ALL, Where(region="MDW"), 2, transcoding=True)
    assert [one.id for one in found] == ["m4", "m2"]
    assert [one.id for one in await newest(store, ALL, ANY, 9)] == ["m5"]
    assert [one.model for one in await store.groups(ALL, ANY)] == ["stabilityai/sd-turbo"]
    assert await store.count() == 5
    assert len(await store.target_states()) == 1


async def test_what_transcoding_does_not_report_counts_as_zero_in_its_means(store: Store) -> None:
    bare = good(
        "m1", pipeline="", model="", origin=Origin.POSTED, reported=Reported(), phases=Phases()
    )
    await stored(store, bare, transcoded("m2", 1, 3, 4))
    (found,) = await store.transcoding_groups(ALL, ANY)
    assert (found.round_trip_time, found.seg_duration) == (1.5, 2.0)


@pytest.mark.parametrize("rate", [0.5, -1.0, 1.7])
async def test_a_success_rate_is_taken_as_others_report_it(store: Store, rate: float) -> None:
    reported = Reported(success_rate=rate, round_trip_time=9.0)
    await stored(
        store,
        good("m1", 2),
        failed("m2", Outcome.REPORTED_FAILURE, None, origin=Origin.POSTED, reported=reported),
    )
    (found,) = await store.groups(ALL, ANY)
    assert found.success_rate == pytest.approx((1 + rate) / 2, rel=1e-9)
    assert found.round_trip_time == 5.5
    assert await store.median(ALL, ANY) == 2.0, "only full successes enter the median"


async def test_a_negative_round_trip_that_others_report_enters_mean_and_median(
    store: Store,
) -> None:
    rows = (
        good(f"m{time}", origin=Origin.POSTED, reported=Reported(round_trip_time=time))
        for time in (-1.0, 4.0)
    )
    await stored(store, *rows)
    assert await store.median(ALL, ANY) == 1.5
    assert [one.round_trip_time for one in await store.groups(ALL, ANY)] == [1.5]


async def test_phases_are_those_of_good_jobs_that_count(store: Store) -> None:
    def job(identity: str, seconds: float, **facts: Any) -> Measurement:
        return good(identity, phases=Phases(inference=int(seconds * SECOND)), **facts)

    await stored(
        store,
        *(job(f"m{n}", n) for n in range(1, 12)),
        job("m12", 99, blame=Blame.UNKNOWN),
        failed("m13", phases=Phases(upload=SECOND)),
    )
    (found,) = await store.phases(ALL, ANY)
    assert (found.phase, found.count, found.approximate) == ("inference_time", 11, False)
    assert (found.mean, found.least, found.most) == (6.0, 1.0, 11.0)
    assert (found.p50, found.p90, found.p99) == pytest.approx((6.0, 10.0, 10.9), rel=1e-9)


async def test_rows_come_in_order_of_time_and_id_with_what_brought_them(store: Store) -> None:
    first = [good(name, started_at=START + 1) for name in ("b", "a", "c")]
    await store.write("one", list(enumerate(first, 1)))
    await store.write("two", [(7, good("d")), (8, transcoded("e", 1, 1, 1, started_at=START + 2))])

    async def page(
        after: Place | None, limit: int, where: Where = ANY
    ) -> list[tuple[str, int, str]]:
        rows = await store.rows(ALL, where, after=after, limit=limit)
        return [(row.outbox, row.seq, row.measurement.id) for row in rows]

    everything = [
        ("two", 7, "d"),
        ("one", 2, "a"),
        ("one", 1, "b"),
        ("one", 3, "c"),
        ("two", 8, "e"),
    ]
    assert await page(None, 9) == everything
    assert await page(Place(START + 1, "a"), 2) == everything[2:4]
    assert await page(Place(START + 2, "e"), 2) == []
    assert await page(None, 9, Where(model="")) == everything[4:]


async def test_rows_can_be_added_without_an_outbox_that_follows(store: Store) -> None:
    rows = [Row("old", 5, good("m1")), Row("older", 3, failed("m2"))]
    for _ in range(2):
        assert list(await store.add(rows)) == []
    assert await store.count() == 2
    assert await store.cursors() == {}
    await store.advance("old", 5)
    await store.advance("old", 4)
    assert await store.cursors() == {"old": 5}
    assert await store.cursor("old") == 5


async def test_what_the_store_will_never_take_is_given_back_with_the_reason(store: Store) -> None:
    bad = good("m2", started_at=2**63)
    refused = await store.write("box", [(1, good("m1")), (2, bad), (3, good("m3"))])
    assert [one.row for one in refused] == [Row("box", 2, bad)]
    assert "1678" in refused[0].reason
    assert await store.count() == 2


async def test_rows_that_cannot_be_read_hide_none_of_the_others(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stretch of them, longer than a page, in the middle and at the end."""
    spoilt = {f"m{n:03}" for n in (*range(20, 45), *range(55, 60))}
    jobs = [good(f"m{n:03}", started_at=START + n // 3 * SECOND) for n in range(60)]
    await stored(store, *jobs)

    def spoil(payload: bytes) -> Measurement:
        found = decode(payload)
        if found.id in spoilt:
            raise msgspec.ValidationError("of another version")
        return found

    for module in ("embedded", "influx"):
        monkeypatch.setattr(f"exporter.stores.{module}.decode", spoil)
    found: list[str] = []
    after = None
    while page := await store.rows(ALL, ANY, after=after, limit=7):
        found += [row.measurement.id for row in page]
        after = Place(page[-1].measurement.started_at, page[-1].measurement.id)
    assert found == [one.id for one in jobs if one.id not in spoilt]


def posted(identity: str, spelled: str | None, pipeline: str | None, **facts: Any) -> Measurement:
    reported = Reported(orchestrator=spelled, pipeline=pipeline, success_rate=1.0, timestamp=1)
    return good(identity, 1, origin=Origin.POSTED, reported=reported, **facts)


async def test_names_are_kept_apart_as_they_were_spelled(store: Store) -> None:
    address = "0x" + "ab" * 20
    upper = "0x" + "AB" * 20
    await stored(
        store,
        good("m1", 1, orchestrator=address),
        posted("m2", None, "Text to image", orchestrator=address),
        posted("m3", None, None, orchestrator=address),
        posted("m4", upper, "Text To Image", orchestrator=address),
        posted("m5", None, None, orchestrator="somebody", model="other"),
    )
    found = [
        (one.orchestrator, one.spelled_pipeline, one.model, one.rows, one.timed, one.time)
        for one in await store.spelled_groups(ALL, Where(addresses_only=True))
    ]
    model = "stabilityai/sd-turbo"
    assert found == [
        (upper, "Text To Image", model, 1, 1, 1.0),
        (address, None, model, 2, 2, 2.0),
        (address, "text-to-image", model, 1, 1, 1.0),
        ("somebody", "text-to-image", "other", 1, 1, 1.0),
    ]
    assert [(one.rows, one.orchestrator) for one in await store.groups(ALL, ANY)] == [
        (4, address),
        (1, "somebody"),
    ]
    assert [one.spelled_pipeline for one in await store.served(ALL, Where(model=model))] == [
        None,
        "Text To Image",
        "text-to-image",
    ]


async def test_what_others_call_an_orchestrator_is_no_reason_to_leave_it_out(store: Store) -> None:
    await stored(
        store,
        good("m1", 1, orchestrator="my-runner"),
        posted("m2", None, "Text to image", orchestrator="somebody"),
        posted("m3", None, "Text to image", orchestrator=""),
    )
    found = await store.spelled_groups(ALL, Where(addresses_only=True))
    assert [one.orchestrator for one in found] == ["", "somebody"]


async def test_sums_that_overflow_are_infinite(store: Store) -> None:
    huge = Reported(success_rate=1.0, round_trip_time=1.7e308)
    await stored(store, *(good(f"m{n}", origin=Origin.POSTED, reported=huge) for n in range(3)))
    (found,) = await store.spelled_groups(ALL, ANY)
    assert (found.success, found.time) == (3.0, float("inf"))


async def test_pages_of_the_newest_go_on_where_the_last_one_ended(store: Store) -> None:
    rows = [
        good(f"m{n}", started_at=START + at)
        for n, at in enumerate([0, 5, 5, 5, 10**18 // 100, 86400 * SECOND * 9, 7, -3 * SECOND])
    ]
    await stored(store, *rows)
    expected = [
        row.measurement.id
        for row in sorted(
            (Row("box", seq, one) for seq, one in enumerate(rows, 1)), key=Turn.of, reverse=True
        )
    ]
    for limit in (1, 2, 3, 100):
        found: list[str] = []
        before: Turn | None = None
        while page := await store.newest(ALL, ANY, before=before, limit=limit):
            assert len(page) <= limit
            found += [row.measurement.id for row in page]
            before = Turn.of(page[-1])
        assert found == expected, limit


async def test_rows_of_each_region_are_counted_whether_they_count_or_not(store: Store) -> None:
    await stored(
        store,
        good("m1"),
        failed("m2", Outcome.NO_CAPACITY, None, region="FRA"),
        failed("m3", region="FRA"),
        transcoded("m4", 1, 1, 2, region="SIN"),
    )
    assert list((await store.regions(ALL, ANY)).items()) == [("FRA", 2), ("MDW", 1)]
    assert await store.regions(ALL, ANY, transcoding=True) == {"SIN": 1}
    assert await store.regions(ALL, Where(region="LAX")) == {}


async def test_the_largest_measurement_is_given_back_whole(store: Store) -> None:
    room = min(store.largest, 8 * 2**20) - len(encode(good("m1", request="-")))
    one = good("m1", request='"' * (room // 2) + "-")
    assert await store.write("box", [(1, one)]) == []
    assert await newest(store, ALL, ANY, 10) == [one]
