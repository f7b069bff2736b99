"""The latest rounds, as a table of the home page."""

from collections.abc import Sequence
from typing import Final

import msgspec

from exporter.model import NANOSECONDS
from exporter.web.job_document import iso_time
from exporter.web.pages.layout import UNKNOWN, cell, duration, heading, table
from exporter.web.pages.markup import Markup, element, join

SHOWN: Final = 5

_LAST: Final = 253_402_300_800
"""The first moment after the year 9999, Unix seconds."""

_COUNTS: Final = ("expected", "done", "passed", "failed", "tester_errors")
_HEAD: Final = (
    heading("began"),
    heading("took", number=True),
    *(heading(name.replace("_", " "), number=True) for name in _COUNTS),
    heading("other", number=True),
    heading("skipped"),
)


class RoundReport(msgspec.Struct, frozen=True, kw_only=True):
    """What the probe tells of a round that is over, as far as the page shows it."""

    started_at: float | None = None
    """Unix seconds."""
    seconds: float | None = None
    expected: int = 0
    done: int = 0
    passed: int = 0
    failed: int = 0
    tester_errors: int = 0
    elsewhere: int = 0
    unknown: int = 0
    unblamed: int = 0
    skipped: dict[str, int] = {}


def rounds_section(reports: Sequence[RoundReport]) -> Markup:
    """The newest rounds, that which ended last first; nothing if there is none.

    `reports` are in the order of their end.
    """
    if not reports:
        return Markup()
    rows = [_row(report) for report in list(reversed(reports))[:SHOWN]]
    more = element("a", "All that are kept, with outcomes", href="/api/v1/rounds")
    return join((element("h2", "Rounds"), table(_HEAD, rows), element("p", more, class_="soft")))


def _row(report: RoundReport) -> Markup:
    other = report.elsewhere + report.unknown + report.unblamed
    return element(
        "tr",
        cell(_began(report.started_at), kind="nowrap"),
        cell(duration(report.seconds), kind="num"),
        *(cell(str(getattr(report, name)), kind="num") for name in _COUNTS),
        cell(str(other), kind="num"),
        cell(_skipped(report.skipped), kind="text"),
    )


def _began(moment: float | None) -> str:
    if moment is None or not 0 <= moment < _LAST:
        return UNKNOWN
    return iso_time(round(moment * NANOSECONDS))[:19].replace("T", " ")


def _skipped(reasons: dict[str, int]) -> str:
    return ", ".join(f"{count} x {reason}" for reason, count in sorted(reasons.items())) or UNKNOWN
