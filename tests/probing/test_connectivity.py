"""How the tester knows that its own network works."""

import asyncio
import socket
import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from exporter.model import NANOSECONDS
from exporter.probing.connectivity import FRESH, KNOWN_FOR, Connectivity
from exporter.probing.guard import Guard
from exporter.probing.resolve import Found, Resolver
from exporter.probing.vantage import Vantage
from exporter.settings import Connectivity as Settings
from tests.probing.kit import free_port, raw_server
from tests.waiting import until

MACHINE, NEAR, FAR, FARTHER = (f"127.0.0.{last}" for last in (1, 2, 3, 4))
"""Loopback addresses that stand for those of our own machine, a neighbour, and the internet."""
SUSPECT = ("127.0.0.9", 8935)
PUBLIC = "9.9.9.9"
"""An address that nothing connects to in these tests."""


def where(address: str) -> Vantage:
    known = {MACHINE: Vantage.MACHINE, NEAR: Vantage.NEIGHBOURHOOD}
    return known.get(address, Vantage.INTERNET)


async def accept(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.close()


def connectivity(resolver: Resolver, *check: str) -> Connectivity:
    return Connectivity(Settings(check=list(check), timeout=1), resolver=resolver, guard=Guard())


def by_witnesses(resolver: Resolver) -> Connectivity:
    return Connectivity(Settings(timeout=1), resolver=resolver, guard=Guard(), where=where)


@asynccontextmanager
async def listening(host: str, port: int = 0) -> AsyncIterator[int]:
    server = await asyncio.start_server(accept, host, port)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await server.wait_closed()


async def test_one_configured_host_that_answers_is_enough(resolver: Resolver) -> None:
    async with raw_server(accept) as (host, port):
        made = connectivity(resolver, f"127.0.0.1:{free_port()}", f"{host}:{port}")
        assert await made.holds() is True
        assert made.configured


async def test_it_does_not_hold_when_no_configured_host_answers(resolver: Resolver) -> None:
    assert await connectivity(resolver, f"127.0.0.1:{free_port()}").holds() is False


async def test_configured_hosts_count_wherever_they_are(resolver: Resolver) -> None:
    async with raw_server(accept) as (host, port):
        made = connectivity(resolver, f"{host}:{port}")
        assert await made.holds((PUBLIC, 8935)) is True
        assert await made.holds((host, 8935)) is True


async def test_without_anybody_to_ask_it_is_not_known(resolver: Resolver) -> None:
    made = connectivity(resolver)
    assert await made.holds() is None
    assert not made.configured


# Who bears witness


async def test_others_that_did_good_jobs_bear_witness(resolver: Resolver) -> None:
    made = by_witnesses(resolver)
    async with listening(FAR) as port:
        made.saw(FAR, port, trusted=True)
        assert await made.holds(SUSPECT) is True
        assert await made.holds() is True
    assert await made.holds(SUSPECT, since=time.monotonic_ns()) is False


async def test_nobody_bears_witness_for_his_own_host_on_any_port(resolver: Resolver) -> None:
    made = by_witnesses(resolver)
    async with listening(FAR) as port:
        made.saw(FAR, port, trusted=True)
        assert await made.holds((FAR, port)) is None
        assert await made.holds((FAR, port + 1)) is None


async def test_one_host_under_two_names_bears_no_witness_for_itself() -> None:
    names = {"one.example": FAR, "two.example": FAR, "three.example": FARTHER}

    def look_up(host: str, _port: int) -> Found:
        return [names[host.lower()]], time.monotonic_ns()

    made = by_witnesses(Resolver(look_up=look_up))
    async with listening(FAR) as port:
        made.saw("one.example", port, trusted=True)
        assert await made.holds(("two.example", 8935)) is None
        assert await made.holds(("ONE.example", 8935)) is None
        assert await made.holds((FAR, 8935)) is None
        assert await made.holds(("three.example", 8935)) is True


async def test_a_host_whose_name_leads_elsewhere_each_time_bears_no_witness_for_itself() -> None:
    leads_to = [FAR, FARTHER]

    def look_up(_host: str, _port: int) -> Found:
        leads_to.reverse()
        return leads_to[:1], time.monotonic_ns()

    made = by_witnesses(Resolver(look_up=look_up))
    async with listening(FAR) as port, listening(FARTHER, port):
        made.saw("one.example", port, trusted=True)
        assert await made.holds(("one.example", 8935)) is None


async def test_a_suspect_is_where_the_furthest_of_its_addresses_is() -> None:
    def look_up(_host: str, _port: int) -> Found:
        return [MACHINE, SUSPECT[0]], time.monotonic_ns()

    made = by_witnesses(Resolver(look_up=look_up))
    async with listening(NEAR) as port:
        made.saw(NEAR, port, trusted=True)
        assert await made.holds(("both.example", 8935)) is None


@pytest.mark.parametrize(
    ("witness", "suspect", "answer"),
    [
        (MACHINE, SUSPECT[0], None),
        (MACHINE, NEAR, None),
        (NEAR, SUSPECT[0], None),
        (NEAR, MACHINE, True),
        (FAR, MACHINE, True),
        (FAR, NEAR, True),
        (FAR, SUSPECT[0], True),
        (MACHINE, "no.such.host.invalid", None),
        (FAR, "no.such.host.invalid", True),
    ],
)
async def test_who_is_nearer_than_the_suspect_says_nothing_about_the_way_to_it(
    resolver: Resolver, witness: str, suspect: str, *, answer: bool | None
) -> None:
    made = by_witnesses(resolver)
    async with listening(witness) as port:
        made.saw(witness, port, trusted=True)
        assert await made.holds((suspect, 8935)) is answer


async def test_a_runner_on_our_own_machine_does_not_vouch_for_the_internet(
    resolver: Resolver,
) -> None:
    async with raw_server(accept) as (host, port):
        made = connectivity(resolver)
        made.saw(host, port, trusted=True)
        assert await made.holds((PUBLIC, 8935)) is None
        assert await made.holds() is None
        assert await made.holds(("127.0.0.2", 8935)) is True


@pytest.mark.parametrize("address", [FAR, f"{FAR}:8935", None])
async def test_a_witness_by_name_counts_by_the_address_that_it_is_asked_at(
    address: str | None,
) -> None:
    leads_to = [FAR]

    def look_up(_host: str, _port: int) -> Found:
        return list(leads_to), time.monotonic_ns()

    made = by_witnesses(Resolver(look_up=look_up))
    async with listening(FAR) as port, listening(MACHINE, port):
        made.saw("me.example", port, trusted=True, address=address)
        assert await made.holds(SUSPECT) is True
        leads_to[:] = [MACHINE]
        assert await made.holds(SUSPECT, since=time.monotonic_ns()) is None


@pytest.mark.parametrize("address", [MACHINE, f"{MACHINE}:8935", "[::1]:8935"])
async def test_those_that_are_too_near_do_not_take_the_places_of_better_witnesses(
    address: str,
) -> None:
    def look_up(host: str, _port: int) -> Found:
        return [FAR if host == "far.example" else MACHINE], time.monotonic_ns()

    made = Connectivity(
        Settings(timeout=1),
        resolver=Resolver(look_up=look_up),
        guard=Guard(),
        where=lambda found: Vantage.MACHINE if found == "::1" else where(found),
    )
    async with listening(FAR) as port:
        made.saw("far.example", port, trusted=True)
        for number in range(5):
            made.saw(f"near-{number}.example", port, trusted=True, address=address)
        assert await made.holds(SUSPECT) is True


async def test_a_witness_that_the_guard_forbids_to_ask_says_nothing(resolver: Resolver) -> None:
    made = by_witnesses(resolver)
    async with listening(FAR) as port:
        made.saw(FAR, port, trusted=False)
        assert await made.holds() is None


# Which answers are used again


async def test_that_the_network_held_before_the_failure_proves_nothing(resolver: Resolver) -> None:
    async with listening("127.0.0.1") as port:
        made = connectivity(resolver, f"127.0.0.1:{port}")
        assert await made.holds() is True
    failed = time.monotonic_ns()
    assert await made.holds() is True, "it is not asked again so soon"
    assert await made.holds(since=failed) is False


async def test_an_answer_that_was_asked_for_after_the_failure_is_used(resolver: Resolver) -> None:
    failed = time.monotonic_ns()
    async with listening("127.0.0.1") as port:
        made = connectivity(resolver, f"127.0.0.1:{port}")
        assert await made.holds(since=failed) is True
    assert await made.holds(since=failed) is True


async def test_that_the_network_did_not_hold_a_moment_ago_is_used_for_later_failures(
    resolver: Resolver,
) -> None:
    now = [0]
    port = free_port()
    made = Connectivity(
        Settings(check=[f"127.0.0.1:{port}"], timeout=1),
        resolver=resolver,
        guard=Guard(),
        clock=lambda: now[0],
    )
    assert await made.holds() is False
    async with listening("127.0.0.1", port):
        now[0] = round(FRESH * NANOSECONDS)
        assert await made.holds(since=now[0]) is False
        now[0] += 1
        assert await made.holds(since=now[0]) is True


@pytest.mark.parametrize(("later", "checks"), [(False, 1), (True, 2)])
async def test_a_check_under_way_is_joined_only_if_it_began_after_the_failure(
    *, later: bool, checks: int
) -> None:
    asked, go_on = [], threading.Event()

    def look_up(host: str, _port: int) -> Found:
        asked.append(host)
        go_on.wait(5)
        return ["127.0.0.1"], time.monotonic_ns()

    failed = time.monotonic_ns()
    async with listening("127.0.0.1") as port:
        made = connectivity(Resolver(look_up=look_up), f"up.example:{port}")
        first = asyncio.create_task(made.holds(since=failed))
        await until(lambda: len(asked) == 1)
        second = asyncio.create_task(made.holds(since=time.monotonic_ns() if later else failed))
        await until(lambda: len(asked) == checks)
        go_on.set()
        assert [await first, await second] == [True, True]
    assert len(asked) == checks


# What is known of the network in between


@asynccontextmanager
async def watching(made: Connectivity, pace: float = 0.01) -> AsyncIterator[None]:
    task = asyncio.create_task(made.watch(pace))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def asked_each_time(resolver: Resolver, *check: str) -> Connectivity:
    """Whose clock jumps at each look at it, so that no answer is fresh the next time."""
    now = iter(range(0, 10**15, round(2 * FRESH * NANOSECONDS)))
    settings = Settings(check=list(check), timeout=1)
    return Connectivity(
        settings, resolver=resolver, guard=Guard(), where=where, clock=lambda: next(now)
    )


async def test_nothing_is_known_before_anybody_was_asked(resolver: Resolver) -> None:
    made = connectivity(resolver)
    assert made.lately is None
    assert await made.holds() is None
    assert made.lately is None


@pytest.mark.parametrize("up", [True, False])
async def test_an_answer_is_known_for_some_minutes_and_then_nothing_is(
    resolver: Resolver, *, up: bool
) -> None:
    now = [0]
    async with listening(MACHINE) as port:
        made = Connectivity(
            Settings(check=[f"{MACHINE}:{port if up else free_port()}"], timeout=1),
            resolver=resolver,
            guard=Guard(),
            clock=lambda: now[0],
        )
        await made.holds()
    now[0] = round(KNOWN_FOR * NANOSECONDS)
    assert made.lately is up
    now[0] += 1
    assert made.lately is None


async def test_that_nobody_could_be_asked_does_not_take_back_what_is_known(
    resolver: Resolver,
) -> None:
    made = by_witnesses(resolver)
    async with listening(FAR) as port:
        made.saw(FAR, port, trusted=True)
        assert await made.holds(SUSPECT) is True
        assert await made.holds((FAR, port)) is None
    assert made.lately is True


@pytest.mark.parametrize("host", ["255.255.255.255", "no.resolver.example"])
async def test_a_machine_that_finds_no_way_to_anybody_blames_nobody_and_is_down(host: str) -> None:
    def look_up(_host: str, _port: int) -> Found:
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")

    made = connectivity(Resolver(look_up=look_up), f"{host}:53")
    assert await made.holds() is None
    assert made.lately is False


async def test_a_witness_that_must_not_be_asked_leaves_it_unknown(resolver: Resolver) -> None:
    made = by_witnesses(resolver)
    async with listening(FAR) as port:
        made.saw(FAR, port, trusted=False)
        await made.holds()
    assert made.lately is None


async def test_an_answer_that_took_its_time_does_not_take_back_a_newer_one() -> None:
    go_on = threading.Event()

    def look_up(host: str, _port: int) -> Found:
        if host == "slow.example":
            go_on.wait(5)
        return [FAR], time.monotonic_ns()

    made = by_witnesses(Resolver(look_up=look_up))
    async with listening(FAR) as port:
        made.saw(FARTHER, port, trusted=True)
        slow = asyncio.create_task(made.holds(("slow.example", 1)))
        await asyncio.sleep(0)
        made.saw(FAR, port, trusted=True)
        assert await made.holds(SUSPECT) is True
        go_on.set()
        assert await slow is False
    assert made.lately is True


async def test_hosts_of_the_settings_are_asked_without_any_job(resolver: Resolver) -> None:
    port = free_port()
    made = asked_each_time(resolver, f"{MACHINE}:{port}")
    async with watching(made):
        await until(lambda: made.up is False)
        async with listening(MACHINE, port):
            await until(lambda: made.up is True)
        await until(lambda: made.up is False)


async def test_strangers_are_asked_only_until_the_network_is_back(resolver: Resolver) -> None:
    made, asked = asked_each_time(resolver), []

    async def count(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(True)
        writer.close()

    port = free_port()
    made.saw(FAR, port, trusted=True)
    async with watching(made, pace=0.001):
        assert await made.holds(SUSPECT) is False
        server = await asyncio.start_server(count, FAR, port)
        async with server:
            await until(lambda: made.up is True)
            looks = len(asked)
            for _ in range(50):
                await asyncio.sleep(0.001)
            assert len(asked) == looks
