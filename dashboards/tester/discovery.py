"""Whether it knows whom to test."""

from dataclasses import replace
from typing import Final

from dashboards.colours import BAD, GOOD, WARNING
from dashboards.panel import Panel, Row
from dashboards.tester import said
from dashboards.tester.glance import UP
from dashboards.tester.shown import curves
from exporter.alerting.thresholds import Thresholds

_ALERT: Final = Thresholds().supply_stale
_SOURCE: Final = ("source",)

_AGE: Final = Panel(
    title="Supply put together",
    description="How long ago the sources were last put together to what is offered.",
    kind="stat",
    unit="s",
    width=4,
    height=7,
    decimals=0,
    steps=((None, GOOD), (_ALERT / 2, WARNING), (_ALERT, BAD)),
    queries=(said.age("supply_timestamp_seconds", "ago"),),
)
_SOURCES: Final = Panel(
    title="Sources",
    description="Where offers come from: whether the last refresh was good, how long ago the last "
    "good one was, and how many offers it had.",
    kind="table",
    unit="none",
    width=10,
    height=7,
    sort_by="Source",
    queries=(
        replace(said.now("source_up", "min", "Up", _SOURCE), values=UP),
        said.age("source_last_refresh_timestamp_seconds", "Refreshed ago", _SOURCE, "s"),
        said.now("source_offers", "sum", "Offers", _SOURCE),
    ),
)
_OFFERS: Final = curves(
    "Offers by source",
    "Offers of each source, from its last good refresh.",
    "none",
    said.curve("source_offers", "max", by=_SOURCE),
    width=10,
)

ROW: Final = Row(title="Does it know whom to test?", panels=(_AGE, _SOURCES, _OFFERS))
