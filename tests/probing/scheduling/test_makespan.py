"""How soon a round ends, against the least time that it can take."""

from collections import Counter

import pytest

from exporter.probing.scheduling.turns import SWITCHES
from tests.probing.makespan import SHAPES, Draw, Made, equal, skewed, uniform
from tests.probing.shared_lanes import FewLanes, chains, direct

PIN = 0.2
LIMIT = 1.10


@pytest.mark.parametrize("shape", SHAPES)
def test_100_orchestrators_with_10_models_on_16_lanes_are_near_the_bound(shape: str) -> None:
    lanes = FewLanes(16, pin=PIN)
    made = Made(chains(100, 10), SHAPES[shape], lanes, rounds=2)
    assert made.spans[1] / made.least(16, PIN) <= LIMIT
    assert Counter(made.jobs.started) == dict.fromkeys(made.takes, 2)
    assert made.jobs.clashes == []
    assert all(switches <= SWITCHES * 100 for switches in made.switches)
    assert lanes.pins <= 2 * 100 + sum(made.switches)


def test_equal_chains_are_near_the_bound_in_the_first_round_when_no_job_is_known_yet() -> None:
    made = Made(chains(100, 10), equal, FewLanes(16, pin=PIN), rounds=1)
    assert made.spans[0] / made.least(16, PIN) <= 1.02
    assert 0 < made.switches[0] <= 32


@pytest.mark.parametrize(("count", "lanes"), [(5, 4), (17, 16), (20, 16), (33, 16), (9, 4)])
def test_the_worst_numbers_of_chains_and_lanes_stay_near_the_bound(count: int, lanes: int) -> None:
    made = Made(chains(count, 10), equal, FewLanes(lanes, pin=PIN), rounds=1)
    assert made.spans[0] / made.least(lanes, PIN) <= LIMIT


def test_as_many_lanes_as_chains_need_no_switch() -> None:
    lanes = FewLanes(16, pin=PIN)
    made = Made(chains(16, 10), uniform(4), lanes, rounds=1)
    assert made.switches == [0]
    assert lanes.pins == 16
    assert made.spans[0] == pytest.approx(made.least(16, PIN))


def test_places_for_few_jobs_at_once_go_to_the_longest_chains() -> None:
    made = Made(chains(100, 10), equal, direct(), rounds=1, max_parallel=16)
    assert made.spans[0] / made.least(16, 0.0) <= 1.02
    assert made.jobs.most_at_once == 16


@pytest.mark.parametrize("seed", range(3))
def test_orchestrators_behind_one_host_never_run_at_the_same_time(seed: int) -> None:
    offers = chains(30, 5, host_of=lambda number: f"host-{number % 11}")
    lanes = FewLanes(8, pin=PIN)
    made = Made(offers, uniform(seed), lanes, rounds=2)
    assert made.jobs.clashes == []
    assert Counter(made.jobs.started) == dict.fromkeys(made.takes, 2)
    assert made.jobs.most_at_once <= 8


def test_every_target_is_counted_once_though_lanes_change_hands() -> None:
    made = Made(chains(40, 6), skewed(5), FewLanes(7, pin=PIN), rounds=3)
    for report in made.progress.rounds.reports:
        assert (report["expected"], report["passed"], report["left"]) == (240, 240, 0)
    assert len(made.progress.rounds.reports) == 3


def test_in_its_turn_every_orchestrator_gets_a_lane() -> None:
    """Chains with little to do are not put off for ever by those with much."""
    draw: Draw = lambda chain: 100.0 if chain < 4 else 0.1  # noqa: E731 - one line says it
    made = Made(chains(60, 4), draw, FewLanes(4, pin=PIN), rounds=2)
    assert {target.orchestrator for target in made.jobs.started} == {
        target.orchestrator for target in made.takes
    }
    assert made.spans[1] / made.least(4, PIN) <= LIMIT
