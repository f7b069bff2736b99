"""What tables say of models, by whichever labels."""

from typing import Final

from dashboards import flux, promql
from dashboards.colours import BAD, GOOD, WARNING
from dashboards.edition import tags
from dashboards.panel import Query

SUCCESS_STEPS: Final = ((None, BAD), (0.9, WARNING), (0.98, GOOD))
SCHEMA: Final = 'import "influxdata/influxdb/schema"\n\n'
PER_UNIT: Final = f"""\
{flux.own("latency_per_unit", "unit")}
    |> schema.fieldsAsCols()
    |> filter(fn: (r) => exists r.latency_per_unit and exists r.unit)
    |> rename(columns: {{latency_per_unit: "_value"}})"""
"""Flux: seconds per unit of work of each good job, with its `unit`; needs `SCHEMA`."""
OWN: Final = (
    "Times are of this station's own good jobs, whichever tester is chosen; from Prometheus they "
    "are interpolated within a bucket of a histogram, from InfluxDB exact."
)


def success(by: tuple[str, ...]) -> tuple[Query, Query]:
    """Success, and of how many jobs."""
    labels = ", ".join(by)
    rows = flux.jobs("scored_success", tags=flux.NETWORK)
    return (
        Query(
            name="Success",
            unit="percentunit",
            promql=promql.success_ratio(labels, "$__range", promql.NETWORK),
            by=by,
            flux=flux.mean(rows, *tags(by)),
            steps=SUCCESS_STEPS,
        ),
        Query(
            name="Jobs",
            unit="none",
            promql=f"round({promql.counted(labels, '$__range', promql.NETWORK)})",
            by=by,
            flux=f"{rows}{flux.group(*tags(by))}\n    |> count()",
        ),
    )


def inference(share: float, name: str, by: tuple[str, ...]) -> Query:
    """A quantile of the inference of own jobs."""
    return Query(
        name=name,
        unit="s",
        promql=promql.quantile(share, "inference_seconds", ", ".join(by), "$__range"),
        by=by,
        flux=flux.own("inference_time") + flux.group(*tags(by)) + flux.quantile(share),
    )


def per_unit(share: float, name: str, by: tuple[str, ...]) -> Query:
    """A quantile of the seconds for a unit of work, with the unit as a further column."""
    labels = (*by, "unit")
    return Query(
        name=name,
        unit="s",
        promql=promql.quantile(share, "latency_per_unit_seconds", ", ".join(labels), "$__range"),
        by=labels,
        flux=SCHEMA + PER_UNIT + flux.group(*tags(labels)) + flux.quantile(share),
    )
