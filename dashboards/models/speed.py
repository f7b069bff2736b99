"""How fast models are, over time."""

from typing import Final

from dashboards import flux, promql
from dashboards.models.busiest import BY, MODEL, MOST_JOBS, busiest_quantiles, with_most_jobs
from dashboards.models.columns import OWN, per_unit_of, with_unit
from dashboards.panel import MANY, Panel, Query, Row

_MODEL: Final = ("pipeline", "model_name")


def _inference(share: float, title: str) -> Panel:
    return Panel(
        title=title,
        description="From the end of the upload to the first byte of the answer, or to the last "
        f"token of a stream. {MOST_JOBS} {OWN}",
        kind="curves",
        unit="s",
        width=12,
        height=9,
        interval="1h",
        points=MANY,
        least=0,
        queries=(
            Query(
                promql=with_most_jobs(
                    promql.quantile(share, "inference_seconds", BY, "$__rate_interval")
                ),
                by=MODEL,
                flux=busiest_quantiles(
                    share, flux.own("inference_time") + flux.grouped(*flux.SUPPLY)
                )
                + "of_busiest",
            ),
        ),
    )


def _per_unit(share: float, title: str) -> Panel:
    return Panel(
        title=title,
        description="Seconds for one unit of work: a megapixel-step, a second of audio or video, a "
        f"token, a character. Compare models of the same unit. {MOST_JOBS} {OWN}",
        kind="curves",
        unit="s",
        width=12,
        height=9,
        interval="1h",
        points=MANY,
        least=0,
        queries=(
            Query(
                promql=with_most_jobs(
                    promql.quantile(
                        share, "latency_per_unit_seconds", f"{BY}, unit", "$__rate_interval"
                    )
                ),
                by=(*MODEL, "unit"),
                flux=busiest_quantiles(share, per_unit_of(_MODEL))
                + with_unit("of_busiest", _MODEL),
            ),
        ),
    )


ROW: Final = Row(
    title="How fast is it?",
    panels=(
        _inference(0.5, "Median inference by model"),
        _inference(0.95, "95th percentile of inference by model"),
        _per_unit(0.5, "Median for a unit of work"),
        _per_unit(0.95, "95th percentile for a unit of work"),
    ),
)
