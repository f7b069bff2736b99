"""Which counters a dashboard asks for: those that are scraped, or those that rules keep."""

from collections.abc import Iterable
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

DAY: Final = 86_400
BOARD: Final = next(board for board in BOARDS if board.name == "orchestrator")


RANGES: Final = (
    ("series", 3 * DAY, KEPT),
    ("series", 3 * DAY - 60, SERIES),
    ("curves", 5 * DAY, KEPT),
    ("curves", 5 * DAY - 60, SERIES),
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
    assert prefix(both.prometheus, "series", 5 * DAY, STOP + 900) == [SERIES]


def asked(scraped: Iterable[int], kept: Iterable[int], tmp_path: Path) -> list[str]:
    """What is asked for 5 days where there was a scrape, and the rules, at these moments."""
    info = 'livepeer_ai_tester_build_info{job="livepeer-exporter",instance="a"}'
    samples = [f"{info} 1 {moment}\n" for moment in scraped]
    samples += [f"{RECORDED} {moment} {moment}\n" for moment in kept]
    (tmp_path / "data").mkdir()
    take_in(tmp_path / "data", [*samples, "# EOF\n"])
    with prometheus(tmp_path, tmp_path / "data") as server:
        return prefix(server, "series", 5 * DAY)


def since(first: int, pace: int) -> list[int]:
    """Moments from so many seconds before the end on."""
    return list(range(STOP - first, STOP + 1, pace))


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
    assert asked(since(first * DAY, 240), since(rules * DAY, PACE), tmp_path) == [expected]


def within(hours: range, moments: list[int]) -> list[int]:
    """Those of the moments that lie in these hours before the end."""
    return [moment for moment in moments if (STOP - moment) // 3600 in hours]


@pytest.mark.parametrize(("hours", "expected"), [(1, KEPT), (2, SERIES), (90, SERIES)])
def test_what_is_kept_with_a_gap_is_not_asked(hours: int, expected: str, tmp_path: Path) -> None:
    kept = since(9 * DAY, PACE)
    gap = set(within(range(24, 24 + hours), kept))
    known = [moment for moment in kept if moment not in gap]
    assert asked(since(9 * DAY, 240), known, tmp_path) == [expected]


def test_a_gap_of_the_scrapes_is_none_of_what_is_kept(tmp_path: Path) -> None:
    scraped, kept = since(9 * DAY, 240), since(9 * DAY, PACE)
    off = range(24, 60)
    there = [set(within(off, moments)) for moments in (scraped, kept)]
    scraped = [moment for moment in scraped if moment not in there[0]]
    kept = [moment for moment in kept if moment not in there[1]]
    assert asked(scraped, kept, tmp_path) == [KEPT]


def test_what_is_scraped_is_asked_of_an_empty_database(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    with prometheus(tmp_path, tmp_path / "data") as server:
        assert prefix(server, "series", 5 * DAY) == [SERIES]
