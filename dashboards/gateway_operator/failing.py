"""Who fails in a row, now and over time, and why."""

from typing import Final

from dashboards import flux, promql
from dashboards.colours import BAD, GOOD, WARNING
from dashboards.marks import SPELL
from dashboards.orchestrator.failures import BUSY_DESCRIPTION, busy_flux
from dashboards.panel import Panel, Query, Row

TARGET: Final = ("orchestrator_address", "pipeline", "model_name", "region")
TAGS: Final = ("orchestrator", "pipeline", "model", "region")
BY: Final = ", ".join(TARGET)
IN_A_ROW: Final = f"livepeer_ai_job_consecutive_failures{{{promql.TARGET}}}"
NOW: Final = flux.now("job_consecutive_failures", *flux.TARGETS)
STEPS: Final = ((None, GOOD), (1, WARNING), (SPELL, BAD))
_LONG: Final = 6
_SHOWN: Final = 30

_EACH: Final = f"max by (orchestrator_address) ({IN_A_ROW})"
_ONE_EACH: Final = (
    "\n    |> map(fn: (r) => ({{r with _value: if r._value >= {least}.0 then 1.0 else 0.0}}))"
)


def _how_many(least: int) -> str:
    return f"count({_EACH} >= {least}) or 0 * count({IN_A_ROW})"


_COUNT: Final = Panel(
    title="Orchestrators that fail in a row",
    description=f"How many fail with at least one model, {SPELL} times or more since its last good "
    "job, of how many that are tested. Only failures of their own doing.",
    kind="stat",
    unit="none",
    width=6,
    height=5,
    decimals=0,
    queries=(
        Query(
            name="failing",
            promql=_how_many(SPELL),
            flux=f"{flux.DATE}{NOW}{flux.group('orchestrator')}\n    |> max(){flux.group()}"
            f"{_ONE_EACH.format(least=SPELL)}\n    |> sum()",
        ),
        Query(
            name="tested",
            promql=f"count({_EACH})",
            flux=f"{flux.DATE}{NOW}{flux.group('orchestrator')}\n    |> max(){flux.group()}"
            "\n    |> count()",
        ),
    ),
)
_SUCCESS: Final = Panel(
    title="Success of all",
    description="Good jobs as part of those that count, of all that is chosen above.",
    kind="stat",
    unit="percentunit",
    width=6,
    height=5,
    decimals=1,
    steps=((None, BAD), (0.9, WARNING), (0.98, GOOD)),
    queries=(
        Query(
            name="Success",
            promql=promql.success_ratio("", "$__range"),
            flux=flux.mean(flux.jobs("scored_success"), "origin"),
        ),
    ),
)
_BUSY: Final = Panel(
    title="Busy",
    description=BUSY_DESCRIPTION,
    kind="stat",
    unit="percentunit",
    width=6,
    height=5,
    decimals=1,
    queries=(
        Query(name="Busy", promql=promql.busy_ratio("", "$__range"), flux=busy_flux("origin")),
    ),
)


def _failing_flux(name: str, ending: str = "") -> str:
    """A metric of the targets that fail now; its last series where its labels changed."""
    listed = ", ".join(f'"{tag}"' for tag in TAGS)
    return f"""\
{flux.DATE}failing = () => {NOW}{flux.group(*TAGS)}
    |> max()
    |> filter(fn: (r) => r._value > 0.0)
    |> keep(columns: [{listed}, "_value"])
    |> rename(columns: {{_value: "in_a_row"}})

asked = () => {flux.now(name, *flux.TARGETS)}{flux.group(*TAGS)}
    |> max()

join(tables: {{failing: failing(), asked: asked()}}, on: [{listed}]){ending}"""


def _only_failing(what: str) -> str:
    return f"{what} and on ({BY}) (max by ({BY}) ({IN_A_ROW}) > 0)"


_MILLISECONDS: Final = "\n    |> map(fn: (r) => ({r with _value: 1000.0 * r._value}))"
_FAILING_NOW: Final = Panel(
    title="Who fails in a row now?",
    description="Models whose last job that counts failed by the orchestrator's own doing. It "
    "fails since the test after the last good job; without one it never succeeded as far as is "
    "known. The last failure is whoever's doing it was: only blame `orchestrator` counts.",
    kind="table",
    unit="none",
    width=24,
    height=9,
    sort_by="-In a row",
    links_to="orchestrator",
    no_value="nobody",
    queries=(
        Query(
            name="In a row",
            promql=f"max by ({BY}) ({IN_A_ROW}) > 0",
            by=TARGET,
            flux=f"{flux.DATE}{NOW}{flux.group(*TAGS)}\n    |> max()"
            "\n    |> filter(fn: (r) => r._value > 0.0)",
            steps=STEPS,
        ),
        Query(
            name="Last good job",
            unit="dateTimeFromNow",
            promql=_only_failing(
                f"1000 * max by ({BY}) "
                f"(livepeer_ai_job_last_success_timestamp_seconds{{{promql.TARGET}}})"
            ),
            by=TARGET,
            flux=_failing_flux("job_last_success_timestamp_seconds", _MILLISECONDS),
        ),
        Query(
            name="Last failure",
            unit="dateTimeFromNow",
            promql=_only_failing(
                f"1000 * max by ({BY}, outcome, blame) "
                f"(livepeer_ai_job_last_failure_timestamp_seconds{{{promql.TARGET}}})"
            ),
            by=(*TARGET, "outcome", "blame"),
            flux=_failing_flux("job_last_failure_timestamp_seconds", _MILLISECONDS),
        ),
    ),
)


_COUNTS: Final = flux.metric("job_consecutive_failures", *flux.TARGETS)


def _count_over_time(name: str, least: int) -> Query:
    return Query(
        name=name,
        promql=_how_many(least),
        flux=f"""\
counts = () => {_COUNTS}{flux.steps("max")}{flux.keep("orchestrator")}

failing = counts()
    |> filter(fn: (r) => r._value >= {least}.0){flux.group("orchestrator")}
    |> unique(column: "_time")
    |> map(fn: (r) => ({{_time: r._time, _value: 1.0}}))

tested = counts(){flux.group()}
    |> unique(column: "_time")
    |> map(fn: (r) => ({{_time: r._time, _value: 0.0}}))

union(tables: [failing, tested]){flux.gaps(function="sum")}""",
    )


_HOW_MANY: Final = Panel(
    title="How many fail in a row, over time",
    description="Orchestrators that fail with at least one model so often since its last good job.",
    kind="curves",
    unit="none",
    width=8,
    interval="5m",
    least=0,
    decimals=0,
    colours={f"{SPELL} or more": WARNING, f"{_LONG} or more": BAD},
    queries=(
        _count_over_time(f"{SPELL} or more", SPELL),
        _count_over_time(f"{_LONG} or more", _LONG),
    ),
)
_PEAK: Final = f"max by (orchestrator_address) (max_over_time({IN_A_ROW}[$__range] @ end()))"
_WHO: Final = Panel(
    title="Who failed in a row, and when",
    description="Failures since the last good job, of the model that had most. Only orchestrators "
    f"that reached {SPELL} in the chosen time; the {_SHOWN} with the longest spells.",
    kind="timeline",
    unit="none",
    width=16,
    interval="5m",
    steps=STEPS,
    no_value="nobody",
    queries=(
        Query(
            promql=f"{_EACH} and on (orchestrator_address) topk({_SHOWN}, {_PEAK} >= {SPELL})",
            by=("orchestrator_address",),
            flux=f"""\
counts = () => {_COUNTS}

who = counts(){flux.group("orchestrator")}
    |> max()
    |> filter(fn: (r) => r._value >= {SPELL}.0){flux.group()}
    |> top(n: {_SHOWN})
    |> findColumn(fn: (key) => true, column: "orchestrator")

counts(){flux.highest("orchestrator")}
    |> filter(fn: (r) => contains(value: r.orchestrator, set: who))""",
        ),
    ),
)
_THEIRS: Final = f'{promql.TARGET},blame="orchestrator"'
_THEIRS_FLUX: Final = (
    flux.jobs("blame", more='r.outcome != "ok"')
    + '\n    |> filter(fn: (r) => r._value == "orchestrator")'
)
_WHY: Final = Panel(
    title="Why?",
    description="Failures of the orchestrators' own doing, by what happened. From Prometheus, a "
    "model's rarer reasons are summed as `other`.",
    kind="bars",
    unit="none",
    width=8,
    decimals=0,
    least=0,
    steps=((None, BAD),),
    no_value="none failed",
    queries=(
        Query(
            promql=promql.failures("outcome", "$__range", _THEIRS),
            by=("outcome",),
            flux=_THEIRS_FLUX + flux.group("outcome") + "\n    |> count()",
        ),
    ),
)
_BY_OUTCOME: Final = promql.failures("orchestrator_address, outcome", "$__range", _THEIRS)
_WHOSE: Final = Panel(
    title="Whose failures?",
    description="Failures of their own doing, by orchestrator and by what happened.",
    kind="table",
    unit="none",
    width=16,
    sort_by="-Failures",
    links_to="orchestrator",
    no_value="none failed",
    queries=(
        Query(
            name="Failures",
            promql=f"round({_BY_OUTCOME})",
            by=("orchestrator_address", "outcome"),
            flux=_THEIRS_FLUX + flux.group("orchestrator", "outcome") + "\n    |> count()",
        ),
    ),
)

GLANCE: Final = (_COUNT, _SUCCESS, _BUSY)
NOW_ROW: Final = Row(title="Who fails in a row now?", panels=(_FAILING_NOW,))
OVER_TIME: Final = Row(title="Who failed, when and why?", panels=(_HOW_MANY, _WHO, _WHY, _WHOSE))
