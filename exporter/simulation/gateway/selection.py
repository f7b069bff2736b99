"""Which session does a job: one selector for each capability and model."""

import asyncio
import math
from collections.abc import Callable
from datetime import UTC, datetime
from random import Random
from typing import Any, Final

from exporter.simulation.gateway import messages
from exporter.simulation.gateway.clock import Clock
from exporter.simulation.gateway.discovery import Discovery, NoOrchestrators
from exporter.simulation.gateway.glog import RequestLog
from exporter.simulation.gateway.orchestrators import OrchestratorInfo
from exporter.simulation.gateway.panics import Crash, Panicked
from exporter.simulation.gateway.sessions import PENALTY, Choose, Pool, Session
from exporter.simulation.gateway.suspension import Suspender

_KEPT_SECONDS: Final = 600.0
_REFRESH_BELOW: Final = 8.0

MakeChoice = Callable[[int, str], Choose]


class Selector:
    """The sessions of one capability and model, warm ones first."""

    def __init__(
        self,
        capability: int,
        model: str,
        discovery: Discovery | None,
        *,
        clock: Clock,
        choose: Choose,
        rng: Random,
    ) -> None:
        self._capability = capability
        self._model = model
        self._discovery = discovery
        self._clock = clock
        self._suspender = Suspender()
        self._warm = Pool(self._suspender, choose, rng)
        self._cold = Pool(self._suspender, choose, rng)
        self._first_size = 0
        self._refreshed = 0.0
        self._refreshed_at = datetime.now(UTC)

    async def refresh(self, log: RequestLog) -> None:
        """Ask discovery and add what is new. Raises `NoOrchestrators`, `Panicked`."""
        self._suspender.refreshed()
        if self._discovery is None:
            raise Panicked(Crash.NO_DISCOVERY)
        infos = await self._discovery.find(log, self._capability, self._model, self._suspender)
        warm: list[OrchestratorInfo] = []
        cold: list[OrchestratorInfo] = []
        for info in infos:
            is_warm = info.warm(self._capability, self._model)
            if self._suspender.suspended(info.transcoder):
                log.say(messages.SKIPPING_SUSPENDED, url=info.transcoder)
            elif is_warm is not None:
                (warm if is_warm else cold).append(info)
        self._warm.add(warm)
        self._cold.add(cold)
        self._first_size = len(warm) + len(cold) + len(self._suspender.until)
        self._refreshed = self._clock.now()
        self._refreshed_at = datetime.now(UTC)

    async def select(self, log: RequestLog) -> tuple[Session, bool] | None:
        """A session and whether it is warm. Raises `Panicked`."""
        if await self._is_due(log):
            try:
                await self.refresh(log)
            except NoOrchestrators as error:
                log.say(messages.REFRESH_FAILED, error=error)
        for pool, warm in ((self._warm, True), (self._cold, False)):
            session = pool.select(log)
            if session is not None:
                return session, warm
        return None

    def pool(self, warm: bool) -> Pool:  # noqa: FBT001 - which of the two
        """The pool of warm or of cold sessions."""
        return self._warm if warm else self._cold

    def info(self) -> dict[str, Any]:
        """The selector as the CLI port shows it."""
        stamp = f"{self._refreshed_at:%Y-%m-%dT%H:%M:%S}"
        micro = f".{self._refreshed_at.microsecond:06}".rstrip("0").rstrip(".")
        return {
            "cold": self._cold.info(),
            "warm": self._warm.info(),
            "last_refresh": f"{stamp}{micro}Z",
            "suspended": {
                "list": dict(sorted(self._suspender.until.items())),
                "current_count": self._suspender.count,
            },
        }

    async def _is_due(self, log: RequestLog) -> bool:
        known = await self._discovery.size() if self._discovery is not None else 0
        size = len(self._warm) + len(self._cold)
        if size == 0:
            log.say(messages.REFRESHING)
            for _ in range(PENALTY):
                self._suspender.refreshed()
        half = math.ceil(min(known, self._first_size) / 2)
        if size < int(min(_REFRESH_BELOW, half)):
            return True
        return self._clock.now() > self._refreshed + _KEPT_SECONDS


class Selection:
    """All selectors of a gateway. While one is made, requests for other models wait as well."""

    def __init__(
        self, discovery: Discovery | None, clock: Clock, make_choice: MakeChoice, rng: Random
    ) -> None:
        self._discovery = discovery
        self._clock = clock
        self._make_choice = make_choice
        self._rng = rng
        self._selectors: dict[str, Selector] = {}
        self._making = asyncio.Lock()

    async def select(self, log: RequestLog, capability: int, model: str) -> "Chosen | None":
        """A session for a job. Raises `NoOrchestrators` for a new model, `Panicked`."""
        log.say(messages.SELECTING, model=model)
        selector = await self._selector(log, capability, model)
        found = await selector.select(log)
        if found is None:
            return None
        session, warm = found
        log.say(messages.SELECTED, url=session.url, warm="true" if warm else "false")
        return Chosen(session, selector.pool(warm))

    def info(self) -> dict[str, Any]:
        """The body of `/getAISessionPoolsInfo`."""
        return {key: selector.info() for key, selector in sorted(self._selectors.items())}

    async def _selector(self, log: RequestLog, capability: int, model: str) -> Selector:
        key = f"{capability}_{model}"
        async with self._making:
            selector = self._selectors.get(key)
            if selector is None:
                selector = Selector(
                    capability,
                    model,
                    self._discovery,
                    clock=self._clock,
                    choose=self._make_choice(capability, model),
                    rng=self._rng,
                )
                await selector.refresh(log)
                self._selectors[key] = selector
            return selector


class Chosen:
    """A session that does a job, and the pool that it comes from."""

    def __init__(self, session: Session, pool: Pool) -> None:
        self.session = session
        self._pool = pool

    def complete(self) -> None:
        """Give it back."""
        self._pool.complete(self.session)

    def remove(self) -> None:
        """It failed: take it out and suspend it."""
        self._pool.remove(self.session)
