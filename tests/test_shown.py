"""What the terminal shows of a measurement."""

import pytest

from exporter.model import Check, LaneKind, Measurement, Outcome, Phases
from exporter.shown import as_text, first_contact
from tests.measurements import SECOND, failed, good

MILLISECOND = SECOND // 1000


def lines(measurement: Measurement) -> list[str]:
    return as_text(measurement, bar=10, steps=False).splitlines()


def test_the_first_contact_stands_below_the_inference_that_holds_it() -> None:
    shown = lines(good("m1", 2, lane=LaneKind.MANAGED, session_setup_time=132 * MILLISECOND))
    below = [line.strip() for line in shown].index("of which 132.00 ms first contact")
    assert shown[below - 1].split()[:3] == ["inference", "2.000", "s"]


@pytest.mark.parametrize("kind", [LaneKind.MANAGED, LaneKind.PINNED, LaneKind.WEBHOOK])
def test_of_a_job_through_a_gateway_it_is_said_that_the_first_contact_is_unknown(
    kind: LaneKind,
) -> None:
    assert "    first contact: unknown" in lines(good("m1", lane=kind))


@pytest.mark.parametrize("kind", [LaneKind.DIRECT, None])
def test_without_a_gateway_nothing_is_said_of_a_first_contact(kind: LaneKind | None) -> None:
    assert "first contact" not in "\n".join(lines(good("m1", lane=kind)))


def test_no_first_contact_is_another_thing_than_an_unknown_one() -> None:
    shown = first_contact(good("m1", lane=LaneKind.MANAGED, session_setup_time=0))
    assert shown == "first contact: none, the gateway had a session"


@pytest.mark.parametrize("phases", [Phases(), Phases(upload=SECOND)])
def test_a_job_that_had_no_inference_says_it_as_a_part_of_nothing(phases: Phases) -> None:
    shown = lines(failed("m1", phases=phases, lane=LaneKind.MANAGED, session_setup_time=SECOND))
    assert "    first contact: 1.000 s" in shown


def test_each_check_of_the_proof_has_a_line_with_what_came_of_it() -> None:
    proof = (
        Check(name="frames", score=14, at_least=25, at_most=25),
        Check(name="seconds", score=4.1667, at_least=3.5, at_most=4.5),
        Check(name="likeness", score=0.21, at_least=0.5, exempt=True),
        Check(name="motion", score=0.8, at_most=1.0, exempt=True),
        Check(name="detail", score=1.25),
        Check(name="words", score=None, at_least=1),
    )
    shown = lines(failed("m1", Outcome.WRONG_ANSWER, proof=proof))
    start = shown.index("proof")
    assert shown[start + 1 : start + 7] == [
        "  frames         14  25            failed",
        "  seconds    4.1667  3.5 to 4.5    passed",
        "  likeness     0.21  at least 0.5  exempt (failed)",
        "  motion        0.8  at most 1     exempt (passed)",
        "  detail       1.25                reported only",
        "  words     nothing  at least 1    failed",
    ]


def test_without_a_proof_there_is_no_table() -> None:
    assert "proof" not in lines(failed("m1"))


def test_a_check_of_another_version_cannot_move_the_cursor() -> None:
    shown = lines(good("m1", proof=(Check(name="\x1b[2J\r\n", score=1),)))
    assert "  \ufffd[2J\ufffd\ufffd  1    reported only" in shown
