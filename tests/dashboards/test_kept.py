"""Which counters a dashboard asks for: those that are scraped, or those that rules keep."""

from pathlib import Path
from typing import Final

import pytest

from dashboards.boards import BOARDS
from dashboards.interpolation import Asked
from exporter.alerting.kept import KEPT, PACE, RECORDED, SERIES
from tests.dashboards.asking import found_by_prometheus
from tests.dashboards.both import Both
from tests.dashboards.filled import Prometheus, prometheus, take_in
from tests.dashboards.who import SCRAPE, STOP

BOARD: Final = next(board for board in BOARDS if board.name == "orchestrator")


RANGES: Final = (
    ("series", 3 * 86_400, KEPT),
    ("series", 3 * 86_400 - 60, SERIES),
    ("curves", 5 * 86_400, KEPT),
    ("curves", 5 * 86_400 - 60, SERIES),
)


def prefix(server: Prometheus, name: str, seconds: int, stop: int = STOP) -> list[str]:
    choice = next(one for one in BOARD.choices if one.name == name)
    asked = Asked(start=stop - seconds, stop=stop, scrape=SCRAPE)
    return found_by_prometheus(server, choice, asked)


@pytest.mark.parametrize(("name", "seconds", "expected"), RANGES)
def test_what_is_kept_is_asked_for_long_ranges(
    both: Both, name: str, seconds: int, expected: str
) -> None:
    assert prefix(both.prometheus, name, seconds) == [expected]


def test_what_is_kept_no_more_is_not_asked(both: Both) -> None:
    assert prefix(both.prometheus, "series", 5 * 86_400, STOP + 900) == [SERIES]


def kept_since(first: int, rules: int, tmp_path: Path) -> list[str]:
    """What is asked for 5 days where scrapes and rules began at these moments."""
    info = 'livepeer_ai_tester_build_info{job="livepeer-exporter",instance="a"}'
    samples = [f"{info} 1 {moment}\n" for moment in range(first, STOP + 1, 240)]
    samples += [f"{RECORDED} {moment} {moment}\n" for moment in range(rules, STOP + 1, PACE)]
    (tmp_path / "data").mkdir()
    take_in(tmp_path / "data", [*samples, "# EOF\n"])
    with prometheus(tmp_path, tmp_path / "data") as server:
        return prefix(server, "series", 5 * 86_400)


@pytest.mark.parametrize(
    ("first", "rules", "expected"),
    [
        (9, 9, KEPT),
        (9, 4, SERIES),
        (4, 4, KEPT),
    ],
)
def test_what_is_kept_is_asked_only_if_it_covers_what_there_is(
    first: int, rules: int, expected: str, tmp_path: Path
) -> None:
    assert kept_since(STOP - first * 86_400, STOP - rules * 86_400, tmp_path) == [expected]


def test_what_is_scraped_is_asked_of_an_empty_database(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    with prometheus(tmp_path, tmp_path / "data") as server:
        assert prefix(server, "series", 5 * 86_400) == [SERIES]
