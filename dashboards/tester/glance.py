"""The first row: whether it is well."""

from dataclasses import replace
from typing import Final

from dashboards import flux
from dashboards.colours import BAD, GOOD, UNKNOWN, WARNING
from dashboards.panel import Panel, Query, Row
from dashboards.tester import said
from exporter.alerting.thresholds import Thresholds

UP: Final = ((0, "down", BAD), (1, "up", GOOD))
_OPEN: Final = ((0, "none", GOOD), (1, "open", WARNING))


def stat(title: str, description: str, *queries: Query, unit: str = "none") -> Panel:
    """A number of this row's size."""
    return Panel(
        title=title,
        description=description,
        kind="stat",
        unit=unit,
        width=3,
        height=5,
        decimals=0,
        queries=queries,
    )


_HEARD: Final = replace(
    stat(
        "Last heard of",
        "How long ago the tester last told anything: was scraped, or wrote. Within 5 minutes from "
        "Prometheus and 15 from InfluxDB; no data: longer ago.",
        Query(
            name="ago",
            promql=f"time() - min(max by (instance) (timestamp({said.metric('targets')})))",
            flux=f"""\
{flux.DATE}{said.fresh("targets")}{flux.group("tester")}
    |> max(column: "_time"){flux.group()}
    |> min(column: "_time")
    |> map(fn: (r) => ({{r with _value: float(v: int(v: r._time)) / 1000000000.0}}))
    |> map(fn: (r) => ({{r with _value: {flux.END} - r._value}}))""",
        ),
        unit="s",
    ),
    steps=((None, GOOD), (180, WARNING), (Thresholds().down_for, BAD)),
)
_NETWORK: Final = replace(
    stat(
        "Own network",
        "Whether the last check of the tester's own connection got through. While it is down no "
        "jobs are made and nobody is blamed.",
        said.now("network_up", "min", "network"),
    ),
    values=UP,
    steps=((None, UNKNOWN),),
    no_value="not known",
)
_MAINTENANCE: Final = replace(
    stat(
        "Maintenance",
        "Whether a maintenance window of the settings is open for the tester itself. Tests go on "
        "in it; alerts do not.",
        said.now("maintenance", "max", "maintenance"),
    ),
    values=_OPEN,
    steps=((None, UNKNOWN),),
)
_TARGETS: Final = stat(
    "Targets",
    "Models of orchestrators that it tests, and that a bound of the settings (jobs a day, price, "
    "budget) keeps it from testing.",
    said.now("targets", "sum", "tested"),
    said.now("targets_held_back", "sum", "held back"),
)
_JOBS: Final = stat(
    "Jobs",
    "Jobs that were done and stored, and jobs that were meant and left out, in the chosen time.",
    said.grown("jobs_total", "done"),
    said.grown("jobs_skipped_total", "left out"),
)
_LATE: Final = replace(
    stat(
        "Cycles late by",
        "By how much the last cycle of an orchestrator began later than it was due, of half of "
        "them, and of the latest.",
        Query(
            name="half",
            promql=f"quantile(0.5, {said.metric('cycle_lateness_seconds')})",
            flux=f"{flux.DATE}{said.fresh('cycle_lateness_seconds')}{flux.group()}"
            f"{flux.quantile(0.5)}",
        ),
        said.now("cycle_lateness_seconds", "max", "latest"),
        unit="s",
    ),
    steps=((None, GOOD), (60, WARNING), (300, BAD)),
)
_WAITING: Final = replace(
    stat(
        "Waiting for the store",
        "Measurements in the outbox that the store does not have yet.",
        said.now("outbox_pending", "sum", "waiting"),
    ),
    steps=((None, GOOD), (100, WARNING), (1000, BAD)),
)
_LOST: Final = replace(
    stat(
        "Lost",
        "Measurements that were deleted before they were delivered, because the outbox was full, "
        "in the chosen time; and dead letters now: what a consumer does not take.",
        said.grown("outbox_dropped_total", "deleted"),
        said.now("dead_letters", "sum", "dead letters"),
    ),
    steps=((None, GOOD), (1, BAD)),
)


def _text(field: str, column: str) -> str:
    return f"""\
{flux.now(f"tester_{field}", "installation")}{flux.group("tester")}
        |> last()
        |> keep(columns: ["tester", "_value"])
        |> rename(columns: {{_value: "{column}"}})"""


def _with_label(name: str, metric: str, how: str, info: tuple[str, str]) -> Query:
    """A gauge of each installation, with a label of an info metric as a column."""
    said_by, label = info
    one = f"topk by (instance) (1, max by (instance, {label}) ({said.metric(said_by)}))"
    field = f"{said_by.removesuffix('_info')}_{label}"
    return Query(
        name=name,
        promql=f"{how} by (instance) ({said.metric(metric)}) "
        f"* on (instance) group_left ({label}) {one}",
        by=("instance", label),
        flux=f"""\
{flux.DATE}values = {said.fresh(metric)}{flux.group("tester")}
    |> {how}()
    |> keep(columns: ["tester", "_value"])

said = {_text(field, label)}

join(tables: {{values: values, said: said}}, on: ["tester"])""",
    )


_INSTALLATIONS: Final = Panel(
    title="Installations",
    description="Each installation that is chosen: targets, version, whether a maintenance window "
    "is open, a digest of its settings (another one: they were changed), and its own network.",
    kind="table",
    unit="none",
    width=24,
    height=5,
    sort_by="Installation",
    headings={"version": "Version", "digest": "Settings"},
    queries=(
        _with_label("Targets", "targets", "sum", ("build_info", "version")),
        replace(
            _with_label("Maintenance", "maintenance", "max", ("settings_info", "digest")),
            values=_OPEN,
        ),
        replace(said.now("network_up", "min", "Network", ("instance",)), values=UP),
    ),
)

ROW: Final = Row(
    title="Is it well?",
    panels=(
        _HEARD,
        _NETWORK,
        _MAINTENANCE,
        _TARGETS,
        _JOBS,
        _LATE,
        _WAITING,
        _LOST,
        _INSTALLATIONS,
    ),
)
