"""Whether the tester's own network works: asked before anybody else is blamed for silence."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable

from exporter.probing.guard import Guard
from exporter.probing.handshake import reach
from exporter.probing.resolve import Resolver
from exporter.settings import Connectivity as ConnectivitySettings

WITNESSES = 3
REMEMBERED = 50
FRESH = 3.0
"""Seconds for which an answer is used again."""

Endpoint = tuple[str, int]


class Connectivity:
    """Checks the tester's network by hosts that should be up.

    These are the configured ones; without any, orchestrators that did a good job lately bear
    witness (never the one that is suspected). Nobody to ask means that it is not known.
    """

    def __init__(
        self,
        settings: ConnectivitySettings,
        *,
        resolver: Resolver,
        guard: Guard,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._configured = [_endpoint(text) for text in settings.check]
        self._timeout = settings.timeout
        self._resolver = resolver
        self._guard = guard
        self._clock = clock
        self._good: OrderedDict[Endpoint, bool] = OrderedDict()
        self._answers: dict[Endpoint | None, tuple[float, asyncio.Task[bool | None]]] = {}
        self.up: bool | None = None
        """The last answer."""

    @property
    def configured(self) -> bool:
        """Whether the settings name witnesses; only these may hold up all tests."""
        return bool(self._configured)

    def saw(self, host: str, port: int, *, trusted: bool) -> None:
        """A job with this host went well: it can bear witness from now on.

        `trusted` if its address stands in our own settings, so that the guard is not asked.
        """
        self._good[(host, port)] = trusted
        self._good.move_to_end((host, port))
        while len(self._good) > REMEMBERED:
            self._good.popitem(last=False)

    async def holds(self, suspect: Endpoint | None = None) -> bool | None:
        """Whether any witness other than the suspect can be reached; `None` without witnesses.

        Callers at the same time share one check.
        """
        key = None if self._configured else suspect
        asked, task = self._answers.get(key, (0.0, None))
        if task is None or (task.done() and self._clock() - asked > FRESH):
            self._answers = {k: v for k, v in self._answers.items() if not v[1].done()}
            task = asyncio.create_task(self._ask(suspect))
            self._answers[key] = (self._clock(), task)
        self.up = await asyncio.shield(task)
        return self.up

    async def _ask(self, suspect: Endpoint | None) -> bool | None:
        if self._configured:
            witnesses = [(*endpoint, True) for endpoint in self._configured]
        else:
            others = [
                (*known, trusted)
                for known, trusted in reversed(self._good.items())
                if known != suspect
            ]
            witnesses = others[:WITNESSES]
        asked = [
            asyncio.create_task(
                reach(
                    host,
                    port,
                    resolver=self._resolver,
                    guard=None if trusted else self._guard,
                    timeout=self._timeout,
                    handshakes=1,
                )
            )
            for host, port, trusted in witnesses
        ]
        found: bool | None = None
        try:
            for answer in asyncio.as_completed(asked):
                reached = (await answer).reached
                if reached:
                    return True
                found = reached if found is None else found
        finally:
            for task in asked:
                task.cancel()
        return found


def _endpoint(text: str) -> Endpoint:
    host, _, port = text.rpartition(":")
    return host.strip("[]"), int(port)
