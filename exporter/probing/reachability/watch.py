"""Looks at everybody who is registered, again and again, at a pace that disturbs no job."""

import asyncio
import contextlib
import hashlib
import heapq
import logging
import time
from collections.abc import Callable, Iterable
from typing import Final

import msgspec

from exporter.model import Reachability, Registration, Supply
from exporter.probing.guard import Guard
from exporter.probing.reachability.looking import (
    Looker,
    host_of,
    looker_of,
    unsettled,
    uris_of,
    with_reachability,
)
from exporter.probing.resolve import Resolver
from exporter.settings import Settings

PACE: Final = 0.25
"""Seconds between the beginnings of two looks, at least."""
AT_ONCE: Final = 4
"""Looks at the same time at most; a job's stamps share their event loop."""
URIS_LIMIT: Final = 10_000
SOON: Final = 0.1
"""Part of the interval after which a URI is looked at again for which nobody bore witness."""
STALE: Final = 3.0
"""Intervals after which a result from before a restart is no longer shown."""

log = logging.getLogger(__name__)


class ReachabilityWatch:
    """Each URI has its own moment in the interval, by its hash; a new one comes as soon as it may.

    With more URIs than the pace allows in an interval, a pass takes longer than that. `interval`
    is in seconds, `clock` gives monotonic seconds, `now` Unix nanoseconds.
    """

    def __init__(
        self,
        looker: Looker,
        *,
        interval: float,
        pace: float = PACE,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], int] = time.time_ns,
    ) -> None:
        self._looker = looker
        self._interval = interval
        self._pace = pace
        self._clock = clock
        self._now = now
        self._due: dict[str, float] = {}
        self._queue: list[tuple[float, str]] = []
        """By moment; an entry holds as long as it agrees with `_due`."""
        self._found: dict[str, Reachability] = {}
        self._busy: set[str] = set()
        """Hosts that are being looked at."""
        self._changed = asyncio.Event()
        self.complete = asyncio.Event()
        """Set once every URI that is followed was looked at."""

    def follow(self, registered: Iterable[Registration]) -> None:
        """From now on these are looked at, and what was found of others is forgotten."""
        uris = dict.fromkeys(uri for one in registered for uri in uris_of(one))
        wanted = list(uris)[:URIS_LIMIT]
        at = self._clock()
        self._due = {uri: self._due.get(uri, at) for uri in wanted}
        self._found = {uri: self._found[uri] for uri in wanted if uri in self._found}
        self._queue = [(due, uri) for uri, due in self._due.items()]
        heapq.heapify(self._queue)
        self._changed.set()

    def recall(self, supply: Supply) -> None:
        """Show what was found before a restart until it is looked at anew, if it is not too old."""
        since = self._now() - int(STALE * self._interval * 1e9)
        self._found |= {
            look.uri: look
            for one in supply.registered
            for look in one.reachability
            if since <= look.at <= self._now()
        }

    def into(self, supply: Supply) -> Supply:
        """The supply with what was found so far."""
        registered = with_reachability(supply.registered, self._found)
        return msgspec.structs.replace(supply, registered=registered)

    async def run(self) -> None:
        """Look, for ever."""
        looks: set[asyncio.Task[None]] = set()
        places = asyncio.Semaphore(AT_ONCE)
        try:
            while True:
                uri = await self._next()
                await places.acquire()
                if uri not in self._due:  # it is no longer followed
                    places.release()
                    continue
                self._put(uri, self._moment_after(uri))
                self._busy.add(host_of(uri))
                task = asyncio.create_task(self._look(uri))
                looks.add(task)
                task.add_done_callback(looks.discard)
                task.add_done_callback(lambda _: places.release())
                await asyncio.sleep(self._pace)
        finally:
            for task in looks:
                task.cancel()
            await asyncio.gather(*looks, return_exceptions=True)

    async def _next(self) -> str:
        """The URI whose moment it is; one whose host is being looked at comes a little later."""
        while True:
            self._changed.clear()
            wait = self._queue[0][0] - self._clock() if self._queue else None
            if wait is None or wait > 0:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._changed.wait(), wait)
                continue
            due, uri = heapq.heappop(self._queue)
            if self._due.get(uri) != due:
                continue
            if host_of(uri) not in self._busy:
                return uri
            self._put(uri, self._clock() + self._pace)

    def _put(self, uri: str, due: float) -> None:
        self._due[uri] = due
        heapq.heappush(self._queue, (due, uri))

    def _moment_after(self, uri: str) -> float:
        """Its next moment, at least half an interval from now."""
        digest = hashlib.sha256(uri.encode()).digest()
        offset = int.from_bytes(digest[:8], "big") / 2**64 * self._interval
        earliest = self._clock() + self._interval / 2
        rounds = -((offset - earliest) // self._interval)
        return offset + rounds * self._interval

    async def _look(self, uri: str) -> None:
        try:
            found = await self._looker.look(uri)
        except Exception:
            log.exception("a look at a service URI failed in a way that it never should")
            return
        finally:
            self._busy.discard(host_of(uri))
        if uri in self._due:
            self._found[uri] = found
            if unsettled(found):
                self._put(uri, self._clock() + SOON * self._interval)
        if self._due.keys() <= self._found.keys():
            self.complete.set()


def watch_of(settings: Settings, *, resolver: Resolver, guard: Guard) -> ReachabilityWatch | None:
    """The watch that the settings ask for; `None` where no chain is read or none is wanted."""
    chain = settings.sources.chain
    if chain is None or chain.reach_interval is None:
        return None
    return ReachabilityWatch(
        looker_of(settings, resolver=resolver, guard=guard), interval=chain.reach_interval
    )
