"""Descriptions say from which value on a panel has which colour."""

from dataclasses import replace

import pytest

from dashboards.boards import BOARDS
from dashboards.colours import BAD, GOOD, WARNING
from dashboards.panel import Panel
from dashboards.steps import in_words
from exporter.alerting import Thresholds

Steps = tuple[tuple[float | None, str], ...]


def panel(unit: str, steps: Steps) -> Panel:
    return Panel(title="One", description="Of one.", kind="stat", unit=unit, steps=steps)


@pytest.mark.parametrize(
    ("unit", "steps", "said"),
    [
        ("none", ((1, WARNING), (3, BAD)), "Blue, orange from 1, vermillion from 3."),
        (
            "percentunit",
            ((0.9, WARNING), (1, BAD)),
            "Blue, orange from 90 %, vermillion from 100 %.",
        ),
        ("s", ((0, WARNING), (86_400, BAD)), "Blue, orange from 0 s, vermillion from 1 d."),
        ("s", ((90, WARNING), (300, BAD)), "Blue, orange from 90 s, vermillion from 5 min."),
        ("suffix: x", ((1.5, WARNING),), "Blue, orange from 1.5 x."),
        ("none", ((1, "transparent"), (3, WARNING)), "Blue, orange from 3."),
        ("none", (), ""),
    ],
)
def test_colours_are_said_with_the_unit(unit: str, steps: Steps, said: str) -> None:
    assert in_words(panel(unit, ((None, GOOD), *steps))) == said


def test_on_curves_they_are_lines() -> None:
    steps: Steps = ((None, "transparent"), (3, WARNING), (6, BAD))
    curves = replace(panel("none", steps), kind="curves")
    assert in_words(curves) == "Dashed lines: orange at 3, vermillion at 6."


@pytest.mark.parametrize(
    ("title", "alert"),
    [
        ("Supply put together", Thresholds().supply_stale),
        ("Answers prepared", Thresholds().leaderboard_age),
        ("Last heard of", Thresholds().down_for),
        ("Age of the block", Thresholds().chain_stale),
    ],
)
def test_no_panel_is_blue_while_its_alert_fires(title: str, alert: int) -> None:
    (found,) = (one for board in BOARDS for one in board.panels if one.title == title)
    reached = [colour for value, colour in found.steps if value is None or value <= alert]
    assert reached[-1] in (WARNING, BAD)
