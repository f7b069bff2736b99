"""Feeds: how measurements get from the outbox to each consumer, one independent loop apiece.

A feed reads what lies after its consumer's position, hands it over and moves on. A consumer that
fails is tried again later, alone: it delays neither another consumer nor the one who tests.
"""

import asyncio
import logging
from collections.abc import Sequence
from random import Random
from typing import Final, Protocol

from exporter.model import Measurement
from exporter.stores import StoreError

log = logging.getLogger(__name__)

BATCH: Final = 500
IDLE: Final = 1.0
"""Seconds after which a feed looks again even if nobody woke it."""
FIRST_PAUSE: Final = 0.2
LONGEST_PAUSE: Final = 30.0

Batch = Sequence[tuple[int, Measurement]]


class FellBack(Exception):
    """A consumer does not stand where it was taken to stand, and has to be asked.

    It does not have any more what it was given, or took only the beginning of a batch.
    """


class DeliveryError(Exception):
    """A consumer cannot take anything now; the message is a sentence for the operator."""


class Consumer(Protocol):
    """Somebody whom every measurement of the outbox is handed to, in order."""

    name: str

    async def position(self) -> int:
        """The sequence number up to which it has everything already.

        Asked at the start, and again when it fell back.
        """
        ...

    async def take(self, batch: Batch) -> None:
        """Take a batch. After an exception the same batch is offered again later.

        After `FellBack`, what comes after the position that it then says.
        """
        ...


class Source(Protocol):
    """What a feed needs of the outbox. Rows may leave it at any time, the lowest first."""

    async def read(self, after: int, limit: int) -> list[tuple[int, Measurement]]:
        """At most `limit` measurements after a sequence number, ascending; all if fewer."""
        ...

    async def last(self) -> int:
        """The highest sequence number ever given; 0 if none was."""
        ...

    async def pending(self, after: int) -> int:
        """How many measurements lie after a sequence number."""
        ...


class Feed:
    """The loop that feeds one consumer; its attributes say how it is doing.

    `position` is the last sequence number that the consumer has, `errors` counts failed attempts,
    `problem` is what went wrong last, `None` as long as all goes well. At most `batch`
    measurements are handed over at once. `position` is where the consumer is taken to stand until
    it says so itself.
    """

    def __init__(
        self,
        consumer: Consumer,
        source: Source,
        *,
        random: Random,
        batch: int = BATCH,
        position: int = 0,
    ) -> None:
        self.name = consumer.name
        self.position = position
        self.delivered = 0
        self.errors = 0
        self.problem: str | None = None
        self.started = False
        self._consumer = consumer
        self._source = source
        self._random = random
        self._batch = batch
        self._failures_in_a_row = 0
        self._wake = asyncio.Event()
        self._stopping = asyncio.Event()
        self._halting = False
        self._ahead: tuple[int, asyncio.Task[list[tuple[int, Measurement]]]] | None = None
        """What is read while a full batch is taken, and the number after which it comes."""

    async def pending(self) -> int:
        """How many measurements its source has that the consumer does not have yet."""
        return await self._source.pending(self.position)

    def wake(self) -> None:
        """Say that there may be something new."""
        self._wake.set()

    def stop(self) -> None:
        """End `run` once everything is handed over, or at the first failure."""
        self._stopping.set()
        self._wake.set()

    def halt(self) -> None:
        """End `run` after the batch that is being handed over."""
        self._halting = True
        self.stop()

    async def run(self) -> None:
        """Feed the consumer until `stop` or `halt`."""
        try:
            await self._run()
        finally:
            self._forget_ahead()

    async def _run(self) -> None:
        while not self._halting:
            self._wake.clear()
            last_look = self._stopping.is_set()
            try:
                more = await self._step()
            except Exception as error:  # noqa: BLE001 - whatever ails a consumer is tried again
                self._failed(error)
                if self._stopping.is_set():
                    return
                await _wait(self._stopping, self._pause())
                continue
            self._recovered()
            if not more:
                if last_look:
                    return
                await _wait(self._wake, IDLE)

    async def _step(self) -> bool:
        """Hand over one batch; whether there may be more at once."""
        if not self.started:
            self.position = await self._consumer.position()
            self.started = True
        last = await self._source.last()
        batch = await self._read()
        if batch:
            try:
                await self._consumer.take(batch)
            except FellBack:
                self.started = False
                return True
            self.position = batch[-1][0]
            self.delivered += len(batch)
        if len(batch) == self._batch:
            return True
        # Rows that cannot be read are left out: they must not look like something pending.
        self.position = max(self.position, last)
        return False

    async def _read(self) -> list[tuple[int, Measurement]]:
        """The next batch; of a full one the following is read while this one is taken."""
        batch = await self._read_ahead()
        if len(batch) < self._batch:
            # What was read ahead may lack what was put meanwhile.
            batch = await self._source.read(self.position, self._batch)
        if len(batch) == self._batch:
            last = batch[-1][0]
            reading = asyncio.create_task(self._source.read(last, self._batch))
            reading.add_done_callback(_look)
            self._ahead = last, reading
        return batch

    async def _read_ahead(self) -> list[tuple[int, Measurement]]:
        ahead, self._ahead = self._ahead, None
        if ahead is None:
            return []
        after, reading = ahead
        if after == self.position:
            return await reading
        reading.cancel()
        return []

    def _forget_ahead(self) -> None:
        if self._ahead is not None:
            self._ahead[1].cancel()
            self._ahead = None

    def _failed(self, error: Exception) -> None:
        self.errors += 1
        self._failures_in_a_row += 1
        said = isinstance(error, StoreError | DeliveryError)  # messages are for the operator
        self.problem = str(error) if said else f"{type(error).__name__}: {error}"
        if self._failures_in_a_row == 1:
            log.warning(
                "a consumer failed and is tried again",
                extra={"consumer": self.name, "problem": self.problem, "position": self.position},
            )

    def _recovered(self) -> None:
        if self._failures_in_a_row:
            log.info(
                "a consumer works again",
                extra={"consumer": self.name, "failures": self._failures_in_a_row},
            )
        self._failures_in_a_row = 0
        self.problem = None

    def _pause(self) -> float:
        """Seconds until the next attempt: doubling, bounded, with full jitter above a floor."""
        bound = min(LONGEST_PAUSE, FIRST_PAUSE * 2.0 ** min(self._failures_in_a_row, 30))
        return self._random.uniform(FIRST_PAUSE / 2, bound)


def _look(task: asyncio.Task[list[tuple[int, Measurement]]]) -> None:
    """See a failure that may concern nobody: who waits for the task gets it, too."""
    if not task.cancelled():
        task.exception()


async def _wait(event: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        pass
