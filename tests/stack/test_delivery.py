"""From an orchestrator that begins to fail to a message, and to the one that it is over.

A real exporter, Prometheus and Alertmanager, with the shipped rules and routes; only the pace is
that of a test.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from exporter.leaderboard.display import shown
from exporter.simulation.network import SimulatedNetwork
from exporter.simulation.orchestrator import SimulatedOrchestrator
from exporter.simulation.population import Profile
from exporter.simulation.profiles import Act
from exporter.stack.pace import Pace
from tests.stack.monitoring import (
    PATIENCE,
    POLL,
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
SLACK = 10.0
"""Seconds for the jobs themselves, and for a machine that has other work."""
WARNING, CRITICAL = 3, 6
STREAK = "LivepeerAiConsecutiveFailures"


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


@asynccontextmanager
async def scene(
    folder: Path, settings: Callable[[SimulatedNetwork], dict[str, Any]] = lambda _: {}
) -> AsyncIterator[Scene]:
    """Everything at work, and all jobs good so far."""
    async with (
        SimulatedNetwork(3, 1, profiles=[Profile.FAST], speed=4) as network,
        webhook() as told,
    ):
        schedule = {"interval": PACE.interval, "cold_interval": PACE.interval, "drain": 0.5}
        config, plain = write_config(network, folder, schedule=schedule, **settings(network))
        targets = {STATION: plain["station"]["listen"], PROBE: plain["probe"]["listen"]}
        async with (
            running("run", "--config", str(config), log=folder / "log"),
            monitoring(folder, targets, PACE, told.url) as seen,
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


async def until_over(seen: Monitoring) -> None:
    """Wait until no streak fires any more; the share of good jobs of hours stays low, and tells."""
    firing: set[str] = {""}
    try:
        async with asyncio.timeout(PATIENCE):
            while firing:
                await asyncio.sleep(POLL)
                firing = await streaks(seen)
    except TimeoutError:
        raise AssertionError(f"fires on: {firing}") from None


async def streaks(seen: Monitoring) -> set[str]:
    """The orchestrators whose failures in a row fire, in lower case."""
    return {
        one["orchestrator_address"].lower()
        for one in await seen.firing()
        if one["alertname"] == STREAK
    }


async def test_who_begins_to_fail_is_told_in_the_stated_time_and_that_it_is_over(
    tmp_path: Path,
) -> None:
    async with scene(tmp_path) as here:
        await _failing_and_recovering(here)


async def _failing_and_recovering(scene: Scene) -> None:
    address, told = scene.failing.member.address, scene.told
    assert not any(one.orchestrator for one in told.told)
    began = time.monotonic()
    scene.failing.act(Act.FAIL)
    scene.other.act(Act.NO_CAPACITY)  # nobody is to blame for that

    def of(severity: str) -> Callable[[], list[Told]]:
        return lambda: [
            one for one in told.of(address, STREAK, "firing") if one.severity == severity
        ]

    await first(of("warning"), "the warning", began, told_after(WARNING))
    await first(of("critical"), "it is critical", began, told_after(CRITICAL))
    recovered = time.monotonic()
    scene.failing.act(None)
    await first(
        lambda: [one for one in told.of(address, STREAK, "resolved") if one.at > recovered],
        "it is over",
        recovered,
        resolved_after(),
    )
    await until_over(scene.seen)
    heard = [one for one in told.told if one.orchestrator]
    assert {one.orchestrator.lower() for one in heard} == {address}
    assert {one.receiver for one in heard} == {"orchestrators"}


def under_maintenance(network: SimulatedNetwork) -> dict[str, Any]:
    now = datetime.now(UTC)
    window = {
        "orchestrators": [network.orchestrators[1].member.address],
        "from": (now - timedelta(hours=1)).isoformat(),
        "until": (now + timedelta(hours=1)).isoformat(),
        "reason": "new cards",
    }
    return {"maintenance": [window]}


async def test_who_is_under_maintenance_is_tested_and_not_told(tmp_path: Path) -> None:
    async with scene(tmp_path, under_maintenance) as here:
        began = time.monotonic()
        here.failing.act(Act.FAIL)
        here.other.act(Act.FAIL)
        other = here.other.member.address
        within = told_after(WARNING)
        await first(lambda: here.told.of(other, STREAK, "firing"), "the other one", began, within)
        # As long again: it fails as the other does, which all but the rules see.
        address = shown(here.failing.member.address)
        streak = f'min(livepeer_ai_job_consecutive_failures{{orchestrator_address="{address}"}})'
        await here.seen.until(streak, lambda failures: failures > CRITICAL)
        heard = {one.orchestrator.lower() for one in here.told.told if one.orchestrator}
        assert heard == {other}
        assert await streaks(here.seen) == {other}
