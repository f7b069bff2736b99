"""A station that is killed while others post to it has everything that it said ok to, once."""

import asyncio
import hashlib
import hmac
import json
import os
import random
import socket
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import httpx
import pytest
import yaml

from exporter.opening import open_store
from exporter.settings import Settings
from tests.stored import stored_rows
from tests.system.killing import delivered
from tests.system.service import running, until, until_answered

pytestmark = pytest.mark.system

SECRET = "shared among friends"
CLIENTS = 6
KILLS = int(os.environ.get("KILLS", "3"))
SEED = int(os.environ.get("KILL_SEED", "0")) or random.SystemRandom().randrange(1, 10**6)
ORCHESTRATOR = "0x" + "ab" * 20


class Poster:
    """Posts one stat after the other, each known by its timestamp, and keeps what was said."""

    def __init__(self, url: str, first: int) -> None:
        self._url = url
        self._next = first
        self.tried: list[int] = []
        self.taken: list[int] = []

    async def run(self, stop: asyncio.Event) -> None:
        async with httpx.AsyncClient(trust_env=False, timeout=10) as client:
            while not stop.is_set():
                await self._post(client)

    async def _post(self, client: httpx.AsyncClient) -> None:
        number, self._next = self._next, self._next + 1
        stat = {"region": "FRA", "orchestrator": ORCHESTRATOR, "timestamp": number}
        body = json.dumps(stat).encode()
        signed = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
        self.tried.append(number)
        try:
            answer = await client.post(self._url, content=body, headers={"Authorization": signed})
        except httpx.TransportError:
            await asyncio.sleep(0.05)  # it was killed: nobody knows whether it was taken
            return
        if answer.status_code == httpx.codes.OK:
            assert answer.content == b"ok"
            self.taken.append(number)


@pytest.mark.timeout(60 + 12 * KILLS)
async def test_every_post_that_was_answered_ok_is_stored_exactly_once(tmp_path: Path) -> None:
    print(f"KILLS={KILLS} KILL_SEED={SEED}")  # noqa: T201 - to repeat it
    rng = random.Random(SEED)
    config, settings = written_settings(tmp_path)
    base = f"http://{settings.station.listen}"
    posters = [Poster(f"{base}/api/post_stats", number * 10**6) for number in range(CLIENTS)]
    stop = asyncio.Event()
    posting = [asyncio.create_task(poster.run(stop)) for poster in posters]

    async def take(more: int) -> None:
        goal = more + sum(len(poster.taken) for poster in posters)
        await until(lambda: sum(len(poster.taken) for poster in posters) >= goal, "posts are taken")

    for kill in range(KILLS + 1):
        async with running("station", "--config", str(config), log=tmp_path / "log") as station:
            await until_answered(f"{base}/healthz")
            await take(rng.randrange(CLIENTS, 150))
            if kill < KILLS:
                await asyncio.sleep(rng.random() * 0.05)
                station.process.kill()
                await station.process.wait()
                continue
            stop.set()
            await asyncio.gather(*posting)
            await delivered(settings.data)
            assert await station.stop() == 0
    await account(settings, posters)


def written_settings(folder: Path) -> tuple[Path, Settings]:
    """Settings of a station that takes posts, in a file and read."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        listen = f"127.0.0.1:{free.getsockname()[1]}"
    plain = {
        "region": "MDW",
        "tester": "tester-1",
        "data": str(folder / "data"),
        "station": {"listen": listen},
        "leaderboard": {"secrets": [{"name": "friend", "secret": SECRET}]},
        "sources": {
            "static": [
                {
                    "orchestrator": ORCHESTRATOR,
                    "uri": "http://127.0.0.1:1",
                    "models": [{"pipeline": "text-to-image", "model": "m/one"}],
                }
            ]
        },
    }
    config = folder / "config.yaml"
    config.write_text(yaml.safe_dump(plain), encoding="utf-8")
    return config, Settings.model_validate(plain)


async def account(settings: Settings, posters: Sequence[Poster]) -> None:
    """Count what was answered ok against what is stored, by the posted timestamps."""
    async with open_store(settings) as store:
        rows = await stored_rows(store)
    stored = Counter(
        row.measurement.reported.timestamp for row in rows if row.measurement.reported is not None
    )
    tried = {number for poster in posters for number in poster.tried}
    taken = {number for poster in posters for number in poster.taken}
    print(f"tried {len(tried)}, ok {len(taken)}, stored {len(rows)}")  # noqa: T201 - the count
    assert len(stored) == len(rows), "something is stored twice"
    assert taken <= set(stored), "something that was answered ok is missing"
    assert set(stored) <= tried
