"""Our own results at a second station of ours, over a wire that breaks."""

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random
from typing import Any

import pytest

from exporter.delivery import feed
from exporter.delivery.post_stats.consumer import PostStats
from exporter.following.follower import Follower
from exporter.leaderboard import legacy
from exporter.model import Measurement, Origin
from exporter.stores import Where, Window
from tests.measurements import failed, good
from tests.stations import ALICE, BOB, Station, running_station
from tests.stored import newest
from tests.waiting import eventually

SECRET = "between the two"
EVER = Window(0, 2**62)
LAG = 2.0
"""Seconds instead of 90 after which an answer is believed: the second station's are never older."""


class BreakingWire:
    """Forwards connections to a server, and breaks some of them, before or after the answer."""

    def __init__(self, host: str, port: int, chance: Random) -> None:
        self.broken: Counter[str] = Counter()
        self.breaks = 0.3
        self._host, self._port = host, port
        self._chance = chance

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there_reader, there_writer = await asyncio.open_connection(self._host, self._port)
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            await self._forward(reader, writer, there_reader, there_writer)
        for end in (writer, there_writer):
            end.transport.abort()

    async def _forward(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        there_reader: asyncio.StreamReader,
        there_writer: asyncio.StreamWriter,
    ) -> None:
        while True:
            request = await _message(reader)
            fate = "none"
            if request.startswith(b"POST") and self._chance.random() < self.breaks:
                fate = self._chance.choice(["request", "answer", "answer"])
                self.broken[fate] += 1
            if fate == "request":
                return
            there_writer.write(request)
            answer = await _message(there_reader)
            if fate == "answer":
                return
            writer.write(answer)


async def _message(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    length = 0
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            length = int(line.partition(b":")[2])
    return head + await reader.readexactly(length)


@asynccontextmanager
async def wire_to(station: Station, chance: Random) -> AsyncIterator[tuple[BreakingWire, str]]:
    wire = BreakingWire("127.0.0.1", station.client.port or 0, chance)
    server = await asyncio.start_server(wire.handle, "127.0.0.1", 0)
    try:
        yield wire, f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()


def jobs(number: int) -> list[Measurement]:
    """Good jobs and failures, some of them alike in all that is told of them."""
    at = time.time_ns()
    return [
        good(f"g{n}", 0.1 + n / 7, orchestrator=(ALICE, BOB)[n % 2], started_at=at, request=f"{n}")
        for n in range(number)
    ] + [failed(f"f{n}", started_at=at, phases=failed("x").phases) for n in range(number // 3)]


def told(measurements: list[Measurement]) -> Counter[str]:
    return Counter(repr(legacy.stat(one)) for one in measurements)


@pytest.mark.timeout(240)
async def test_each_result_is_at_the_other_station_once_however_often_the_wire_breaks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(PostStats.__init__.__kwdefaults__ or {}, "lag", LAG)
    monkeypatch.setattr(feed, "LONGEST_PAUSE", 0.3)
    seed = Random().randrange(10**6)
    print(f"seed {seed}")  # noqa: T201
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    secrets: dict[str, Any] = {"secrets": [{"name": "one", "secret": SECRET}]}
    async with (
        running_station(tmp_path / "two", now=time.time_ns, leaderboard=secrets) as two,
        wire_to(two, Random(seed)) as (wire, url),
    ):
        targets: dict[str, Any] = {"post_to": [{"url": url, "secret": SECRET}]}
        async with running_station(tmp_path / "one", now=time.time_ns, leaderboard=targets) as one:
            sent = jobs(15)
            await asyncio.gather(*(one.outbox.put(job) for job in sent))

            async def all_there() -> bool:
                for each in one.here.feeds:
                    each.wake()
                return not any([await each.pending() for each in one.here.feeds])

            async with asyncio.timeout(200):
                while not await all_there():  # noqa: ASYNC110 - failing feeds pause by themselves
                    await asyncio.sleep(0.1)
        await two.delivered()
        found = await newest(two.here.store, EVER, Where(), 1000)
        print(wire.broken)  # noqa: T201
        assert wire.broken["answer"] > 0, "the wire broke after something was stored"
        assert {(job.origin, job.tester) for job in found} == {(Origin.POSTED, "one")}
        assert told(found) == told(sent)
        scores = await two.json(
            "/api/aggregated_stats?pipeline=Text+to+image&model=stabilityai/sd-turbo"
        )
        assert set(scores) == {ALICE, BOB}


async def test_what_comes_back_from_the_other_station_is_known_as_our_own(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    secrets: dict[str, Any] = {"secrets": [{"name": "one", "secret": SECRET}]}
    async with running_station(tmp_path / "two", now=time.time_ns, leaderboard=secrets) as two:
        url = f"http://127.0.0.1:{two.client.port}"
        posting: dict[str, Any] = {"post_to": [{"url": url, "secret": SECRET}]}
        async with running_station(tmp_path / "one", now=time.time_ns, leaderboard=posting) as one:
            await one.give(good("a", started_at=time.time_ns(), request="a"))
        await two.delivered()
        following: dict[str, Any] = {"follow": [{"url": url, "orchestrators": [ALICE]}]}
        async with running_station(tmp_path / "one", now=time.time_ns, sources=following) as one:
            (follower,) = one.here.followers
            assert isinstance(follower, Follower)

            async def looked() -> bool:
                await follower.look()
                return follower.numbers.results.own > 0

            await eventually(looked)
            assert follower.numbers.results.taken == 0
            assert await one.here.store.count() == 1
