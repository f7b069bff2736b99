"""Results of another leaderboard, one of our own kind and hostile ones."""

import asyncio
import tracemalloc
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from exporter.model import Blame, Measurement, Origin, Outcome, Phases, Reported, ReportedError
from exporter.moving import MovingError, from_leaderboard, leaderboard_client
from exporter.moving.from_leaderboard import (
    deliver,
    fetch,
    store_now,
    stored_by_station,
    what,
    whom,
)
from exporter.moving.importing import Imported
from exporter.moving.leaderboard_client import (
    EVERY_MODEL,
    TRANSCODING,
    Leaderboard,
    Model,
    RefusedError,
    Span,
)
from exporter.moving.spool import Spool
from exporter.outbox import Outbox
from exporter.settings.leaderboard import FollowedLeaderboard
from exporter.stores import Store
from tests.measurements import SECOND, START, failed, good
from tests.moving.stores import everything, rows, stored
from tests.stations import ALICE, BOB, NOW, Station, running_station

SPAN = Span(START // SECOND - 3600, START // SECOND + 3600)
SD = Model("Text to image", "stabilityai/sd-turbo")
STAT = {
    "region": "FRA",
    "orchestrator": ALICE,
    "success_rate": 1,
    "round_trip_time": 2.5,
    "errors": None,
    "timestamp": START // SECOND,
    "pipeline": SD.pipeline,
    "model": SD.model,
}


@pytest.fixture
async def other(tmp_path: Path) -> AsyncIterator[Station]:
    """Another station, that has results of its own."""
    (tmp_path / "other").mkdir()
    async with running_station(tmp_path / "other") as station:
        await station.give(
            good("1"),
            good("2", started_at=START + SECOND, seconds=3.25, response="{}"),
            failed("3", orchestrator=BOB, started_at=START + 2 * SECOND),
            good("4", orchestrator=BOB, model="other/model"),
        )
        yield station


@asynccontextmanager
async def home(folder: Path) -> AsyncIterator[tuple[Outbox, Store]]:
    outbox = Outbox.open(folder / "outbox.sqlite", max_bytes=2**24, keep_delivered=10)
    async with stored(folder / "store.duckdb") as store:
        yield outbox, store
    await outbox.close()


async def brought(url: str, outbox: Outbox, store: Store, span: Span = SPAN) -> Any:
    leaderboard = Leaderboard(url)
    with Spool.open() as spool:
        models = await what(leaderboard, span)
        orchestrators, refused = await whom(leaderboard, models, span)
        assert refused == []
        found = await fetch(
            leaderboard,
            orchestrators,
            models,
            span,
            stored=store,
            spool=spool,
            now=NOW,
        )
        done = await deliver(store, spool, outbox, lambda _: store_now(outbox, store))
    return found, done


def url_of(station: Station) -> str:
    return str(station.client.make_url("/"))


async def test_a_leaderboard_is_brought_in_whole_and_once(other: Station, tmp_path: Path) -> None:
    async with home(tmp_path) as (outbox, store):
        found, done = await brought(url_of(other), outbox, store)
        assert (found.stats, found.own, found.misdated) == (4, 0, 0)
        assert (done.added, done.whole) == (4, True)
        first = await everything(store)
        assert {row.outbox for row in first} == {outbox.id}
        _, done = await brought(url_of(other), outbox, store)
        assert (done.added, done.whole) == (0, True)
        assert await everything(store) == first


async def test_provenance_and_spelling_are_kept(other: Station, tmp_path: Path) -> None:
    async with home(tmp_path) as (outbox, store):
        await brought(url_of(other), outbox, store)
        found = {row.measurement.started_at: row.measurement for row in await everything(store)}
    one, bad = found[START + SECOND], found[START + 2 * SECOND]
    assert msgspec.structs.replace(one, id="") == Measurement(
        id="",
        origin=Origin.IMPORTED,
        tester="127.0.0.1",
        region="MDW",
        orchestrator=ALICE,
        pipeline="text-to-image",
        model="stabilityai/sd-turbo",
        started_at=START + SECOND,
        outcome=Outcome.OK,
        response="{}",
        reported=Reported(
            pipeline="Text to image",
            success_rate=1.0,
            round_trip_time=3.25,
            timestamp=START // SECOND + 1,
            errors=(),
        ),
    )
    assert (bad.outcome, bad.blame, bad.success_rate) == (
        Outcome.REPORTED_FAILURE,
        Blame.ORCHESTRATOR,
        0.0,
    )
    assert bad.message == "no answer in time"
    assert bad.phases == Phases(upload=SECOND)
    assert bad.reported is not None
    assert bad.reported.errors == (ReportedError("inference_timeout", "no answer in time", 1),)


async def test_our_own_results_are_recognised(other: Station, tmp_path: Path) -> None:
    async with home(tmp_path) as (outbox, store):
        own = [good("1"), failed("3", orchestrator=BOB, started_at=START + 2 * SECOND)]
        await store.add(rows(own))
        found, done = await brought(url_of(other), outbox, store)
        assert (found.stats, found.own, done.added) == (4, 2, 2)


async def test_an_address_is_taken_in_any_spelling(other: Station, tmp_path: Path) -> None:
    spelled = "0x" + ALICE[2:].upper()
    async with home(tmp_path) as (_, store):
        await store.add(rows([good("1")]))
        with Spool.open() as spool:
            leaderboard = Leaderboard(url_of(other))
            found = await fetch(
                leaderboard, [spelled], [SD], SPAN, stored=store, spool=spool, now=NOW
            )
        assert (found.stats, found.own) == (2, 1)


async def test_answers_that_may_be_cut_off_are_asked_for_in_parts(
    other: Station, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leaderboard_client, "CAP", 2)
    async with home(tmp_path) as (outbox, store):
        found, done = await brought(url_of(other), outbox, store)
        assert (found.stats, done.added, done.whole) == (4, 4, True)


async def test_too_many_in_one_second_is_told(
    other: Station, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leaderboard_client, "CAP", 1)
    async with home(tmp_path) as (outbox, store):
        with pytest.raises(MovingError, match="which it has in one second alone"):
            await brought(url_of(other), outbox, store)


async def test_every_ai_model_is_asked_for_at_once_and_nothing_else_is_taken(
    other: Station,
) -> None:
    leaderboard = Leaderboard(url_of(other))
    asked = leaderboard.stats(BOB, EVERY_MODEL, SPAN)
    found = {stat.model for part in [part async for part in asked] for stat in part}
    assert found == {SD.model, "other/model"}
    async with hostile(saying({"FRA": [{**STAT, "model": ""}]})) as url:
        with pytest.raises(MovingError, match=r"was asked about 0xa1\w+ AI jobs and answers about"):
            _ = [part async for part in Leaderboard(url).stats(ALICE, EVERY_MODEL, SPAN)]


async def test_a_stat_that_cannot_be_read_need_not_hide_the_others() -> None:
    bad: list[bytes] = []
    async with hostile(saying({"FRA": [STAT, {"region": ""}, STAT]})) as url:
        leaderboard = Leaderboard(url)
        (part,) = [
            part
            async for part in leaderboard.stats(ALICE, EVERY_MODEL, SPAN, unreadable=bad.append)
        ]
    assert (len(part), bad) == (2, [b'{"region": ""}'])


async def test_the_clock_of_a_leaderboard_and_its_wish_to_be_left_alone_are_read() -> None:
    said = {"Date": "Tue, 15 Nov 1994 08:12:31 GMT"}
    status = 200

    async def answer(_: web.Request) -> web.StreamResponse:
        return web.Response(status=status, headers=said)

    async with hostile(answer) as url:
        leaderboard = Leaderboard(url)
        assert await leaderboard.clock() == 784887151
        for nonsense in ("", "yesterday", "Tue, 15 Nov 99999 08:12:31 GMT"):
            said = {"Date": nonsense}
            with pytest.raises(MovingError, match="does not tell the time"):
                await leaderboard.clock()
        status = 429
        for text, seconds in (("120", 120), ("soon", None), ("-1", None), ("9" * 9, 10**6)):
            said = {"Retry-After": text}
            with pytest.raises(RefusedError) as refused:
                await leaderboard.clock()
            assert refused.value.retry_after == seconds


async def test_windows_are_halved_without_gap_or_overlap() -> None:
    first, second = Span(10, 21).halves()
    assert (first, second) == (Span(10, 15), Span(15, 21))
    assert first.asked() == {"since": "10", "until": "14.9999995"}


# Servers that mean no good


Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def hostile(answer: Answer) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    async with TestServer(app) as server:
        yield str(server.make_url("/"))


def saying(raw_stats: object) -> Answer:
    async def answer(request: web.Request) -> web.StreamResponse:
        match request.path:
            case "/api/pipelines":
                models = [{"id": SD.pipeline, "models": [SD.model], "regions": ["FRA"]}]
                return web.json_response({"pipelines": models})
            case "/api/aggregated_stats":
                return web.json_response({ALICE: {"FRA": {}}, "<script>": {}})
        if request.query["job_type"] == "transcoding":
            return web.json_response({})
        if isinstance(raw_stats, bytes):
            return web.Response(body=raw_stats)
        return web.json_response(raw_stats)

    return answer


async def brought_from(tmp_path: Path, answer: Answer) -> tuple[Any, Imported, list[Measurement]]:
    async with hostile(answer) as url, home(tmp_path) as (outbox, store):
        found, done = await brought(url, outbox, store)
        return found, done, [row.measurement for row in await everything(store)]


@pytest.mark.parametrize(
    ("raw_stats", "said"),
    [
        (b"<html>", "is no answer of a leaderboard: JSON is malformed"),
        (b'{"FRA": [', "is no answer of a leaderboard"),
        ([], "Expected `object`, got `array`"),
        ({"FRA": [{**STAT, "success_rate": "1"}]}, "stat 0 is none .* Expected `float`, got `str`"),
        ({"FRA": [{**STAT, "timestamp": 1.5}]}, "Expected `int`, got `float`"),
        ({"FRA": [{**STAT, "timestamp": 2**63}]}, r"Expected `int` <= 9223372036854775807"),
        ({"FRA": [{**STAT, "region": "F" * 61}]}, "Expected `str` of length <= 60"),
        ({"FRA": [{**STAT, "model": "m" * 301}]}, "Expected `str` of length <= 300"),
        ({"FRA": [{"region": "FRA"}]}, "missing required field"),
        (b'{"FRA": [' + b"[" * 100_000, "is no answer of a leaderboard"),
        (b'{"FRA": [{"success_rate": 1e999}]}', "out of range"),
        (b"\xff", "is no answer of a leaderboard"),
        (b"[" * 100_000, "is no answer of a leaderboard"),
        ({"FRA": [{**STAT, "orchestrator": BOB}]}, "was asked about 0xa1.* answers about 0xb2"),
        ({"FRA": [{**STAT, "model": "\x1b[2J"}]}, "answers about"),
    ],
)
async def test_answers_that_are_none(tmp_path: Path, raw_stats: object, said: str) -> None:
    with pytest.raises(MovingError, match=said):
        await brought_from(tmp_path, saying(raw_stats))


async def test_equal_stats_are_as_many_measurements(tmp_path: Path) -> None:
    answer = saying({"FRA": [STAT, STAT], "LAX": [{**STAT, "region": "LAX"}]})
    _, done, found = await brought_from(tmp_path, answer)
    assert (done.added, len({one.id for one in found})) == (3, 3)


async def test_stats_of_no_time_of_ours_are_left_out(tmp_path: Path) -> None:
    times = [0, -1, START // SECOND * 1000, START // SECOND + 200_000, START // SECOND]
    answer = saying({"FRA": [{**STAT, "timestamp": at} for at in times]})
    found, done, _ = await brought_from(tmp_path, answer)
    assert (found.misdated, done.added) == (4, 1)


async def test_a_rate_between_is_kept_and_no_success(tmp_path: Path) -> None:
    _, _, (one,) = await brought_from(tmp_path, saying({"FRA": [{**STAT, "success_rate": 0.5}]}))
    assert (one.outcome, one.success_rate) == (Outcome.REPORTED_FAILURE, 0.5)


async def test_transcoding_is_brought_in(tmp_path: Path) -> None:
    stat = {
        **{name: STAT[name] for name in ("orchestrator", "success_rate", "round_trip_time")},
        "region": "SIN",
        "errors": [None],
        "timestamp": STAT["timestamp"],
        "seg_duration": 2,
        "segments_sent": 4,
        "segments_received": 4,
    }

    async def answer(request: web.Request) -> web.StreamResponse:
        match request.path:
            case "/api/pipelines":
                return web.json_response({"pipelines": []})
            case "/api/aggregated_stats":
                return web.json_response({ALICE: {}})
        return web.json_response({"SIN": [stat]})

    _, done, (one,) = await brought_from(tmp_path, answer)
    assert done.whole
    assert one.transcoding
    assert one.reported is not None
    assert (one.reported.seg_duration, one.reported.segments_sent) == (2.0, 4)
    assert one.reported.errors == (ReportedError(),)


async def test_a_redirect_is_not_followed(tmp_path: Path) -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        raise web.HTTPFound(f"http://127.0.0.1:1{request.path}")

    with pytest.raises(MovingError, match="status 302"):
        await brought_from(tmp_path, answer)


async def test_a_model_whose_scores_are_not_defined_hides_nobody_else() -> None:
    """The original answers 500 for a model all of whose jobs failed in no time."""

    async def answer(request: web.Request) -> web.StreamResponse:
        if "model" in request.query:
            text = '{"error":"json: unsupported value: NaN"}\n'
            return web.Response(status=500, text=text)
        return web.json_response({ALICE: {}})

    async with hostile(answer) as url:
        found, (refused,) = await whom(Leaderboard(url), [SD, TRANSCODING], SPAN)
    assert found == [ALICE]
    assert refused.endswith('status 500: {"error":"json: unsupported value: NaN"}')


async def test_the_outbox_is_emptied_on_the_way(
    other: Station, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(from_leaderboard, "_AT_ONCE", 1)
    async with home(tmp_path) as (outbox, store):
        _, done = await brought(url_of(other), outbox, store)
        assert (done.added, done.whole) == (4, True)


async def test_a_station_that_stores_nothing_is_not_waited_for_for_ever(tmp_path: Path) -> None:
    async with home(tmp_path) as (outbox, _):
        last = await outbox.put(good("1"))
        with pytest.raises(MovingError, match=r"the station has stored nothing for 0\.3 s"):
            await stored_by_station(outbox, last, patience=0.3)


async def test_an_endless_answer_is_cut_off() -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        try:
            while True:
                await response.write(b" " * 65536)
        except ConnectionError:
            return response

    async with hostile(answer) as url:
        leaderboard = Leaderboard(url, limit=2**20)
        with pytest.raises(MovingError, match="is larger than 1048576 bytes"):
            await leaderboard.models(SPAN)
        with pytest.raises(MovingError, match="one second alone"):
            _ = [part async for part in leaderboard.stats(ALICE, SD, Span(10, 13))]


@pytest.mark.parametrize(("limit", "cap"), [(2**19, 100), (2**21, 1)])
async def test_answers_that_are_too_large_are_not_kept_while_it_is_asked_for_parts(
    limit: int, cap: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leaderboard_client, "CAP", cap)
    body = b'{"FRA":["%s"]}' % (b"x" * 2**20)

    async def answer(request: web.Request) -> web.StreamResponse:
        whole = float(request.query["until"]) - float(request.query["since"]) > 1
        return web.Response(body=body if whole else b"{}")

    async with hostile(answer) as url:
        leaderboard = Leaderboard(url, limit=limit)
        tracemalloc.start()
        try:
            async with aclosing(leaderboard.stats(ALICE, SD, Span(0, 2**12))) as parts:
                assert await anext(parts) == []
                kept, _ = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert kept < 4 * 2**20, "of 12 answers of 1 MiB each"


async def test_a_silent_server_is_given_up() -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        while request.transport is not None and not request.transport.is_closing():
            await response.write(b" ")
            await asyncio.sleep(0.01)
        return response

    async with hostile(answer) as url:
        with pytest.raises(MovingError, match=r"no whole answer within 0\.2 s"):
            await Leaderboard(url, timeout=0.2).models(SPAN)


@pytest.mark.parametrize(
    "url",
    [
        *("ftp://a.example", "file:///etc/passwd", "a.example", "https://", "http://u:p@a.example"),
        *("https://a.example/?x=1", "http://[::1", "https://a.example/#x", "https://xn--.example"),
    ],
)
def test_urls_that_are_not_asked(url: str) -> None:
    with pytest.raises(MovingError, match="the leaderboard"):
        Leaderboard(url)


@pytest.mark.parametrize(
    "url", ["https://Xn--bcher-kva.example", "https://b\u00fccher.example", "http://[::1]:80/sub"]
)
def test_the_tester_is_who_the_settings_of_following_say_that_it_is(url: str) -> None:
    followed = FollowedLeaderboard.model_validate({"url": url, "orchestrators": [ALICE]})
    assert Leaderboard(url).host == followed.host


def test_the_tester_is_the_host() -> None:
    leaderboard = Leaderboard("https://leaderboard.example.org:8443/sub/")
    assert (leaderboard.base, leaderboard.host) == (
        "https://leaderboard.example.org:8443/sub",
        "leaderboard.example.org",
    )
    assert TRANSCODING.asked() == {"job_type": "transcoding"}
