"""Stations that follow a leaderboard, look by look."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from exporter.following.follower import Door, Follower
from exporter.model import Measurement
from exporter.outbox import Outbox, OutboxError
from exporter.settings.leaderboard import FollowedLeaderboard
from tests.following.remote import Remote
from tests.measurements import SECOND
from tests.moving.stores import everything
from tests.stations import ALICE, Station, running_station


class Crashing:
    """An outbox in front of which the station dies before it notes how far it came."""

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox
        self.dies = False
        self.put, self.last, self.notice = outbox.put, outbox.last, outbox.notice

    async def publish(self, topic: str, payload: bytes) -> None:
        if self.dies:
            raise OutboxError("killed")
        await self._outbox.publish(topic, payload)


@dataclass
class Home:
    """A station, and a follower of it that looks when it is told to."""

    station: Station
    follower: Follower
    door: Crashing

    async def look(self) -> None:
        """Look once, without trouble, and let everything be delivered."""
        await self.follower.look()
        assert self.follower.numbers.problem is None
        await self.station.delivered()

    async def stored(self) -> list[Measurement]:
        """What the store has, in order of time and id."""
        await self.station.delivered()
        return [row.measurement for row in await everything(self.station.here.store)]

    async def put(self) -> int:
        """How many measurements came through the outbox in this process, which metrics count."""
        await self.station.delivered()
        return sum(feed.delivered for feed in self.station.here.feeds if feed.name == "prometheus")


@asynccontextmanager
async def home(
    folder: Path,
    remote: Remote,
    url: str,
    orchestrators: Sequence[str] = (ALICE,),
    *,
    keep_delivered: int = 500,
    **settings: Any,
) -> AsyncIterator[Home]:
    """A station whose clock is right by the leaderboard's."""
    async with running_station(folder, keep_delivered=keep_delivered) as station:
        door = Crashing(station.outbox)
        yield Home(station, follower(station, door, remote, url, orchestrators, **settings), door)


def follower(
    station: Station,
    door: Door,
    remote: Remote,
    url: str,
    orchestrators: Sequence[str] = (ALICE,),
    **settings: Any,
) -> Follower:
    """Somebody who follows for a station."""
    followed = {"url": url, "orchestrators": list(orchestrators), **settings}
    return Follower(
        FollowedLeaderboard.model_validate(followed),
        outbox=door,
        store=station.here.store,
        feed=station.here.feeds[0],
        now=lambda: int(remote.now * SECOND),
        random=Random(0),
    )
