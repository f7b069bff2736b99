"""How long the supervisor waits for those that it stops."""

import asyncio
from pathlib import Path

from exporter.run import GRACE, Child, Supervisor
from exporter.settings import Settings


class Stopped(Child):
    """A child that runs until it is told to stop, and keeps how long it was given."""

    def __init__(self) -> None:
        super().__init__("probe", [])
        self.given = 0.0

    async def run(self, stop: asyncio.Event) -> int:
        await stop.wait()
        return 0

    async def stop(self, grace: float) -> None:
        self.given = grace


async def test_the_probe_gets_the_time_that_its_jobs_and_its_gateways_may_take() -> None:
    settings = Settings.model_validate(
        {
            "region": "FRA",
            "sources": {"gateway": [{"url": "http://127.0.0.1:1"}]},
            "schedule": {"drain": 40},
            "livepeer": {"stop_timeout": 60},
        }
    )
    supervisor = Supervisor(Path("none.yaml"), settings, once=False, together=False)
    probe, station = Stopped(), Stopped()
    supervisor.probe, supervisor.station = probe, station
    stop = asyncio.Event()
    stop.set()
    await supervisor.serve(stop)
    assert probe.given == 40 + 60 + GRACE
    assert station.given == GRACE
