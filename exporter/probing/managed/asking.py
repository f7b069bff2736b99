"""Asking gateways whether they still answer, so that it costs little at any one moment."""

import asyncio
from collections.abc import Iterable
from typing import Final
from weakref import WeakKeyDictionary, ref

from exporter.probing.managed.process import GatewayProcess

AT_ONCE: Final = 4
SELDOM: Final = 12
"""Rounds after which a gateway that nobody holds is asked again."""


class Asking:
    """Asks in rounds of `interval` seconds: every one that is held, the others now and then."""

    def __init__(self, interval: float, *, seldom: int = SELDOM) -> None:
        self._interval = interval
        self._seldom = seldom
        self._few = asyncio.Semaphore(AT_ONCE)
        self._round = 0
        self._asked: WeakKeyDictionary[GatewayProcess, int] = WeakKeyDictionary()
        """The round in which it was asked last, or seen first."""

    async def round(self, held: Iterable[GatewayProcess], idle: Iterable[GatewayProcess]) -> None:
        """One round, spread over the interval; longer if somebody does not answer."""
        self._round += 1
        # Whoever is ended meanwhile goes at once, with all that is kept of its log.
        due = [ref(process) for process in held]
        due += [
            ref(process)
            for process in idle
            if self._round - self._asked.setdefault(process, self._round) >= self._seldom
        ]
        pause = self._interval / (len(due) + 1)
        async with asyncio.TaskGroup() as group:
            for process in due:
                await asyncio.sleep(pause)
                await self._few.acquire()
                group.create_task(self._ask(process))
            await asyncio.sleep(pause)

    async def _ask(self, whom: ref[GatewayProcess]) -> None:
        try:
            if (process := whom()) is not None:
                self._asked[process] = self._round
                if not process.stopping:
                    await process.alive()
        finally:
            self._few.release()
