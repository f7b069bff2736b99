"""Whether what is due is tested, and on time."""

from typing import Final

from dashboards import flux
from dashboards.panel import Panel, Query, Row
from dashboards.tester import said
from dashboards.tester.shown import columns, curves

_LATENESS: Final = said.metric("cycle_lateness_seconds")

_LATE: Final = curves(
    "Cycles late by, over time",
    "By how much the last cycle of an orchestrator began later than it was due: half of them by "
    "no more than the lower curve, the latest by the upper one.",
    "s",
    Query(
        name="half",
        promql=f"quantile(0.5, {_LATENESS})",
        flux=said.over_time("cycle_lateness_seconds") + flux.group() + flux.quantiles(0.5),
    ),
    said.curve("cycle_lateness_seconds", "max", "latest"),
)
_MISSED: Final = columns(
    "Cycles missed",
    "Cycles that were left out because the orchestrator's cycle before was not done.",
    said.growing("cycles_missed_total", "missed"),
)
_JOBS: Final = columns(
    "Jobs done, by outcome",
    "Jobs that were done and stored, whatever came of them.",
    said.growing("jobs_total", by=("outcome",)),
)
_SKIPPED: Final = columns(
    "Jobs left out, by reason",
    "Jobs that were meant and left out; nobody is to blame. Repeated ones are not among them.",
    said.growing("jobs_skipped_total", by=("reason",)),
)
_HELD: Final = curves(
    "Targets, and those held back",
    "Targets that are tested, and by reason those that a bound of the settings keeps from it.",
    "none",
    said.summed("targets", "tested"),
    said.summed("targets_held_back", by=("reason",)),
)
_ROUND: Final = Panel(
    title="Last round",
    description="Jobs of the round that ended last: expected, done, and of these passed, failed by "
    "the orchestrators' doing, tester_errors, elsewhere (network or gateway), unknown, unblamed "
    "(busy and the like).",
    kind="bars",
    unit="none",
    width=8,
    height=7,
    decimals=0,
    least=0,
    queries=(said.now("last_round_jobs", "sum", by=("state",)),),
)

ROW: Final = Row(
    title="Does it test on time?", panels=(_LATE, _MISSED, _JOBS, _SKIPPED, _HELD, _ROUND)
)
