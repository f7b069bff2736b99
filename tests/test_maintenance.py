"""Which maintenance windows are open at a moment."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cronsim import CronSim
from hypothesis import given
from hypothesis import strategies as st

from exporter.maintenance import maintenance
from exporter.model import NANOSECONDS
from exporter.settings import MaintenanceWindow

ALICE = "0x" + "a1" * 20
BOB = "0x" + "b2" * 20
SECOND = NANOSECONDS
CRONS = ("0 3 * * 0", "*/7 * * * *", "30 22 1-7 * 1", "0 0 29 2 *", "59 23 31 12 *", "0 12 L * *")


def window(**given: Any) -> MaintenanceWindow:
    return MaintenanceWindow.model_validate(given)


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp()) * SECOND


ONCE = window(**{"from": "2030-05-01T22:00Z", "until": "2030-05-02T04:00+02:00"})
WEEKLY = window(cron="0 3 * * 0", minutes=90, reason="updates")
SUNDAY = "2030-05-05"


@pytest.mark.parametrize(
    ("moment", "is_open"),
    [
        (at("2030-05-01T22:00:00Z") - 1, False),
        (at("2030-05-01T22:00:00Z"), True),
        (at("2030-05-02T02:00:00Z") - 1, True),
        (at("2030-05-02T02:00:00Z"), False),
    ],
)
def test_a_window_is_open_from_its_beginning_until_before_its_end(
    moment: int, *, is_open: bool
) -> None:
    assert bool(maintenance([ONCE], moment).windows) is is_open


@pytest.mark.parametrize(
    ("moment", "is_open"),
    [
        (at(f"{SUNDAY}T03:00:00Z") - 1, False),
        (at(f"{SUNDAY}T03:00:00Z"), True),
        (at(f"{SUNDAY}T03:00:00Z") + 1, True),
        (at(f"{SUNDAY}T04:30:00Z") - 1, True),
        (at(f"{SUNDAY}T04:30:00Z"), False),
        (at("2030-05-06T03:30:00Z"), False),
        (at("2030-05-12T03:30:00Z"), True),
    ],
)
def test_a_window_by_cron_is_open_for_its_minutes_after_each_moment(
    moment: int, *, is_open: bool
) -> None:
    found = maintenance([WEEKLY], moment)
    assert bool(found.windows) is is_open
    if found.of_tester is not None:
        assert found.of_tester.until == at(f"{_day(moment)}T04:30:00Z")
        assert found.of_tester.reason == "updates"


def _day(moment: int) -> str:
    return datetime.fromtimestamp(moment // SECOND, UTC).strftime("%Y-%m-%d")


@given(
    cron=st.sampled_from(CRONS),
    minutes=st.integers(1, 10_080),
    moment=st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1)),  # noqa: DTZ001 - hypothesis
)
def test_a_window_by_cron_is_open_if_a_moment_lies_less_than_its_minutes_back(
    cron: str, minutes: int, moment: datetime
) -> None:
    moment = moment.replace(tzinfo=UTC)
    back = moment - timedelta(minutes=minutes)
    first = next(CronSim(cron, back - timedelta(minutes=1)))
    while first <= back:  # the end belongs to nobody
        first = next(CronSim(cron, first))
    nanoseconds = int((moment - datetime(1970, 1, 1, tzinfo=UTC)) / timedelta(microseconds=1))
    found = maintenance([window(cron=cron, minutes=minutes)], nanoseconds * 1000)
    assert bool(found.windows) is (first <= moment)


def test_a_window_without_orchestrators_is_the_testers_own_and_everybodys() -> None:
    found = maintenance([ONCE], at("2030-05-01T23:00Z"))
    assert found.of_tester is not None
    assert found.of(ALICE) == found.of_tester
    assert found.orchestrators == frozenset()


def test_a_window_of_some_is_nobody_elses() -> None:
    given = {"from": "2030-05-01T22:00Z", "until": "2030-05-02T02:00Z", "orchestrators": [ALICE]}
    found = maintenance([window(**given)], at("2030-05-01T23:00Z"))
    assert found.of_tester is None
    assert found.orchestrators == {ALICE}
    assert found.of(ALICE) is not None
    assert found.of(BOB) is None


def test_of_several_windows_the_one_that_ends_last_is_told() -> None:
    windows = [
        window(**{"from": "2030-05-01", "until": until, "orchestrators": [ALICE], "reason": until})
        for until in ("2030-05-03", "2030-05-05", "2030-05-04")
    ]
    found = maintenance(windows, at("2030-05-02T00:00Z")).of(ALICE)
    assert found is not None
    assert (found.until, found.reason) == (at("2030-05-05T00:00Z"), "2030-05-05")


def test_without_windows_there_is_none() -> None:
    found = maintenance([], at("2030-05-01T23:00Z"))
    assert (found.windows, found.of_tester, found.of(ALICE)) == ((), None, None)


def test_moments_and_addresses_come_out_in_their_one_spelling() -> None:
    given = {"from": "2030-05-01", "until": "2030-05-02T00:00+02:00"}
    made = window(**given, orchestrators=[ALICE.upper().replace("X", "x")])
    assert (made.since, made.until) == ("2030-05-01T00:00:00Z", "2030-05-01T22:00:00Z")
    assert made.orchestrators == [ALICE]
