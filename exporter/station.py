"""The station: the process that delivers, stores and serves.

It opens the data folder, restores what is kept in memory, starts one feed per consumer and serves
until it is told to stop. It does not measure.
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from random import Random
from typing import Final

from prometheus_client.core import Metric as Family

from exporter import __version__
from exporter.data_folder import DataFolder
from exporter.delivery.exposition import families
from exporter.delivery.feed import Feed, Source
from exporter.delivery.loop_lag import LoopLag
from exporter.delivery.metric_history import MetricHistory
from exporter.delivery.outbox_watch import OutboxWatch
from exporter.delivery.post_stats.consumer import BATCH as POSTS_AT_ONCE
from exporter.delivery.post_stats.consumer import PREFIX as POST_STATS
from exporter.delivery.post_stats.consumer import PostStats
from exporter.delivery.post_stats.retries import PostRetries
from exporter.delivery.recent import RecentJobs
from exporter.delivery.restoration import AfterRestoration, Restoration
from exporter.delivery.store_retries import StoreRetries
from exporter.delivery.store_writer import CONSUMER as STORE
from exporter.delivery.store_writer import StoreWriter
from exporter.delivery.target_metrics import TargetMetrics
from exporter.following.follower import Follower
from exporter.kept_answers.reading import KeptAnswers
from exporter.kept_answers.record import answers_folder
from exporter.leaderboard.preparing import Preparing
from exporter.names.book import NameBook, nameable
from exporter.opening import open_store
from exporter.outbox import Outbox
from exporter.serving import listening
from exporter.settings import Settings
from exporter.stores import Store, StoreError
from exporter.web.app import build_app
from exporter.web.computed import Computed
from exporter.web.context import Context
from exporter.web.counts import Counts
from exporter.web.metrics_route import snapshot

log = logging.getLogger(__name__)

PREPARED: Final = "leaderboard.msgpack"
"""The file in the data folder that keeps the leaderboard's prepared answers over a restart."""
DRAIN: Final = 4.0
"""Seconds that a stop waits for what is still in the outbox."""
MAINTENANCE: Final = 60.0
"""Seconds from one maintenance of the store to the next."""
BATCH_END: Final = 4.0
"""Seconds more that it waits for the batch that is being written."""


async def serve(
    settings: Settings,
    *,
    stop: asyncio.Event,
    on_ready: Callable[[str], None] = lambda _: None,
    now: Callable[[], int] = time.time_ns,
) -> None:
    """Run the station until `stop` is set; `on_ready` is told the base URL once it serves.

    `now` gives Unix nanoseconds. At a stop it stops listening, delivers what is still in the
    outbox as far as a bound of seconds allows, ends the batch in hand and closes the store.

    Raises `DataFolderError`, `OutboxError`, `StoreError` or `ListenError` when the surroundings do
    not allow it to start; their messages say what to do.
    """
    async with AsyncExitStack() as stack:
        folder = stack.enter_context(DataFolder.open(settings.data, role="station"))
        outbox = Outbox.open(
            folder.outbox,
            max_bytes=settings.outbox.max_bytes,
            keep_delivered=settings.outbox.keep_delivered,
        )
        stack.push_async_callback(outbox.close)
        store = await stack.enter_async_context(open_store(settings))
        here = await assemble(settings, outbox, store, now=now)
        await stack.enter_async_context(running(here))
        url = await stack.enter_async_context(
            listening(build_app(here), settings.station.listen, "station.listen")
        )
        log.info("the station serves", extra={"url": url})
        on_ready(url)
        await stop.wait()


async def assemble(
    settings: Settings, outbox: Outbox, store: Store, *, now: Callable[[], int]
) -> Context:
    """Build the parts of a station upon an open outbox and store, not yet running.

    They are restored if the store answers now, else as soon as it does.
    """
    reporters = reporters_of(settings)
    restoration = Restoration(
        outbox, store, tester=settings.tester, region=settings.region, reporters=reporters
    )
    metrics = TargetMetrics(
        tester=settings.tester,
        region=settings.region,
        buckets=settings.metrics.buckets,
        restore=restoration.states,
        reporters=reporters,
        reported_for=settings.metrics.reported_for,
        now=now,
    )
    try:
        await metrics.position()
    except StoreError as error:
        log.warning("the store does not answer yet", extra={"problem": str(error)})
    jobs, failures = settings.station.recent_jobs, settings.station.recent_failures
    last = await outbox.last()  # before the tail, which may have more: nothing is taken twice
    recent = RecentJobs(jobs, failures, after=last, tail=await outbox.tail(jobs + failures))
    posting = _posting(settings, outbox)
    feeds = [
        *_feeds(outbox, store, restoration, metrics, recent),
        *await _post_feeds(posting, outbox, restoration),
    ]
    watch = OutboxWatch(outbox, feeds, metrics.follow, now)
    await watch.start()

    def progress() -> int:
        return feeds[0].position

    leaderboard = settings.leaderboard
    followers = [
        Follower(
            followed,
            outbox=outbox,
            store=store,
            feed=next(feed for feed in feeds if feed.name == STORE),
            now=now,
            random=Random(),  # noqa: S311 - spreads requests, keeps no secret
        )
        for followed in settings.sources.follow
    ]
    return Context(
        settings=settings,
        version=__version__,
        outbox=outbox,
        store=store,
        feeds=feeds,
        posts=[post for post, _ in posting],
        metrics=metrics,
        recent=recent,
        answers=KeptAnswers(answers_folder(settings.data)),
        names=NameBook(settings, now=now),
        watch=watch,
        lag=LoopLag(),
        followers=followers,
        now=now,
        prepared=Preparing(
            store,
            window=leaderboard.window,
            interval=leaderboard.refresh_interval,
            now=now,
            progress=progress,
            file=settings.data / PREPARED,
        ),
        computed=Computed(leaderboard.cache_bytes // 2, progress),
        counts=Counts(),
    )


def reporters_of(settings: Settings) -> Sequence[str]:
    """The testers whose results others give us, by the settings."""
    posting = [secret.name for secret in settings.leaderboard.secrets]
    return (*posting, *(one.host for one in settings.sources.follow))


def _feeds(
    outbox: Outbox,
    store: Store,
    restoration: Restoration,
    metrics: TargetMetrics,
    recent: RecentJobs,
) -> Sequence[Feed]:
    random = Random()  # noqa: S311 - spreads retries, keeps no secret
    in_memory = [Feed(consumer, outbox, random=random) for consumer in (metrics, recent)]

    def seen_by_all(seq: int) -> bool:
        return all(feed.position >= seq for feed in in_memory)

    writer = AfterRestoration(StoreWriter(outbox, store, seen_by_all), restoration)
    retries = StoreRetries(outbox, store)
    return [
        Feed(writer, outbox, random=random, batch=store.batch),
        Feed(retries, retries, random=random, batch=store.batch),
        *in_memory,
    ]


def _posting(settings: Settings, outbox: Outbox) -> list[tuple[PostStats, Source]]:
    """Who posts to the leaderboards that are set, and whence: outbox, or dead letters."""
    posting: list[tuple[PostStats, Source]] = []
    for target in settings.leaderboard.post_to:
        post = PostStats(target, outbox, region=settings.region)
        again = PostRetries(outbox, post.name)
        repost = PostStats(target, again, region=settings.region, name=again.name, history=True)
        posting += [(post, outbox), (repost, again)]
    return posting


async def _post_feeds(
    posting: Sequence[tuple[PostStats, Source]], outbox: Outbox, restoration: Restoration
) -> list[Feed]:
    """Their feeds; the outbox does not wait any more for those that are not set any more."""
    names = [post.name for post, _ in posting]
    if forgotten := await outbox.forget_others(POST_STATS, names):
        log.info("nothing is posted to these any more", extra={"consumers": forgotten})
    random = Random()  # noqa: S311 - spreads retries, keeps no secret
    return [
        Feed(
            AfterRestoration(post, restoration),
            source,
            random=random,
            batch=POSTS_AT_ONCE,
            position=await post.begin(),
        )
        for post, source in posting
    ]


@asynccontextmanager
async def running(here: Context) -> AsyncIterator[None]:
    """Run the parts for the length of the block; then end the feeds, gently, after all who feed."""
    feeding = [asyncio.create_task(feed.run(), name=f"feed {feed.name}") for feed in here.feeds]
    following = [asyncio.create_task(one.run(), name="following") for one in here.followers]
    others = [
        asyncio.create_task(here.watch.run(), name="outbox watch"),
        asyncio.create_task(here.lag.run(), name="loop lag"),
        asyncio.create_task(_maintain(here.store), name="store maintenance"),
        asyncio.create_task(here.prepared.run(), name="prepared answers"),
        asyncio.create_task(here.names.run(lambda: nameable(here.watch.supply)), name="names"),
    ]
    if (history := _history(here)) is not None:
        others.append(asyncio.create_task(history.run(), name="metric history"))
    try:
        yield
    finally:
        for task in following:
            task.cancel()
        await asyncio.gather(*following, return_exceptions=True)
        await _end(here.feeds, feeding)
        await here.computed.close()
        for task in others:
            task.cancel()
        tasks = (*feeding, *following, *others)
        for result in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(result, Exception):
                log.error("a part of the station failed", exc_info=result)
        for post in here.posts:
            await post.close()


def _history(here: Context) -> MetricHistory | None:
    """Who writes metrics into the store; nobody where it is none for that, or not wanted."""
    influx = here.settings.store.influxdb
    if here.settings.store.kind != "influxdb" or influx is None or not influx.metrics_interval:
        return None
    from exporter.stores.influx import InfluxStore

    if not isinstance(here.store, InfluxStore):
        return None

    async def station() -> list[Family]:
        return await asyncio.to_thread(families, await snapshot(here))

    return MetricHistory(
        station=station,
        probe=f"http://{here.settings.probe.listen}/metrics",
        write=here.store.write_metrics,
        tester=here.settings.tester,
        region=here.settings.region,
        interval=influx.metrics_interval,
        now=here.now,
    )


async def _maintain(store: Store) -> None:
    """Do from time to time what the store needs; what fails is tried again the next time."""
    problem: str | None = None
    while True:
        await asyncio.sleep(MAINTENANCE)
        try:
            await store.maintain()
        except Exception as error:  # noqa: BLE001 - whatever ails the store is tried again
            if str(error) != problem:
                problem = str(error)
                log.warning("the store cannot be maintained", extra={"problem": problem})
        else:
            problem = None


async def _end(feeds: Sequence[Feed], feeding: Sequence[asyncio.Task[None]]) -> None:
    for feed in feeds:
        feed.stop()
    await asyncio.wait(feeding, timeout=DRAIN)
    for feed in feeds:
        feed.halt()
    _, late = await asyncio.wait(feeding, timeout=BATCH_END)
    for task in late:
        log.warning("a consumer did not end in time", extra={"task": task.get_name()})
        task.cancel()
