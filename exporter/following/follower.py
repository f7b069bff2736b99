"""Follows one leaderboard: one request at a time, orchestrator by orchestrator, for ever."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from random import Random
from typing import Final, Protocol
from urllib.parse import urlsplit

import msgspec

from exporter.delivery.feed import Feed
from exporter.delivery.followed_numbers import FollowedNumbers, Results
from exporter.following.clock import CLOCKS_APART, believed
from exporter.following.memory import Memory
from exporter.following.results import (
    Names,
    New,
    batches,
    dated,
    new_ones,
    read,
    stored,
    unknown,
)
from exporter.model import NANOSECONDS, Measurement
from exporter.moving import MovingError
from exporter.moving.days import Source
from exporter.moving.leaderboard_client import Leaderboard, RefusedError
from exporter.outbox import OutboxError
from exporter.settings.leaderboard import FollowedLeaderboard
from exporter.stores import StoreError

log = logging.getLogger(__name__)

FIRST_PAUSE: Final = 5.0
LONGEST_PAUSE: Final = 900.0
LONGEST_WISH: Final = 6 * 3600.0
"""Seconds for which a leaderboard that asks for it is left alone at most."""
FAILURES: Final = 3
"""Orchestrators in a row whose results cannot be read, after which the look is given up."""
REMEMBERED: Final = 200_000
"""Rows that are remembered of all orchestrators together."""
MOST_NAMES: Final = 10_000
"""Models, each with its region, that a leaderboard may bring up between start and stop."""
PATIENCE: Final = 20.0
"""Seconds for which the store is waited for."""
_POLL: Final = 0.05
_DECODER: Final = msgspec.msgpack.Decoder(Memory)


class Door(Protocol):
    """What is needed of the outbox."""

    async def put(self, measurement: Measurement) -> int:
        """Store a measurement and give its number."""
        ...

    async def last(self) -> int:
        """The highest number ever given."""
        ...

    async def publish(self, topic: str, payload: bytes) -> None:
        """Set the latest value of a topic."""
        ...

    async def notice(self, topic: str) -> bytes | None:
        """The latest value of a topic."""
        ...


class Follower:
    """Brings what a leaderboard gets to know about some orchestrators into the outbox.

    How far it came is noted in the outbox, orchestrator by orchestrator, after the rows of a span
    were put there: killed in between, it reads the span again, and the same rows have the same
    ids. `feed` is what brings measurements into the `store`, where it looks up what is there
    already and what is our own; `now` gives Unix nanoseconds.
    """

    def __init__(
        self,
        settings: FollowedLeaderboard,
        *,
        outbox: Door,
        store: Source,
        feed: Feed,
        now: Callable[[], int],
        random: Random,
    ) -> None:
        self._settings = settings
        self._opened: Leaderboard | None = None
        self._outbox = outbox
        self._store = store
        self._feed = feed
        self._now = now
        self._random = random
        self._orchestrators = sorted(set(settings.orchestrators))
        self._memories: dict[str, Memory] = {}
        self._names = Names(MOST_NAMES)
        self._results = Results()
        self._problem: str | None = None
        self._last_success: int | None = None
        self._errors = 0
        self._failures_in_a_row = 0
        self._wish: float | None = None

    @property
    def numbers(self) -> FollowedNumbers:
        """How it is doing."""
        positions = [memory.horizon for memory in self._memories.values()]
        whole = len(positions) == len(self._orchestrators)
        return FollowedNumbers(
            url=self._settings.url,
            host=urlsplit(self._settings.url).hostname or "",
            orchestrators=len(self._orchestrators),
            position=min(positions) * NANOSECONDS if whole else None,
            last_success=self._last_success,
            problem=self._problem,
            results=self._results,
            errors=self._errors,
        )

    async def run(self) -> None:
        """Look again and again, until cancelled."""
        while True:
            await self.look()
            await asyncio.sleep(self.pause())

    async def look(self) -> None:
        """Take over what is new. Never raises for what the leaderboard or the store does."""
        self._wish = None
        try:
            await self._look()
        except (MovingError, StoreError, OutboxError) as error:
            self._failed(str(error))
            if isinstance(error, RefusedError):
                self._wish = error.retry_after
        except Exception as error:
            if self._problem is None:
                log.exception("following is broken", extra={"leaderboard": self._settings.url})
            self._failed(f"{type(error).__name__}: {error}")
        else:
            self._succeeded()

    def pause(self) -> float:
        """Seconds until the next look: after failures doubling and bounded."""
        interval = self._settings.interval * self._random.uniform(0.9, 1.1)
        if not self._failures_in_a_row:
            return interval
        doubled = FIRST_PAUSE * 2.0 ** min(self._failures_in_a_row - 1, 20)
        bound = max(LONGEST_PAUSE, self._settings.interval)
        pause = min(bound, doubled) * self._random.uniform(0.75, 1.25)
        return max(pause, min(self._wish or 0.0, LONGEST_WISH))

    async def _look(self) -> None:
        there = await believed(self._leaderboard, self._now())
        first: MovingError | None = None
        failures = 0
        for orchestrator in tuple(self._orchestrators):
            # Who comes after the last one begins the next look, if this one is given up.
            self._orchestrators.remove(orchestrator)
            self._orchestrators.append(orchestrator)
            try:
                await self._catch_up(orchestrator, there)
                failures = 0
            except MovingError as error:
                first, failures = first or error, failures + 1
                told_to_wait = isinstance(error, RefusedError) and error.retry_after is not None
                if told_to_wait or failures >= FAILURES:
                    raise
        if first is not None:
            raise first

    async def _catch_up(self, orchestrator: str, there: int) -> None:
        """Read all that the leaderboard stored up to `there`, its Unix seconds; oldest first."""
        memory = await self._memory(orchestrator)
        first_look = memory is None
        if memory is None:
            memory = Memory.beginning(there - int(self._settings.look_back))
        elif memory.horizon - there > CLOCKS_APART:
            log.warning(
                "a leaderboard was followed up to a moment that has not come, as if clocks had "
                "been wrong: begun anew",
                extra={"leaderboard": self._settings.url, "orchestrator": orchestrator},
            )
            memory = Memory.beginning(there - int(self._settings.look_back))
        while True:
            memory = await self._step(orchestrator, memory, there)
            self._memories[orchestrator] = memory
            if memory.horizon >= there:
                break
        if first_look and not memory.rows:
            log.warning(
                "a leaderboard has no results of an orchestrator that is followed: see whether the "
                "address is right, and whether it is tested there",
                extra={"leaderboard": self._settings.url, "orchestrator": orchestrator},
            )

    async def _memory(self, orchestrator: str) -> Memory | None:
        """What is known from before; `None` if nothing is."""
        known = self._memories.get(orchestrator)
        if known is not None:
            return known
        payload = await self._outbox.notice(self._topic(orchestrator))
        if payload is None:
            return None
        try:
            return _DECODER.decode(payload)
        except (msgspec.MsgspecError, ValueError) as error:
            log.warning(
                "how far a leaderboard was followed cannot be read: begun anew",
                extra={"leaderboard": self._settings.url, "why": str(error)},
            )
            return None

    async def _step(self, orchestrator: str, memory: Memory, there: int) -> Memory:
        asked = memory.spans(there)
        settling, unsettled = await read(self._leaderboard, orchestrator, asked)
        after, new = memory.after(
            asked,
            [row.digest for row in settling],
            [row.digest for row in unsettled],
            most=max(1000, REMEMBERED // len(self._orchestrators)),
        )
        rows, unreadable = new_ones([*settling, *unsettled], new)
        now = self._now()
        good = [row for row in rows if dated(row, now)]
        believed = [row for row in good if self._names.believed(row)]
        await self._take(orchestrator, believed)
        await self._outbox.publish(self._topic(orchestrator), msgspec.msgpack.encode(after))
        self._count(
            Results(
                misdated=len(rows) - len(good),
                surplus=len(good) - len(believed),
                unreadable=unreadable,
            )
        )
        return after

    async def _take(self, orchestrator: str, rows: Sequence[New]) -> None:
        """Put rows into the outbox that are neither stored nor our own."""
        for batch in batches(rows):
            # Only then the store has what was posted from here, and what was put before a crash;
            # and the outbox, which forgets its oldest when it is full, gets no more than it bears.
            await self._delivered()
            there = await stored(self._store, orchestrator, batch)
            foreign = [row for row in batch if row.stat.key not in there.own]
            fresh = unknown(foreign, there, self._leaderboard)
            kept = await asyncio.gather(*(self._put(one) for one in fresh))
            self._count(
                Results(
                    taken=sum(kept),
                    own=len(batch) - len(foreign),
                    known=len(foreign) - len(fresh),
                    unreadable=len(kept) - sum(kept),
                )
            )

    async def _put(self, measurement: Measurement) -> bool:
        try:
            await self._outbox.put(measurement)
        except ValueError as error:
            log.warning("a result of a leaderboard cannot be kept", extra={"why": str(error)})
            return False
        return True

    async def _delivered(self) -> None:
        """Wait until the store has everything that is in the outbox now. Raises `StoreError`."""
        last = await self._outbox.last()
        self._feed.wake()
        try:
            async with asyncio.timeout(PATIENCE):
                while self._feed.position < last:  # noqa: ASYNC110 - the feed tells nobody
                    await asyncio.sleep(_POLL)
        except TimeoutError:
            why = f": {self._feed.problem}" if self._feed.problem else ""
            raise StoreError(
                f"the store does not have yet what is in the outbox, so that nobody can tell what "
                f"is our own{why}"
            ) from None

    @property
    def _leaderboard(self) -> Leaderboard:
        """Raises `MovingError` for a URL that only looks like one."""
        if self._opened is None:
            self._opened = Leaderboard(self._settings.url, timeout=self._settings.timeout)
        return self._opened

    def _count(self, results: Results) -> None:
        self._results = self._results.and_(results)

    def _topic(self, orchestrator: str) -> str:
        return f"following {self._settings.url} {orchestrator}"

    def _failed(self, problem: str) -> None:
        self._errors += 1
        self._failures_in_a_row += 1
        if self._problem is None:
            log.warning(
                "a leaderboard cannot be followed and is asked again later",
                extra={"leaderboard": self._settings.url, "problem": problem},
            )
        self._problem = problem

    def _succeeded(self) -> None:
        if self._problem is not None:
            log.info(
                "a leaderboard is followed again",
                extra={"leaderboard": self._settings.url, "failures": self._failures_in_a_row},
            )
        self._problem = None
        self._failures_in_a_row = 0
        self._last_success = self._now()
