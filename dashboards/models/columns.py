"""What tables say of models, by whichever labels."""

from typing import Final

from dashboards import flux, promql
from dashboards.colours import BAD, GOOD, WARNING
from dashboards.edition import tags
from dashboards.panel import Query

SUCCESS_STEPS: Final = ((None, BAD), (0.9, WARNING), (0.98, GOOD))
OWN: Final = (
    "Times are of this station's own good jobs, whichever tester is chosen; from Prometheus they "
    "are interpolated within a bucket of a histogram, from InfluxDB exact."
)


def with_unit(numbers: str, by: tuple[str, ...]) -> str:
    """Flux: a stream of numbers, by tags and perhaps `_time`, beside the unit of work of each.

    The unit is asked for apart, as the last one: it is a text beside each job, and to put both
    together job by job takes the server many times as long.
    """
    listed = ", ".join(f'"{tag}"' for tag in tags(by))
    units = f"{flux.own('unit')}{flux.group(*tags(by))}\n    |> last()"
    return f"""\
units =
    {units}{flux.group()}
    |> keep(columns: [{listed}, "_value"])
    |> rename(columns: {{_value: "unit"}})
numbers =
    {numbers}{flux.group()}

join(tables: {{number: numbers, unit: units}}, on: [{listed}])"""


def per_unit_of(by: tuple[str, ...]) -> str:
    """Flux: seconds for a unit of work of the station's own good jobs, by tags."""
    return flux.own("latency_per_unit") + flux.grouped(*tags(by))


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
        flux=with_unit(per_unit_of(by) + flux.quantile(share), by),
    )
