import asyncio
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from exporter.delivery.feed import DeliveryError
from exporter.delivery.post_stats.consumer import LAG, PATIENCE, Posted
from exporter.model import Blame, Measurement, Origin, Outcome
from exporter.outbox import OutboxError, dead_letters
from exporter.outbox.file import existing_file
from tests.delivery.post_stats.original import Fault, Unavailable
from tests.delivery.post_stats.posting_station import PostingStation, posting
from tests.measurements import SECOND, START, failed, good


def job(word: str, number: int) -> Measurement:
    """A good job with a small letter, a failed one with a large letter; those are equal."""
    if word.isupper():
        return failed(f"{word}{number}", request=word)
    return good(f"{word}{number}", 1 + number / 7, request=f"{word}{number}")


def named(*words: str) -> list[Measurement]:
    return [good(word, 1 + number / 7, request=word) for number, word in enumerate(words)]


async def test_what_counts_is_posted_and_everything_else_is_passed_over(tmp_path: Path) -> None:
    passed_over = [
        good("unknown-whose", blame=Blame.UNKNOWN),
        failed("gateway", blame=Blame.GATEWAY),
        failed("busy", Outcome.NO_CAPACITY, None),
        good("others", origin=Origin.POSTED),
        good("own-runner", orchestrator="own-runner"),
        good("transcoding", model=""),
    ]
    async with posting(tmp_path) as station:
        await station.give(*passed_over, *named("a"), failed("b", request="b"))
        await station.deliver()
        assert station.original.count() == {"a": 1, "b": 1}
        assert station.consumer.posted == Posted(sent=2)
        assert await station.outbox.cursor(station.consumer.name) == await station.outbox.last()
        assert station.problems == []


async def test_a_new_leaderboard_gets_what_comes_from_now_on(tmp_path: Path) -> None:
    async with posting(tmp_path) as station:
        await station.outbox.forget_others("post_stats ", [])
        await station.give(*named("before"))
        await station.restart()
        await station.consumer.begin()
        await station.give(*named("after"))
        await station.deliver()
        assert station.original.count() == {"after": 1}


async def test_a_leaderboard_that_is_away_at_the_first_start_gets_everything_since(
    tmp_path: Path,
) -> None:
    async with posting(tmp_path) as station:
        station.original.regions = []
        with pytest.raises(DeliveryError, match="no region 'MDW' for AI results"):
            await station.turn()
        await station.give(*named("a"))
        await station.restart()
        station.original.regions = [{"id": "MDW", "name": "Chicago", "type": "ai"}]
        await station.deliver()
        assert station.original.count() == {"a": 1}


@pytest.mark.parametrize("kind", ["transcoding", "none"])
async def test_nothing_is_posted_where_the_region_has_no_type_ai(tmp_path: Path, kind: str) -> None:
    async with posting(tmp_path) as station:
        station.original.regions = [
            {"id": "MDW", "name": "Chicago", "type": kind},
            {"id": "FRA", "name": "Frankfurt", "type": "ai"},
        ]
        await station.give(*named("a"))
        for _ in range(3):
            await station.try_turn()
        assert "FRA" in station.problems[-1]
        assert (station.original.posts, station.original.asked_regions) == (0, 3)
        station.original.regions[0]["type"] = "ai"
        await station.deliver()
        assert station.original.count() == {"a": 1}


async def test_a_region_that_is_removed_stops_the_posts_and_loses_nothing(tmp_path: Path) -> None:
    async with posting(tmp_path) as station:
        await station.give(*named("a"))
        await station.deliver()
        regions, station.original.regions = station.original.regions, []
        await station.give(*named("b", "c"))
        for _ in range(3):
            await station.try_turn()
        assert "invalid region" in station.problems[0]
        assert "no region 'MDW'" in station.problems[1]
        assert station.original.posts == 2
        station.original.regions = regions
        await station.deliver()
        assert station.original.count() == {"a": 1, "b": 1, "c": 1}


async def test_it_is_asked_from_time_to_time_whether_the_region_is_still_kept(
    tmp_path: Path,
) -> None:
    async with posting(tmp_path) as station:
        await station.give(*named("a"))
        await station.deliver()
        station.original.regions[0]["type"] = "transcoding"
        station.clock.passed += 3601
        await station.give(*named("b"))
        await station.try_turn()
        assert station.original.posts == 1


async def test_results_of_a_region_that_was_set_before_are_set_aside_where_it_is_not_kept(
    tmp_path: Path,
) -> None:
    async with posting(tmp_path) as station:
        await station.give(*(good(f"old{n}", region="XXX") for n in range(2)), *named("new"))
        await station.deliver()
        assert station.original.count() == {"new": 1}
        assert station.consumer.posted == Posted(sent=1, refused=2)
        assert "no region 'XXX'" in reasons(station)["old0"]


@pytest.mark.parametrize("fault", [Fault.FORBIDDEN, Fault.BUSY])
async def test_a_refusal_of_everything_is_told_and_tried_again(
    tmp_path: Path, fault: Fault
) -> None:
    async with posting(tmp_path) as station:
        station.original.faults.extend([fault] * 3)
        await station.give(*named("a", "b"))
        await station.deliver()
        assert len(station.problems) == 3
        assert f"{station.original.url}/api/post_stats: status {fault.value}" in station.problems[0]
        assert station.original.questions == []
        assert station.original.count() == {"a": 1, "b": 1}
        assert "open-secret" not in str(station.problems)


async def test_a_stat_that_is_refused_is_set_aside_with_what_was_said(tmp_path: Path) -> None:
    async with posting(tmp_path) as station:
        station.original.refused = {"bad": (400, "json: no"), "large": (413, "too large")}
        await station.give(*named("a", "bad", "b", "large", "c"))
        await station.deliver()
        assert station.original.count() == {"a": 1, "b": 1, "c": 1}
        assert station.problems == []
        assert reasons(station) == {
            "bad": 'status 400: {"error":"json: no"}',
            "large": 'status 413: {"error":"too large"}',
        }
        assert station.consumer.posted == Posted(sent=3, refused=2)


async def test_a_stat_that_breaks_the_server_does_not_hold_up_the_others_for_ever(
    tmp_path: Path,
) -> None:
    async with posting(tmp_path) as station:
        station.original.refused = {"poison": (500, "too long for an index")}
        await station.give(*named("poison"))
        for turn in range(5):
            await station.try_turn()
            await station.give(good(f"more{turn}", 3 + turn / 7, request=f"more{turn}"))
            station.clock.passed += LAG
        await station.deliver()
        assert set(station.original.count().values()) == {1}
        assert len(station.original.stored) == 5
        assert reasons(station)["poison"].startswith(f"{PATIENCE + 1} attempts failed")
        assert "too long for an index" in reasons(station)["poison"]


async def test_a_stat_that_breaks_the_server_at_the_end_of_a_full_batch_holds_up_nobody(
    tmp_path: Path,
) -> None:
    async with posting(tmp_path) as station:
        station.original.refused = {"poison": (500, "too long for an index")}
        await station.give(*named("a", "b", "c", "poison", "d", "e", "f", "g", "h"))
        await station.try_turn()
        await station.try_turn()
        await station.try_turn()
        assert set(station.original.count()) == set("abcdef"), "these go on meanwhile"
        await station.deliver()
        assert station.original.count() == dict.fromkeys("abcdefgh", 1)
        assert set(reasons(station)) == {"poison"}


async def test_a_kill_while_one_is_in_doubt_doubles_nothing_behind_it(tmp_path: Path) -> None:
    async with posting(tmp_path) as station:
        station.original.faults.extend([Fault.NONE, Fault.ERROR_AFTER])
        await station.give(*named("a", "b", "c", "d", "e"))
        station.original.behind = 60
        for _ in range(3):
            await station.try_turn()
        assert station.original.count() == dict.fromkeys("abcde", 1), "the mark is between"
        await station.restart()
        await station.deliver()
        assert station.original.count() == dict.fromkeys("abcde", 1)


async def test_a_server_that_takes_nothing_makes_no_dead_letters(tmp_path: Path) -> None:
    async with posting(tmp_path) as station:
        station.original.faults.extend([Fault.ERROR_BEFORE] * 60)
        await station.give(*named("a", "b", "c"))
        await station.deliver()
        assert station.original.count() == {"a": 1, "b": 1, "c": 1}
        assert reasons(station) == {}


@pytest.mark.parametrize("fault", [fault for fault in Fault if fault.name.endswith("AFTER")])
async def test_what_was_stored_although_the_attempt_failed_is_found_and_not_sent_again(
    tmp_path: Path, fault: Fault
) -> None:
    async with posting(tmp_path, timeout=0.3) as station:
        station.original.faults.append(fault)
        await station.give(*named("a", "b"))
        await station.deliver()
        assert station.original.count() == {"a": 1, "b": 1}
        assert station.original.posts == 2
        if fault is not Fault.KILL_AFTER:
            assert station.consumer.posted == Posted(sent=1, found=1)


@pytest.mark.parametrize("fault", [fault for fault in Fault if fault.name.endswith("BEFORE")])
async def test_what_was_not_stored_is_sent_again_once_that_is_certain(
    tmp_path: Path, fault: Fault
) -> None:
    async with posting(tmp_path, timeout=0.3) as station:
        station.original.faults.append(fault)
        await station.give(*named("a"))
        began = station.clock.passed
        await station.deliver()
        assert station.original.count() == {"a": 1}
        assert station.original.posts == 2
        assert station.clock.passed - began > LAG


async def test_an_answer_that_is_older_than_the_attempt_proves_nothing(tmp_path: Path) -> None:
    async with posting(tmp_path) as station:
        station.original.behind, station.original.age = 60 + 400, 400
        station.original.faults.append(Fault.ERROR_AFTER)
        await station.give(*named("a"))
        await station.deliver()
        assert station.original.posts == 1
        assert station.original.count() == {"a": 1}
        assert len(station.original.questions) > 3
        assert "looked up" in station.problems[-1]


@pytest.mark.parametrize("trouble", list(Unavailable)[1:])
async def test_nothing_is_sent_while_the_leaderboard_cannot_be_asked(
    tmp_path: Path, trouble: Unavailable
) -> None:
    async with posting(tmp_path) as station:
        station.original.faults.append(Fault.ERROR_BEFORE)
        station.original.looks.extend([trouble] * 4)
        await station.give(*named("a", "b"))
        for _ in range(5):
            await station.try_turn()
        assert station.original.posts == 1
        assert all("raw_stats" in problem for problem in station.problems[1:])
        await station.deliver()
        assert station.original.count() == {"a": 1, "b": 1}


async def test_nothing_is_sent_of_which_the_outbox_could_not_note_that_it_may_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def full(*_: object) -> None:
        raise OutboxError("the disk is full")

    async with posting(tmp_path) as station:
        await station.give(*named("a", "b"))
        with monkeypatch.context() as disk:
            disk.setattr(station.outbox, "publish", full)
            for _ in range(2):
                with pytest.raises(OutboxError):
                    await station.turn()
        assert station.original.posts == 0
        await station.deliver()
        assert station.original.count() == {"a": 1, "b": 1}


async def test_what_is_done_is_not_done_again_when_that_could_not_be_noted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def full(*_: object) -> None:
        raise OutboxError("the disk is full")

    async with posting(tmp_path) as station:
        await station.give(*named("a", "b"))
        with monkeypatch.context() as disk:
            disk.setattr(station.outbox, "advance", full)
            for _ in range(2):
                with pytest.raises(OutboxError):
                    await station.turn()
        await station.deliver()
        assert station.original.posts == 2
        assert station.original.count() == {"a": 1, "b": 1}


async def test_others_go_on_while_one_is_in_doubt(tmp_path: Path) -> None:
    async with posting(tmp_path) as station:
        station.original.faults.append(Fault.ERROR_BEFORE)
        await station.give(*named("a", "b", "c"))
        await station.try_turn()
        await station.try_turn()
        assert station.original.count() == {"b": 1, "c": 1}
        await station.deliver()
        assert station.original.count() == {"a": 1, "b": 1, "c": 1}


async def test_of_equal_stats_as_many_are_there_in_the_end(tmp_path: Path) -> None:
    async with posting(tmp_path) as station:
        await station.give(*(job("F", number) for number in range(3)))
        station.original.faults.extend([Fault.NONE, Fault.ERROR_BEFORE, Fault.ERROR_AFTER])
        await station.deliver()
        assert station.original.count() == {"F": 3}


async def test_an_equal_stat_that_was_sent_long_before_is_not_taken_for_this_one(
    tmp_path: Path,
) -> None:
    async with posting(tmp_path) as station:
        await station.give(job("F", 1))
        await station.deliver()
        station.clock.passed += 7 * 86400
        await station.restart()
        station.original.faults.extend([Fault.ERROR_BEFORE])
        await station.give(job("F", 2))
        await station.deliver()
        assert station.original.count() == {"F": 2}
        assert float(station.original.questions[-1]["since"]) < START / SECOND


async def test_a_leaderboard_that_cannot_be_reached_is_not_looked_into(tmp_path: Path) -> None:
    async with posting(tmp_path) as station:
        await station.give(*named("a", "b"))
        await station.consumer.position()
        station.consumer._remote.url = "http://127.0.0.1:1"
        for _ in range(3):
            await station.try_turn()
        assert station.problems[-1].startswith("POST http://127.0.0.1:1/api/post_stats: ")
        station.consumer._remote.url = station.original.url
        await station.deliver()
        assert station.original.questions == []
        assert station.consumer.posted == Posted(sent=2)


async def test_a_restored_backup_posts_nothing_that_is_there_already(tmp_path: Path) -> None:
    async with posting(tmp_path) as station:
        await station.give(*named("a", "b"))
        await station.deliver()
        await station.give(*named("c"))
        await station.outbox.renew(1000)
        await station.give(*named("d"))
        await station.restart()
        await station.deliver()
        assert station.original.count() == {"a": 1, "b": 1, "c": 1, "d": 1}
        assert station.consumer.posted == Posted(sent=2, found=2)


@dataclass(frozen=True)
class Troubles:
    """What a leaderboard is given and what goes wrong; `age` and `ahead` make answers old.

    `pause` is what passes between two attempts.
    """

    words: list[str]
    posts: list[Fault]
    looks: list[Unavailable]
    age: int
    ahead: int
    pause: int
    batch: int


TROUBLES = st.builds(
    Troubles,
    words=st.lists(st.sampled_from("aabFFG"), min_size=1, max_size=12),
    posts=st.lists(
        st.sampled_from([fault for fault in Fault if "HANG" not in fault.name]), max_size=18
    ),
    looks=st.lists(st.sampled_from(Unavailable), max_size=6),
    age=st.integers(0, 200),
    ahead=st.integers(0, 90),
    pause=st.integers(3, 40),
    batch=st.integers(1, 6),
)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(TROUBLES)
def test_whatever_goes_wrong_every_result_is_there_exactly_once(
    tmp_path_factory: pytest.TempPathFactory, troubles: Troubles
) -> None:
    async def scenario() -> None:
        async with posting(tmp_path_factory.mktemp("scenario")) as station:
            station.batch, station.pause = troubles.batch, float(troubles.pause)
            station.original.faults.extend(troubles.posts)
            station.original.looks.extend(troubles.looks)
            station.original.age = troubles.age
            station.original.behind = troubles.age + troubles.ahead
            jobs = [job(word, number) for number, word in enumerate(troubles.words)]
            await station.give(*jobs[: len(jobs) // 2])
            await station.try_turn()
            await station.give(*jobs[len(jobs) // 2 :])
            await station.deliver()
            assert station.original.count() == Counter(one.request for one in jobs)
            assert reasons(station) == {}

    asyncio.run(scenario())


def reasons(station: PostingStation) -> dict[str, str]:
    """What was set aside, and why."""
    with existing_file(station.outbox._path) as connection:
        return {one.id: one.reason for one in dead_letters.newest(connection, 100)}
