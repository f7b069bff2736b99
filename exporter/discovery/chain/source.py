"""The chain as a source: reads the set in the background, and gives the last good reading."""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable
from typing import Final

import msgspec

from exporter.discovery.chain import events
from exporter.discovery.chain.last_good import LastGood
from exporter.discovery.chain.reader import Progress, Reader, silent
from exporter.discovery.chain.reading import Reading
from exporter.discovery.listing import Listing, NotYetError, SourceError
from exporter.ethereum.node import EthereumError, Node
from exporter.ethereum.scrutiny import OLD_BLOCK
from exporter.model import CHAIN_SOURCE, NANOSECONDS, Registration
from exporter.settings.ethereum import ChainSource as ChainSettings

FIRST_RETRY: Final = 10.0
"""Seconds after a reading that failed, doubled each time."""
READING_LIMIT: Final = 1800.0
"""Seconds of one reading; a walk over a thousand members at a slow node takes minutes."""

log = logging.getLogger(__name__)


class ChainSource:
    """Who is registered. `run` reads for ever; `read` gives what there is, without waiting long.

    A reading that fails leaves the one before in use, also over a restart.
    """

    name: Final = CHAIN_SOURCE

    def __init__(
        self,
        reader: Reader,
        node: Node,
        settings: ChainSettings,
        *,
        last_good: LastGood | None = None,
        keep: bool = True,
        patience: float = 2.0,
        now: Callable[[], int] = time.time_ns,
    ) -> None:
        """`keep`: whether a good reading becomes the `last_good` one.

        `patience` is how many seconds `read` waits for the very first reading at most.
        """
        self._reader = reader
        self._node = node
        self._settings = settings
        self._last_good = last_good
        self._keep = keep
        self._patience = patience
        self._now = now
        self._last: Reading | None = None
        self._error: str | None = None
        self._failures = 0
        self._walked: tuple[int, int] | None = None
        self.news = asyncio.Event()
        """Set by a reading that shows another set than the one before; whoever reads clears it."""
        self._looked = asyncio.Event()
        """Whether there is something to give, or an error to tell."""

    @property
    def last(self) -> Reading | None:
        """The last good reading."""
        return self._last

    @property
    def error(self) -> str | None:
        """Why the last reading failed; `None` if it did not."""
        return self._error

    @property
    def unexpected(self) -> dict[str, str]:
        """Contracts that are elsewhere than is known, and where."""
        return self._reader.directory.unexpected

    async def read(self) -> Listing:
        """The last good reading. Raises `SourceError` while there is none."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._looked.wait(), self._patience)
        last = self._last
        if last is None and self._error is None:
            raise NotYetError(f"the set is being read for the first time{self._so_far()}")
        if last is None:
            raise SourceError(self._error or "")
        return Listing(
            offers=(),
            registered=last.registered,
            chain=last.state,
            complaint=self._complaint(last),
            remark="; ".join(last.notes) or None,
        )

    def show(self, registered: tuple[Registration, ...]) -> None:
        """Give the last reading with these in the place of its own: with more known about them."""
        if self._last is not None:
            self._last = msgspec.structs.replace(self._last, registered=registered)

    async def run(self) -> None:
        """Read the set on its interval, and when events say that it changed; for ever."""
        await self.recall()
        while True:
            await self.look()
            await self._wait_until_due()

    async def recall(self) -> None:
        """Begin with the last good reading that lies on disk, if there is one."""
        if self._last_good is None or self._last is not None:
            return
        self._last = await asyncio.to_thread(self._last_good.load)
        if self._last is not None:
            self._looked.set()

    async def look(self, progress: Progress = silent) -> None:
        """Read the set once. Never raises for what the nodes do; see `error`."""

        def walked(found: int, of: int) -> None:
            self._walked = (found, of)
            progress(found, of)

        try:
            async with asyncio.timeout(READING_LIMIT):
                reading = await self._reader.read(self._last, walked)
        except EthereumError as error:
            self._fail(str(error))
        except TimeoutError:
            self._fail(f"a reading took more than {READING_LIMIT:g} s")
        except Exception as error:
            log.exception("reading the chain is broken")
            self._fail(f"{type(error).__name__}: {error}")
        else:
            await self._take(reading)
        self._walked = None
        self._looked.set()

    def _fail(self, error: str) -> None:
        self._error = error
        self._failures += 1

    async def _take(self, reading: Reading) -> None:
        before, self._last = self._last, reading
        self._error, self._failures = None, 0
        if before is None or before.registered != reading.registered:
            self.news.set()
        if self._last_good is not None and self._keep:
            try:
                await asyncio.to_thread(self._last_good.save, reading)
            except OSError as error:
                log.warning(
                    "the reading of the chain is not kept on disk: a restart reads it anew",
                    extra={"reason": error.strerror},
                )

    async def _wait_until_due(self) -> None:
        """Returns when the set is to be read again."""
        loop = asyncio.get_running_loop()
        interval = self._settings.refresh_interval
        if self._failures:
            interval = min(interval, FIRST_RETRY * 2 ** min(self._failures - 1, 20))
        due = loop.time() + interval
        seen = self._last.state.block if self._last is not None else 0
        while (left := due - loop.time()) > 0:
            follow = self._settings.follow_events
            await asyncio.sleep(left if follow is None else min(left, follow))
            if follow is None or self._failures or self._last is None:
                continue
            changed, seen = await self._changed(self._last, seen)
            if changed:
                return

    async def _changed(self, last: Reading, seen: int) -> tuple[bool, int]:
        """Whether events after the block `seen` concern the set, and the block to go on from."""
        at = self._reader.addresses
        if at is None:
            return False, seen
        listed = {one.orchestrator for one in last.registered}
        try:
            async with asyncio.timeout(READING_LIMIT):
                return await events.changed(self._node, at, listed, after=seen)
        except (EthereumError, TimeoutError) as error:
            log.debug("events are not followed: %s", error)
        except Exception:
            log.exception("following events of the chain is broken")
        return False, seen

    def _so_far(self) -> str:
        return "" if self._walked is None else ": {} of {} found".format(*self._walked)

    def _complaint(self, last: Reading) -> str | None:
        """What is wrong with the reading that is given; `None` if nothing is."""
        state, said = last.state, []
        if self._error is not None:
            age = _age(self._now() - state.read_at)
            said.append(f"{self._error}; the set of block {state.block} is used, read {age} ago")
        lag = (state.read_at - state.block_time) / NANOSECONDS
        if lag > OLD_BLOCK:
            said.append(
                f"the newest block of the nodes was {_age(state.read_at - state.block_time)} old: "
                "they do not follow the chain"
            )
        return "; ".join(said) or None


def _age(nanoseconds: int) -> str:
    seconds = max(0, nanoseconds // NANOSECONDS)
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{seconds // length} {unit}"
    return f"{seconds} s"
