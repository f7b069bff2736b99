"""What the handlers work with."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final, Protocol

from aiohttp import web
from msgspec import UNSET

from exporter.delivery.feed import Feed
from exporter.delivery.followed_numbers import FollowedNumbers
from exporter.delivery.loop_lag import LoopLag
from exporter.delivery.outbox_watch import OutboxWatch
from exporter.delivery.post_stats.consumer import PostStats
from exporter.delivery.recent import RecentJobs
from exporter.delivery.station_numbers import ConsumerNumbers, OutboxNumbers, StationNumbers
from exporter.delivery.target_metrics import TargetMetrics
from exporter.kept_answers.reading import KeptAnswers
from exporter.leaderboard.preparing import Preparing
from exporter.maintenance import Maintenance, maintenance
from exporter.model import Measurement
from exporter.names.book import NameBook
from exporter.outbox import Losses, OutboxError
from exporter.settings import Settings
from exporter.settings.digest import digest
from exporter.stores import Store
from exporter.web.computed import Computed
from exporter.web.counts import Counts

log = logging.getLogger(__name__)


class Queue(Protocol):
    """What the handlers ask of the outbox."""

    id: str

    async def put(self, measurement: Measurement) -> int:
        """Store a measurement and give its number once it is on the disk."""
        ...

    async def last(self) -> int:
        """The highest sequence number ever given."""
        ...

    async def size(self) -> int:
        """Bytes on disk."""
        ...

    async def free(self) -> int:
        """Bytes left on its disk."""
        ...

    async def losses(self) -> Losses:
        """What was deleted for want of room before it was delivered."""
        ...

    async def dead_letters(self) -> dict[str, int]:
        """Measurements that each consumer does not take."""
        ...

    async def notice(self, topic: str) -> bytes | None:
        """The latest value of a topic."""
        ...


class Follower(Protocol):
    """Somebody who follows a leaderboard."""

    @property
    def numbers(self) -> FollowedNumbers:
        """How it is doing."""
        ...

    async def run(self) -> None:
        """Follow until cancelled."""
        ...


@dataclass(frozen=True, kw_only=True)
class Context:
    """The parts of a running station, and the clock (Unix nanoseconds)."""

    settings: Settings
    version: str
    outbox: Queue
    store: Store
    feeds: Sequence[Feed]
    posts: Sequence[PostStats]
    metrics: TargetMetrics
    recent: RecentJobs
    answers: KeptAnswers
    names: NameBook
    watch: OutboxWatch
    lag: LoopLag
    followers: Sequence[Follower]
    now: Callable[[], int]
    prepared: Preparing
    computed: Computed
    counts: Counts

    @cached_property
    def settings_digest(self) -> str:
        """A short digest of the settings, secrets left out."""
        return digest(self.settings)

    @property
    def maintenance(self) -> Maintenance:
        """The maintenance windows that are open now."""
        return maintenance(self.settings.maintenance, self.now())

    async def numbers(self) -> StationNumbers:
        """How the station is doing now; what the outbox does not tell is `None`."""
        return StationNumbers(
            version=self.version,
            settings_digest=self.settings_digest,
            outbox=await self._outbox_numbers(),
            consumers=tuple([await self._consumer(feed) for feed in self.feeds]),
            refused_targets=self.metrics.refused,
            refused_reported=self.metrics.reported.refused,
            loop_lag=self.lag.worst,
            prepared_age=self.prepared.age,
            posts=dict(self.counts.posts),
            refused_answers={"busy": 0, "too many rows": 0, **self.counts.refused},
            followed=tuple(follower.numbers for follower in self.followers),
        )

    async def _outbox_numbers(self) -> OutboxNumbers | None:
        try:
            return OutboxNumbers(
                last=await self.outbox.last(),
                bytes=await self.outbox.size(),
                losses=await self.outbox.losses(),
                dead_letters=await self.outbox.dead_letters(),
            )
        except OutboxError as error:
            log.warning("the outbox cannot be read", extra={"why": str(error)})
            return None

    async def _consumer(self, feed: Feed) -> ConsumerNumbers:
        try:
            lag = await feed.pending()
        except OutboxError:  # which is told once, with the outbox's own numbers
            lag = None
        posted = {post.name: post.posted for post in self.posts}
        return ConsumerNumbers(
            name=feed.name,
            position=feed.position,
            lag=lag,
            delivered=feed.delivered,
            errors=feed.errors,
            problem=feed.problem,
            posted=posted.get(feed.name, UNSET),
        )


CONTEXT: Final = web.AppKey("context", Context)


def context(request: web.Request) -> Context:
    """The context of the application that a request came to."""
    return request.app[CONTEXT]
