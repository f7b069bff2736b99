"""Of which models there are curves: not of more than can be told apart."""

from typing import Final

from dashboards import flux, promql
from dashboards.network.glance import OFFER, OFFERED

SHOWN: Final = 12
MODEL: Final = ("model_name", "pipeline")
"""As curves are named: the model first."""
BY: Final = "pipeline, model_name"
MOST_JOBS: Final = f"Of the chosen models the {SHOWN} with most jobs that count."
MOST_OFFERS: Final = f"Of the chosen models the {SHOWN} that most orchestrators offer now."

_KEY: Final = 'r.pipeline + "/" + r.model'


def _grown(name: str) -> str:
    metric = f"${{series}}_job_{name}_total{{{promql.NETWORK}}}"
    return f"sum by ({BY}) (increase({metric}[$__range] @ end()))"


_JOBS: Final = f"{_grown('successes')} + {_grown('orchestrator_failures')}"
_OFFERS: Final = f"count by ({BY}) (max by ({OFFER}) ({OFFERED} @ end()))"


def with_most_jobs(what: str) -> str:
    """PromQL: only those with most jobs in the whole range, in each step the same."""
    return f"({what}) and on ({BY}) topk({SHOWN}, {_JOBS})"


def with_most_offers(what: str) -> str:
    """PromQL: only those with most offers at the end of the range."""
    return f"({what}) and on ({BY}) topk({SHOWN}, {_OFFERS})"


def _top(rows: str, counted: str) -> str:
    return f"{rows}{counted}{flux.group()}\n    |> top(n: {SHOWN})"


def _most(rows: str, counted: str) -> str:
    return f"""\
most = {_top(rows, counted)}
    |> map(fn: (r) => ({{r with key: {_KEY}}}))
    |> findColumn(fn: (key) => true, column: "key")

"""


_BY_JOBS: Final = flux.group(*flux.SUPPLY) + "\n    |> count()"
_JOBS_THAT_COUNT: Final = flux.jobs("scored_success", tags=flux.NETWORK)
FLUX_MOST_JOBS: Final = _most(_JOBS_THAT_COUNT, _BY_JOBS)
"""Flux: what a query with `AMONG` begins with."""
FLUX_MOST_OFFERS: Final = flux.DATE + _most(
    flux.now("tester_offer_tested", *flux.SUPPLY),
    f"{flux.group(*flux.OFFER)}\n    |> max(){flux.group(*flux.SUPPLY)}\n    |> count()",
)
"""The same by offers."""
AMONG: Final = f"\n    |> filter(fn: (r) => contains(value: {_KEY}, set: most))"


def busiest_quantiles(share: float, rows: str) -> str:
    """Flux: defines `of_busiest`, the quantiles of those with most jobs in each step.

    `rows` are grouped by pipeline and model. Who they are is asked beside it, and not before.
    """
    models = flux.listed(flux.SUPPLY)
    return f"""\
{flux.IMPORTS}{flux.many_quantiles(share, rows)}
busiest = {_top(_JOBS_THAT_COUNT, _BY_JOBS)}
    |> keep(columns: [{models}])
of_busiest = join(tables: {{step: quantiles, model: busiest}}, on: [{models}])

"""
