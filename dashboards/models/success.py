"""How surely models work, and how many have them loaded, over time."""

from typing import Final

from dashboards import flux, promql
from dashboards.models.busiest import (
    AMONG,
    BY,
    FLUX_MOST_JOBS,
    FLUX_MOST_OFFERS,
    MODEL,
    MOST_JOBS,
    MOST_OFFERS,
    with_most_jobs,
    with_most_offers,
)
from dashboards.models.overview import WARM_SHARE
from dashboards.panel import MANY, Panel, Query, Row

_SUCCESS: Final = Panel(
    title="Success by model",
    description=f"Good jobs as part of those that count. A gap: no such job. {MOST_JOBS}",
    kind="curves",
    unit="percentunit",
    width=12,
    height=9,
    interval="1h",
    points=MANY,
    least=0,
    most=1,
    queries=(
        Query(
            promql=with_most_jobs(promql.success_ratio(BY, "$__rate_interval", promql.NETWORK)),
            by=MODEL,
            flux=FLUX_MOST_JOBS
            + flux.jobs("scored_success", tags=flux.NETWORK)
            + flux.grouped(*flux.SUPPLY)
            + flux.windows("mean")
            + AMONG,
        ),
    ),
)
_WARM: Final = Panel(
    title="Warm share by model",
    description="Orchestrators that say that the model is loaded, as part of those that say "
    f"whether it is. {MOST_OFFERS}",
    kind="curves",
    unit="percentunit",
    width=12,
    height=9,
    interval="15m",
    points=MANY,
    least=0,
    most=1,
    queries=(
        Query(
            promql=with_most_offers(WARM_SHARE),
            by=MODEL,
            flux=FLUX_MOST_OFFERS
            + flux.metric("tester_offer_warm", *flux.SUPPLY)
            + flux.highest_steps(*flux.OFFER)
            + flux.group("pipeline", "model", "_time")
            + "\n    |> mean()"
            + AMONG
            + flux.gaps(*flux.SUPPLY),
        ),
    ),
)

ROW: Final = Row(title="Does it work, and is it loaded?", panels=(_SUCCESS, _WARM))
