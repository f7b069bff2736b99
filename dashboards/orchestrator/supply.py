"""What it offers: warm or cold, and at which price."""

from typing import Final

from dashboards import flux, promql
from dashboards.colours import GOOD, UNKNOWN
from dashboards.panel import Panel, Query, Row

_BY: Final = ("model_name", "pipeline")


def _over_time(name: str) -> Query:
    return Query(
        promql=f"max by (pipeline, model_name) (livepeer_ai_{name}{{{promql.OFFER}}})",
        by=_BY,
        flux=flux.metric(name, *flux.OFFER) + flux.highest("pipeline", "model"),
    )


_WARM: Final = Panel(
    title="Warm or cold",
    description="Whether it says that the model is loaded, over time. Empty: it did not say, or "
    "did not offer the model.",
    kind="timeline",
    unit="none",
    width=12,
    interval="5m",
    values=((0, "cold", UNKNOWN), (1, "warm", GOOD)),
    steps=((None, UNKNOWN), (1, GOOD)),
    queries=(_over_time("tester_offer_warm"),),
)
_PRICE: Final = Panel(
    title="Price",
    description="What it asks for one unit of the pipeline (pixel, millisecond, token or "
    "character), in wei, models that are not tested included.",
    kind="curves",
    unit="suffix: wei",
    width=12,
    interval="5m",
    least=0,
    queries=(_over_time("tester_offer_price_wei"),),
)

ROW: Final = Row(title="What does it offer?", panels=(_WARM, _PRICE))
