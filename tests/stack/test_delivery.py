"""From an orchestrator that begins to fail to a message, and to the one that it is over.

A real exporter, Prometheus and Alertmanager, with the shipped rules and routes; only the pace is
that of a test.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from exporter.simulation.network import SimulatedNetwork
from exporter.simulation.orchestrator import SimulatedOrchestrator
from exporter.simulation.population import Profile
from exporter.simulation.profiles import Act
from exporter.stack.pace import Pace
from tests.stack.monitoring import (
    PROBE,
    STATION,
    Monitoring,
    Told,
    Webhook,
    monitoring,
    webhook,
)
from tests.system.service import running, until, until_answered, write_config

pytestmark = pytest.mark.system
PACE = Pace(interval=2, scrape=1, evaluation=1, group_wait=1, group_interval=3)
SLACK = 6.0
"""Seconds for the jobs themselves, and for a machine that has other work."""
WARNING, CRITICAL = 3, 6


def told_after(failures: int) -> float:
    """Seconds within which so many failures in a row are told; docs/stack.md says the same."""
    on_the_way = PACE.scrape + PACE.evaluation + PACE.group_wait
    return failures * PACE.interval + on_the_way + SLACK


def resolved_after() -> float:
    """Seconds within which it is told that it is over."""
    return PACE.interval + PACE.scrape + PACE.evaluation + PACE.group_interval + SLACK


class Scene(NamedTuple):
    """Three orchestrators that do well, and who watches them."""

    network: SimulatedNetwork
    seen: Monitoring
    told: Webhook

    @property
    def failing(self) -> SimulatedOrchestrator:
        """One that is spoken to directly."""
        return self.network.orchestrators[1]

    @property
    def other(self) -> SimulatedOrchestrator:
        """Another one."""
        return self.network.orchestrators[2]


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    async with (
        SimulatedNetwork(3, 1, profiles=[Profile.FAST], speed=4) as network,
        webhook() as told,
    ):
        schedule = {"interval": PACE.interval, "cold_interval": PACE.interval, "drain": 0.5}
        config, plain = write_config(network, tmp_path, schedule=schedule)
        targets = {STATION: plain["station"]["listen"], PROBE: plain["probe"]["listen"]}
        async with (
            running("run", "--config", str(config), log=tmp_path / "log"),
            monitoring(tmp_path, targets, PACE, told.url) as seen,
        ):
            await until_answered(f"http://{targets[STATION]}/healthz")
            await seen.until(
                "count(livepeer_ai_job_last_success_timestamp_seconds)",
                lambda count: count == len(network.targets),
            )
            yield Scene(network, seen, told)


async def first(told: Callable[[], list[Told]], what: str, since: float, within: float) -> float:
    """Seconds from then until it was told, which must be within so many."""
    await until(told, what)
    took = told()[0].at - since
    assert took <= within, f"{what} after {took:.1f} s"
    return took


async def test_who_begins_to_fail_is_told_in_the_stated_time_and_that_it_is_over(
    scene: Scene,
) -> None:
    address, told = scene.failing.member.address, scene.told
    assert told.told == []
    began = time.monotonic()
    scene.failing.act(Act.FAIL)
    scene.other.act(Act.NO_CAPACITY)  # nobody is to blame for that

    def of(severity: str) -> Callable[[], list[Told]]:
        return lambda: [one for one in told.of(address, "firing") if one.severity == severity]

    await first(of("warning"), "the warning", began, told_after(WARNING))
    await first(of("critical"), "it is critical", began, told_after(CRITICAL))
    recovered = time.monotonic()
    scene.failing.act(None)
    await first(
        lambda: [one for one in told.of(address, "resolved") if one.at > recovered],
        "it is over",
        recovered,
        resolved_after(),
    )
    async with asyncio.timeout(20):
        while await scene.seen.firing():  # noqa: ASYNC110 - asked of another process
            await asyncio.sleep(0.1)
    assert {one.orchestrator.lower() for one in told.told} == {address}
    assert {one.name for one in told.told} == {"LivepeerAiConsecutiveFailures"}
    assert {one.receiver for one in told.told} == {"orchestrators"}
