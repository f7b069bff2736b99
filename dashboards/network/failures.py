"""Why jobs do not succeed, over the whole network, and whose doing it is."""

from typing import Final

from dashboards import flux, promql
from dashboards.colours import BLAME
from dashboards.orchestrator.failures import BY_BLAME, SCHEMA
from dashboards.panel import MANY, Panel, Query, Row

_COUNTED: Final = '\n    |> rename(columns: {success_rate: "_value"})'
_FAILED: Final = SCHEMA + flux.failed(tags=flux.NETWORK)

_REASONS: Final = Panel(
    title="Why did jobs not succeed?",
    description="Number of jobs by what happened and by whose doing it was. Only `orchestrator` "
    "counts against anybody; `none` is nobody's doing: busy, or a price above the tester's limit. "
    "From Prometheus, the rarer reasons of a model of an orchestrator are summed as `other`.",
    kind="bars",
    unit="none",
    width=10,
    height=9,
    decimals=0,
    least=0,
    colours=BY_BLAME,
    no_value="none failed",
    queries=(
        Query(
            promql=promql.failures("outcome, blame", "$__range", promql.NETWORK),
            by=("outcome", "blame"),
            flux=_FAILED
            + flux.group("outcome", "blame")
            + '\n    |> count(column: "success_rate")'
            + _COUNTED,
        ),
    ),
)


def _windows(by: str) -> str:
    return (
        f"{flux.group(by)}\n    |> aggregateWindow(every: v.windowPeriod, fn: count, column: "
        f'"success_rate", createEmpty: false){_COUNTED}'
    )


def _over_time(title: str, description: str, label: str, colours: dict[str, str]) -> Panel:
    return Panel(
        title=title,
        description=description,
        kind="columns",
        unit="none",
        width=7,
        height=9,
        interval="1h",
        points=MANY,
        least=0,
        colours=colours,
        no_value="none failed",
        queries=(
            Query(
                promql=promql.failures(label, "$__rate_interval", promql.NETWORK),
                by=(label,),
                flux=_FAILED + _windows(label),
            ),
        ),
    )


_BLAME: Final = _over_time(
    "By whose doing, over time",
    "Number of jobs in each step that did not succeed, stacked by whose doing it was. Everything "
    "at once by `tester`, `gateway` or `network` is no failure of orchestrators.",
    "blame",
    BLAME,
)
_OUTCOME: Final = _over_time(
    "By what happened, over time",
    "Number of jobs in each step that did not succeed, stacked by what happened.",
    "outcome",
    {},
)

ROW: Final = Row(title="Why do jobs fail?", panels=(_REASONS, _BLAME, _OUTCOME))
