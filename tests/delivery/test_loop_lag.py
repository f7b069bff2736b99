import asyncio
import time

from hypothesis import given
from hypothesis import strategies as st

from exporter.delivery.loop_lag import WINDOW, LoopLag
from tests.waiting import until


def test_nothing_measured_is_no_lag() -> None:
    assert LoopLag().worst == 0.0


@given(st.lists(st.tuples(st.floats(0, 30), st.floats(0, 5)), min_size=1, max_size=50))
def test_the_worst_is_that_of_the_last_minute(steps: list[tuple[float, float]]) -> None:
    lag, now, notes = LoopLag(), 0.0, []
    for wait, late in steps:
        now += wait
        notes.append((now, late))
        lag.note(now, late)
    assert lag.worst == max(late for moment, late in notes if moment >= now - WINDOW)


async def test_a_blocked_loop_is_noticed() -> None:
    lag = LoopLag()
    task = asyncio.create_task(lag.run())
    await asyncio.sleep(0)
    time.sleep(0.2)  # noqa: ASYNC251 - blocking the loop is the point
    await until(lambda: lag.worst >= 0.1)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
