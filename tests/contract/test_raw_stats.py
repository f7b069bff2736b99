"""`raw_stats` of the leaderboard's contract: shape, order, job types, and long answers."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from aiohttp import ClientSession
from msgspec.structs import replace
from yarl import URL

from exporter.model import Measurement, Origin, Outcome, Reported
from exporter.serving import listening
from exporter.stores import Row
from exporter.stores.embedded import EmbeddedStore
from exporter.web import raw_stats
from exporter.web.app import build_app
from tests.contract.conftest import A, B, C, Leaderboard, leaderboard
from tests.measurements import START, failed, good
from tests.stations import NOW

AI = {"model": "m/one", "pipeline": "Text to image"}


async def test_stats_come_by_region_newest_first_by_receipt(board: Leaderboard) -> None:
    for number, region in enumerate(["LAX", "FRA", "LAX", "FRA", "LAX"]):
        await board.post(
            region=region, orchestrator=A, timestamp=100 - number, segments_sent=number + 1
        )
        if number > 1:
            board.clock.move(0.25)
    body = await board.read("raw_stats", orchestrator=A)
    assert body.index(b'"FRA":[') < body.index(b'"LAX":['), "regions are in order"
    found = {
        region: [one["segments_sent"] for one in stats]
        for region, stats in msgspec.json.decode(body).items()
    }
    assert found == {"FRA": [4, 2], "LAX": [5, 3, 1]}
    assert await board.ask("raw_stats", orchestrator=A, region="fra") == {
        "FRA": msgspec.json.decode(body)["FRA"]
    }


async def test_job_type_and_filters_choose_the_stats(board: Leaderboard) -> None:
    await board.post_all(
        {"region": "FRA", "orchestrator": A, **AI},
        {"region": "LAX", "orchestrator": A, **AI, "model": "m/two"},
        {"region": "FRA", "orchestrator": A, **AI, "pipeline": "LLM"},
        {"region": "SIN", "orchestrator": A},
        {"region": "STO", "orchestrator": A, "model": "m/one"},
        {"region": "TOR", "orchestrator": A, "pipeline": "Text to image"},
        {"region": "FRA", "orchestrator": B, **AI},
    )
    one = "model=m/one&pipeline=Text+to+image"
    for query, found in {
        "": {"SIN": 1, "STO": 1, "TOR": 1},
        "job_type=transcoding": {"SIN": 1, "STO": 1, "TOR": 1},
        "region=sto": {"STO": 1},
        "region=fra": {},
        "job_type=ai": {"FRA": 2, "LAX": 1},
        "job_type=ai&region=lax": {"LAX": 1},
        one: {"FRA": 1},
        f"{one}&job_type=transcoding": {},
        "model=m/two&pipeline=Text+to+image": {"LAX": 1},
        "model=m/one&pipeline=LLM": {"FRA": 1},
        "model=m/two&pipeline=LLM": {},
        "model=m/one&pipeline=text-to-image": {"FRA": 1},
    }.items():
        for window in ("", "&since=0"):
            for orchestrator in (A, A.upper()):
                asked = f"raw_stats?orchestrator={orchestrator}&{query}{window}"
                stats = await board.ask(asked)
                assert {region: len(some) for region, some in stats.items()} == found, asked


async def test_the_spelling_of_an_address_decides_who_is_found(board: Leaderboard) -> None:
    names = [A, C, C.lower(), " " + A, "runner-1", "Runner-1", "RUNNER", "x" * 56, "0X" + A[2:]]
    await board.post_all(*({"region": "FRA", "orchestrator": name} for name in names))
    assert sorted(await board.ask("aggregated_stats")) == sorted(names)
    for name in names:
        lower = name == name.lower()
        stats = await board.ask("raw_stats", orchestrator=name)
        asked = name.lower()
        expected = [asked] if asked in names else []
        assert [one["orchestrator"] for one in stats.get("FRA", [])] == expected, name
        scores = await board.ask("aggregated_stats", orchestrator=name)
        assert list(scores) == expected, name
        assert lower is (name in expected)


async def test_only_what_counts_of_ours_is_given(board: Leaderboard) -> None:
    await board.station.give(
        good("1", 2.5, orchestrator=A),
        failed("2", orchestrator=A),
        failed("3", Outcome.LANE_FAILED, None, orchestrator=A),
        failed("4", Outcome.NO_CAPACITY, None, orchestrator=A),
        good("5", 2.5, orchestrator="my-runner"),
        good("6", 2.5, orchestrator=B, model="m/two"),
    )
    stats = await board.ask("raw_stats", orchestrator=A, job_type="ai")
    assert sorted((one["success_rate"], one["round_trip_time"]) for one in stats["MDW"]) == [
        (0, 0),
        (1, 2.5),
    ]
    assert {one["pipeline"] for one in stats["MDW"]} == {"Text to image"}
    assert await board.ask("raw_stats", orchestrator="my-runner", job_type="ai") == {}
    everyone = await board.ask("aggregated_stats?job_type=ai")
    assert list(everyone) == [A, B]
    # The failed one, which has no round trip, is no job that took 0 seconds.
    asked = await board.ask(
        "aggregated_stats", pipeline="Text to image", model="stabilityai/sd-turbo"
    )
    assert asked[A]["MDW"] == {
        "success_rate": 0.5,
        "round_trip_score": 0.8,
        "score": pytest.approx(0.65 * 0.5 + 0.35 * 0.8),
    }


def posted(number: int) -> Measurement:
    return good(
        f"{number:036}",
        origin=Origin.POSTED,
        tester="friend",
        region=("FRA", "LAX", "MDW")[number % 3],
        started_at=START + number // 2 * 1000,
        reported=Reported(success_rate=1.0, timestamp=number, segments_sent=number or None),
        orchestrator=A,
    )


async def test_a_long_answer_is_streamed_in_the_very_bytes_of_a_short_one(
    board: Leaderboard, monkeypatch: pytest.MonkeyPatch
) -> None:
    many = raw_stats.SHORT + 500
    await board.station.give(*(posted(number) for number in range(many)))
    target = f"/api/raw_stats?orchestrator={A}&job_type=ai"
    response = await board.station.client.get(target)
    streamed = await response.read()
    assert response.headers["Transfer-Encoding"] == "chunked"
    headers = dict(response.headers)
    stats = msgspec.json.decode(streamed)
    assert list(stats) == ["FRA", "LAX", "MDW"]
    assert sum(map(len, stats.values())) == many
    for some in stats.values():
        numbers = [one["timestamp"] for one in some]
        assert numbers == sorted(numbers, reverse=True)
    only = await board.read(f"raw_stats?orchestrator={A}&job_type=ai&region=lax")
    assert msgspec.json.decode(only) == {"LAX": stats["LAX"]}
    head = await board.station.client.head(target)
    assert (head.status, await head.read()) == (200, b"")
    board.station.here.computed.forget()
    monkeypatch.setattr(raw_stats, "SHORT", many)
    response = await board.station.client.get(target)
    assert "Content-Length" in response.headers
    assert await response.read() == streamed
    shared = headers.keys() - {"Transfer-Encoding", "Date"}
    assert shared == response.headers.keys() - {"Content-Length", "Date"}
    assert all(headers[name] == response.headers[name] for name in shared)


async def test_a_stream_leaves_out_who_is_spelled_otherwise_and_may_be_empty(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(raw_stats, "SHORT", 3)
    monkeypatch.setattr(raw_stats, "PAGE", 2)
    async with leaderboard(tmp_path) as board:
        stats = [
            {"region": region, "orchestrator": name}
            for region in ("FRA", "LAX", "MDW")
            for name in (C, C, C, C.lower() if region == "LAX" else C, C, C)
        ]
        await board.post_all(*stats)
        found = await board.ask("raw_stats", orchestrator=C)
        assert {region: len(some) for region, some in found.items()} == {"LAX": 1}
        await board.post_all(*({"region": "FRA", "orchestrator": A.upper()} for _ in range(9)))
        assert await board.read("raw_stats", orchestrator=A) == b"{}"


async def test_more_rows_than_one_answer_holds_are_503_in_plain_text(tmp_path: Path) -> None:
    async with leaderboard(tmp_path, max_rows=5) as board:
        await board.station.give(*(posted(number) for number in range(6)))
        target = f"/api/raw_stats?orchestrator={A}&job_type=ai"
        response = await board.station.client.get(target)
        said = await response.text()
        assert response.status == 503
        assert said.startswith("503 6 stats are more than one answer holds (5)")
        assert response.headers["Content-Type"] == "text/plain; charset=utf-8"
        assert response.headers["Access-Control-Allow-Origin"] == "*"
        assert (await board.station.client.get(f"{target}&region=fra")).status == 200
        assert (await board.station.client.get(f"{target}&since={NOW}")).status == 200
        metrics = await (await board.station.client.get("/metrics")).text()
        assert 'reason="too many rows"} 1' in metrics


@asynccontextmanager
async def asking_in_vain(url: str, target: str) -> AsyncIterator[None]:
    """Somebody who asks, and of the answer reads the first bytes alone."""
    loop = asyncio.get_running_loop()
    with socket.socket() as mine:
        mine.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        mine.setblocking(False)
        address = ("127.0.0.1", URL(url).port)
        await loop.sock_connect(mine, address)
        await loop.sock_sendall(mine, f"GET {target} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        assert (await loop.sock_recv(mine, 12)).endswith(b" 200")
        yield


async def test_who_hangs_up_or_never_reads_a_long_answer_keeps_nobody_from_theirs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(raw_stats, "SHORT", 3)
    monkeypatch.setattr(raw_stats, "STREAMS", 1)
    monkeypatch.setattr(raw_stats, "SLOWEST", 0.3)
    target = f"/api/raw_stats?orchestrator={A}&job_type=ai"
    async with leaderboard(tmp_path) as board:
        await board.station.give(
            *(replace(posted(number), response="x" * 2**15) for number in range(600))
        )
        app = build_app(board.station.here)
        async with (
            listening(app, "127.0.0.1:0", "station.listen") as url,
            ClientSession() as client,
        ):
            async with asking_in_vain(url, target):
                response = await client.get(f"{url}{target}")
                assert len(msgspec.json.decode(await response.read())) == 3
            assert caplog.messages == ["a long answer was broken off"]
            async with asking_in_vain(url, target):
                pass
            response = await client.get(f"{url}{target}")
            assert len(msgspec.json.decode(await response.read())) == 3
    assert caplog.messages == ["a long answer was broken off"]


async def test_the_store_is_asked_about_few_long_answers_at_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(raw_stats, "SHORT", 3)
    monkeypatch.setattr(raw_stats, "STREAMS", 2)
    asking, most = 0, 0
    regions = EmbeddedStore.regions

    async def seen(*about: Any, **more: Any) -> dict[str, int]:
        nonlocal asking, most
        asking += 1
        most = max(most, asking)
        try:
            return await regions(*about, **more)
        finally:
            asking -= 1

    monkeypatch.setattr(EmbeddedStore, "regions", seen)
    async with leaderboard(tmp_path) as board:
        await board.station.give(*(posted(number) for number in range(9)))
        asked = (board.ask("raw_stats", orchestrator=A, job_type="ai") for _ in range(20))
        answers = await asyncio.gather(*asked)
    assert {sum(map(len, answer.values())) for answer in answers} == {9}
    assert most == 2


async def test_of_long_stats_few_are_held_at_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(raw_stats, "FIRST", 4)
    monkeypatch.setattr(raw_stats, "ROOM", 10_000)
    limits: list[int] = []
    newest = EmbeddedStore.newest

    async def seen(*about: Any, limit: int, **more: Any) -> list[Row]:
        limits.append(limit)
        return await newest(*about, limit=limit, **more)

    monkeypatch.setattr(EmbeddedStore, "newest", seen)
    target = f"/api/raw_stats?orchestrator={A}&job_type=ai&region=fra"
    async with leaderboard(tmp_path) as board:
        jobs = [replace(posted(number), region="FRA") for number in range(30)]
        await board.station.give(*(replace(job, response="x" * 3000) for job in jobs))
        response = await board.station.client.get(target)
        assert response.headers["Transfer-Encoding"] == "chunked"
        (found,) = msgspec.json.decode(await response.read()).values()
        assert [one["timestamp"] for one in found] == list(reversed(range(30)))
        assert limits == [4, *[2] * 16], "how long they are is known from the first page"

        limits.clear()
        response = await board.station.client.get(f"{target}&since={START // 10**9 + 1}")
        assert (response.headers["Content-Length"], limits) == ("2", [2])
