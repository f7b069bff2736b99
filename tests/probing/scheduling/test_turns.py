import pytest

from exporter.model import Target
from exporter.probing.scheduling.clock import Clock
from exporter.probing.scheduling.estimates import UNKNOWN, Estimates
from exporter.probing.scheduling.turns import SWITCHES, Turns


class Table:
    """Chains that share lanes, with so much left to do each."""

    def __init__(self, *, places: int = 1000, **left: float) -> None:
        self.left = left
        self.now = 0
        self.turns = Turns(Clock(stamp=lambda: self.now), places)
        for chain in left:
            self.turns.wait(chain, lambda chain=chain: self.left[chain])  # type: ignore[misc]  # a default

    def serve(self, *chains: str) -> None:
        for chain in chains:
            self.turns.serve(chain)

    def gives_way(self, chain: str, *, wanted: int, next_job: float = 1.0) -> bool:
        return self.turns.gives_way(chain, next_job, wanted)

    def later(self, seconds: float) -> None:
        self.now += round(seconds * 1e9)


def test_a_lane_goes_to_who_has_no_slack_left() -> None:
    table = Table(a=2, b=3, late=10)
    table.serve("a", "b")
    assert table.gives_way("a", wanted=1)
    assert table.turns.switches == 1


def test_while_there_is_slack_nobody_gives_way() -> None:
    table = Table(a=2, b=30, late=10)
    table.serve("a", "b")
    assert not table.gives_way("a", wanted=1)


def test_who_has_as_much_to_do_keeps_its_lane() -> None:
    table = Table(a=10, late=10)
    table.serve("a")
    assert not table.gives_way("a", wanted=1)


def test_one_who_waits_gets_one_lane() -> None:
    table = Table(a=2, b=2, late=10)
    table.serve("a", "b")
    assert table.gives_way("a", wanted=1)
    assert not table.gives_way("b", wanted=1)


def test_nobody_gives_way_when_nobody_waits() -> None:
    table = Table(a=2, b=10)
    table.serve("a", "b")
    assert not table.gives_way("a", wanted=0)


def test_a_chain_gives_way_a_few_times_at_most() -> None:
    table = Table(a=2, late=100)
    for _ in range(SWITCHES):
        table.serve("a")
        assert table.gives_way("a", wanted=1, next_job=2.0)
        table.turns.pause("a")
        table.turns.wait("a", lambda: 2.0)
        table.later(1)
    table.serve("a")
    assert not table.gives_way("a", wanted=1, next_job=2.0)


def test_who_has_left_no_longer_counts() -> None:
    table = Table(a=2, b=3, late=10)
    table.serve("a", "b")
    table.turns.leave("late")
    assert not table.gives_way("a", wanted=1)


def test_a_target_is_expected_to_take_what_it_took_else_what_its_model_or_pipeline_does() -> None:
    estimates = Estimates()
    one, other = Target("a", "llm", "m"), Target("b", "llm", "m")
    model, pipeline = Target("a", "llm", "n"), Target("a", "text-to-image", "m")
    assert estimates.of(one) == UNKNOWN
    estimates.took(one, 2.0)
    assert [estimates.of(target) for target in (one, other, model)] == [2.0, 2.0, 2.0]
    assert estimates.of(pipeline) == UNKNOWN
    estimates.took(other, 10.0)
    assert estimates.of(one) == 2.0
    assert estimates.of(other) == 10.0
    assert estimates.of(Target("c", "llm", "m")) == pytest.approx(2.8)
    estimates.took(one, 4.0)
    assert estimates.of(one) == 3.0


def test_what_a_target_that_is_gone_took_is_forgotten() -> None:
    estimates = Estimates()
    one = Target("a", "llm", "m")
    estimates.took(one, 2.0)
    estimates.keep([Target("b", "llm", "n")])
    assert estimates.of(one) == 2.0, "its pipeline is still there"
    estimates.keep([])
    assert estimates.of(one) == UNKNOWN
