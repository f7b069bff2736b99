"""What a leaderboard has arrives here: whole, once, in order, whatever happens on the way."""

import logging
import time
from collections.abc import AsyncIterator
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import pytest
from aiohttp import web

from exporter.following import follower as following
from exporter.following import results
from exporter.following.follower import FIRST_PAUSE, LONGEST_WISH, Follower
from exporter.following.memory import SETTLING
from exporter.leaderboard.go_json_reader import PostedStat
from exporter.leaderboard.posting import measurement
from exporter.model import Origin, Outcome
from exporter.moving import leaderboard_client
from exporter.moving.from_leaderboard import deliver, fetch, stored_by_station
from exporter.moving.leaderboard_client import Leaderboard, Model, Span
from exporter.moving.spool import Spool
from exporter.settings import FollowedLeaderboard
from exporter.stores import StoreError
from tests.following.remote import Remote, serving, stat
from tests.following.stations import Home, follower, home
from tests.measurements import SECOND, START, failed, good
from tests.stations import ALICE, BOB, NOW, running_station
from tests.waiting import eventually

T = START // SECOND
DAY = 86400


@pytest.fixture
def remote() -> Remote:
    return Remote()


@pytest.fixture
async def url(remote: Remote) -> AsyncIterator[str]:
    async with serving(remote) as base:
        yield base


@pytest.fixture
async def here(tmp_path: Path, remote: Remote, url: str) -> AsyncIterator[Home]:
    async with home(tmp_path, remote, url) as one:
        yield one


async def test_the_first_look_goes_back_as_far_as_is_set(here: Home, remote: Remote) -> None:
    remote.post(stat(timestamp=T - DAY - 10), at=T - DAY - 5)
    remote.post(stat(timestamp=T - DAY + 4), at=T - DAY + 5)
    remote.post(stat(timestamp=T - 5), at=T - 1)
    await here.look()
    found = await here.stored()
    assert [one.started_at // SECOND for one in found] == [T - DAY + 4, T - 5]
    assert {(one.origin, one.tester) for one in found} == {(Origin.FOLLOWED, "127.0.0.1")}


async def test_few_questions_are_asked_and_each_only_once(here: Home, remote: Remote) -> None:
    for _ in range(8):
        remote.now += 300
        await here.look()
    assert {one["job_type"] for one in remote.asked} == {"ai", "transcoding"}
    assert all("model" not in one for one in remote.asked)
    assert len(remote.asked) == 2 * (8 + 3)  # the first in two parts, and two that settle
    before: dict[tuple[tuple[str, str], ...], float] = {}
    for moment, one in zip(remote.moments, remote.asked, strict=True):
        question = tuple(one.items())
        assert moment - before.get(question, 0.0) >= SETTLING  # no cache is as old as that
        before[question] = moment
    assert remote.most_at_once == 1


async def test_ids_are_those_that_an_import_would_give(
    here: Home, remote: Remote, url: str
) -> None:
    remote.post(stat(timestamp=T - 5), stat(timestamp=T - 5), at=T - 4)
    remote.post(stat(timestamp=T - 5), stat(timestamp=T - 7, success_rate=0.0), at=T - 1)
    await here.look()
    found = await here.stored()
    with Spool.open() as spool:
        await fetch(
            Leaderboard(url),
            [ALICE],
            [Model("Text to image", "stabilityai/sd-turbo")],
            Span(T - 100, T),
            stored=here.station.here.store,
            spool=spool,
            now=T * SECOND,
        )
        imported = [
            row.measurement
            for day in spool.days()
            for batch in spool.batches(day, without=set())
            for _, row in batch
        ]
    assert len(found) == 4
    assert {one.id for one in found} == {one.id for one in imported}


async def test_what_was_imported_before_is_known(here: Home, remote: Remote) -> None:
    remote.post(stat(timestamp=T - 5), at=T - 4)
    await here.look()
    (one,) = await here.stored()
    await here.station.outbox.publish(here.follower._topic(ALICE), b"damaged")
    again = follower(here.station, here.door, remote, here.follower.numbers.url)
    await again.look()
    assert (again.numbers.results.taken, again.numbers.results.known) == (0, 1)
    assert await here.stored() == [one]


async def test_what_was_followed_is_not_imported_again(
    here: Home, remote: Remote, url: str
) -> None:
    remote.post(stat(timestamp=T - 5), stat(timestamp=T - 5), stat(timestamp=T - 6), at=T - 4)
    await here.look()
    remote.post(stat(timestamp=T - 1), at=T - 1)
    store, outbox = here.station.here.store, here.station.outbox
    with Spool.open() as spool:
        models = [Model("Text to image", "stabilityai/sd-turbo")]
        span, now = Span(T - 100, T), T * SECOND
        await fetch(Leaderboard(url), [ALICE], models, span, stored=store, spool=spool, now=now)
        done = await deliver(store, spool, outbox, lambda last: stored_by_station(outbox, last))
    assert (done.added, done.whole) == (1, True)
    assert len(await here.stored()) == 4


async def test_equal_results_count_as_often_as_they_were_posted(here: Home, remote: Remote) -> None:
    remote.post(stat(), stat())
    remote.now += 10
    await here.look()
    remote.post(stat())
    remote.now += 1000
    await here.look()
    remote.post(stat())
    remote.now += 1000
    await here.look()
    await here.look()
    assert len({one.id for one in await here.stored()}) == 4


async def test_results_arrive_in_order_of_their_time(here: Home, remote: Remote) -> None:
    for number in range(50):
        model = "" if number % 3 else "a/model"
        remote.post(stat(timestamp=T - number * 700, model=model, region=f"R{number % 4}"))
    remote.now += 2
    await here.look()
    times = [one.started_at for _, one in await here.station.outbox.tail(100)]
    assert len(times) == 50
    assert times == sorted(times)


async def test_after_an_outage_everything_is_caught_up_with(here: Home, remote: Remote) -> None:
    await here.look()
    remote.answer = web.Response(status=502)
    for day in range(4):
        remote.now = T + day * DAY + 100
        remote.post(*(stat(timestamp=int(remote.now), round_trip_time=n) for n in range(3)))
        await here.follower.look()
        assert "status 502" in (here.follower.numbers.problem or "")
    remote.answer = None
    remote.now += 10
    await here.look()
    assert len(await here.stored()) == 12
    assert here.follower.numbers.position == int(remote.now) * SECOND
    windows = [float(one["until"]) - float(one["since"]) for one in remote.asked]
    assert max(windows) <= DAY + 2 * SETTLING


async def test_what_shows_up_late_at_the_leaderboard_is_not_missed(
    here: Home, remote: Remote
) -> None:
    """A long transaction; a job of our kind that lies at its start and shows up at its end."""
    await here.look()
    remote.now += 800
    await here.look()
    remote.post(stat(), at=remote.now - 600)
    remote.now += 10
    await here.look()
    assert len(await here.stored()) == 1


async def test_an_older_answer_out_of_a_cache_delays_and_doubles_nothing(
    here: Home, remote: Remote
) -> None:
    remote.post(stat())
    remote.now += 10
    await here.look()
    remote.post(stat(round_trip_time=3.0))
    remote.now += 880
    for stale in (0, 1, 0):
        remote.stale = stale
        remote.now += 15
        await here.look()
    assert len(await here.stored()) == 1
    remote.stale = None
    remote.now += 15
    await here.look()
    assert len(await here.stored()) == 2


@pytest.mark.parametrize("off", [-1500, 1500])
async def test_the_clock_of_the_leaderboard_may_be_minutes_off(
    tmp_path: Path, remote: Remote, url: str, off: int
) -> None:
    async with running_station(tmp_path) as station:
        ours = Remote()
        ours.now = remote.now - off
        one = follower(station, station.outbox, ours, url)
        await one.look()
        for _ in range(5):
            remote.post(stat(timestamp=int(ours.now)))
            remote.now += 300
            ours.now += 300
            await one.look()
        assert one.numbers.problem is None
        assert one.numbers.results.taken == 5


async def test_a_clock_that_is_hours_off_is_not_believed(
    tmp_path: Path, remote: Remote, url: str
) -> None:
    async with running_station(tmp_path) as station:
        one = follower(station, station.outbox, Remote(), url)
        remote.now += 7200
        await one.look()
        assert "its clock is +7200 s off ours" in (one.numbers.problem or "")
        assert remote.asked == []


async def test_a_clock_that_is_set_back_loses_nothing(here: Home, remote: Remote) -> None:
    await here.look()
    remote.now -= 300
    remote.post(stat())
    remote.now += 10
    await here.look()
    remote.now += 600
    await here.look()
    assert len(await here.stored()) == 1


async def test_a_position_that_has_not_come_yet_is_not_waited_for(
    tmp_path: Path, remote: Remote, url: str
) -> None:
    """As if our clock and the leaderboard's had been wrong together, and were set right."""
    remote.now += 10 * DAY
    async with home(tmp_path, remote, url) as here:
        await here.look()
        remote.now -= 10 * DAY
        remote.post(stat())
        remote.now += 1
        await here.look()
        assert len(await here.stored()) == 1
        assert here.follower.numbers.position == int(remote.now) * SECOND


async def test_a_station_follows_and_says_how_it_is_doing(
    tmp_path: Path, remote: Remote, url: str
) -> None:
    remote.now = NOW // SECOND
    remote.post(stat(), at=remote.now - 1)
    sources = {"follow": [{"url": url, "orchestrators": [ALICE, BOB]}]}
    async with running_station(tmp_path, sources=sources) as station:

        async def done() -> bool:
            told = await station.json("/api/v1/status")
            return told["following"][0]["last_success"] is not None

        await eventually(done)
        assert (await station.json("/api/v1/status"))["following"] == [
            {
                "url": url,
                "orchestrators": 2,
                "position": NOW / SECOND,
                "last_success": NOW / SECOND,
                "problem": None,
                "results": {
                    "taken": 1,
                    "own": 0,
                    "known": 0,
                    "misdated": 0,
                    "surplus": 0,
                    "unreadable": 0,
                },
                "errors": 0,
            }
        ]
        text = await (await station.client.get("/metrics")).text()
        assert 'followed_results_total{result="taken",source="127.0.0.1"} 1.0' in text


async def test_our_own_results_are_recognised_when_they_come_back(
    here: Home, remote: Remote
) -> None:
    ours = [good("1", seconds=3.25), failed("2", started_at=START + 3 * SECOND)]
    for one in ours:
        await here.station.outbox.put(one)  # stored only while the follower waits
    remote.post(
        stat(region="MDW", round_trip_time=3.25),
        stat(region="MDW", round_trip_time=3.5),
        stat(region="MDW", timestamp=T + 3, round_trip_time=0.0, success_rate=0.0),
    )
    remote.now += 10
    await here.look()
    assert (here.follower.numbers.results.own, here.follower.numbers.results.taken) == (2, 1)
    assert len(await here.stored()) == 3


async def test_while_the_store_is_away_nothing_is_taken_and_nothing_lost(
    here: Home, remote: Remote, monkeypatch: pytest.MonkeyPatch
) -> None:
    remote.post(stat())
    remote.now += 10
    store = here.station.here.store

    async def away(*_: object, **__: object) -> None:
        raise StoreError("the store is away")

    with monkeypatch.context() as patched:
        patched.setattr(store, "rows", away)
        await here.follower.look()
        assert here.follower.numbers.problem == "the store is away"
        assert await here.station.outbox.tail(10) == []
    with monkeypatch.context() as patched:
        patched.setattr(following, "PATIENCE", 0.1)
        patched.setattr(store, "write", away)
        await here.station.outbox.put(good("1"))
        await here.follower.look()
        assert "does not have yet what is in the outbox" in (here.follower.numbers.problem or "")
    await here.station.delivered()
    await here.look()
    assert len(await here.stored()) == 2


@pytest.mark.parametrize("keep_delivered", [0, 500])
async def test_killed_before_it_noted_how_far_it_came_it_doubles_nothing(
    tmp_path: Path, remote: Remote, url: str, keep_delivered: int
) -> None:
    remote.post(stat(), stat(), stat(round_trip_time=7.0))
    remote.now += 10
    settings: dict[str, Any] = {"keep_delivered": keep_delivered, "look_back": 3600}
    async with home(tmp_path, remote, url, **settings) as here:
        here.door.dies = True
        await here.follower.look()
        before = await here.stored()
        assert len(before) == 3
    remote.post(stat())
    remote.now += 10
    async with home(tmp_path, remote, url, **settings) as here:
        await here.look()
        assert len(await here.stored()) == 4
        assert await here.put() == 1
        assert here.follower.numbers.results.known == 3


async def test_each_of_several_orchestrators_has_its_own_position(
    tmp_path: Path, remote: Remote, url: str
) -> None:
    remote.post(stat(), stat(orchestrator=BOB), stat(orchestrator=BOB, model="", region="SIN"))
    remote.post(stat(orchestrator="0x" + "C3" * 20))
    remote.now += 10
    async with home(tmp_path, remote, url, [ALICE, "0x" + "B2" * 20]) as here:
        await here.look()
        found = await here.stored()
        assert sorted(one.orchestrator for one in found) == [ALICE, BOB, BOB]
        assert sum(one.transcoding for one in found) == 1
        assert here.follower.numbers.orchestrators == 2


# Leaderboards that mean no good


async def test_a_result_that_cannot_be_read_hides_no_other_and_is_counted_once(
    here: Home, remote: Remote
) -> None:
    remote.post(
        stat(), stat(region=""), stat(timestamp=0), stat(timestamp=T * 1000), stat(errors=[1])
    )
    remote.now += 10
    await here.look()
    remote.now += 10
    await here.look()
    found = here.follower.numbers.results
    assert (found.taken, found.misdated, found.unreadable) == (1, 2, 2)


async def test_a_rate_between_is_no_success(here: Home, remote: Remote) -> None:
    remote.post(stat(success_rate=0.5))
    remote.now += 10
    await here.look()
    assert [one.outcome for one in await here.stored()] == [Outcome.REPORTED_FAILURE]


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (web.Response(body=b"<html>"), "off ours"),
        (web.Response(status=500, text='{"error":"json: unsupported value: NaN"}'), "status 500"),
        (web.Response(headers={"Date": "never"}), "does not tell the time"),
        (web.Response(status=302, headers={"Location": "http://127.0.0.1:1"}), "status 302"),
        (web.Response(body=b"x", headers={"Content-Encoding": "gzip"}), "compressed"),
    ],
)
async def test_answers_that_are_none_are_told_once(
    here: Home,
    remote: Remote,
    caplog: pytest.LogCaptureFixture,
    answer: web.Response,
    said: str,
) -> None:
    remote.post(stat(timestamp=T - 5), at=T - 1)
    remote.answer = answer
    with caplog.at_level(logging.INFO):
        for _ in range(3):
            await here.follower.look()
        assert said in (here.follower.numbers.problem or "")
        remote.answer = None
        await here.look()
    assert [record.message for record in caplog.records if "leaderboard" in record.message] == [
        "a leaderboard cannot be followed and is asked again later",
        "a leaderboard is followed again",
    ]
    assert here.follower.numbers.errors == 3


async def test_an_answer_about_somebody_else_is_refused(
    tmp_path: Path, remote: Remote, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And whom it is about does not keep the others from being followed."""
    wrong = {ALICE: stat(orchestrator=BOB), BOB: stat(orchestrator=BOB)}
    monkeypatch.setattr(remote, "_raw_stats", lambda query: {"FRA": [wrong[query["orchestrator"]]]})
    async with home(tmp_path, remote, url, [ALICE, BOB]) as here:
        await here.follower.look()
        assert "was asked about" in (here.follower.numbers.problem or "")
        assert await here.stored() == []


async def test_a_leaderboard_that_hangs_is_given_up(
    tmp_path: Path, remote: Remote, url: str
) -> None:
    async with home(tmp_path, remote, url, timeout=0.2) as here:
        remote.hanging = True
        await here.follower.look()
        assert "no whole answer within 0.2 s" in (here.follower.numbers.problem or "")


async def test_a_url_that_is_none_is_told_and_fells_nobody(tmp_path: Path, remote: Remote) -> None:
    async with home(tmp_path, remote, "http://999.1.1.1") as here:
        await here.follower.look()
        assert "Invalid IPv4 address" in (here.follower.numbers.problem or "")


async def test_who_fails_again_and_again_is_not_asked_about_everybody(
    tmp_path: Path, remote: Remote, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def broken(query: dict[str, str]) -> object:
        asked.append(query["orchestrator"])
        return []

    monkeypatch.setattr(remote, "_raw_stats", broken)
    everybody = [f"0x{number:040x}" for number in range(8)]
    async with home(tmp_path, remote, url, everybody) as here:
        for _ in range(3):
            await here.follower.look()
    assert asked == [*everybody, everybody[0]]


async def test_large_answers_are_asked_for_in_parts_and_too_many_are_not_believed(
    here: Home, remote: Remote, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leaderboard_client, "CAP", 3)
    for second in range(10):
        remote.post(stat(timestamp=T - second), at=T - second - 1)
    await here.look()
    assert len(await here.stored()) == 10
    monkeypatch.setattr(results, "MOST", 5)
    await here.follower.look()
    assert "which is more than is believed" in (here.follower.numbers.problem or "")
    monkeypatch.setattr(results, "MOST", 100)
    monkeypatch.setattr(results, "MOST_BYTES", 1000)
    await here.follower.look()
    assert "which is more than is believed" in (here.follower.numbers.problem or "")


async def test_a_result_that_is_too_large_is_left_out(here: Home, remote: Remote) -> None:
    remote.post(stat(), stat(response_payload="x" * 2**20))
    remote.now += 10
    await here.look()
    found = here.follower.numbers.results
    assert (found.taken, found.unreadable) == (1, 1)


async def test_names_that_nobody_can_have_do_not_fill_the_store(
    tmp_path: Path, remote: Remote, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "MOST_NAMES", 10)
    remote.post(*(stat(model=f"model-{number}") for number in range(30)))
    remote.post(stat(model="model-3", round_trip_time=1.0))
    remote.now += 10
    async with home(tmp_path, remote, url) as here:
        await here.look()
        found = here.follower.numbers.results
        assert (found.taken, found.surplus) == (11, 20)
        assert len({one.model for one in await here.stored()}) == 10


async def test_pauses_double_are_bounded_and_heed_what_is_asked_for(
    here: Home, remote: Remote
) -> None:
    assert 270 <= here.follower.pause() <= 330
    remote.answer = web.Response(status=503)
    await here.follower.look()
    assert 0.75 * FIRST_PAUSE <= here.follower.pause() <= 1.25 * FIRST_PAUSE
    for _ in range(12):
        await here.follower.look()
    assert 600 <= here.follower.pause() <= 1200
    for wish, pause in (("3000", 3000), ("999999999", LONGEST_WISH)):
        remote.answer = web.Response(status=429, headers={"Retry-After": wish})
        await here.follower.look()
        assert here.follower.pause() == pause
    remote.answer = None
    await here.look()
    assert 270 <= here.follower.pause() <= 330


async def test_what_came_from_elsewhere_already_is_not_taken_again(
    here: Home, remote: Remote
) -> None:
    one, other, twice = (stat(timestamp=T - ago, model=f"m/{ago}") for ago in (300, 200, 100))
    posted = [
        measurement(
            msgspec.convert(each, PostedStat),
            id_=f"p{n}",
            tester="friend",
            received_at=(T - 60) * SECOND,
        )
        for n, each in enumerate((one, twice))
    ]
    await here.station.give(*posted)
    for each in (one, other, twice, twice):
        remote.post(each, at=T - 50)
    await here.look()
    results = here.follower.numbers.results
    assert (results.taken, results.known) == (2, 2)
    found = [(job.origin, job.model) for job in await here.stored()]
    assert sorted(found) == [
        (Origin.FOLLOWED, "m/100"),
        (Origin.FOLLOWED, "m/200"),
        (Origin.POSTED, "m/100"),
        (Origin.POSTED, "m/300"),
    ]


async def test_stations_that_follow_each_other_in_a_circle_double_nothing(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    async with (
        running_station(tmp_path / "one", now=time.time_ns) as one,
        running_station(tmp_path / "two", now=time.time_ns, tester="tester-2") as two,
    ):
        stations = {"one": one, "two": two}
        followers = {
            name: Follower(
                FollowedLeaderboard(
                    url=f"http://127.0.0.1:{other.client.port}", orchestrators=[ALICE]
                ),
                outbox=station.outbox,
                store=station.here.store,
                feed=station.here.feeds[0],
                now=time.time_ns,
                random=Random(1),
            )
            for (name, station), other in zip(stations.items(), (two, one), strict=True)
        }
        at = time.time_ns() - 60 * SECOND
        await one.give(good("a", 1.5, started_at=at), failed("b", started_at=at))
        await two.give(good("c", 2.5, started_at=at), failed("d", started_at=at + SECOND))
        for _ in range(4):
            for name, follower in followers.items():
                await follower.look()
                assert follower.numbers.problem is None
                await stations[name].delivered()
        assert [await each.here.store.count() for each in (one, two)] == [4, 4]


async def test_an_orchestrator_that_nothing_is_known_of_is_named_once(
    tmp_path: Path, remote: Remote, url: str, caplog: pytest.LogCaptureFixture
) -> None:
    remote.post(stat(timestamp=T - 5), at=T - 1)
    async with home(tmp_path, remote, url, (ALICE, BOB)) as here:
        for _ in range(2):
            await here.look()
            remote.now += 300
    said = [one for one in caplog.records if "has no results" in one.message]
    assert [vars(one)["orchestrator"] for one in said] == [BOB]
