"""How the tester knows that its own network works."""

import asyncio

from exporter.probing.connectivity import Connectivity
from exporter.probing.guard import Guard
from exporter.probing.resolve import Resolver
from exporter.settings import Connectivity as Settings
from tests.probing.kit import free_port, raw_server


async def accept(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.close()


def connectivity(resolver: Resolver, *check: str) -> Connectivity:
    return Connectivity(Settings(check=list(check), timeout=1), resolver=resolver, guard=Guard())


async def test_one_configured_host_that_answers_is_enough(resolver: Resolver) -> None:
    async with raw_server(accept) as (host, port):
        made = connectivity(resolver, f"127.0.0.1:{free_port()}", f"{host}:{port}")
        assert await made.holds() is True
        assert made.configured


async def test_it_does_not_hold_when_no_configured_host_answers(resolver: Resolver) -> None:
    assert await connectivity(resolver, f"127.0.0.1:{free_port()}").holds() is False


async def test_without_anybody_to_ask_it_is_not_known(resolver: Resolver) -> None:
    made = connectivity(resolver)
    assert await made.holds() is None
    assert not made.configured


async def test_the_suspect_bears_no_witness_for_itself(resolver: Resolver) -> None:
    async with raw_server(accept) as (host, port):
        made = connectivity(resolver)
        made.saw(host, port, trusted=True)
        assert await made.holds((host, port)) is None
        assert await made.holds(("elsewhere", 1)) is True


async def test_a_witness_that_the_guard_forbids_to_ask_says_nothing(resolver: Resolver) -> None:
    async with raw_server(accept) as (host, port):
        made = connectivity(resolver)
        made.saw(host, port, trusted=False)
        assert await made.holds() is None
