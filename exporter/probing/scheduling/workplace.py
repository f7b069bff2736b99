"""What all cycles share while they run: lanes, places, bounds, and who counts."""

import asyncio
from collections.abc import Awaitable, Callable

from exporter.model import Offer, Target
from exporter.probing.lanes import Lanes
from exporter.probing.scheduling.adverts import Adverts
from exporter.probing.scheduling.bounds import Bounds
from exporter.probing.scheduling.clock import Clock
from exporter.probing.scheduling.estimates import Estimates
from exporter.probing.scheduling.hosts import Hosts
from exporter.probing.scheduling.progress import Progress
from exporter.probing.scheduling.run_job import RunJob
from exporter.probing.scheduling.slots import Slots
from exporter.settings import Schedule

Hindrance = Callable[[], Awaitable[str | None]]
"""Says why no job makes sense right now, for a reason that is the tester's own."""


class Workplace:
    """Everything that a cycle needs beside its own targets."""

    def __init__(
        self,
        settings: Schedule,
        lanes: Lanes,
        run_job: RunJob,
        progress: Progress,
        bounds: Bounds,
        *,
        hindrance: Hindrance,
        clock: Clock,
    ) -> None:
        self.settings = settings
        self.lanes = lanes
        self.run_job = run_job
        self.progress = progress
        self.bounds = bounds
        self.hindrance = hindrance
        self.clock = clock
        self.estimates = Estimates()
        self.slots = Slots(settings.max_parallel)
        self.hosts = Hosts()
        self.stopped = asyncio.Event()
        """Set when no further job is to start."""
        self.offers: dict[str, dict[Target, Offer]] = {}
        """What is tested now, by orchestrator; each orchestrator's targets in order."""
        self.adverts = Adverts()
        """When the offers were read."""

    @property
    def stopping(self) -> bool:
        """Whether no further job is to start."""
        return self.stopped.is_set()

    def offered(self, target: Target) -> Offer | None:
        """The target as it is offered now, which may have moved or gone since it was planned."""
        return self.offers.get(target.orchestrator, {}).get(target)

    async def pause(self, seconds: float) -> None:
        """Wait so long, or until no further job is to start."""
        try:
            async with asyncio.timeout(seconds):
                await self.stopped.wait()
        except TimeoutError:
            return
