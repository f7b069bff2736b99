"""A job runner with the real parts, limits that suit tests, and the proofs in this process."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager

from exporter.model import LaneKind, Measurement, Offer, Target
from exporter.pipelines import registry
from exporter.pipelines.job import Answer, Expectation, Order, Prepared, Verdict
from exporter.pipelines.kinds import make, prove
from exporter.pipelines.seen import Seen
from exporter.probing.connectivity import Connectivity
from exporter.probing.guard import Guard
from exporter.probing.handshake import host_and_port
from exporter.probing.job import JobRunner, Proofs
from exporter.probing.lag import LoopLag
from exporter.probing.lanes import Lane
from exporter.probing.resolve import Resolver
from exporter.probing.transport import unverified_tls
from exporter.settings import Connectivity as ConnectivitySettings
from exporter.settings import Limits, Pipelines

LIMITS = Limits(
    connect=2, upload=5, inference=1.5, download=2, response_bytes=2**20, artefact_bytes=4 * 2**20
)


class ProofsHere:
    """The real proofs, without a process of their own."""

    async def prepare(self, order: Order) -> Prepared:
        return await asyncio.to_thread(make, order)

    async def prove(self, pipeline: str, expectation: Expectation, answer: Answer) -> Verdict:
        return await asyncio.to_thread(prove, pipeline, expectation, answer)


class Kit:
    """Runs one job against a URL the way the service does."""

    def __init__(self, resolver: Resolver, limits: Limits) -> None:
        self.resolver = resolver
        self.limits = limits
        self.guard = Guard()
        self.seen = Seen()
        self.connectivity: Connectivity | None = None
        self.proofs: Proofs = ProofsHere()

    def runner(self, pipelines: Pipelines | None = None, seed: int = 1) -> JobRunner:
        return JobRunner(
            tester="test",
            region="TEST",
            limits=self.limits,
            pipelines=registry(pipelines or Pipelines()),
            proofs=self.proofs,
            seen=self.seen,
            resolver=self.resolver,
            guard=self.guard,
            connectivity=self.connectivity,
            lag=LoopLag(),
            tls=unverified_tls(),
            rng=random.Random(seed),
        )

    def lane(self, url: str, *, kind: LaneKind = LaneKind.DIRECT, trusted: bool = True) -> Lane:
        origin = host_and_port(url)
        return Lane(
            kind=kind,
            name=f"{kind}:test",
            url=url,
            trusted=frozenset({origin}) if trusted else frozenset(),
        )

    async def run(
        self,
        url: str,
        pipeline: str = "text-to-image",
        *,
        model: str = "m/one",
        kind: LaneKind = LaneKind.DIRECT,
        trusted: bool = True,
        service_uri: str | None = None,
        pipelines: Pipelines | None = None,
        seed: int = 1,
    ) -> Measurement:
        offer = Offer(
            target=Target("0x" + "a" * 40, pipeline, model),
            service_uri=service_uri or url,
            named_by_operator=trusted,
        )
        lane = self.lane(url, kind=kind, trusted=trusted)
        ran = await self.runner(pipelines, seed).run(offer, lane, due=time.monotonic_ns(), number=1)
        return ran.measurement

    def watch_network(self, *witnesses: str) -> None:
        """Give the tester a connectivity check against these HOST:PORT pairs."""
        self.connectivity = Connectivity(
            ConnectivitySettings(check=list(witnesses), timeout=1),
            resolver=self.resolver,
            guard=self.guard,
        )


Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Coroutine[None, None, None]]


@asynccontextmanager
async def raw_server(
    handler: Handler, host: str = "127.0.0.1", **options: object
) -> AsyncIterator[tuple[str, int]]:
    """A TCP server on loopback that does what `handler` says; gives host and port.

    A connection that asks nothing, such as a handshake for its own sake, is closed. At the end
    nothing of it is left for the next test.
    """
    running: dict[asyncio.Task[None] | None, asyncio.StreamWriter] = {}

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        running[asyncio.current_task()] = writer
        try:
            await handler(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            writer.close()

    server = await asyncio.start_server(handle, host, 0, **options)  # type: ignore[arg-type]  # passed through
    try:
        yield server.sockets[0].getsockname()[:2]
    finally:
        server.close()
        tasks = [task for task in running if task is not None and not task.done()]
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=0.2)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        for writer in running.values():
            writer.transport.abort()
        await asyncio.sleep(0)


def free_port() -> int:
    """A port on which nothing listens."""
    import socket

    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])
