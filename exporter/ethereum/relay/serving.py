"""A relay at work: at a socket or an address, asking the nodes of the settings."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from aiohttp import web

from exporter.ethereum.relay.heads import FRESH
from exporter.ethereum.relay.plan import PATIENCE
from exporter.ethereum.relay.relay import Relay
from exporter.ethereum.relay.server import relay_app
from exporter.ethereum.relay.tally import NodeState
from exporter.ethereum.upstreams import Upstreams
from exporter.serving import HTTP, SHUTDOWN
from exporter.settings.ethereum import Ethereum

BACKLOG: Final = 1024
"""Connections that wait while the relay is started anew."""

NODE_TIMEOUT: Final = 8.0
"""Seconds that one node gets at most: a call that fails after `ANSWER_LIMIT` has room for two."""


@asynccontextmanager
async def a_relay(settings: Ethereum, *, at_least: int = 0) -> AsyncIterator[Relay]:
    """A relay to the nodes of the settings, which looks whether they answer until they do.

    It gives no block below `at_least` as the newest one.
    """
    patient = settings.model_copy(update={"timeout": min(settings.timeout, NODE_TIMEOUT)})
    async with Upstreams.of(patient, patience=PATIENCE) as upstreams:
        relay = Relay(
            upstreams,
            cache_bytes=settings.relay.cache_bytes,
            calls_per_second=settings.relay.calls_per_second,
            keep_pool=settings.relay.keep_pool,
            at_least=at_least,
            states=lambda: tuple(
                NodeState(one.name, one.up, one.error, one.requests, one.calls)
                for one in upstreams.states
            ),
        )
        looking = asyncio.create_task(_look(relay), name="relay's look at the nodes")
        try:
            yield relay
        finally:
            looking.cancel()
            await asyncio.gather(looking, return_exceptions=True)


async def _look(relay: Relay) -> None:
    """Ask at the start, and again while there is no answer: nobody else may be about to ask."""
    await relay.look()
    while True:
        await asyncio.sleep(FRESH)
        if relay.trouble is not None:
            await relay.look()


@asynccontextmanager
async def served(relay: Relay, token: str, listener: socket.socket) -> AsyncIterator[None]:
    """Serve the relay at a socket that listens already."""
    runner = web.AppRunner(
        relay_app(relay, token),
        access_log=None,
        shutdown_timeout=SHUTDOWN,
        handle_signals=False,
        **HTTP,
    )
    await runner.setup()
    try:
        await web.SockSite(runner, listener, backlog=BACKLOG).start()
        yield
    finally:
        await runner.cleanup()


def listen(address: str) -> socket.socket:
    """A socket that listens at HOST:PORT. Raises `OSError`."""
    host, _, port = address.rpartition(":")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host.strip("[]").replace("localhost", "127.0.0.1"), int(port)))
        listener.listen(BACKLOG)
    except BaseException:
        listener.close()
        raise
    return listener


def url_of(listener: socket.socket, token: str) -> str:
    """Where the relay is asked at that socket."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}/{token}" if ":" in host else f"http://{host}:{port}/{token}"
