"""What the terminal shows of a measurement."""

import pytest

from exporter.model import LaneKind, Measurement, Phases
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
