"""The dashboard of one orchestrator: how it does, and why."""

from typing import Final

from dashboards import flux, promql
from dashboards.choices import ONE_ORCHESTRATOR
from dashboards.colours import BAD, GOOD, PHASES, WARNING
from dashboards.marks import CONFIGURATION, FAILING
from dashboards.panel import Board, Panel, Query, Row

_SUCCESS: Final = Panel(
    title="Success",
    description="Good jobs as part of those that count: failures of others' doing are left out.",
    kind="stat",
    unit="percentunit",
    width=4,
    height=5,
    decimals=1,
    steps=((None, BAD), (0.9, WARNING), (0.98, GOOD)),
    queries=(
        Query(
            name="Success",
            promql=promql.success_ratio("orchestrator_address", "$__range"),
            by=("orchestrator_address",),
            flux=flux.jobs("scored_success")
            + '\n    |> group(columns: ["orchestrator"])\n    |> mean()',
        ),
    ),
)
_PHASES: Final = Panel(
    title="Phases of good jobs",
    description="Mean of each phase, stacked: upload, inference (the gateway's way to you "
    "included) and download. A gap means that there was no good job.",
    kind="stacked",
    unit="s",
    width=12,
    interval="30m",
    least=0,
    colours=PHASES,
    queries=tuple(
        Query(
            name=phase,
            promql=promql.mean_seconds(phase, "orchestrator_address", "$__rate_interval"),
            flux=flux.jobs(f"{phase}_time", more='r.outcome == "ok"')
            + "\n    |> group()"
            + "\n    |> aggregateWindow(every: v.windowPeriod, fn: mean, createEmpty: false)",
        )
        for phase in PHASES
    ),
)
_BY_MODEL: Final = Panel(
    title="By model",
    description="Each model that is tested on you.",
    kind="table",
    width=24,
    sort_by="Success",
    queries=(
        Query(
            name="Success",
            unit="percentunit",
            promql=promql.success_ratio("pipeline, model_name", "$__range"),
            by=("pipeline", "model_name"),
            flux=flux.jobs("scored_success")
            + '\n    |> group(columns: ["pipeline", "model"])\n    |> mean()',
        ),
        Query(
            name="Inference",
            unit="s",
            promql=promql.mean_seconds("inference", "pipeline, model_name", "$__range"),
            by=("pipeline", "model_name"),
            flux=flux.jobs("inference_time", more='r.outcome == "ok"')
            + '\n    |> group(columns: ["pipeline", "model"])\n    |> mean()',
        ),
    ),
)

BOARD: Final = Board(
    name="orchestrator",
    title="Livepeer AI / Orchestrator",
    question="How does this orchestrator do: is it up, does it fail, how fast is it?",
    choices=ONE_ORCHESTRATOR,
    marks=(FAILING, CONFIGURATION),
    rows=(
        Row(title="At a glance", panels=(_SUCCESS,)),
        Row(title="Time", panels=(_PHASES,)),
        Row(title="Models", panels=(_BY_MODEL,)),
    ),
)
