"""A whole station, on both stores, that somebody posts to and reads from as from the original."""

import asyncio
import hashlib
import hmac
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote
from uuid import uuid4

import msgspec
import pytest
from aiohttp import ClientResponse
from pydantic import SecretStr
from yarl import URL

from exporter.model import NANOSECONDS
from exporter.settings import Influx
from exporter.stores import Store
from exporter.stores.embedded import EmbeddedStore
from exporter.stores.influx import InfluxStore
from tests.services.influx_server import ORG, InfluxServer
from tests.stations import NOW, Station, running_station

SECRET = "testsecret"
OTHER = "another secret"
FRA_ONLY = "only for Frankfurt"
SECRETS = [
    {"name": "friend", "secret": SECRET},
    {"name": "rotated", "secret": OTHER},
    {"name": "frankfurter", "secret": FRA_ONLY, "regions": ["FRA"]},
]
A, B, C = ("0x" + digits * 20 for digits in ("aa", "bb", "CC"))
Stat = tuple[str, str, float, float]
"""Region, orchestrator, success rate, round trip time."""

ON_EMBEDDED = pytest.mark.parametrize("store", ["embedded"], indirect=True)
"""For what no store has to do with: once is enough."""


def signature(body: bytes, secret: str = SECRET) -> str:
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


class Clock:
    """The station's clock, which stands still until it is moved."""

    def __init__(self) -> None:
        self.moment = NOW

    def __call__(self) -> int:
        return self.moment

    def move(self, seconds: float) -> None:
        self.moment += round(seconds * NANOSECONDS)


class Answer(NamedTuple):
    """A response as it came over the wire."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes


async def over_the_wire(station: Station, request: bytes) -> Answer:
    """Send bytes, which ask for the connection to be closed, and read the response."""
    reader, writer = await asyncio.open_connection(station.client.host, station.client.port)
    try:
        writer.write(request)
        async with asyncio.timeout(20):
            answer = await reader.read()
    finally:
        writer.close()
    head, _, body = answer.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    headers = [(name, value.strip()) for name, _, value in (line.partition(":") for line in lines)]
    return Answer(int(first.split()[1]), headers, body)


@dataclass
class Leaderboard:
    """A station as those see it who know the original."""

    station: Station
    clock: Clock

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

    async def post_at_once(self, *stats: dict[str, Any]) -> None:
        """Post stats whose order does not matter."""
        bodies = [msgspec.json.encode(stat) for stat in stats]
        responses = await asyncio.gather(*(self.send(body) for body in bodies))
        assert {response.status for response in responses} <= {200}
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

    async def ask(self, path: str, **parameters: str) -> Any:
        """The JSON answer to a question; parameters are quoted."""
        return msgspec.json.decode(await self.read(path, **parameters))

    async def read(self, path: str, **parameters: str) -> bytes:
        """The body of a good answer."""
        query = "&".join(f"{name}={quote(value, safe='')}" for name, value in parameters.items())
        url = URL(f"/api/{path}" + (f"?{query}" if query else ""), encoded=True)
        response = await self.station.client.get(url)
        body = await response.read()
        assert response.status == 200, (path, parameters, body)
        return body

    async def refusal(self, path: str) -> str:
        """What is said of a question with a mistake."""
        response = await self.station.client.get(URL(f"/api/{path}", encoded=True))
        assert response.status == 400, path
        return await response.text()


@asynccontextmanager
async def opened(kind: str, folder: Path, request: pytest.FixtureRequest) -> AsyncIterator[Store]:
    """An empty store, whose user closes it."""
    if kind == "embedded":
        yield EmbeddedStore.open(folder / "store.duckdb")
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


@asynccontextmanager
async def leaderboard(
    folder: Path, store: Store | None = None, **more: Any
) -> AsyncIterator[Leaderboard]:
    """A station that knows some secrets; `more` are settings of its leaderboard."""
    clock = Clock()
    settings = {"secrets": SECRETS, **more}
    async with running_station(folder, now=clock, store=store, leaderboard=settings) as station:
        yield Leaderboard(station, clock)


@pytest.fixture(params=["embedded", "influxdb"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    async with opened(request.param, tmp_path, request) as store:
        yield store


@pytest.fixture
async def board(store: Store, tmp_path: Path) -> AsyncIterator[Leaderboard]:
    async with leaderboard(tmp_path, store) as board:
        yield board
