"""Bringing the results of another leaderboard into the outbox, by the same door as everything."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from random import Random
from typing import Final, Protocol

import msgspec

from exporter.delivery.feed import Feed
from exporter.delivery.store_writer import CONSUMER, StoreWriter
from exporter.leaderboard.stat import Key, Stat
from exporter.model import (
    NANOSECONDS,
    Measurement,
    Origin,
    normal_orchestrator,
    pipeline_uri,
)
from exporter.moving import MovingError
from exporter.moving.days import ALWAYS, DAY, Source, pages
from exporter.moving.foreign import EARLIEST
from exporter.moving.importing import Imported, there_of
from exporter.moving.leaderboard_client import (
    TRANSCODING,
    Leaderboard,
    Model,
    RefusedError,
    Span,
)
from exporter.moving.progress import Progress, unseen
from exporter.moving.spool import Spool
from exporter.moving.stats import measurement, own_keys
from exporter.moving.tally import Tally
from exporter.outbox import Outbox
from exporter.stores import Row, Store, Where, Window

_AT_ONCE: Final = 10_000
_PATIENCE: Final = 60.0
_POLL: Final = 0.2


class Door(Protocol):
    """What is needed of the outbox."""

    async def put(self, measurement: Measurement) -> int:
        """Store a measurement and give its number."""
        ...


class Fetched(msgspec.Struct):
    """What another leaderboard had."""

    stats: int = 0
    own: int = 0
    """Of these, measured by this tester: recognised and left out."""
    misdated: int = 0
    """Of these, with a time before the year 2000 or after tomorrow: left out."""


async def whom(
    leaderboard: Leaderboard, models: Sequence[Model], span: Span
) -> tuple[list[str], list[str]]:
    """Every orchestrator that it has results of, and what it refused to tell.

    The original refuses where a score is not defined, for a model all of whose jobs failed.
    """
    found: set[str] = set()
    refused: list[str] = []
    for model in models:
        try:
            found.update(await leaderboard.orchestrators(model, span))
        except RefusedError as error:
            refused.append(str(error))
    return sorted(found), refused


async def what(leaderboard: Leaderboard, span: Span) -> list[Model]:
    """Every model that it has results of, and transcoding."""
    return [*await leaderboard.models(span), TRANSCODING]


async def fetch(
    leaderboard: Leaderboard,
    orchestrators: Sequence[str],
    models: Sequence[Model],
    span: Span,
    *,
    stored: Source,
    spool: Spool,
    now: int,
    progress: Progress = unseen,
) -> Fetched:
    """Read all stats of these orchestrators; those that are not ours go into the spool.

    `stored` is where our own measurements are looked up, `now` Unix nanoseconds.
    """
    fetched = Fetched()
    for orchestrator in map(normal_orchestrator, orchestrators):
        for model in models:
            async for stats in leaderboard.stats(orchestrator, model, span):
                fetched.stats += len(stats)
                own = await _own(stored, orchestrator, model, stats)
                for number, stat in enumerate(stats):
                    made = measurement(
                        stat,
                        source=leaderboard.base.partition("://")[2],
                        tester=leaderboard.host,
                        occurrence=spool.occurrence,
                    )
                    if stat.key in own:
                        fetched.own += 1
                    elif not EARLIEST <= made.started_at <= now + DAY:
                        fetched.misdated += 1
                    else:
                        spool.put(f"stat {number}", Row("", 0, made))
                progress(len(stats))
    return fetched


async def deliver(
    stored: Source,
    spool: Spool,
    door: Door,
    settle: Callable[[int], Awaitable[None]],
    *,
    progress: Progress = unseen,
) -> Imported:
    """Put what is not stored yet into the outbox, let it be stored, and look what is there.

    `settle` waits until everything up to a sequence number of the outbox is stored.
    """
    before = waiting = last = 0
    for day in spool.days():
        there = await there_of(stored, day, spool.digests(day), _as_imported)
        before += len(there)
        for batch in spool.batches(day, without=there):
            numbers = await asyncio.gather(*(door.put(row.measurement) for _, row in batch))
            last = max(last, *numbers)
            waiting += len(numbers)
            if waiting >= _AT_ONCE:  # the outbox has room for what is tested, too
                await settle(last)
                waiting = 0
            progress(len(batch))
    if waiting:
        await settle(last)
    found = Tally()
    for day in spool.days():
        for each in await there_of(stored, day, spool.digests(day), _as_imported):
            found.add(each)
    return Imported(
        file=spool.tally,
        stored=found,
        added=found.count - before,
        repeated=spool.repeated,
        refused=[],
        refusals=0,
    )


def _as_imported(stored: Measurement) -> Measurement:
    """What came by following the leaderboard is the same, and need not come again."""
    if stored.origin is not Origin.FOLLOWED:
        return stored
    return msgspec.structs.replace(stored, origin=Origin.IMPORTED)


async def store_now(outbox: Outbox, store: Store) -> None:
    """Store what the outbox holds, where no station does. Raises `MovingError`."""
    random = Random()  # noqa: S311 - spreads retries, keeps no secret
    feed = Feed(StoreWriter(outbox, store, lambda _: True), outbox, random=random)
    feed.stop()
    await feed.run()
    if feed.problem is not None:
        raise MovingError(f"what is in the outbox could not be stored: {feed.problem}")


async def stored_by_station(outbox: Outbox, last: int, *, patience: float = _PATIENCE) -> None:
    """Wait until the running station has stored up to a number. Raises `MovingError`."""
    reached = -1
    loop = asyncio.get_running_loop()
    deadline = loop.time() + patience
    while (now := await outbox.cursor(CONSUMER)) < last:
        if now > reached:
            reached, deadline = now, loop.time() + patience
        if loop.time() > deadline:
            raise MovingError(
                f"everything is in the outbox, but the station has stored nothing for {patience:g} "
                "s; see its log. It stores the rest when it can"
            )
        await asyncio.sleep(_POLL)


async def _own(stored: Source, orchestrator: str, model: Model, stats: Sequence[Stat]) -> set[Key]:
    """What our own measurements in the time of these stats look like on a leaderboard."""
    if not stats or model == TRANSCODING:  # we test no transcoding
        return set()
    times = [stat.timestamp * NANOSECONDS for stat in stats]
    window = Window(
        since=max(min(times), ALWAYS.since),
        until=min(max(times) + NANOSECONDS - 1, ALWAYS.until),
    )
    where = Where(
        orchestrator=orchestrator, pipeline=pipeline_uri(model.pipeline), model=model.model
    )
    keys: set[Key] = set()
    async for page in pages(stored, window, where):
        ours = (row.measurement for row in page if row.measurement.origin is Origin.OWN)
        keys |= own_keys(ours)
    return keys
