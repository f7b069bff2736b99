"""The first row: how much is there, and how much of it fails now."""

from typing import Final

from dashboards import flux, promql
from dashboards.colours import BAD, GOOD, WARNING
from dashboards.marks import SPELL
from dashboards.panel import MANY, Panel, Query, Row

_IN_A_ROW: Final = f"livepeer_ai_job_consecutive_failures{{{promql.NETWORK}}}"
_NOW: Final = flux.DATE + flux.now("job_consecutive_failures", *flux.NETWORK)
_FAILS: Final = (
    f"\n    |> map(fn: (r) => ({{r with _value: if r._value >= {SPELL}.0 then 1.0 else 0.0}}))"
)
_SAID: Final = (
    f"{SPELL} failures or more since the last good job, of its own doing. Failures of others' "
    "doing (gateway, network, tester) and busy ones do not count."
)
OFFERED: Final = f"livepeer_ai_tester_offer_tested{{{promql.SUPPLY}}}"
WARM: Final = f"livepeer_ai_tester_offer_warm{{{promql.SUPPLY}}}"
OFFERED_NOW: Final = flux.DATE + flux.now("tester_offer_tested", *flux.SUPPLY)
WARM_NOW: Final = flux.DATE + flux.now("tester_offer_warm", *flux.SUPPLY)
OFFER: Final = "orchestrator_address, pipeline, model_name"
_SUCCESS_STEPS: Final = ((None, BAD), (0.9, WARNING), (0.98, GOOD))
_FAILING_STEPS: Final = ((None, GOOD), (0.05, WARNING), (0.2, BAD))


def _failing(labels: str, tags: tuple[str, ...], name: str) -> Query:
    return Query(
        name=name,
        promql=f"avg(max by ({labels}) ({_IN_A_ROW}) >= bool {SPELL})",
        flux=f"{_NOW}{flux.group(*tags)}\n    |> max(){_FAILS}{flux.group()}\n    |> mean()",
    )


def _failing_over_time(labels: str, tags: tuple[str, ...], name: str) -> Query:
    return Query(
        name=name,
        promql=f"avg(max by ({labels}) ({_IN_A_ROW}) >= bool {SPELL})",
        flux=flux.metric("job_consecutive_failures", *flux.NETWORK)
        + flux.highest_steps(*tags)
        + _FAILS
        + flux.group("_time")
        + "\n    |> mean()"
        + flux.gaps(),
    )


def _distinct(name: str, labels: str, tags: tuple[str, ...]) -> Query:
    return Query(
        name=name,
        promql=f"count(count by ({labels}) ({OFFERED}))",
        flux=f"{OFFERED_NOW}{flux.group(*tags)}\n    |> max(){flux.group()}\n    |> count()",
    )


_FAILING: Final = Panel(
    title="Failing now",
    description=f"Orchestrators with at least one model that fails, as part of those that are "
    f"tested; and models of orchestrators that fail, as part of all. Failing: {_SAID}",
    kind="stat",
    unit="percentunit",
    width=6,
    height=5,
    decimals=1,
    steps=_FAILING_STEPS,
    queries=(
        _failing("orchestrator_address", ("orchestrator",), "orchestrators"),
        _failing(OFFER, flux.OFFER, "their models"),
    ),
)
_SUCCESS: Final = Panel(
    title="Success",
    description="Good jobs as part of the jobs that count, of all orchestrators, over the chosen "
    "time. Busy, prices above the limit and failures of others' doing do not count.",
    kind="stat",
    unit="percentunit",
    width=3,
    height=5,
    decimals=1,
    steps=_SUCCESS_STEPS,
    queries=(
        Query(
            name="Success",
            promql=promql.success_ratio("", "$__range", promql.NETWORK),
            flux=flux.mean(flux.jobs("scored_success", tags=flux.NETWORK), "origin"),
        ),
    ),
)
_WHO: Final = Panel(
    title="Orchestrators",
    description="How many offer the chosen models now, tested or not, by what they and the "
    "sources say; and how many of all have results of the chosen testers.",
    kind="stat",
    unit="none",
    width=5,
    height=5,
    decimals=0,
    queries=(
        _distinct("offering", "orchestrator_address", ("orchestrator",)),
        Query(
            name="with results",
            promql=f"count(count by (orchestrator_address) ({_IN_A_ROW}))",
            flux=f"{_NOW}{flux.group('orchestrator')}\n    |> max(){flux.group()}\n    |> count()",
        ),
    ),
)
_WHAT: Final = Panel(
    title="Models",
    description="How many different models are offered now, and offers in all: a model that five "
    "orchestrators offer is five offers.",
    kind="stat",
    unit="none",
    width=5,
    height=5,
    decimals=0,
    queries=(
        _distinct("models", "pipeline, model_name", flux.SUPPLY),
        _distinct("offers", OFFER, flux.OFFER),
    ),
)
_WARM: Final = Panel(
    title="Warm and tested",
    description="Offers whose orchestrator says that the model is loaded (warm), as part of those "
    "about which it says anything; and offers that are tested, as part of all.",
    kind="stat",
    unit="percentunit",
    width=5,
    height=5,
    decimals=0,
    queries=(
        Query(
            name="warm",
            promql=f"avg(max by ({OFFER}) ({WARM}))",
            flux=f"{WARM_NOW}{flux.group(*flux.OFFER)}\n    |> max(){flux.group()}\n    |> mean()",
        ),
        Query(
            name="tested",
            promql=f"avg(max by ({OFFER}) ({OFFERED}))",
            flux=f"{OFFERED_NOW}{flux.group(*flux.OFFER)}\n    |> max(){flux.group()}"
            "\n    |> mean()",
        ),
    ),
)
_FAILING_OVER_TIME: Final = Panel(
    title="How much fails, over time",
    description=f"The same parts over time. Failing: {_SAID}",
    kind="curves",
    unit="percentunit",
    width=12,
    interval="15m",
    points=MANY,
    least=0,
    queries=(
        _failing_over_time("orchestrator_address", ("orchestrator",), "orchestrators"),
        _failing_over_time(OFFER, flux.OFFER, "their models"),
    ),
)
_SUCCESS_OVER_TIME: Final = Panel(
    title="Success over time",
    description="Good jobs as part of the jobs that count, for each pipeline. A gap: no such job.",
    kind="curves",
    unit="percentunit",
    width=12,
    interval="30m",
    points=MANY,
    least=0,
    most=1,
    queries=(
        Query(
            promql=promql.success_ratio("pipeline", "$__rate_interval", promql.NETWORK),
            by=("pipeline",),
            flux=flux.jobs("scored_success", tags=flux.NETWORK)
            + flux.grouped("pipeline")
            + flux.windows("mean"),
        ),
    ),
)

ROW: Final = Row(
    title="At a glance",
    panels=(_FAILING, _SUCCESS, _WHO, _WHAT, _WARM, _FAILING_OVER_TIME, _SUCCESS_OVER_TIME),
)
