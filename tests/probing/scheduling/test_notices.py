from typing import Any

import pytest

from exporter.model import LaneKind, Target
from exporter.pipelines import registry
from exporter.probing.scheduling.bounds import Bounds
from exporter.probing.scheduling.clock import Clock
from exporter.probing.scheduling.notices import COLD, HELD_BACK, ROUNDS, SPENDING, TOPICS, Notices
from exporter.probing.scheduling.rounds import KEPT, Rounds
from exporter.probing.scheduling.skips import BUDGET_SPENT, JOBS_OF_DAY, OVERRUN
from exporter.probing.scheduling.skips import COLD as COLD_LATELY
from exporter.probing.scheduling.utc_day import DAY
from exporter.settings import Pipelines, Schedule, Spending
from tests.probing.shared_lanes import offer

NOON = 20_000 * DAY + DAY / 2
LANE = LaneKind.MANAGED
DEAR = offer("o", price=1e6)


class Run:
    """One run of the probe, as far as it is remembered."""

    def __init__(self, before: "Run | None" = None, *, now: float = NOON, lost: Any = None) -> None:
        clock = Clock(wall=lambda: now)
        self.rounds = Rounds(clock)
        self.bounds = Bounds(
            Schedule(jobs_per_day=3),
            Spending(max_per_day=200_000_000),
            pipelines=registry(Pipelines()),
            on_chain=True,
            clock=clock,
        )
        self.notices = Notices(self.rounds, self.bounds)
        self.published: dict[str, bytes] = {} if before is None else dict(before.published)
        for topic in TOPICS:
            self.notices.restore(topic, lost or self.published.get(topic))

    def publish(self) -> list[str]:
        changed = dict(self.notices.changed())
        self.published |= changed
        return list(changed)


def test_nothing_is_published_twice_and_at_first_only_that_nothing_is_held_back() -> None:
    run = Run()
    assert run.publish() == [HELD_BACK]
    assert run.published[HELD_BACK] == b"[]"
    assert run.publish() == []
    run.bounds.start(DEAR, LANE)
    assert run.publish() == [SPENDING]
    assert run.publish() == []


def test_spending_and_jobs_of_today_survive_a_restart() -> None:
    first = Run()
    first.bounds.start(DEAR, LANE)
    first.publish()
    second = Run(first)
    assert second.bounds.spending.today.wei == 128_000_000
    assert second.bounds.reason_to_skip(DEAR, LANE) == BUDGET_SPENT
    cheap = offer("o", price=0.0)
    for _ in range(2):
        second.bounds.start(cheap, LANE)
    assert second.bounds.reason_to_skip(cheap, LANE) == JOBS_OF_DAY


@pytest.mark.parametrize("now", [NOON + DAY, NOON - 40 * DAY])
def test_what_another_day_cost_does_not_count_today(now: float) -> None:
    first = Run()
    first.bounds.start(DEAR, LANE)
    first.publish()
    second = Run(first, now=now)
    assert second.bounds.spending.today.wei == 0
    assert second.bounds.reason_to_skip(DEAR, LANE) is None


def test_tests_of_cold_models_survive_a_restart() -> None:
    cold = offer("o", warm=False, price=0.0)
    first = Run()
    first.bounds.courtesy.tested(cold)
    first.bounds.courtesy.tested(offer("o", "warm"))
    assert COLD in first.publish()
    second = Run(first, now=NOON + DAY / 2)
    assert second.bounds.reason_to_skip(cold, LANE) == COLD_LATELY
    assert second.bounds.reason_to_skip(cold, LANE, again=True) is None
    third = Run(second, now=NOON + DAY)
    assert third.bounds.reason_to_skip(cold, LANE) is None


def test_the_oldest_tests_of_cold_models_are_forgotten_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("exporter.probing.scheduling.courtesy.COLD_REMEMBERED", 2)
    run = Run()
    targets = [Target("o", "llm", str(number)) for number in range(3)]
    run.bounds.courtesy.restore_cold((target, 3 - n) for n, target in enumerate(targets))
    run.bounds.keep([])
    assert set(run.bounds.courtesy.cold) == set(targets[:2])


def test_reports_of_rounds_survive_a_restart() -> None:
    first = Run()
    for number in range(KEPT):
        first.rounds.pass_over(number, 2, OVERRUN)
    assert ROUNDS in first.publish()
    second = Run(first)
    assert ROUNDS not in second.publish()
    second.rounds.pass_over(KEPT, 2, OVERRUN)
    second.publish()
    third = Run(second)
    assert [report["number"] for report in third.rounds.reports] == list(range(1, KEPT + 1))
    assert third.rounds.reports[-1] == second.rounds.reports[-1]


@pytest.mark.parametrize("payload", [b"", b"{", b'{"spent":1}', b'["x"]', b"\xff", b"null"])
def test_what_cannot_be_read_is_dropped(payload: bytes) -> None:
    run = Run(lost=payload)
    assert not run.rounds.reports
    assert run.bounds.spending.today.wei == 0
    assert run.bounds.courtesy.cold == {}
