"""Watches the outbox for what the probe does: new measurements and new notices."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Final, Protocol

import msgspec

from exporter.delivery.feed import Feed
from exporter.funds.report import Report
from exporter.model import Supply

log = logging.getLogger(__name__)

POLL: Final = 0.1
NOTICES: Final = 1.0
"""Least seconds between two looks at the notices: a supply is large, a change is frequent."""
SUPPLY: Final = "supply"
PROGRESS: Final = "progress"


class Notices(Protocol):
    """What the watch needs of the outbox."""

    async def changed(self) -> bool:
        """Whether another connection committed since the last call."""
        ...

    async def notice(self, topic: str) -> bytes | None:
        """The latest value of a topic."""
        ...


class _Progress(msgspec.Struct):
    storing: bool = True
    trouble: list[str] = []
    warnings: list[str] = []
    money: Report | None = None


class OutboxWatch:
    """Wakes the feeds when something was committed, and keeps the latest notices.

    `supply` is the newest good one, `problem` what went wrong when the outbox was last asked.
    `heard_at` (Unix nanoseconds) is when the probe was last heard from: when a notice was new, or,
    for a notice from before the start, when it was made.
    """

    def __init__(
        self,
        outbox: Notices,
        feeds: Sequence[Feed],
        follow: Callable[[Supply], None],
        now: Callable[[], int],
    ) -> None:
        self.supply: Supply | None = None
        self.heard_at: int | None = None
        self.problem: str | None = None
        self.storing = True
        """Whether the probe says that it can store what it measures."""
        self.trouble: tuple[str, ...] = ()
        """Why the probe says that it cannot test anybody, or nobody over a gateway of its own."""
        self.warnings: tuple[str, ...] = ()
        """What the probe says will soon be in its way."""
        self.money: Report | None = None
        """What tests cost, and what the paying account holds, as the probe says."""
        self._outbox = outbox
        self._feeds = feeds
        self._follow = follow
        self._now = now
        self._supply_payload: bytes | None = None
        self._progress_payload: bytes | None = None

    async def start(self) -> None:
        """Look at the notices that are there already. Raises what the outbox raises."""
        await self.look()
        self.heard_at = self.supply.taken_at if self.supply is not None else None

    async def run(self) -> None:
        """Watch until cancelled."""
        loop = asyncio.get_running_loop()
        looked, pending = loop.time(), True
        while True:
            await asyncio.sleep(POLL)
            try:
                if await self._outbox.changed():
                    pending = True
                    self._wake()
                if pending and loop.time() - looked >= NOTICES:
                    looked, pending = loop.time(), False
                    await self.look()
            except Exception as error:  # noqa: BLE001 - whatever ails the outbox may pass
                self._failed(error)
            else:
                self.problem = None

    async def look(self) -> None:
        """Take over the notices that are new."""
        progress = await self._outbox.notice(PROGRESS)
        if progress is not None and progress != self._progress_payload:
            self._progress_payload, self.heard_at = progress, self._now()
            self._take_progress(progress)
        supply = await self._outbox.notice(SUPPLY)
        if supply is not None and supply != self._supply_payload:
            self._supply_payload, self.heard_at = supply, self._now()
            self._take_supply(supply)

    def _take_progress(self, payload: bytes) -> None:
        try:
            told = msgspec.json.decode(payload, type=_Progress)
        except (msgspec.DecodeError, RecursionError):
            told = _Progress()
        self.storing, self.trouble = told.storing, tuple(told.trouble)
        self.warnings, self.money = tuple(told.warnings), told.money

    def _take_supply(self, payload: bytes) -> None:
        try:
            self.supply = msgspec.json.decode(payload, type=Supply)
        except (msgspec.DecodeError, RecursionError) as error:
            log.error("the supply notice cannot be read", extra={"problem": str(error)})  # noqa: TRY400 - the message says it all
            return
        self._follow(self.supply)

    def _wake(self) -> None:
        for feed in self._feeds:
            feed.wake()

    def _failed(self, error: Exception) -> None:
        problem = f"{type(error).__name__}: {error}"
        if problem != self.problem:
            log.warning("the outbox cannot be watched", extra={"problem": problem})
        self.problem = problem
