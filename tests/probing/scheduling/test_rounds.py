import logging
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.model import Blame, Outcome, Target
from exporter.probing.scheduling.attendance import Attendance
from exporter.probing.scheduling.clock import Clock
from exporter.probing.scheduling.rounds import KEPT, RESULTS, Rounds, result_of
from exporter.probing.scheduling.skips import COLD, OVERRUN, STOPPED
from tests.probing.shared_lanes import measured, offer

A, B, C = (offer("o", model) for model in "abc")
TARGETS = [of.target for of in (A, B, C)]


def rounds() -> Rounds:
    stamps = iter(range(0, 10**15, 10**9))
    return Rounds(Clock(wall=lambda: 1000.0, stamp=lambda: next(stamps)))


def consistent(report: dict[str, Any]) -> bool:
    return bool(
        report["expected"] == report["done"] + sum(report["skipped"].values())
        and report["done"] == sum(report["outcomes"].values())
        and report["done"] == sum(report[result] for result in RESULTS)
        and report["left"] == 0
    )


def test_every_target_is_done_skipped_or_left_and_in_the_end_none_is_left() -> None:
    made = rounds()
    with made.cycle(7, TARGETS) as count:
        latest = made.latest
        assert latest is not None
        assert (latest.expected, latest.left) == (3, 3)
        count.measured(A.target, measured(A))
        count.done(A.target)
        count.skip(B.target, COLD)
        assert (latest.done, latest.left) == (1, 1)
    report = made.reports[-1]
    assert report["skipped"] == {COLD: 1, STOPPED: 1}
    assert made.skipped == {COLD: 1, STOPPED: 1}
    assert (report["number"], report["passed"], report["ended_at"]) == (7, 1, 1000.0)
    assert report["seconds"] > 0
    assert consistent(report)


def test_a_repeated_job_counts_once_with_the_result_of_its_repeat() -> None:
    made = rounds()
    with made.cycle(1, [A.target]) as count:
        count.measured(A.target, measured(A, "1", Outcome.NO_CAPACITY))
        count.measured(A.target, measured(A, "2"), repeat=True)
    report = made.reports[-1]
    assert (report["done"], report["passed"], report["unblamed"]) == (1, 1, 0)
    assert report["repeated"] == 1
    assert report["outcomes"] == {"ok": 1}


def test_a_repeat_that_is_left_out_leaves_the_first_result() -> None:
    made = rounds()
    with made.cycle(1, [A.target]) as count:
        count.measured(A.target, measured(A, "1", Outcome.NO_CAPACITY))
        count.skip(A.target, COLD)
    report = made.reports[-1]
    assert (report["done"], report["unblamed"], report["skipped"]) == (1, 1, {})


@pytest.mark.parametrize(
    ("outcome", "blame", "result"),
    [
        (Outcome.OK, None, "passed"),
        (Outcome.WRONG_ANSWER, Blame.ORCHESTRATOR, "failed"),
        (Outcome.BAD_REQUEST, Blame.TESTER, "tester_errors"),
        (Outcome.CONNECT_TIMEOUT, Blame.NETWORK, "elsewhere"),
        (Outcome.GATEWAY_ERROR, Blame.GATEWAY, "elsewhere"),
        (Outcome.UNAVAILABLE, Blame.UNKNOWN, "unknown"),
        (Outcome.NO_CAPACITY, None, "unblamed"),
    ],
)
def test_results_go_by_blame(outcome: Outcome, blame: Blame | None, result: str) -> None:
    assert result_of(measured(A, "1", outcome, blame)) == result


def test_a_round_goes_on_for_as_long_as_somebody_waits_for_it_or_runs_it() -> None:
    made = rounds()
    with Attendance(made) as early, Attendance(made) as late:
        early.take(1)
        late.take(1)
        with made.cycle(1, TARGETS):
            early.take(1, 2)
        early.take(2)
        assert not made.reports, "somebody still waits for the first round"
        late.take(1, 2)
        with made.cycle(2, TARGETS):
            pass
        assert not made.reports
        late.take(2)
        assert [report["number"] for report in made.reports] == [1]
    assert [report["number"] for report in made.reports] == [1, 2]


def test_a_round_that_nobody_began_is_not_reported() -> None:
    made = rounds()
    with Attendance(made) as attendance:
        attendance.take(5)
    assert not made.reports
    assert made.latest is None


def test_a_cycle_that_is_passed_over_is_meant_and_skipped() -> None:
    made = rounds()
    made.pass_over(3, 4, OVERRUN)
    report = made.reports[-1]
    assert (report["expected"], report["skipped"]) == (4, {OVERRUN: 4})
    made.pass_over(4, 0, OVERRUN)
    assert made.reports[-1]["skipped"] == {}


def test_only_the_latest_reports_are_kept() -> None:
    made = rounds()
    for number in range(KEPT + 10):
        made.pass_over(number, 1, OVERRUN)
    assert [report["number"] for report in made.reports] == list(range(10, KEPT + 10))


def test_the_end_of_a_round_is_one_line_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    made = rounds()
    with made.cycle(9, TARGETS) as count:
        count.measured(A.target, measured(A, "1", Outcome.TLS_FAILED, Blame.ORCHESTRATOR))
    [record] = caplog.records
    assert record.getMessage() == "round done"
    told = vars(record)
    assert (told["round"], told["expected"], told["done"], told["failed"]) == (9, 3, 1, 1)
    assert told["skipped"] == {STOPPED: 2}


@given(
    st.lists(
        st.tuples(
            st.integers(0, 5),
            st.sampled_from(TARGETS),
            st.sampled_from(["measured", "repeat", "done", "skip", "foreign"]),
            st.sampled_from([Outcome.OK, Outcome.NO_CAPACITY, Outcome.UNAVAILABLE]),
        ),
        max_size=60,
    )
)
def test_whatever_is_counted_the_report_adds_up(
    events: list[tuple[int, Target, str, Outcome]],
) -> None:
    made = rounds()
    cycles = [made.cycle(number // 2, TARGETS) for number in range(6)]
    for cycle in cycles:
        cycle.__enter__()
    for place, target, event, outcome in events:
        of = offer(target.orchestrator, target.model)
        if event in ("measured", "repeat"):
            blame = Blame.UNKNOWN if outcome is Outcome.UNAVAILABLE else None
            found = measured(of, "1", outcome, blame)
            cycles[place].measured(target, found, repeat=event == "repeat")
        elif event == "done":
            cycles[place].done(target)
        elif event == "skip":
            cycles[place].skip(target, COLD)
        else:
            cycles[place].skip(Target("x", "y", "z"), COLD)
    for cycle in cycles:
        cycle.__exit__(None, None, None)
    assert sorted(report["number"] for report in made.reports) == [0, 1, 2]
    assert all(consistent(report) for report in made.reports)
    assert all(report["expected"] == 6 for report in made.reports)
