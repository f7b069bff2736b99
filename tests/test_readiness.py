"""Why nobody can be tested, in words."""

import pytest

from exporter.model import SourceState, Supply
from exporter.probe_lanes import Gateways
from exporter.probing.lanes import DOES_NOT_START, Lanes
from exporter.probing.scheduling.skips import ABOVE_PRICE, COLD, NETWORK_DOWN
from exporter.probing.webhook import WebhookDesk
from exporter.readiness import not_ready, why_nothing_to_test, why_nothing_was_tested

GATEWAYS = Gateways(Lanes([]), WebhookDesk([]))


def supply(*errors: str) -> Supply:
    sources = tuple(
        SourceState(name=f"s{number}", offers=0, refreshed_at=None, error=error)
        for number, error in enumerate(errors)
    )
    return Supply(offers=(), sources=sources, taken_at=0)


def test_before_the_first_refresh_it_is_not_ready() -> None:
    assert not_ready(None, GATEWAYS) == ["discovery has not finished its first refresh"]


def test_where_nothing_is_tested_the_sources_that_fail_are_named() -> None:
    [reason] = not_ready(supply("it is off", ""), GATEWAYS)
    assert reason == "no source offers anything that is tested (s0: it is off)"
    assert not_ready(supply(""), GATEWAYS) == ["no source offers anything that is tested"]
    assert why_nothing_to_test(supply("off")).endswith("since sources fail: s0: off")


def test_where_nobody_is_meant_to_be_tested_it_is_ready() -> None:
    assert not_ready(supply(), GATEWAYS) == []
    assert why_nothing_to_test(supply()) == (
        "there is nobody to test: the settings only name leaderboards to follow"
    )


def test_many_and_long_errors_stay_readable() -> None:
    [reason] = not_ready(supply(*["x" * 5000] * 20), GATEWAYS)
    assert len(reason) < 2000
    assert reason.endswith("and 15 more)")


@pytest.mark.parametrize("skipped", [{}, {COLD: 3}, {COLD: 1, ABOVE_PRICE: 2}])
def test_a_round_that_was_meant_to_test_nothing_is_no_failure(skipped: dict[str, int]) -> None:
    assert why_nothing_was_tested(skipped, []) is None


def test_a_round_that_could_not_test_says_why() -> None:
    told = why_nothing_was_tested({DOES_NOT_START: 2, COLD: 1}, ["it is no program"])
    assert told == (
        "nothing was tested: 1 x cold model tested lately, 2 x its gateway does not start; "
        "it is no program"
    )
    assert why_nothing_was_tested({NETWORK_DOWN: 1}, []) is not None
