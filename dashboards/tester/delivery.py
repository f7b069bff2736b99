"""Whether what was measured arrives."""

from dataclasses import replace
from typing import Final

from dashboards.colours import BAD, GOOD, WARNING
from dashboards.panel import Panel, Row
from dashboards.tester import said
from dashboards.tester.glance import UP
from dashboards.tester.shown import columns, curves

_CONSUMER: Final = ("consumer",)

_CONSUMERS: Final = Panel(
    title="Consumers",
    description="Who takes measurements out of the outbox: the store, and leaderboards. Up: it "
    "does not fail. Lag: what it does not have yet. Delivered and errors: in the chosen time; each "
    "failed attempt is repeated. Dead letters: what it does not take.",
    kind="table",
    unit="none",
    width=24,
    height=6,
    sort_by="Consumer",
    queries=(
        replace(said.now("consumer_up", "min", "Up", _CONSUMER), values=UP),
        replace(
            said.now("consumer_lag", "sum", "Lag", _CONSUMER),
            steps=((None, GOOD), (100, WARNING), (1000, BAD)),
        ),
        replace(said.grown("consumer_delivered_total", "Delivered", _CONSUMER), unit="short"),
        replace(said.grown("consumer_errors_total", "Errors", _CONSUMER), unit="short"),
        replace(
            said.now("dead_letters", "sum", "Dead letters", _CONSUMER),
            steps=((None, GOOD), (1, BAD)),
        ),
    ),
)
_SIZE: Final = curves(
    "Outbox on disk",
    "Size of the outbox.",
    "bytes",
    said.curve("outbox_bytes", "max", "outbox"),
)
_WAITING: Final = curves(
    "Measurements that wait",
    "Measurements in the outbox that a consumer does not have yet.",
    "none",
    said.summed("consumer_lag", by=_CONSUMER),
)
_ERRORS: Final = columns(
    "Failed attempts to deliver",
    "Failed attempts to hand measurements to a consumer; each is repeated.",
    said.growing("consumer_errors_total", by=_CONSUMER),
)

ROW: Final = Row(title="Does it arrive?", panels=(_CONSUMERS, _SIZE, _WAITING, _ERRORS))
