"""Each model in one line: what an app builder reads in ten seconds."""

from typing import Final

from dashboards import flux, promql
from dashboards.models.busiest import BY
from dashboards.models.columns import OWN, inference, per_unit, success
from dashboards.network.glance import OFFER, OFFERED, OFFERED_NOW, WARM, WARM_NOW
from dashboards.panel import Panel, Query, Row

_MODEL: Final = ("pipeline", "model_name")
_PRICE: Final = f"livepeer_ai_tester_offer_price_wei{{{promql.SUPPLY}}}"
PRICE_NOW: Final = flux.DATE + flux.now("tester_offer_price_wei", *flux.SUPPLY)
EACH: Final = f"{flux.group(*flux.OFFER)}\n    |> max(){flux.group(*flux.SUPPLY)}"
WARM_SHARE: Final = f"avg by ({BY}) (max by ({OFFER}) ({WARM}))"
MEDIAN_PRICE: Final = f"quantile by ({BY}) (0.5, max by ({OFFER}) ({_PRICE}))"


def _column(name: str, unit: str, promql_of: str, flux_of: str) -> Query:
    return Query(name=name, unit=unit, promql=promql_of, by=_MODEL, flux=flux_of)


_TABLE: Final = Panel(
    title="Which models can I use?",
    description="For each model: how many orchestrators offer it now, which part of those that say "
    "so has it loaded (warm), success and number of the jobs that count, median and 95th "
    "percentile of inference, the same in seconds for one unit of work (what makes models "
    f"comparable), least and median price in wei for one unit of the pipeline. {OWN} Nothing in a "
    "cell: not known, such as success where nobody tests the model.",
    kind="table",
    unit="none",
    width=24,
    height=12,
    sort_by="-Orchestrators",
    queries=(
        _column(
            "Orchestrators",
            "none",
            f"count by ({BY}) (max by ({OFFER}) ({OFFERED}))",
            f"{OFFERED_NOW}{EACH}\n    |> count()",
        ),
        _column("Warm", "percentunit", WARM_SHARE, f"{WARM_NOW}{EACH}\n    |> mean()"),
        *success(_MODEL),
        inference(0.5, "p50", _MODEL),
        inference(0.95, "p95", _MODEL),
        per_unit(0.5, "p50 a unit", _MODEL),
        per_unit(0.95, "p95 a unit", _MODEL),
        _column(
            "Least price",
            "suffix: wei",
            f"min by ({BY}) ({_PRICE})",
            f"{PRICE_NOW}{flux.group(*flux.SUPPLY)}\n    |> min()",
        ),
        _column("Price", "suffix: wei", MEDIAN_PRICE, f"{PRICE_NOW}{EACH}{flux.quantile(0.5)}"),
    ),
)

ROW: Final = Row(title="At a glance", panels=(_TABLE,))
