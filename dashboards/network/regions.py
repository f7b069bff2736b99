"""How it looks from where testers run."""

from typing import Final

from dashboards import flux, promql
from dashboards.colours import BAD, GOOD, WARNING
from dashboards.panel import MANY, Panel, Query, Row

_REGION: Final = ("region",)
_SCORED: Final = flux.jobs("scored_success", tags=flux.NETWORK)
_GOOD: Final = 'r.outcome == "ok"'

_TABLE: Final = Panel(
    title="By region of the tester",
    description="Success and number of the jobs that count, and mean round trip of good ones, over "
    "all chosen models. Regions that test other models are not to be compared by time. Median "
    "inference: of this station's own jobs, whichever tester is chosen; from Prometheus by the "
    "buckets of a histogram.",
    kind="table",
    unit="s",
    width=8,
    sort_by="Region",
    queries=(
        Query(
            name="Success",
            unit="percentunit",
            promql=promql.success_ratio("region", "$__range", promql.NETWORK),
            by=_REGION,
            flux=flux.mean(_SCORED, "region"),
            steps=((None, BAD), (0.9, WARNING), (0.98, GOOD)),
        ),
        Query(
            name="Jobs",
            unit="none",
            promql=f"round({promql.counted('region', '$__range', promql.NETWORK)})",
            by=_REGION,
            flux=f"{_SCORED}{flux.group('region')}\n    |> count()",
        ),
        Query(
            name="Round trip",
            promql=promql.mean_seconds("round_trip", "region", "$__range", promql.NETWORK),
            by=_REGION,
            flux=flux.mean(flux.jobs("round_trip_time", tags=flux.NETWORK, more=_GOOD), "region"),
        ),
        Query(
            name="Median inference",
            promql=promql.quantile(0.5, "inference_seconds", "region", "$__range"),
            by=_REGION,
            flux=flux.own("inference_time") + flux.group("region") + flux.quantile(0.5),
        ),
    ),
)
_SUCCESS: Final = Panel(
    title="Success by region",
    description="Good jobs as part of those that count, for each region that tests from. If but "
    "one region falls, look for the cause there. A gap: no such job.",
    kind="curves",
    unit="percentunit",
    width=8,
    interval="30m",
    points=MANY,
    least=0,
    most=1,
    queries=(
        Query(
            promql=promql.success_ratio("region", "$__rate_interval", promql.NETWORK),
            by=_REGION,
            flux=_SCORED + flux.grouped("region") + flux.windows("mean"),
        ),
    ),
)
_SPEED: Final = Panel(
    title="Round trip by region",
    description="Mean round trip of good jobs over all chosen models, for each region that tests "
    "from. A gap: no good job.",
    kind="curves",
    unit="s",
    width=8,
    interval="30m",
    points=MANY,
    least=0,
    queries=(
        Query(
            promql=promql.mean_seconds("round_trip", "region", "$__rate_interval", promql.NETWORK),
            by=_REGION,
            flux=flux.jobs("round_trip_time", tags=flux.NETWORK, more=_GOOD)
            + flux.grouped("region")
            + flux.windows("mean"),
        ),
    ),
)

ROW: Final = Row(title="From where?", panels=(_TABLE, _SUCCESS, _SPEED))
