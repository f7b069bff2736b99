import pytest

from exporter.simulation.capacity import LiveCapacity
from exporter.simulation.population import ServedModel

KEY = ("llm", "a/b")
MODEL = ServedModel(pipeline="llm", model="a/b", warm=True, capacity=2, price=1)


def test_capacity_is_used_while_jobs_run_and_given_back() -> None:
    capacity = LiveCapacity([MODEL])
    with capacity.hold(KEY):
        assert (capacity.free(KEY), capacity.in_use(KEY)) == (1, 1)
        with capacity.hold(KEY):
            assert capacity.free(KEY) == capacity.shown(MODEL) == 0
    assert (capacity.free(KEY), capacity.in_use(KEY)) == (2, 0)


def test_an_error_gives_it_back() -> None:
    capacity = LiveCapacity([MODEL])
    with pytest.raises(ZeroDivisionError), capacity.hold(KEY):
        _ = 1 / 0
    assert capacity.free(KEY) == 2


def test_what_is_lost_stays_lost_until_it_is_restored() -> None:
    capacity = LiveCapacity([MODEL])
    for left in (1, 0, 0):
        with capacity.hold(KEY) as hold:
            hold.lost = True
        assert capacity.free(KEY) == left
    capacity.restore()
    assert capacity.free(KEY) == 2


def test_there_is_never_less_than_nothing_and_nothing_for_a_stranger() -> None:
    capacity = LiveCapacity([MODEL])
    with capacity.hold(KEY), capacity.hold(KEY), capacity.hold(KEY):
        assert capacity.free(KEY) == 0
    assert capacity.free(("llm", "c/d")) == 0


def test_an_advert_can_show_it_as_taken_by_others() -> None:
    capacity = LiveCapacity([MODEL], shown_full=True)
    assert (capacity.free(KEY), capacity.shown(MODEL)) == (2, 0)
