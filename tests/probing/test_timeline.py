"""The stamps of a job and the phases they make."""

import dataclasses
import itertools

from hypothesis import given
from hypothesis import strategies as st

from exporter.probing.timeline import STEP_LIMIT, PhaseName, Timeline

PHASES: tuple[PhaseName, ...] = (
    "dns",
    "connect",
    "tls",
    "upload",
    "inference",
    "download",
    "tester",
)


@dataclasses.dataclass
class Clock:
    now: int = 1000

    def __call__(self) -> int:
        return self.now


@given(
    st.lists(
        st.tuples(st.sampled_from(PHASES), st.integers(-(10**9), 10**10)), min_size=1, max_size=30
    )
)
def test_whatever_is_booked_the_phases_add_up_to_the_round_trip_to_the_nanosecond(
    bookings: list[tuple[PhaseName, int]],
) -> None:
    clock = Clock()
    timeline = Timeline(clock)
    for phase, step in bookings:
        timeline.book(phase, timeline.last + step)
    phases = timeline.phases(complete=True)
    booked = [getattr(phases, name) for name in PHASES]
    assert sum(value for value in booked if value is not None) == phases.round_trip
    assert all(value is None or value >= 0 for value in booked)


def test_a_phase_that_did_not_happen_is_absent() -> None:
    clock = Clock()
    timeline = Timeline(clock)
    clock.now += 5
    timeline.book("connect")
    timeline.book("inference")
    phases = timeline.phases(complete=True)
    assert (phases.dns, phases.connect, phases.inference) == (None, 5, None)


def test_a_failed_job_has_no_round_trip() -> None:
    timeline = Timeline(Clock())
    timeline.book("connect")
    assert timeline.phases(complete=False).round_trip is None


def test_a_phase_booked_twice_is_their_sum() -> None:
    clock = Clock()
    timeline = Timeline(clock)
    for phase, step in (("download", 3), ("tester", 4), ("download", 5)):
        clock.now += step
        timeline.book(phase)  # type: ignore[arg-type]  # literals in a loop
    phases = timeline.phases(complete=True)
    assert (phases.download, phases.tester, phases.round_trip) == (8, 4, 12)


def test_the_step_log_is_in_order_and_bounded() -> None:
    clock = Clock()
    timeline = Timeline(clock)
    timeline.note("later", at=1200)
    timeline.note("earlier", at=1100)
    assert [(step.at, step.text) for step in timeline.steps] == [(100, "earlier"), (200, "later")]
    for number in itertools.count():
        timeline.note("x" * 10_000)
        if number > 2 * STEP_LIMIT:
            break
    assert len(timeline.steps) == STEP_LIMIT
    assert max(len(step.text) for step in timeline.steps) <= 500
