"""Why jobs did not succeed, and whose doing it was."""

from typing import Final

from dashboards import flux, promql
from dashboards.colours import BAD, BLAME, WARNING
from dashboards.panel import Panel, Query, Row

SCHEMA: Final = 'import "influxdata/influxdb/schema"\n\n'
BY_BLAME: Final = {f"/ {blame}$/": colour for blame, colour in BLAME.items()}
"""Colours of bars that are named after outcome and blame."""
_COUNTED: Final = '\n    |> rename(columns: {success_rate: "_value"})'
_FAILED: Final = f"{SCHEMA}{flux.failed()}"

_REASONS: Final = Panel(
    title="Why did jobs not succeed?",
    description="Number of jobs by what happened and by whose doing it was. Only `orchestrator` "
    "counts against it; `none` is nobody's doing: busy, or a price above the tester's limit. From "
    "Prometheus, a model's rarer reasons are summed as `other`.",
    kind="bars",
    unit="none",
    width=8,
    decimals=0,
    least=0,
    colours=BY_BLAME,
    no_value="none failed",
    queries=(
        Query(
            promql=promql.failures("outcome, blame", "$__range"),
            by=("outcome", "blame"),
            flux=_FAILED
            + flux.group("outcome", "blame")
            + '\n    |> count(column: "success_rate")'
            + _COUNTED,
        ),
    ),
)
_OVER_TIME: Final = Panel(
    title="Failures over time, by blame",
    description="Number of jobs in each step that did not succeed, stacked by whose doing it was.",
    kind="columns",
    unit="none",
    width=8,
    interval="1h",
    least=0,
    colours=BLAME,
    no_value="none failed",
    queries=(
        Query(
            promql=promql.failures("blame", "$__rate_interval"),
            by=("blame",),
            flux=_FAILED
            + flux.group("blame")
            + '\n    |> aggregateWindow(every: v.windowPeriod, fn: count, column: "success_rate",'
            " createEmpty: false)" + _COUNTED,
        ),
    ),
)
BUSY_DESCRIPTION: Final = (
    "Jobs that found no free capacity, as part of these and of those that count. Nobody is to "
    "blame: others used it."
)


def busy_flux(*by: str, tags: tuple[str, ...] = flux.TARGETS, windowed: bool = False) -> str:
    """Part of the jobs that found no free capacity, by tags."""
    busy = flux.jobs("success_rate", tags=tags, more='r.outcome == "no_capacity"')
    others = flux.jobs("scored_success", tags=tags, more='r.outcome != "no_capacity"')
    step = flux.steps("count") if windowed else "\n    |> count()"
    gaps = flux.gaps(*by) if windowed else ""
    keys = [*by, *(["_time"] if windowed else [])]
    listed = ", ".join(f'"{key}"' for key in keys)
    return f"""\
busy = {busy}{step}
    |> set(key: "is", value: "busy")
others = {others}{step}
    |> set(key: "is", value: "others")

union(tables: [busy, others]){flux.group("is", *keys)}
    |> sum(){flux.group(*by)}
    |> pivot(rowKey: [{listed}], columnKey: ["is"], valueColumn: "_value")
    |> map(fn: (r) => ({{r with busy: if exists r.busy then r.busy else 0}}))
    |> map(fn: (r) => ({{r with others: if exists r.others then r.others else 0}}))
    |> map(fn: (r) => ({{r with _value: float(v: r.busy) / float(v: r.busy + r.others)}})){gaps}"""


_BUSY: Final = Panel(
    title="How often is it busy?",
    description=BUSY_DESCRIPTION,
    kind="curves",
    unit="percentunit",
    width=8,
    interval="1h",
    least=0,
    most=1,
    queries=(
        Query(
            promql=promql.busy_ratio("pipeline, model_name", "$__rate_interval"),
            by=("model_name", "pipeline"),
            flux=busy_flux("pipeline", "model", windowed=True),
        ),
    ),
)
_TARGET: Final = ("pipeline", "model_name", "region", "outcome", "blame")
_LAST: Final = Panel(
    title="Last failures",
    description="When which model did not succeed, and why. From Prometheus: the last one of each "
    "model and region since the station started. From InfluxDB: the last 50 of the chosen time, "
    "each with what went wrong in words.",
    kind="table",
    unit="dateTimeAsIso",
    width=14,
    sort_by="-When",
    no_value="none failed",
    queries=(
        Query(
            name="When",
            promql=f"1000 * max by ({', '.join(_TARGET)}) "
            f"(livepeer_ai_job_last_failure_timestamp_seconds{{{promql.TARGET}}})",
            by=_TARGET,
            more=("error_message",),
            flux=f"""\
{SCHEMA}{flux.failed("error_message")}{flux.group()}
    |> sort(columns: ["_time"], desc: true)
    |> limit(n: 50)
    |> map(fn: (r) => ({{r with _value: float(v: int(v: r._time)) / 1000000.0}}))""",
        ),
    ),
)
_IN_A_ROW: Final = Panel(
    title="Failures in a row, over time",
    description="Failures of the orchestrator's own doing since the last good job, for each model "
    "and region. Alerts come at 3 and 6, unless they were told otherwise.",
    kind="curves",
    unit="none",
    width=10,
    interval="5m",
    least=0,
    decimals=0,
    steps=((None, "transparent"), (3, WARNING), (6, BAD)),
    queries=(
        Query(
            promql="max by (pipeline, model_name, region) "
            f"(livepeer_ai_job_consecutive_failures{{{promql.TARGET}}})",
            by=("model_name", "region", "pipeline"),
            flux=flux.metric("job_consecutive_failures", *flux.TARGETS)
            + flux.highest("pipeline", "model", "region"),
        ),
    ),
)

ROW: Final = Row(title="Why does it fail?", panels=(_REASONS, _OVER_TIME, _BUSY, _LAST, _IN_A_ROW))
