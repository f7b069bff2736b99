"""A process that posts from an outbox: `python -m tests.delivery.post_stats.poster OUTBOX URL LAG`.

It is a station's feed with shorter waits, so that tests need not take minutes.
"""

import asyncio
import sys
from pathlib import Path
from random import Random

from exporter.delivery.feed import Feed
from exporter.delivery.post_stats.consumer import PostStats
from exporter.outbox import Outbox
from exporter.settings.leaderboard import PostTarget
from tests.delivery.post_stats.original import SECRET

BATCH = 7


class HastyFeed(Feed):
    """One whose pauses do not grow."""

    def _pause(self) -> float:
        return 0.1


async def post(path: Path, url: str, lag: float) -> None:
    """Post until killed."""
    outbox = Outbox.open(path, max_bytes=2**26, keep_delivered=0, clock=lambda: 0)
    target = PostTarget.model_validate({"url": url, "secret": SECRET, "timeout": 0.5})
    consumer = PostStats(target, outbox, region="MDW", lag=lag)
    position = await consumer.begin()
    feed = HastyFeed(consumer, outbox, random=Random(1), batch=BATCH, position=position)
    await feed.run()


if __name__ == "__main__":
    asyncio.run(post(Path(sys.argv[1]), sys.argv[2], float(sys.argv[3])))
