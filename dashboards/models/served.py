"""Who serves which model, and how it does."""

from typing import Final

from dashboards import flux, promql
from dashboards.colours import GOOD, UNKNOWN
from dashboards.models.columns import success
from dashboards.network.glance import OFFER, OFFERED, OFFERED_NOW, WARM, WARM_NOW
from dashboards.panel import Panel, Query, Row

_OFFER: Final = ("orchestrator_address", "pipeline", "model_name")
_EACH: Final = f"{flux.group(*flux.OFFER)}\n    |> max()"
_PRICE: Final = f"livepeer_ai_tester_offer_price_wei{{{promql.SUPPLY}}}"
_GOOD: Final = flux.jobs("inference_time", tags=flux.NETWORK, more='r.outcome == "ok"')

_TABLE: Final = Panel(
    title="Who serves what?",
    description="Every offer: whether it is tested, whether the orchestrator says that the model "
    "is loaded (warm), its price in wei for one unit of the pipeline, success and number of the "
    "jobs that count, and mean inference of good ones. Models that somebody has results of and "
    "nobody offers now have no `Tested`.",
    kind="table",
    unit="none",
    width=24,
    height=12,
    sort_by="Model",
    links_to="orchestrator",
    queries=(
        Query(
            name="Tested",
            promql=f"max by ({OFFER}) ({OFFERED})",
            by=_OFFER,
            flux=f"{OFFERED_NOW}{_EACH}",
            values=((0, "no", UNKNOWN), (1, "yes", GOOD)),
        ),
        Query(
            name="Warm",
            promql=f"max by ({OFFER}) ({WARM})",
            by=_OFFER,
            flux=f"{WARM_NOW}{_EACH}",
            values=((0, "cold", UNKNOWN), (1, "warm", GOOD)),
        ),
        Query(
            name="Price",
            unit="suffix: wei",
            promql=f"max by ({OFFER}) ({_PRICE})",
            by=_OFFER,
            flux=f"{flux.DATE}{flux.now('tester_offer_price_wei', *flux.SUPPLY)}{_EACH}",
        ),
        *success(_OFFER),
        Query(
            name="Inference",
            unit="s",
            promql=promql.mean_seconds("inference", OFFER, "$__range", promql.NETWORK),
            by=_OFFER,
            flux=flux.mean(_GOOD, *flux.OFFER),
        ),
    ),
)

ROW: Final = Row(title="Who serves what?", panels=(_TABLE,))
