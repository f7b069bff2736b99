"""What is offered, by pipeline and model: tested or not, warm or cold, at which price."""

from typing import Final

from dashboards import flux, promql
from dashboards.network.glance import OFFER, OFFERED, OFFERED_NOW, WARM, WARM_NOW
from dashboards.panel import MANY, Panel, Query, Row

_MODEL: Final = ("pipeline", "model_name")
_BY: Final = ", ".join(_MODEL)
_EACH: Final = f"{flux.group(*flux.OFFER)}\n    |> max(){flux.group(*flux.SUPPLY)}"
_PRICE: Final = f"livepeer_ai_tester_offer_price_wei{{{promql.SUPPLY}}}"
_PRICE_NOW: Final = flux.DATE + flux.now("tester_offer_price_wei", *flux.SUPPLY)
_NOT: Final = "\n    |> map(fn: (r) => ({r with _value: 1.0 - r._value}))"


def _column(name: str, promql_of: str, flux_of: str, unit: str = "none") -> Query:
    return Query(name=name, unit=unit, promql=promql_of, by=_MODEL, flux=flux_of)


_BY_MODEL: Final = Panel(
    title="Who offers which model",
    description="For each model: how many orchestrators offer it now, how many of them are tested "
    "and are not, how many say that it is loaded (warm) or not (cold; who says neither is in "
    "neither), and the least and the median price in wei for one unit of the pipeline (pixel, "
    "millisecond, token or character).",
    kind="table",
    unit="none",
    width=24,
    height=10,
    sort_by="-Orchestrators",
    queries=(
        _column(
            "Orchestrators",
            f"count by ({_BY}) (max by ({OFFER}) ({OFFERED}))",
            f"{OFFERED_NOW}{_EACH}\n    |> count()",
        ),
        _column(
            "Tested",
            f"sum by ({_BY}) (max by ({OFFER}) ({OFFERED}))",
            f"{OFFERED_NOW}{_EACH}\n    |> sum()",
        ),
        _column(
            "Not tested",
            f"sum by ({_BY}) (1 - max by ({OFFER}) ({OFFERED}))",
            f"{OFFERED_NOW}{_EACH}{_NOT}\n    |> sum()",
        ),
        _column(
            "Warm",
            f"sum by ({_BY}) (max by ({OFFER}) ({WARM}))",
            f"{WARM_NOW}{_EACH}\n    |> sum()",
        ),
        _column(
            "Cold",
            f"sum by ({_BY}) (1 - max by ({OFFER}) ({WARM}))",
            f"{WARM_NOW}{_EACH}{_NOT}\n    |> sum()",
        ),
        _column(
            "Least price",
            f"min by ({_BY}) ({_PRICE})",
            f"{_PRICE_NOW}{flux.group(*flux.SUPPLY)}\n    |> min()",
            "suffix: wei",
        ),
        _column(
            "Median price",
            f"quantile by ({_BY}) (0.5, max by ({OFFER}) ({_PRICE}))",
            f"{_PRICE_NOW}{_EACH}{flux.quantile(0.5)}",
            "suffix: wei",
        ),
    ),
)


def _over_time(title: str, description: str, metric: str, promql_of: str, summed: str) -> Panel:
    return Panel(
        title=title,
        description=f"{description} For each pipeline, stacked.",
        kind="stacked",
        unit="none",
        width=12,
        height=7,
        interval="15m",
        points=MANY,
        least=0,
        queries=(
            Query(
                promql=promql_of,
                by=("pipeline",),
                flux=flux.metric(metric, *flux.SUPPLY)
                + flux.highest_steps(*flux.OFFER)
                + flux.group("pipeline", "_time")
                + f"\n    |> {summed}() |> toFloat()"
                + flux.gaps("pipeline"),
            ),
        ),
    )


_OFFERS: Final = _over_time(
    "Offers over time",
    "How many offers there are, tested or not.",
    "tester_offer_tested",
    f"count by (pipeline) (max by ({OFFER}) ({OFFERED}))",
    "count",
)
_WARM_OFFERS: Final = _over_time(
    "Warm offers over time",
    "Offers whose orchestrator says that the model is loaded.",
    "tester_offer_warm",
    f"sum by (pipeline) (max by ({OFFER}) ({WARM}))",
    "sum",
)

ROW: Final = Row(title="What is offered?", panels=(_BY_MODEL, _OFFERS, _WARM_OFFERS))
