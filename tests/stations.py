"""A whole station on real files, for tests of what it serves."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
from aiohttp.test_utils import TestClient, TestServer

from exporter.model import Measurement, Offer, SourceState, Supply, Target
from exporter.outbox import Outbox
from exporter.serving import HTTP
from exporter.settings import Settings
from exporter.station import assemble, running
from exporter.stores import Store
from exporter.stores.embedded import EmbeddedStore
from exporter.web.app import build_app
from exporter.web.context import Context
from tests.measurements import SECOND, START
from tests.waiting import eventually

NOW = START + 3600 * SECOND

ALICE = "0x" + "a1" * 20
BOB = "0x" + "b2" * 20
CAROL = "0x" + "c3" * 20


def settings(data: Path, **more: Any) -> Settings:
    """The settings of the tester that the made-up measurements name."""
    endpoint = {
        "orchestrator": ALICE,
        "uri": "http://127.0.0.1:1",
        "models": [{"pipeline": "text-to-image", "model": "stabilityai/sd-turbo"}],
    }
    return Settings.model_validate(
        {
            "region": "MDW",
            "tester": "tester-1",
            "data": data,
            "sources": {"static": [endpoint]},
            "station": {"listen": "127.0.0.1:0"},
            **more,
        }
    )


def offer(orchestrator: str, **facts: Any) -> Offer:
    """An offer of the model that the made-up measurements are about."""
    target = Target(
        orchestrator,
        facts.pop("pipeline", "text-to-image"),
        facts.pop("model", "stabilityai/sd-turbo"),
    )
    return Offer(target=target, **{"service_uri": "https://ai.example:8935", **facts})


def supply(*offers: Offer, taken_at: int = NOW) -> Supply:
    """A supply of these offers, from one good source."""
    source = SourceState(name="gateway", offers=len(offers), refreshed_at=taken_at)
    return Supply(offers=offers, sources=(source,), taken_at=taken_at)


@dataclass
class Station:
    """A running station and a client of its HTTP side."""

    here: Context
    outbox: Outbox
    client: TestClient[Any, Any]

    async def give(self, *jobs: Measurement) -> None:
        """Put jobs into the outbox and wait until every consumer has them."""
        await asyncio.gather(*(self.outbox.put(job) for job in jobs))
        await self.delivered()

    async def delivered(self) -> None:
        """Wait until every consumer has everything."""

        async def all_have_it() -> bool:
            for feed in self.here.feeds:
                feed.wake()
            return not any([await feed.pending() for feed in self.here.feeds])

        await eventually(all_have_it)
        await self.here.prepared.refresh()
        self.here.computed.forget()

    async def supplied(self, *offers: Offer, taken_at: int = NOW) -> None:
        """Publish a supply and let the station see it."""
        payload = msgspec.json.encode(supply(*offers, taken_at=taken_at))
        await self.outbox.publish("supply", payload)
        await self.here.watch.look()

    async def json(self, path: str, status: int = 200) -> Any:
        """The JSON answer to a GET."""
        response = await self.client.get(path)
        assert response.status == status, await response.text()
        return msgspec.json.decode(await response.read())

    async def page(self, path: str, status: int = 200) -> str:
        """The page that a browser gets."""
        response = await self.client.get(path, headers={"Accept": "text/html,*/*;q=0.8"})
        assert response.status == status
        assert response.headers["Content-Type"] == "text/html; charset=utf-8"
        return await response.text()


@asynccontextmanager
async def running_station(
    data: Path,
    now: int | Callable[[], int] = NOW,
    store: Store | None = None,
    keep_delivered: int = 500,
    stored_in: Any = None,
    **more: Any,
) -> AsyncIterator[Station]:
    """A station in a data folder; its clock stands still where it is but a moment.

    Without a `store` it has the embedded one of the folder; a store that is given is closed, too.
    `stored_in`: what the settings say of it.
    """
    if stored_in is not None:
        more["store"] = stored_in
    outbox = Outbox.open(
        data / "outbox.sqlite", max_bytes=2**26, keep_delivered=keep_delivered, clock=lambda: 0
    )
    if store is None:
        store = EmbeddedStore.open(data / "store.duckdb")
    clock = now if callable(now) else (lambda: now)
    here = await assemble(settings(data, **more), outbox, store, now=clock)
    server = TestServer(build_app(here, metrics_kept=0.0))
    await server.start_server(**HTTP)
    async with running(here), TestClient(server) as client:
        yield Station(here, outbox, client)
    await store.close()
    await outbox.close()
