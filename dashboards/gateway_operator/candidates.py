"""Who could do the jobs: by success, time and price, and by region."""

from typing import Final

from dashboards import flux, promql
from dashboards.colours import BAD, GOOD, UNKNOWN, WARNING
from dashboards.gateway_operator.failing import IN_A_ROW, NOW, STEPS
from dashboards.orchestrator.failures import busy_flux
from dashboards.panel import Panel, Query, Row

_GOOD: Final = 'r.outcome == "ok"'
_SUCCESS_STEPS: Final = ((None, BAD), (0.9, WARNING), (0.98, GOOD))


def _columns(by: tuple[str, ...], tags: tuple[str, ...]) -> tuple[Query, ...]:
    labels = ", ".join(by)
    return (
        Query(
            name="Success",
            unit="percentunit",
            promql=promql.success_ratio(labels, "$__range"),
            by=by,
            flux=flux.mean(flux.jobs("scored_success"), *tags),
            steps=_SUCCESS_STEPS,
        ),
        Query(
            name="Jobs",
            unit="none",
            promql=f"round({promql.counted(labels, '$__range')})",
            by=by,
            flux=flux.jobs("scored_success") + flux.group(*tags) + "\n    |> count()",
        ),
        Query(
            name="Round trip",
            unit="s",
            promql=promql.mean_seconds("round_trip", labels, "$__range"),
            by=by,
            flux=flux.mean(flux.jobs("round_trip_time", more=_GOOD), *tags),
        ),
        Query(
            name="Busy",
            unit="percentunit",
            promql=promql.busy_ratio(labels, "$__range"),
            by=by,
            flux=busy_flux(*tags),
        ),
    )


_OFFER: Final = ("orchestrator_address", "pipeline", "model_name")
_TAGS: Final = ("orchestrator", "pipeline", "model")
_LABELS: Final = ", ".join(_OFFER)


def _offer(name: str) -> tuple[str, str]:
    return (
        f"max by ({_LABELS}) (livepeer_ai_{name}{{{promql.OFFER}}})",
        f"{flux.DATE}{flux.now(name, *flux.OFFER)}{flux.group(*_TAGS)}\n    |> max()",
    )


_PRICE, _PRICE_FLUX = _offer("tester_offer_price_wei")
_WARM, _WARM_FLUX = _offer("tester_offer_warm")

_CANDIDATES: Final = Panel(
    title="Who serves it well?",
    description="Everybody who offers the chosen models: success and number of the jobs that "
    "count, mean round trip of good ones, how often it was busy, failures in a row now, and what "
    "it says now of price (wei for one unit of the pipeline) and of being loaded. Without a "
    "success it is offered, but not tested. Choose one pipeline and model above to compare.",
    kind="table",
    unit="none",
    width=24,
    height=12,
    sort_by="-Success",
    links_to="orchestrator",
    queries=(
        *_columns(_OFFER, _TAGS),
        Query(
            name="In a row",
            unit="none",
            promql=f"max by ({_LABELS}) ({IN_A_ROW})",
            by=_OFFER,
            flux=f"{flux.DATE}{NOW}{flux.group(*_TAGS)}\n    |> max()",
            steps=STEPS,
        ),
        Query(name="Price", unit="suffix: wei", promql=_PRICE, by=_OFFER, flux=_PRICE_FLUX),
        Query(
            name="Warm",
            unit="none",
            promql=_WARM,
            by=_OFFER,
            flux=_WARM_FLUX,
            values=((0, "cold", UNKNOWN), (1, "warm", GOOD)),
        ),
    ),
)
_REGIONS: Final = Panel(
    title="From where?",
    description="The same for each pipeline and each region that tests from, all chosen "
    "orchestrators together.",
    kind="table",
    unit="none",
    width=24,
    height=7,
    sort_by="Region",
    queries=_columns(("region", "pipeline"), ("region", "pipeline")),
)

ROW: Final = Row(title="Whom can I send jobs to?", panels=(_CANDIDATES, _REGIONS))
