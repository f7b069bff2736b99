"""How late the loop ran, as it is told of the jobs that ran meanwhile."""

import asyncio
import time
from collections.abc import AsyncIterator

import pytest

from exporter.probing.lag import KEPT, NOTICED, LoopLag
from tests.waiting import until


@pytest.fixture
async def lag() -> AsyncIterator[LoopLag]:
    made = LoopLag()
    watching = asyncio.create_task(made.watch())
    await until(lambda: bool(made.recent()))
    yield made
    watching.cancel()


async def block(lag: LoopLag, seconds: float) -> None:
    """Keep the loop for so long, and wait until that was noticed."""
    seen = len(lag.recent())
    time.sleep(seconds)  # noqa: ASYNC251 - the loop is to stand still
    await until(lambda: len(lag.recent()) > seen)


async def test_a_loop_that_stood_still_is_noticed_by_how_long(lag: LoopLag) -> None:
    before = time.monotonic_ns()
    await block(lag, 0.1)
    assert 0.085e9 < lag.worst_since(before) < 1e9
    assert lag.worst >= lag.worst_since(before)


async def test_a_job_is_told_of_its_own_time_only(lag: LoopLag) -> None:
    await block(lag, 0.15)
    after = time.monotonic_ns()
    await block(lag, 0.06)
    assert lag.worst_since(0) > 0.13e9
    assert 0.045e9 < lag.worst_since(after) < 0.13e9
    assert lag.worst_since(time.monotonic_ns()) == 0


async def test_what_the_timer_itself_is_late_is_no_lag() -> None:
    lag = LoopLag()
    assert lag.worst_since(0) == 0
    assert lag.recent() == []
    watching = asyncio.create_task(lag.watch())
    await until(lambda: len(lag.recent()) > 5)
    watching.cancel()
    assert all(late >= 0 for late in lag.recent())
    assert all(late > NOTICED for _, late in lag._late)


def test_what_is_kept_is_bounded() -> None:
    lag = LoopLag()
    assert (lag._ticks.maxlen, lag._late.maxlen) == (KEPT, KEPT)
