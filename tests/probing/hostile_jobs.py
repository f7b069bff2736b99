"""Jobs of every pipeline against endpoints that mean harm."""

import asyncio
from collections.abc import Iterable

from exporter.model import Measurement, Outcome
from exporter.pipelines.job import Order, Prepared
from exporter.pipelines.kinds import KINDS
from exporter.simulation.hostile import HostileServer
from exporter.simulation.hostile_server import Exchange
from exporter.simulation.hostile_wire import http_answer
from tests.probing.kit import Kit, ProofsHere

AT_ONCE = 12
"""Jobs that run at the same time: most of them wait for a limit."""

CAUGHT = frozenset(
    {
        Outcome.INVALID_RESPONSE,
        Outcome.INVALID_ARTEFACT,
        Outcome.WRONG_ANSWER,
        Outcome.DOWNLOAD_FAILED,
        Outcome.NSFW_FILTERED,
    }
)
"""What becomes of an answer that came and is none."""


class MadeOnce(ProofsHere):
    """Makes one job a pipeline: what a hostile endpoint does, it does to any."""

    def __init__(self) -> None:
        self._made: dict[str, Prepared] = {}

    async def prepare(self, order: Order) -> Prepared:
        if order.pipeline not in self._made:
            self._made[order.pipeline] = await super().prepare(order)
        return self._made[order.pipeline]


class Reciting(HostileServer):
    """Answers every job with `body`, and knows no other file."""

    def __init__(self, content_type: str = "application/json") -> None:
        super().__init__("reciting", self._recite)
        self.body = b""
        self._content_type = content_type

    async def _recite(self, exchange: Exchange) -> None:
        if exchange.method == "POST":
            await exchange.write(http_answer(self.body, content_type=self._content_type))
        else:
            await exchange.write(http_answer(b"", status="404 Not Found"))


def pipelines() -> list[str]:
    """Every pipeline that there is."""
    return sorted(KINDS)


async def all_of(
    kit: Kit, servers: Iterable[HostileServer], pipeline: str
) -> dict[str, Measurement]:
    """Run a job against each server, some at once; the measurements by the servers' names."""
    free = asyncio.Semaphore(AT_ONCE)

    async def one(server: HostileServer) -> tuple[str, Measurement]:
        async with free, server:
            return server.name, await kit.run(server.url, pipeline)

    return dict(await asyncio.gather(*[one(server) for server in servers]))
