"""The first and the last, by score and by success."""

from typing import Final

from dashboards import flux, promql
from dashboards.colours import BAD, GOOD, WARNING
from dashboards.panel import Panel, Query, Row

_SHOWN: Final = 10
_ENOUGH: Final = 10
"""Jobs that count from which on a success rate says something."""
_WHO: Final = ("orchestrator_address",)
_BY: Final = "orchestrator_address"
_STEPS: Final = ((None, BAD), (0.9, WARNING), (0.98, GOOD))
_SCORE: Final = f"max by ({_BY}) (livepeer_ai_orchestrator_score)"
_SCORE_NOW: Final = (
    f"{flux.now('orchestrator_score')}{flux.group('orchestrator')}\n    |> max(){flux.group()}"
)
_RANK_NOW: Final = f"{flux.now('orchestrator_rank')}{flux.group('orchestrator')}\n    |> min()"
_SUCCESS: Final = promql.success_ratio(_BY, "$__range", promql.NETWORK)
_COUNTED: Final = f"round({promql.counted(_BY, '$__range', promql.NETWORK)})"
_SUCCESS_FLUX: Final = flux.mean(flux.jobs("scored_success", tags=flux.NETWORK), "orchestrator")


def _by_score(title: str, description: str, first: str, flux_first: str, order: str) -> Panel:
    chosen = f"{first}({_SHOWN}, {_SCORE})"
    few = f"{_SCORE_NOW}\n    |> {flux_first}(n: {_SHOWN})"
    who = f"""\
{flux.DATE}who = {few}
    |> findColumn(fn: (key) => true, column: "orchestrator")

"""
    return Panel(
        title=title,
        description=description,
        kind="table",
        unit="none",
        width=12,
        sort_by=f"{order}Score",
        links_to="orchestrator",
        queries=(
            Query(name="Score", promql=chosen, by=_WHO, flux=flux.DATE + few),
            Query(
                name="Rank",
                promql=f"min by ({_BY}) (livepeer_ai_orchestrator_rank) and on ({_BY}) {chosen}",
                by=_WHO,
                flux=f"{who}{_RANK_NOW}"
                "\n    |> filter(fn: (r) => contains(value: r.orchestrator, set: who))",
            ),
        ),
    )


def _by_success(title: str, description: str, first: str, flux_first: str, order: str) -> Panel:
    chosen = f"{first}({_SHOWN}, ({_SUCCESS}) and on ({_BY}) {_COUNTED} >= {_ENOUGH})"
    few = (
        f"{_SUCCESS_FLUX}\n    |> filter(fn: (r) => r.count >= {_ENOUGH}.0){flux.group()}"
        f"\n    |> {flux_first}(n: {_SHOWN})"
    )
    return Panel(
        title=title,
        description=description,
        kind="table",
        unit="none",
        width=12,
        sort_by=f"{order}Success",
        links_to="orchestrator",
        queries=(
            Query(
                name="Success",
                unit="percentunit",
                promql=chosen,
                by=_WHO,
                flux=few,
                steps=_STEPS,
            ),
            Query(
                name="Jobs",
                promql=f"{_COUNTED} and on ({_BY}) {chosen}",
                by=_WHO,
                flux=f"{few}\n    |> map(fn: (r) => ({{r with _value: r.count}}))",
            ),
        ),
    )


_BOARD: Final = (
    "on this station's leaderboard, in its usual window. It follows neither the time nor the "
    "models chosen above. Who has no data has no score."
)
_RATE: Final = (
    f"good jobs as part of those that count, over the chosen time. Of those with {_ENOUGH} such "
    "jobs or more; of equal ones any."
)

ROW: Final = Row(
    title="Best and worst",
    panels=(
        _by_score("Best by score", f"The {_SHOWN} first {_BOARD}", "topk", "top", "-"),
        _by_score("Worst by score", f"The {_SHOWN} last {_BOARD}", "bottomk", "bottom", ""),
        _by_success("Best by success", f"Most {_RATE}", "topk", "top", "-"),
        _by_success("Worst by success", f"Fewest {_RATE}", "bottomk", "bottom", ""),
    ),
)
