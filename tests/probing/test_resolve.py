"""Names to addresses, also when a name is made to take for ever."""

import asyncio
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import pytest

from exporter.model import Outcome
from exporter.probing.failure import TransportFailure
from exporter.probing.resolve import Found, Resolver
from tests.waiting import until


class Names:
    """A resolver's answers: names that begin with `tar` hang until they are let go."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.let_go = threading.Event()

    def __call__(self, host: str, port: int) -> Found:  # noqa: ARG002 - as it is called
        self.asked.append(host)
        if host.startswith("tar"):
            self.let_go.wait(30)
        if host == "nowhere.example":
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        if host == "broken.example":
            raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
        return ["203.0.113.7"], time.monotonic_ns()


@pytest.fixture
def names() -> Iterator[Names]:
    made = Names()
    yield made
    made.let_go.set()


async def test_a_name_gives_addresses_and_the_moment_they_were_known(names: Names) -> None:
    resolver = Resolver(look_up=names)
    before = time.monotonic_ns()
    addresses, at = await resolver.resolve("good.example", 443)
    assert addresses == ["203.0.113.7"]
    assert before <= at <= time.monotonic_ns()
    resolver.close()


async def test_the_machines_own_resolver_is_asked(resolver: Resolver) -> None:
    addresses, _ = await resolver.resolve("localhost", 80)
    assert addresses[0] == "127.0.0.1"
    with pytest.raises(TransportFailure, match="not a valid host name"):
        await resolver.resolve("x" * 70 + ".example", 80)


@pytest.mark.parametrize(
    ("host", "doubtful"), [("nowhere.example", False), ("broken.example", True)]
)
async def test_only_an_answer_about_the_name_is_the_names_fault(
    names: Names, host: str, doubtful: bool
) -> None:
    resolver = Resolver(look_up=names)
    with pytest.raises(TransportFailure) as caught:
        await resolver.resolve(host, 443)
    assert (caught.value.outcome, caught.value.doubtful) == (Outcome.DNS_FAILED, doubtful)


async def test_names_that_hang_hold_up_no_other_name(names: Names) -> None:
    resolver = Resolver(2, patience=0.05, look_up=names)
    stuck = [asyncio.create_task(resolver.resolve(f"tar-{n}.example", 443)) for n in range(7)]
    async with asyncio.timeout(5):
        addresses, _ = await resolver.resolve("good.example", 443)
    assert addresses == ["203.0.113.7"]
    assert not any(task.done() for task in stuck)
    names.let_go.set()
    async with asyncio.timeout(5):
        assert len(await asyncio.gather(*stuck)) == 7
    resolver.close()


async def test_a_name_that_hangs_takes_one_thread_however_often_it_is_asked_for(
    names: Names,
) -> None:
    resolver = Resolver(2, patience=0.02, look_up=names)
    for _ in range(20):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await resolver.resolve("tar.example", 443)
    assert names.asked == ["tar.example"]
    waiting = asyncio.create_task(resolver.resolve("tar.example", 443))
    await asyncio.sleep(0)
    names.let_go.set()
    async with asyncio.timeout(5):
        assert (await waiting)[0] == ["203.0.113.7"], "who waits gets the late answer"
    await resolver.resolve("tar.example", 443)
    assert names.asked == ["tar.example"] * 2, "and is forgotten then"


async def test_there_is_a_bound_to_names_that_hang(names: Names) -> None:
    resolver = Resolver(1, patience=0.01, hanging_limit=3, look_up=names)
    stuck = [asyncio.create_task(resolver.resolve(f"tar-{n}.example", 443)) for n in range(3)]
    await until(lambda: len(names.asked) == 3)
    await asyncio.sleep(0.05)
    with pytest.raises(TransportFailure, match="3 other look-ups hang") as caught:
        await resolver.resolve("good.example", 443)
    assert caught.value.doubtful
    names.let_go.set()
    await asyncio.gather(*stuck)
    assert (await resolver.resolve("good.example", 443))[0] == ["203.0.113.7"]


async def test_at_most_so_many_are_looked_up_at_once(names: Names) -> None:
    resolver = Resolver(2, patience=30, look_up=names)
    asked = [asyncio.create_task(resolver.resolve(f"tar-{n}.example", 443)) for n in range(5)]
    await until(lambda: len(names.asked) == 2)
    await asyncio.sleep(0.05)
    assert len(names.asked) == 2
    names.let_go.set()
    async with asyncio.timeout(5):
        await asyncio.gather(*asked)
    assert len(names.asked) == 5


async def test_who_gives_up_leaves_his_place_to_others(names: Names) -> None:
    resolver = Resolver(1, patience=0.05, look_up=names)
    for number in range(3):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await resolver.resolve(f"tar-{number}.example", 443)
    async with asyncio.timeout(5):
        assert (await resolver.resolve("good.example", 443))[0] == ["203.0.113.7"]


PROGRAM = """
import asyncio, time
from exporter.probing.resolve import Resolver

def look_up(host, port):
    time.sleep(60)

async def main():
    resolver = Resolver(look_up=look_up)
    try:
        async with asyncio.timeout(0.1):
            await resolver.resolve("tar.example", 443)
    except TimeoutError:
        print("given up", flush=True)
    resolver.close()

asyncio.run(main())
"""


def test_a_look_up_that_hangs_does_not_hold_up_the_end_of_the_program() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=20, check=False
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "given up\n", "")
