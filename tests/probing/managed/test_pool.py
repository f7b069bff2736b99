"""The pool: reuse, who gives way, who comes first, and what becomes of lanes that fail."""

import asyncio
import urllib.request
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from typing import Any
from weakref import ref

import psutil
import pytest

from exporter.probing.managed import binary as programs
from exporter.probing.managed import process
from exporter.probing.managed.faults import Fault
from exporter.probing.managed.home import LaneHome
from exporter.probing.managed.intake import Intake
from exporter.probing.managed.pool import LaneStartError, ManagedLane, ManagedPool
from exporter.probing.managed.scout import Scout
from exporter.probing.managed.starter import Starter
from exporter.settings.livepeer import Livepeer
from tests.probing.managed.gateways import URI, gateways_below, gone, program, settings
from tests.waiting import until

MakePool = Callable[..., ManagedPool]
OTHER = "https://127.0.0.2:8935"
THIRD = "https://127.0.0.3:8935"


@pytest.fixture
async def make(home: LaneHome) -> AsyncIterator[MakePool]:
    pools = []

    def make(livepeer: Livepeer, **more: Any) -> ManagedPool:
        starter = Starter(livepeer, home, clean=str, **more)
        pools.append(ManagedPool(livepeer, home, starter=starter, watch_interval=0.1))
        return pools[-1]

    yield make
    for pool in pools:
        await pool.close()


async def ask(url: str) -> str:
    def read() -> str:
        with urllib.request.urlopen(url, timeout=2) as answer:
            return str(answer.read().decode())

    return await asyncio.to_thread(read)


def dying(folder: Path, *, works: int = 0, code: int = 1) -> Path:
    """A program that gets ready so many times."""
    said, starts = "E1123 23:16:11.01 1 starter.go:1] no luck", str(folder / "starts")
    return program(folder / "bin", dies=said, code=code, works=works, starts=starts)


async def tell(lane: ManagedLane, path: str) -> None:
    """Say something to the fake gateway that it may not answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", int(lane.cli_url.split(":")[2]))
    writer.write(f"GET {path} HTTP/1.1\r\n\r\n".encode())
    await writer.drain()
    writer.close()
    del reader


async def test_a_lease_gives_a_gateway_pinned_to_the_orchestrator(
    make: MakePool, tmp_path: Path
) -> None:
    pool = make(settings(program(tmp_path / "bin")))
    async with pool.lease("0xa", URI) as lane:
        assert URI in await ask(f"{lane.cli_url}/status")
        assert await ask(lane.url)
        assert (lane.name, lane.uri, lane.orchestrator) == ("managed-1", URI, "0xa")
        assert (lane.version, lane.on_chain, lane.failure()) == ("0.9.1", False, None)
        assert await lane.alive()
    assert pool.numbers.starts == 1


async def test_a_gateway_stays_with_its_orchestrator_while_there_are_places(
    make: MakePool, tmp_path: Path
) -> None:
    pool = make(settings(program(tmp_path / "bin"), lanes=2))
    pids = []
    for uri in (URI, OTHER, URI, OTHER):
        async with pool.lease(uri, uri) as lane:
            pids.append(lane.pid)
    assert pids[0] == pids[2]
    assert pids[1] == pids[3]
    assert (pool.numbers.starts, pool.numbers.switches) == (2, 0)


async def test_the_least_recently_used_gateway_gives_way(make: MakePool, tmp_path: Path) -> None:
    pool = make(settings(program(tmp_path / "bin"), lanes=2))
    for uri in (URI, OTHER, URI, THIRD):
        async with pool.lease(uri, uri):
            pass
    assert {lane.uri for lane in pool.lanes} == {URI, THIRD}
    assert (pool.numbers.starts, pool.numbers.switches) == (3, 1)


async def test_the_log_of_one_that_gives_way_is_let_go_before_the_next_one_is_up(
    make: MakePool, tmp_path: Path
) -> None:
    pool = make(settings(program(tmp_path / "bin"), lanes=1))
    async with pool.lease("a", URI) as lane:
        log = ref(lane._process.output)
    del lane
    next_one = asyncio.create_task(leased(pool, "b", OTHER))
    await until(lambda: log() is None or next_one.done())
    assert not next_one.done()
    await next_one


async def leased(pool: ManagedPool, orchestrator: str, uri: str) -> None:
    async with pool.lease(orchestrator, uri):
        pass


async def test_the_same_orchestrator_at_another_uri_gets_another_gateway(
    make: MakePool, tmp_path: Path
) -> None:
    pool = make(settings(program(tmp_path / "bin"), lanes=1))
    async with pool.lease("0xa", URI) as lane:
        first = lane.pid
    async with pool.lease("0xa", OTHER) as lane:
        assert lane.uri == OTHER
        assert lane.pid != first
        assert gone(first)


async def test_who_has_most_left_to_do_gets_the_next_place(make: MakePool, tmp_path: Path) -> None:
    pool = make(settings(program(tmp_path / "bin"), lanes=1))
    served = []

    async def one(weight: float) -> None:
        async with pool.lease("0xa", URI, weight=weight):
            served.append(weight)

    async with AsyncExitStack() as stack:
        lane = await stack.enter_async_context(pool.lease("0xa", URI))
        assert not lane.wanted
        tasks = [asyncio.create_task(one(weight)) for weight in (1.0, 5.0, 3.0)]
        await until(lambda: len(lane.wanted) == 3)
        assert lane.wanted == (5.0, 3.0, 1.0)
    await asyncio.gather(*tasks)
    assert served == [5.0, 3.0, 1.0]


async def test_a_lease_that_is_given_up_leaves_nothing(make: MakePool, tmp_path: Path) -> None:
    pool = make(settings(program(tmp_path / "bin", hangs_at_start=True), lanes=1))

    async def one() -> None:
        async with pool.lease("0xa", URI):
            raise AssertionError

    task = asyncio.create_task(one())
    await until(lambda: pool.numbers.starts == 1)
    await until(lambda: bool(gateways_below()))
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert gateways_below() == []


async def test_a_failing_start_is_tried_twice_and_then_left_alone(
    make: MakePool, tmp_path: Path
) -> None:
    pool = make(settings(dying(tmp_path, works=1, code=3)))
    async with pool.lease("0xb", OTHER):
        with pytest.raises(LaneStartError, match="no luck") as caught:
            async with pool.lease("0xa", URI):
                raise AssertionError
        assert caught.value.fault == Fault.ENDED
        assert pool.numbers.starts == 3
        with pytest.raises(LaneStartError, match="tried again in 30 s"):
            async with pool.lease("0xa", URI):
                raise AssertionError
    assert (pool.numbers.starts, pool.numbers.start_failures) == (3, {"ended": 2})


async def test_after_the_pause_it_is_tried_again_with_a_longer_one(
    make: MakePool, tmp_path: Path
) -> None:
    pool = make(settings(dying(tmp_path, works=1)), first_pause=0.05)
    async with pool.lease("0xb", OTHER):
        pass
    for starts in (3, 5):
        await asyncio.sleep(0.06)
        with pytest.raises(LaneStartError, match="no luck"):
            async with pool.lease("0xa", URI):
                raise AssertionError
        assert pool.numbers.starts == starts
    with pytest.raises(LaneStartError, match="tried again"):
        async with pool.lease("0xa", URI):
            raise AssertionError


async def test_when_nobody_starts_everybody_is_left_alone(make: MakePool, tmp_path: Path) -> None:
    pool = make(settings(dying(tmp_path, works=1)))
    async with pool.lease("0xb", OTHER):
        for number in range(20):
            with pytest.raises(LaneStartError):
                async with pool.lease(f"0x{number}", URI):
                    raise AssertionError
    assert pool.numbers.starts == 7


async def test_while_nothing_has_started_yet_one_failure_counts_for_all(
    home: LaneHome, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    binary = dying(tmp_path)
    starter = Starter(settings(binary), home, clean=str, first_pause_of_all=0.01)
    for _ in range(2):
        with pytest.raises(LaneStartError, match="no luck"):
            await starter.start(("0xa", URI), uri=URI, name="managed-1")
        with pytest.raises(LaneStartError, match=f"{binary} for {URI}: .*no luck"):
            await starter.ready(("0xb", OTHER))
        assert starter.trouble is not None, "it stays when the pause is over"
        await until(lambda: not starter._all.left)
        assert f"{binary} for {URI}: it ended" in starter.trouble
        starter._pauses.end(("0xa", URI))
    assert starter.starts == 2
    (told,) = [record for record in caplog.records if record.levelname == "WARNING"]
    assert told.message == "a gateway does not start"
    assert (vars(told)["orchestrator"], vars(told)["uri"]) == ("0xa", URI)
    assert vars(told)["binary"] == str(binary)
    program(tmp_path / "bin")
    await (await starter.start(("0xb", OTHER), uri=OTHER, name="managed-1")).stop()
    assert starter.trouble is None


async def test_a_gateway_that_hangs_at_its_start_is_ended(make: MakePool, tmp_path: Path) -> None:
    pool = make(settings(program(tmp_path / "bin", hangs_at_start=True), start_timeout=0.3))
    with pytest.raises(LaneStartError, match=r"not ready within 0.3 s.*Livepeer is running") as why:
        async with pool.lease("0xa", URI):
            raise AssertionError
    assert why.value.fault == Fault.TIMEOUT
    assert gateways_below() == []


async def test_a_gateway_that_is_pinned_to_another_is_never_ready(
    make: MakePool, tmp_path: Path
) -> None:
    pool = make(settings(program(tmp_path / "bin", pool=[OTHER]), start_timeout=0.5))
    with pytest.raises(LaneStartError, match="not ready"):
        async with pool.lease("0xa", URI):
            raise AssertionError


async def test_ports_that_are_taken_are_tried_anew(make: MakePool, tmp_path: Path) -> None:
    binary = program(tmp_path / "bin", clashes=3, starts=str(tmp_path / "starts"))
    pool = make(settings(binary))
    async with pool.lease("0xa", URI) as lane:
        assert await lane.alive()
    assert (tmp_path / "starts").read_text() == "xxxx"
    assert (pool.numbers.starts, pool.numbers.start_failures) == (1, {})


async def test_a_gateway_that_dies_in_a_lease_says_so_and_the_next_lease_restarts_it(
    make: MakePool, tmp_path: Path
) -> None:
    pool = make(settings(program(tmp_path / "bin"), lanes=1))
    async with pool.lease("0xa", URI) as lane:
        first = lane.pid
        await tell(lane, "/die")
        await asyncio.wait_for(lane.broken(), 5)
        await until(lambda: "told to die" in (lane.failure() or ""))
        assert not await lane.alive()
    async with pool.lease("0xa", URI) as lane:
        assert lane.pid != first
        assert lane.failure() is None
    assert (pool.numbers.crashes, pool.numbers.hangs, pool.numbers.switches) == (1, 0, 0)


async def test_a_gateway_that_falls_silent_in_a_lease_is_found_and_replaced(
    make: MakePool, tmp_path: Path
) -> None:
    pool = make(settings(program(tmp_path / "bin"), lanes=1, answer_timeout=0.2))
    async with pool.lease("0xa", URI) as lane:
        first = lane.pid
        await tell(lane, "/hang")
        await asyncio.wait_for(lane.broken(), 10)
        assert lane.failure() == "its gateway hung: its CLI port did not answer"
    async with pool.lease("0xa", URI) as lane:
        assert lane.pid != first
        assert gone(first)
    assert (pool.numbers.crashes, pool.numbers.hangs) == (0, 1)


async def test_an_idle_gateway_that_died_is_not_handed_out(make: MakePool, tmp_path: Path) -> None:
    pool = make(settings(program(tmp_path / "bin"), lanes=1))
    async with pool.lease("0xa", URI) as lane:
        first = lane.pid
    psutil.Process(first).kill()
    async with pool.lease("0xa", URI) as lane:
        assert lane.pid != first
        assert await lane.alive()


async def test_a_gateway_that_takes_too_much_memory_goes_after_the_running_job(
    make: MakePool, tmp_path: Path
) -> None:
    binary = program(tmp_path / "bin", leaks=8 * 2**20)
    pool = make(settings(binary, lanes=1, memory=64 * 2**20))
    async with pool.lease("0xa", URI) as lane:
        first = lane.pid
        await until(lambda: (pool.lanes[0].resident or 0) > 64 * 2**20)
        assert await lane.alive()
        assert lane.failure() is None
    async with pool.lease("0xa", URI) as lane:
        assert lane.pid != first
    assert pool.numbers.memory_restarts == 1
    assert pool.numbers.crashes == 0


async def test_a_gateway_that_ignores_being_asked_is_killed(make: MakePool, tmp_path: Path) -> None:
    pool = make(settings(program(tmp_path / "bin", ignore_sigterm=True), stop_timeout=0.2))
    async with pool.lease("0xa", URI) as lane:
        pid = lane.pid
    await pool.close()
    assert gone(pid)


async def test_what_a_gateway_starts_is_ended_with_it(make: MakePool, tmp_path: Path) -> None:
    pool = make(settings(program(tmp_path / "bin", leaves_child=True), stop_timeout=0.2))
    async with pool.lease("0xa", URI) as lane:
        (child,) = psutil.Process(lane.pid).children()
    await pool.close()
    assert gone(child.pid)


async def test_a_new_program_takes_over_when_lanes_get_free(make: MakePool, tmp_path: Path) -> None:
    binary = program(tmp_path / "bin")
    pool = make(settings(binary, lanes=2))
    async with pool.lease("0xb", OTHER) as lane:
        idle = lane.pid
    async with pool.lease("0xa", URI) as lane:
        held = lane.pid
        program(tmp_path / "bin", version="0.9.2")
        await until(lambda: gone(idle))
        assert await lane.alive()
        assert lane.version == "0.9.1"
    async with pool.lease("0xa", URI) as lane:
        assert lane.version == "0.9.2"
        assert lane.pid != held
    assert pool.version == "0.9.2"


async def test_while_the_new_program_is_none_the_running_gateways_go_on(
    make: MakePool, tmp_path: Path
) -> None:
    binary = program(tmp_path / "bin")
    pool = make(settings(binary, lanes=2))
    async with pool.lease("0xa", URI) as lane:
        first = lane.pid
    asked = tmp_path / "asked"
    broken = tmp_path / "broken"
    broken.write_text(f"#!/bin/sh\necho hello\necho x >> {asked}\n")
    broken.chmod(0o755)
    broken.replace(binary)
    for _ in range(3):
        with pytest.raises(LaneStartError, match="does not seem to be go-livepeer"):
            async with pool.lease("0xb", OTHER):
                raise AssertionError
        async with pool.lease("0xa", URI) as lane:
            assert lane.pid == first
    assert len(asked.read_text().split()) == 2, "a bad program is asked once: -help and -version"
    program(tmp_path / "bin")
    async with pool.lease("0xb", OTHER), pool.lease("0xa", URI) as lane:
        assert lane.pid != first


async def test_a_new_program_that_hangs_holds_nobody_up_and_is_asked_once(
    make: MakePool,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(programs, "ASK_TIMEOUT", 1.0)
    binary = program(tmp_path / "bin")
    pool = make(settings(binary, lanes=2))
    async with pool.lease("0xa", URI) as lane:
        first = lane.pid
    asked = tmp_path / "asked"
    hanging = tmp_path / "hanging"
    hanging.write_text(f"#!/bin/sh\necho x >> {asked}\nexec sleep 1000\n")
    hanging.chmod(0o755)
    hanging.replace(binary)
    began, leases = asyncio.get_running_loop().time(), 0
    while pool._starter.trouble is None:
        async with pool.lease("0xa", URI) as lane:
            assert lane.pid == first
        leases += 1
        assert asyncio.get_running_loop().time() - began < 20
    assert leases > 20, "while the program was asked, leases went on"
    assert "does not answer -" in pool._starter.trouble
    for _ in range(3):
        with pytest.raises(LaneStartError, match="does not answer -"):
            async with pool.lease("0xb", OTHER):
                raise AssertionError
    await asyncio.sleep(0.3)
    assert len(asked.read_text().split()) == 2, "-help and -version, once"
    told = [record for record in caplog.records if "is no good" in record.message]
    assert len(told) == 1
    program(tmp_path / "bin", version="0.9.2")
    await until(lambda: pool._starter.trouble is None)
    async with pool.lease("0xb", OTHER) as lane:
        assert lane.version == "0.9.2", "it is not waited for the pause to end"


async def test_a_gateway_that_floods_is_started_anew_after_the_running_job(
    make: MakePool,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(process, "Intake", partial(Intake, window=0.05, flood=0.2))
    pool = make(settings(program(tmp_path / "bin", floods=True), lanes=1))
    async with pool.lease("0xa", URI) as lane:
        first = lane.pid
        await until(lambda: "writes far more" in caplog.text)
        assert lane.failure() is None
        assert lane.dropped(0)
    async with pool.lease("0xa", URI) as lane:
        assert lane.pid != first
    assert (pool.numbers.floods, pool.numbers.memory_restarts, pool.numbers.crashes) == (1, 0, 0)
    told = [one for one in caplog.records if "writes far more" in one.message]
    assert [vars(one)["orchestrator"] for one in told][:1] == ["0xa"]


async def test_gateways_of_orchestrators_that_are_gone_are_ended(
    make: MakePool, tmp_path: Path
) -> None:
    pool = make(settings(program(tmp_path / "bin"), lanes=3))
    async with pool.lease("0xa", URI), pool.lease("0xb", OTHER) as held:
        async with pool.lease("0xc", THIRD) as lane:
            idle = lane.pid
        pool.keep({"0xa", "0xb", "0xd"})
        await until(lambda: gone(idle))
        pool.keep({"0xa"})
        assert await held.alive()
        held_pid = held.pid
    await until(lambda: {lane.orchestrator for lane in pool.lanes} == {"0xa"})
    assert gone(held_pid)
    assert (pool.numbers.crashes, pool.numbers.switches) == (0, 0)


async def test_who_takes_the_place_of_a_crashed_gateway_has_switched_nothing(
    make: MakePool, tmp_path: Path
) -> None:
    pool = make(settings(program(tmp_path / "bin"), lanes=1))
    async with pool.lease("0xa", URI) as lane:
        await tell(lane, "/die")
        await lane.broken()
    async with pool.lease("0xb", OTHER):
        pass
    assert (pool.numbers.crashes, pool.numbers.switches) == (1, 0)


async def test_an_idle_gateway_that_hangs_is_noticed_in_time(
    make: MakePool, tmp_path: Path
) -> None:
    pool = make(settings(program(tmp_path / "bin"), lanes=1, answer_timeout=0.2))
    async with pool.lease("0xa", URI) as lane:
        await tell(lane, "/hang")
        pid = lane.pid
    await until(lambda: pool.numbers.hangs == 1)
    await until(lambda: gone(pid))


async def test_pool_and_scout_can_be_closed_in_the_time_of_one(
    make: MakePool, home: LaneHome, tmp_path: Path
) -> None:
    livepeer = settings(program(tmp_path / "bin", ignore_sigterm=True), stop_timeout=2.0)
    pool, scout = make(livepeer), Scout(livepeer, home)
    await scout.start()
    async with pool.lease("0xa", URI), pool.lease("0xb", OTHER):
        began = asyncio.get_running_loop().time()
        await asyncio.gather(pool.close(), scout.close())
        assert 2.0 <= asyncio.get_running_loop().time() - began < 3.9
    assert gateways_below() == []


async def test_a_fault_of_the_program_stops_all_starts_until_it_changes(
    make: MakePool, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    pool = make(settings(tmp_path / "bin" / "livepeer"))
    for number in range(5):
        with pytest.raises(LaneStartError, match="there is no such file") as caught:
            async with pool.lease(f"0x{number}", URI):
                raise AssertionError
        assert caught.value.fault == Fault.BINARY
    assert len([one for one in caplog.records if one.levelname == "ERROR"]) == 1
    program(tmp_path / "bin")
    async with pool.lease("0xa", URI) as lane:
        assert await lane.alive()


async def test_nothing_can_be_leased_from_a_closed_pool(make: MakePool, tmp_path: Path) -> None:
    pool = make(settings(program(tmp_path / "bin")))
    async with pool.lease("0xa", URI) as lane:
        await pool.close()
        assert lane.failure() is not None
    with pytest.raises(LaneStartError, match="being closed"):
        async with pool.lease("0xa", URI):
            raise AssertionError
    assert pool.lanes == ()


async def test_a_start_under_way_is_ended_when_the_pool_is_closed(
    make: MakePool, tmp_path: Path
) -> None:
    pool = make(settings(program(tmp_path / "bin", hangs_at_start=True)))

    async def one() -> None:
        async with pool.lease("0xa", URI):
            raise AssertionError

    task = asyncio.create_task(one())
    await until(lambda: pool.numbers.starts == 1)
    await until(lambda: bool(gateways_below()))
    await pool.close()
    with pytest.raises(LaneStartError, match="being closed"):
        await task
    assert gateways_below() == []


async def test_what_a_gateway_writes_is_kept_from_a_mark_on(make: MakePool, tmp_path: Path) -> None:
    pool = make(settings(program(tmp_path / "bin")))
    async with pool.lease("0xa", URI) as lane:
        await ask(f"{lane.cli_url}/say/before")
        await until(lambda: bool(lane.since(0)) and "before" in lane.since(0)[-1].text)
        mark = lane.mark()
        await ask(f"{lane.cli_url}/say/after")
        await until(lambda: bool(lane.since(mark)))
        (line,) = lane.since(mark)
        assert line.text.endswith("] after")
        assert line.stamp > lane.since(0)[0].stamp


@pytest.mark.parametrize(
    "uri",
    ["https://a:1,https://b:2", "ftp://a:1", "https://", "https://a b:1", "https://a:99999", "x"],
)
async def test_a_uri_that_a_gateway_would_misread_is_not_given_to_it(
    make: MakePool, tmp_path: Path, uri: str
) -> None:
    pool = make(settings(program(tmp_path / "bin")))
    with pytest.raises(LaneStartError, match="service URI cannot be given") as caught:
        async with pool.lease("0xa", uri):
            raise AssertionError
    assert caught.value.fault == Fault.URI
