"""A whole station, on both stores, that somebody posts to and reads from as from the original."""

import hashlib
import hmac
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import msgspec
import pytest
from aiohttp import ClientResponse
from pydantic import SecretStr

from exporter.settings import Influx
from exporter.stores import Store
from exporter.stores.embedded import EmbeddedStore
from exporter.stores.influx import InfluxStore
from tests.services.influx_server import ORG, InfluxServer
from tests.stations import Station, running_station

SECRET = "testsecret"
OTHER = "another secret"
FRA_ONLY = "only for Frankfurt"
A, B, C = ("0x" + digits * 20 for digits in ("aa", "bb", "CC"))
Stat = tuple[str, str, float, float]
"""Region, orchestrator, success rate, round trip time."""


def signature(body: bytes, secret: str = SECRET) -> str:
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


@dataclass
class Leaderboard:
    """A station as those see it who know the original."""

    station: Station

    async def send(
        self, body: bytes, *, signed: str | None = None, method: str = "POST"
    ) -> ClientResponse:
        """Post a body, signed rightly unless said otherwise."""
        headers = {"Authorization": signature(body) if signed is None else signed}
        return await self.station.client.request(
            method, "/api/post_stats", data=body, headers=headers
        )

    async def post(self, **stat: Any) -> None:
        """Post a stat, which is taken, and wait until it is served."""
        await self.post_all(stat)

    async def post_all(self, *stats: dict[str, Any]) -> None:
        for stat in stats:
            response = await self.send(msgspec.json.encode(stat))
            assert (response.status, await response.read()) == (200, b"ok")
        await self.station.delivered()

    async def post_ai(self, *stats: Stat, model: str = "m/one") -> None:
        await self.post_all(
            *(
                {
                    "region": region,
                    "orchestrator": orchestrator,
                    "success_rate": success,
                    "round_trip_time": time,
                    "pipeline": "Text to image",
                    "model": model,
                }
                for region, orchestrator, success, time in stats
            )
        )

    async def ask(self, path: str) -> Any:
        """The JSON answer to a question."""
        return await self.station.json(f"/api/{path}")


@pytest.fixture(params=["embedded", "influxdb"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    if request.param == "embedded":
        yield EmbeddedStore.open(tmp_path / "store.duckdb")
        return
    server: InfluxServer = request.getfixturevalue("influx")
    name = uuid4().hex
    bucket = server.bucket(name)
    yield InfluxStore.open(
        Influx(
            url=server.url, org=ORG, bucket=name, rollup_bucket=None, token=SecretStr(server.token)
        )
    )
    server.drop_bucket(bucket)


@pytest.fixture
async def board(store: Store, tmp_path: Path) -> AsyncIterator[Leaderboard]:
    secrets = [
        {"name": "friend", "secret": SECRET},
        {"name": "rotated", "secret": OTHER},
        {"name": "frankfurter", "secret": FRA_ONLY, "regions": ["FRA"]},
    ]
    async with AsyncExitStack() as stack:
        station = await stack.enter_async_context(
            running_station(tmp_path, store=store, leaderboard={"secrets": secrets})
        )
        yield Leaderboard(station)
