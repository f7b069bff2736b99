"""How often it succeeds, over time and model by model."""

from typing import Final

from dashboards import flux, promql
from dashboards.colours import BAD, GOOD, UNKNOWN, WARNING
from dashboards.panel import Panel, Query, Row

_MODELS: Final = "pipeline, model_name"
_BY: Final = ("pipeline", "model_name")
_GROUP: Final = flux.group("pipeline", "model")

_OVER_TIME: Final = Panel(
    title="Success over time",
    description="Good jobs as part of those that count, for each region that tests from. A gap: "
    "no job that counts.",
    kind="curves",
    unit="percentunit",
    width=8,
    interval="1h",
    least=0,
    most=1,
    steps=((None, BAD), (0.9, GOOD)),
    queries=(
        Query(
            name="Success",
            promql=promql.success_ratio("region", "$__rate_interval"),
            by=("region",),
            flux=flux.jobs("scored_success") + flux.group("region") + flux.windows("mean"),
        ),
    ),
)


def _offer(name: str) -> tuple[str, str]:
    return (
        f"max by ({_MODELS}) (livepeer_ai_{name}{{{promql.OFFER}}})",
        f"{flux.DATE}{flux.now(name, *flux.OFFER)}{_GROUP}\n    |> max()",
    )


_WARM, _WARM_FLUX = _offer("tester_offer_warm")
_PRICE, _PRICE_FLUX = _offer("tester_offer_price_wei")

_BY_MODEL: Final = Panel(
    title="Success by model",
    description="Each model that it offers. Success: of the jobs that count; no value where it is "
    "not tested. Inference: mean of good jobs. Warm and price are what it says now; the price is "
    "in wei for one unit of the pipeline (pixel, millisecond, token or character).",
    kind="table",
    width=16,
    sort_by="Success",
    queries=(
        Query(
            name="Success",
            unit="percentunit",
            promql=promql.success_ratio(_MODELS, "$__range"),
            by=_BY,
            flux=flux.jobs("scored_success") + _GROUP + "\n    |> mean()",
            steps=((None, BAD), (0.9, WARNING), (0.98, GOOD)),
        ),
        Query(
            name="Jobs",
            unit="none",
            promql=f"round({promql.counted(_MODELS, '$__range')})",
            by=_BY,
            flux=flux.jobs("scored_success") + _GROUP + "\n    |> count()",
        ),
        Query(
            name="In a row",
            unit="none",
            promql=f"max by ({_MODELS}) (livepeer_ai_job_consecutive_failures{{{promql.TARGET}}})",
            by=_BY,
            flux=f"{flux.DATE}{flux.now('job_consecutive_failures', *flux.TARGETS)}{_GROUP}"
            "\n    |> max()",
            steps=((None, GOOD), (1, WARNING), (3, BAD)),
        ),
        Query(
            name="Inference",
            unit="s",
            promql=promql.mean_seconds("inference", _MODELS, "$__range"),
            by=_BY,
            flux=flux.jobs("inference_time", more='r.outcome == "ok"') + _GROUP + "\n    |> mean()",
        ),
        Query(
            name="Warm",
            unit="none",
            promql=_WARM,
            by=_BY,
            flux=_WARM_FLUX,
            values=((0, "cold", UNKNOWN), (1, "warm", GOOD)),
        ),
        Query(name="Price", unit="suffix: wei", promql=_PRICE, by=_BY, flux=_PRICE_FLUX),
    ),
)

ROW: Final = Row(title="Does it succeed?", panels=(_OVER_TIME, _BY_MODEL))
