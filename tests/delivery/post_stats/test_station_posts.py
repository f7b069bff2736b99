"""A whole station that posts to another leaderboard."""

import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from exporter.cli.outbox import retry, status
from exporter.delivery.feed import Feed
from tests.delivery.post_stats.original import SECRET, Fault, Original, serving
from tests.measurements import good
from tests.stations import ALICE, Station, offer, running_station
from tests.waiting import until


@pytest.fixture
async def original() -> AsyncIterator[Original]:
    async with serving(time.time) as served:
        yield served


def posting_to(original: Original) -> dict[str, object]:
    return {"post_to": [{"url": original.url, "secret": SECRET}]}


def post_feed(station: Station) -> Feed:
    return station.here.feeds[-2]


def name_of(original: Original) -> str:
    return "post_stats " + original.url.removeprefix("http://")


async def test_a_station_posts_and_tells_how_that_goes(tmp_path: Path, original: Original) -> None:
    async with running_station(tmp_path, leaderboard=posting_to(original)) as station:
        original.faults.append(Fault.ERROR_AFTER)
        await station.supplied(offer(ALICE))
        await station.give(good("a", 2.5, request="a"), good("b", 3.5, request="b"))
        assert original.count() == {"a": 1, "b": 1}
        name = name_of(original)
        status = await station.json("/api/v1/status")
        assert status["consumers"][-2]["name"] == name
        assert status["consumers"][-2]["posted"] == {"sent": 1, "found": 1, "refused": 0}
        assert "posted" not in status["consumers"][0]
        metrics = await (await station.client.get("/metrics")).text()
        results = "livepeer_ai_tester_posted_results_total"
        assert f'{results}{{consumer="{name}",result="found"}} 1.0' in metrics
        assert (await station.json("/readyz"))["checks"][f"consumer {name}"] == "ok"


async def test_a_leaderboard_that_refuses_delays_nobody_and_is_told(
    tmp_path: Path, original: Original
) -> None:
    regions, original.regions = original.regions, []
    async with running_station(tmp_path, leaderboard=posting_to(original)) as station:
        await station.supplied(offer(ALICE))
        seq = await station.outbox.put(good("a", request="a"))
        await until(lambda: station.here.feeds[0].position == seq)
        assert await station.here.store.count() == 1
        await until(lambda: post_feed(station).problem is not None)
        (reason,) = (await station.json("/readyz", status=503))["reasons"]
        assert reason.startswith(f"consumer {name_of(original)}: {original.url} has no region")
        consumers = (await station.json("/api/v1/status"))["consumers"]
        assert (consumers[0]["lag"], consumers[-2]["lag"]) == (0, 1)
        original.regions = regions
        await station.delivered()
        assert original.count() == {"a": 1}
        assert (await station.json("/readyz"))["ready"] is True


async def test_a_new_leaderboard_gets_no_history_and_one_that_was_dropped_is_not_waited_for(
    tmp_path: Path, original: Original
) -> None:
    async with running_station(tmp_path) as station:
        await station.give(good("history", request="history"))
    async with running_station(tmp_path, leaderboard=posting_to(original)) as station:
        await station.give(good("a", request="a"))
    shown = CliRunner().invoke(status, ["--data", str(tmp_path)]).stdout
    assert name_of(original) in shown
    async with running_station(tmp_path) as station:
        await station.give(good("meanwhile", request="meanwhile"))
        assert await station.outbox.cursor(name_of(original)) == 0
    async with running_station(tmp_path, leaderboard=posting_to(original)) as station:
        await station.give(good("b", request="b"))
    assert original.count() == {"a": 1, "b": 1}


async def test_what_was_refused_is_posted_when_somebody_wants_it_offered_again(
    tmp_path: Path, original: Original
) -> None:
    refused = original.refused
    async with running_station(tmp_path, leaderboard=posting_to(original)) as station:
        original.refused = {"bad": (400, "json: no"), "worse": (413, "too large")}
        await station.give(*(good(word, request=word) for word in ("a", "bad", "b", "worse")))
        assert await station.outbox.dead_letters() == {name_of(original): 2}
        original.refused = {"worse": (413, "still too large")}
        offer_again(tmp_path)
        await station.delivered()
        assert original.count() == {"a": 1, "b": 1, "bad": 1}
        assert await station.outbox.dead_letters() == {name_of(original): 1}
    original.refused = refused
    offer_again(tmp_path)
    async with running_station(tmp_path, leaderboard=posting_to(original)) as station:
        repost = station.here.posts[-1]
        await until(lambda: bool(original.questions))
        assert (repost.posted.sent, original.count()["worse"]) == (0, 0)
        assert await station.here.feeds[-1].pending() == 1


def offer_again(data: Path) -> None:
    assert CliRunner().invoke(retry, ["--all", "--data", str(data)]).exit_code == 0
