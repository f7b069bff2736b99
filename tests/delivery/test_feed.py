import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from random import Random

from exporter.delivery.feed import FIRST_PAUSE, LONGEST_PAUSE, Batch, Feed
from exporter.model import Measurement
from tests.delivery.queues import Queue, caught_up
from tests.measurements import good
from tests.waiting import until


class Collector:
    """Keeps what it is given; fails as long as it is told to, or on every job named in `bad`."""

    def __init__(self, name: str = "collector", start: int = 0) -> None:
        self.name = name
        self.start = start
        self.broken = False
        self.taken: list[str] = []
        self.batches: list[int] = []
        self.offered = asyncio.Event()

    async def position(self) -> int:
        return self.start

    async def take(self, batch: Batch) -> None:
        self.offered.set()
        if self.broken:
            raise OSError("the disk is full")
        self.taken += [job.id for _, job in batch]
        self.batches.append(len(batch))


def jobs(count: int) -> list[Measurement]:
    return [good(f"job-{number}") for number in range(1, count + 1)]


@asynccontextmanager
async def fed(*feeds: Feed) -> AsyncIterator[None]:
    tasks = [asyncio.create_task(feed.run()) for feed in feeds]
    try:
        yield
    finally:
        for feed in feeds:
            feed.stop()
        async with asyncio.timeout(20):
            await asyncio.gather(*tasks)


async def test_everything_is_handed_over_in_order_and_in_batches() -> None:
    consumer, queue = Collector(), Queue(*jobs(25))
    feed = Feed(consumer, queue, random=Random(1), batch=10)
    async with fed(feed):
        await caught_up(feed, 25)
    assert consumer.taken == [f"job-{number}" for number in range(1, 26)]
    assert consumer.batches == [10, 10, 5]
    assert feed.delivered == 25


async def test_a_consumer_starts_where_it_says_it_stands() -> None:
    consumer = Collector(start=20)
    feed = Feed(consumer, Queue(*jobs(23)), random=Random(1))
    async with fed(feed):
        await caught_up(feed, 23)
    assert consumer.taken == ["job-21", "job-22", "job-23"]


async def test_what_comes_later_is_handed_over_when_the_feed_is_woken() -> None:
    consumer, queue = Collector(), Queue(*jobs(1))
    feed = Feed(consumer, queue, random=Random(1))
    async with fed(feed):
        await caught_up(feed, 1)
        queue.jobs.append(good("late"))
        await caught_up(feed, 2)
    assert consumer.taken == ["job-1", "late"]


async def test_a_failing_consumer_delays_no_other_and_gets_everything_in_the_end() -> None:
    queue = Queue(*jobs(5))
    broken, sound = Collector("broken"), Collector("sound")
    broken.broken = True
    feeds = [Feed(consumer, queue, random=Random(1)) for consumer in (broken, sound)]
    async with fed(*feeds):
        await caught_up(feeds[1], 5)
        async with asyncio.timeout(20):
            await broken.offered.wait()
        assert feeds[0].problem == "OSError: the disk is full"
        assert feeds[0].errors >= 1
        assert feeds[0].position == 0
        assert feeds[1].problem is None
        broken.broken = False
        await caught_up(feeds[0], 5)
    assert broken.taken == sound.taken
    assert feeds[0].problem is None


async def test_pauses_between_attempts_grow_within_bounds_and_differ() -> None:
    feed = Feed(Collector(), Queue(), random=Random(1))
    pauses = []
    for failures in range(1, 200):
        feed._failures_in_a_row = failures
        pauses.append(feed._pause())
    assert all(FIRST_PAUSE / 2 <= pause <= LONGEST_PAUSE for pause in pauses)
    assert max(pauses[:2]) < 1.0
    assert max(pauses) > LONGEST_PAUSE / 2
    assert len(set(pauses)) > 100


async def test_a_stop_hands_over_what_is_there_first() -> None:
    consumer = Collector()
    feed = Feed(consumer, Queue(*jobs(30)), random=Random(1), batch=10)
    feed.stop()
    await feed.run()
    assert len(consumer.taken) == 30


async def test_a_stop_in_the_middle_of_a_batch_hands_over_what_came_meanwhile() -> None:
    queue = Queue(*jobs(3))

    class Late(Collector):
        async def take(self, batch: Batch) -> None:
            await super().take(batch)
            if len(self.taken) == 3:
                queue.jobs += jobs(2)
                feed.stop()

    consumer = Late()
    feed = Feed(consumer, queue, random=Random(1), batch=10)
    await feed.run()
    assert len(consumer.taken) == 5


async def test_a_stop_does_not_wait_for_a_consumer_that_fails() -> None:
    consumer = Collector()
    consumer.broken = True
    feed = Feed(consumer, Queue(*jobs(3)), random=Random(1))
    feed.stop()
    await feed.run()
    assert feed.errors == 1


async def test_a_halt_ends_after_the_batch_in_hand() -> None:
    queue = Queue(*jobs(30))

    class Halting(Collector):
        async def take(self, batch: Batch) -> None:
            await super().take(batch)
            feed.halt()

    consumer = Halting()
    feed = Feed(consumer, queue, random=Random(1), batch=10)
    await feed.run()
    assert len(consumer.taken) == 10
    assert feed.position == 10


async def test_rows_that_cannot_be_read_do_not_look_pending() -> None:
    consumer = Collector()
    feed = Feed(consumer, Queue(*jobs(5), holes=(2, 4, 5)), random=Random(1))
    async with fed(feed):
        await caught_up(feed, 5)
    assert consumer.taken == ["job-1", "job-3"]


class Slow(Collector):
    """Takes a batch only when told to."""

    def __init__(self) -> None:
        super().__init__()
        self.go = asyncio.Event()

    async def take(self, batch: Batch) -> None:
        self.offered.set()
        await self.go.wait()
        await super().take(batch)


class Noting(Queue):
    """Notes after which numbers it was read."""

    def __init__(self, *jobs: Measurement) -> None:
        super().__init__(*jobs)
        self.reads: list[int] = []

    async def read(self, after: int, limit: int) -> list[tuple[int, Measurement]]:
        self.reads.append(after)
        return await super().read(after, limit)


async def test_the_next_batch_is_read_while_a_full_one_is_taken() -> None:
    queue, slow = Noting(*jobs(5)), Slow()
    feed = Feed(slow, queue, random=Random(1), batch=2)
    async with fed(feed):
        await asyncio.wait_for(slow.offered.wait(), 20)
        await until(lambda: queue.reads == [0, 2])
        slow.go.set()
        await caught_up(feed, 5)
    assert slow.taken == [f"job-{number}" for number in range(1, 6)]
    assert queue.reads[:3] == [0, 2, 4]


async def test_what_was_read_ahead_is_forgotten_when_the_batch_before_it_fails() -> None:
    queue, collector = Noting(*jobs(4)), Collector()
    collector.broken = True
    feed = Feed(collector, queue, random=Random(1), batch=2)
    async with fed(feed):
        await asyncio.wait_for(collector.offered.wait(), 20)
        collector.broken = False
        await caught_up(feed, 4)
    assert collector.taken == [f"job-{number}" for number in range(1, 5)]


async def test_what_is_put_while_a_full_batch_is_taken_is_not_passed_over() -> None:
    queue, slow = Noting(*jobs(6)), Slow()
    feed = Feed(slow, queue, random=Random(1), batch=4)
    async with fed(feed):
        await asyncio.wait_for(slow.offered.wait(), 20)
        await until(lambda: queue.reads == [0, 4])
        queue.jobs += [good("job-7"), good("job-8"), good("job-9")]
        slow.go.set()
        await caught_up(feed, 9)
    assert slow.taken == [f"job-{number}" for number in range(1, 10)]
