"""The watch looks at everybody in turn, at its pace, and forgets who is gone."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import pairwise

import msgspec
import pytest

from exporter.model import Reachability, Registration, Supply
from exporter.probing.reachability.watch import PACE, ReachabilityWatch
from tests.probing.kit import free_port, raw_server
from tests.probing.reachability.servers import issued, looker, polite, tls_server
from tests.waiting import until


def registered(number: int, ai: str | None, plain: str | None = None) -> Registration:
    return Registration(
        orchestrator=f"0x{number:040x}",
        active=True,
        in_pool=True,
        stake=1.0,
        ai_service_uri=ai,
        service_uri=plain,
    )


def supply(*who: Registration) -> Supply:
    return Supply(offers=(), sources=(), taken_at=0, registered=who)


@asynccontextmanager
async def running(watch: ReachabilityWatch) -> AsyncIterator[None]:
    task = asyncio.create_task(watch.run())
    try:
        yield
        assert not task.done()
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def found_by(watch: ReachabilityWatch, one: Registration) -> tuple[Reachability, ...]:
    return watch.into(supply(one)).registered[0].reachability


async def test_everybody_is_looked_at_at_both_uris() -> None:
    async with tls_server(issued("127.0.0.1")) as port, raw_server(polite) as (host, other):
        one = registered(1, f"https://127.0.0.1:{port}", f"http://{host}:{other}")
        two = registered(2, f"http://127.0.0.1:{free_port()}")
        nobody = registered(3, None)
        watch = ReachabilityWatch(looker(f"{host}:{other}"), interval=600, pace=0.01)
        watch.follow([one, two, nobody])
        async with running(watch):
            await asyncio.wait_for(watch.complete.wait(), 20)
        assert [look.reached for look in found_by(watch, one)] == [True, True]
        assert [look.reached for look in found_by(watch, two)] == [False]
        assert found_by(watch, nobody) == ()
        shown = msgspec.json.encode(watch.into(supply(one, two)))
        assert msgspec.json.decode(shown, type=Supply) == watch.into(supply(one, two))


async def test_looks_begin_at_a_pace() -> None:
    beginnings: list[float] = []

    class Noting:
        async def look(self, uri: str) -> Reachability:
            beginnings.append(time.monotonic())
            return Reachability(uri=uri, at=1, reached=True)

    watch = ReachabilityWatch(Noting(), interval=600, pace=0.05)  # type: ignore[arg-type]  # only looks
    watch.follow(registered(n, f"http://h{n}.example") for n in range(8))
    async with running(watch):
        await asyncio.wait_for(watch.complete.wait(), 20)
    gaps = [later - earlier for earlier, later in pairwise(beginnings)]
    assert min(gaps) >= 0.045
    assert PACE >= 0.2, "a few looks a second, whatever the number of orchestrators"


async def test_one_host_is_looked_at_once_at_a_time_and_holds_up_nobody() -> None:
    at_once, most = 0, 0

    async def counting(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal at_once, most
        if await reader.read(1):  # the greeting of TLS, which stays unanswered
            at_once, most = at_once + 1, max(most, at_once + 1)
            await reader.read()
            at_once -= 1
        writer.close()

    async with raw_server(counting) as (_, slow), raw_server(polite, host="127.0.0.2") as (h, good):
        hung = [registered(n, f"https://127.0.0.1:{slow}/{n}") for n in range(3)]
        fine = registered(9, f"http://{h}:{good}")
        watch = ReachabilityWatch(looker(f"{h}:{good}"), interval=600, pace=0.01)
        watch.follow([*hung, fine])
        async with running(watch):
            await until(lambda: bool(found_by(watch, fine)))
            assert found_by(watch, hung[-1]) == (), "it did not wait for the slow ones"
            await asyncio.wait_for(watch.complete.wait(), 20)
        assert all(found_by(watch, one)[0].reached is False for one in hung)
        assert most == 1


async def test_everybody_is_looked_at_again_in_every_interval() -> None:
    looks: dict[str, list[float]] = {}

    class Noting:
        async def look(self, uri: str) -> Reachability:
            looks.setdefault(uri, []).append(time.monotonic())
            return Reachability(uri=uri, at=1, reached=True)

    watch = ReachabilityWatch(Noting(), interval=0.4, pace=0.001)  # type: ignore[arg-type]  # only looks
    watch.follow(registered(n, f"http://h{n}.example") for n in range(20))
    async with running(watch):
        await until(lambda: len(looks) == 20 and min(map(len, looks.values())) >= 4)
    for moments in looks.values():
        gaps = [b - a for a, b in pairwise(moments)]
        assert min(gaps) >= 0.15
    seconds = {round(moments[2] % 0.4, 2) for moments in looks.values()}
    assert len(seconds) > 5, "they are spread over the interval"


async def test_who_is_gone_is_forgotten_and_who_comes_is_looked_at_soon() -> None:
    async with raw_server(polite) as (host, port):
        first = registered(1, f"http://{host}:{port}")
        watch = ReachabilityWatch(looker(), interval=600, pace=0.01)
        watch.follow([first])
        async with running(watch):
            await until(lambda: bool(found_by(watch, first)))
            second = registered(2, f"http://{host}:{port}/2")
            watch.follow([second])
            assert found_by(watch, first) == ()
            await until(lambda: bool(found_by(watch, second)))


async def test_who_failed_without_a_witness_is_looked_at_again_soon() -> None:
    bad = registered(1, f"http://127.0.0.1:{free_port()}")
    watch = ReachabilityWatch(looker(), interval=5, pace=0.01)
    watch.follow([bad])
    async with running(watch):
        await until(lambda: bool(found_by(watch, bad)))
        assert found_by(watch, bad)[0].reached is None
        async with raw_server(polite, host="127.0.0.2") as (host, port):
            watch.follow([bad, registered(2, f"http://{host}:{port}")])
            await until(lambda: found_by(watch, bad)[0].reached is False)


@pytest.mark.parametrize(("age", "shown"), [(60, True), (4000, False), (-60, False)])
async def test_what_was_found_before_a_restart_is_shown_if_it_is_not_old(
    age: int, shown: bool
) -> None:
    now = time.time_ns()
    one = registered(1, "http://orch.example")
    look = Reachability(uri="http://orch.example", at=now - age * 10**9, reached=True)
    before = supply(msgspec.structs.replace(one, reachability=(look,)))
    watch = ReachabilityWatch(looker(), interval=900, now=lambda: now)
    watch.recall(before)
    watch.follow([one])
    assert found_by(watch, one) == ((look,) if shown else ())
