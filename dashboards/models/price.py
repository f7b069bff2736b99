"""What models cost, and how many offer them, over time."""

from typing import Final

from dashboards import flux
from dashboards.models.busiest import (
    AMONG,
    BY,
    FLUX_MOST_OFFERS,
    MODEL,
    MOST_OFFERS,
    with_most_offers,
)
from dashboards.models.overview import MEDIAN_PRICE
from dashboards.network.glance import OFFER, OFFERED
from dashboards.panel import MANY, Panel, Query, Row


def _over_time(metric: str, of_model: str) -> str:
    return (
        FLUX_MOST_OFFERS
        + flux.metric(metric, *flux.SUPPLY)
        + flux.highest_steps(*flux.OFFER)
        + flux.group("pipeline", "model", "_time")
        + of_model
        + AMONG
        + flux.gaps(*flux.SUPPLY)
    )


_PRICE: Final = Panel(
    title="Median price by model",
    description="Median over the orchestrators that offer it, in wei for one unit of the pipeline "
    f"(pixel, millisecond, token or character). {MOST_OFFERS}",
    kind="curves",
    unit="suffix: wei",
    width=12,
    height=9,
    interval="15m",
    points=MANY,
    least=0,
    queries=(
        Query(
            promql=with_most_offers(MEDIAN_PRICE),
            by=MODEL,
            flux=_over_time("tester_offer_price_wei", flux.quantile(0.5)),
        ),
    ),
)
_OFFERING: Final = Panel(
    title="Orchestrators by model",
    description=f"How many offer it, tested or not. {MOST_OFFERS}",
    kind="curves",
    unit="none",
    width=12,
    height=9,
    interval="15m",
    points=MANY,
    least=0,
    decimals=0,
    queries=(
        Query(
            promql=with_most_offers(f"count by ({BY}) (max by ({OFFER}) ({OFFERED}))"),
            by=MODEL,
            flux=_over_time("tester_offer_tested", "\n    |> count() |> toFloat()"),
        ),
    ),
)

ROW: Final = Row(title="What does it cost, and who offers it?", panels=(_PRICE, _OFFERING))
