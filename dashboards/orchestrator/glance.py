"""The first row: how it is now, in ten seconds."""

from typing import Final

from dashboards import flux, promql
from dashboards.colours import BAD, GOOD, UNKNOWN, WARNING
from dashboards.orchestrator.speed import RATIO, RATIO_STEPS, ratio_flux
from dashboards.panel import Panel, Query, Row

_FAILING: Final = f"livepeer_ai_job_consecutive_failures{{{promql.TARGET}}}"
_FAILING_FLUX: Final = flux.now("job_consecutive_failures", *flux.TARGETS) + flux.group()

_STATE: Final = Panel(
    title="Is it up now?",
    description="By the last test of each model that counts: `up` if all were good, `failing` if "
    "none was, `partly` in between. Failures of others' doing (gateway, network, tester) change "
    "nothing. `no data`: nothing was tested.",
    kind="stat",
    unit="none",
    width=4,
    height=5,
    values=((0, "up", GOOD), (1, "partly", WARNING), (2, "failing", BAD)),
    steps=((None, UNKNOWN),),
    queries=(
        Query(
            name="State",
            promql=f"ceil(avg({_FAILING} > bool 0)) + floor(avg({_FAILING} > bool 0))",
            flux=f"""\
import "date"
import "math"

{_FAILING_FLUX}
    |> map(fn: (r) => ({{r with _value: if r._value > 0.0 then 1.0 else 0.0}}))
    |> mean()
    |> map(fn: (r) => ({{r with _value: math.ceil(x: r._value) + math.floor(x: r._value)}}))""",
        ),
    ),
)
_IN_A_ROW: Final = Panel(
    title="Failures in a row",
    description="Of the model that has most now: failures of the orchestrator's own doing since "
    "the last good job. 0 is good.",
    kind="stat",
    unit="none",
    width=3,
    height=5,
    decimals=0,
    steps=((None, GOOD), (1, WARNING), (3, BAD)),
    queries=(
        Query(
            name="Failures in a row",
            promql=f"max({_FAILING})",
            flux=f"{flux.DATE}{_FAILING_FLUX}\n    |> max()",
        ),
    ),
)
_SUCCESS: Final = Panel(
    title="Success",
    description="Good jobs as part of the jobs that count, over the chosen time. Busy, prices "
    "above the limit and failures of others' doing do not count.",
    kind="stat",
    unit="percentunit",
    width=3,
    height=5,
    decimals=1,
    steps=((None, BAD), (0.9, WARNING), (0.98, GOOD)),
    queries=(
        Query(
            name="Success",
            promql=promql.success_ratio("", "$__range"),
            flux=flux.jobs("scored_success") + flux.group() + "\n    |> mean()",
        ),
    ),
)
_RATIO: Final = Panel(
    title="Time, network = 1",
    description="Mean round trip of good jobs as a multiple of the network's median for the same "
    "model in the same region, averaged over them. Below 1 is faster than half of the others. "
    "Models that nobody else serves are left out.",
    kind="stat",
    unit="suffix: x",
    width=4,
    height=5,
    decimals=2,
    steps=RATIO_STEPS,
    queries=(
        Query(
            name="Time against the network",
            promql=f"avg({RATIO})",
            flux=f"{ratio_flux()}{flux.group()}\n    |> mean()",
        ),
    ),
)


def _standing(title: str, name: str, description: str, decimals: int, best: str) -> Panel:
    return Panel(
        title=title,
        description=description,
        kind="stat",
        unit="none",
        width=2,
        height=5,
        decimals=decimals,
        queries=(
            Query(
                name=title,
                promql=f"{best}(livepeer_ai_{name}{{{promql.ORCHESTRATOR}}})",
                flux=f"{flux.DATE}{flux.now(name, 'orchestrator')}{flux.group()}\n    |> {best}()",
            ),
        ),
    )


_SCORE: Final = _standing(
    "Score",
    "orchestrator_score",
    "On this station's leaderboard, in its usual window, 0 to 1: 0.65 for success, 0.35 for time "
    "against the median. It does not follow the time chosen above.",
    2,
    "max",
)
_RANK: Final = _standing(
    "Rank",
    "orchestrator_rank",
    "Place on this station's leaderboard, in its usual window; 1 is the best. It does not follow "
    "the time chosen above.",
    0,
    "min",
)
_LAST: Final = Panel(
    title="Last test ago",
    description="How long ago the last job started, whatever came of it.",
    kind="stat",
    unit="s",
    width=3,
    height=5,
    decimals=0,
    steps=((None, GOOD), (7200, WARNING)),
    queries=(
        Query(
            name="Last test",
            promql="time() - max(livepeer_ai_job_last_attempt_timestamp_seconds"
            f"{{{promql.TARGET}}})",
            flux=f"""\
{flux.DATE}{flux.now("job_last_attempt_timestamp_seconds", *flux.TARGETS)}{flux.group()}
    |> max()
    |> map(fn: (r) => ({{r with _value: {flux.END} - r._value}}))""",
        ),
    ),
)


def _offers(name: str, what: str, promql_of: str, flux_of: str) -> Query:
    offer = f"livepeer_ai_tester_offer_{what}{{{promql.OFFER}}}"
    return Query(
        name=name,
        promql=f"{promql_of}(max by (pipeline, model_name) ({offer}))",
        flux=f"{flux.DATE}{flux.now(f'tester_offer_{what}', *flux.OFFER)}"
        f"{flux.group('pipeline', 'model')}\n    |> max(){flux.group()}\n    |> {flux_of}()",
    )


_WARM: Final = Panel(
    title="Warm of offered",
    description="How many models it offers, and how many of them it says are loaded (warm). "
    "Where it does not say, there is no number.",
    kind="stat",
    unit="none",
    width=3,
    height=5,
    decimals=0,
    queries=(
        _offers("warm", "warm", "sum", "sum"),
        _offers("offered", "tested", "count", "count"),
    ),
)

ROW: Final = Row(
    title="At a glance",
    panels=(_STATE, _IN_A_ROW, _SUCCESS, _RATIO, _SCORE, _RANK, _LAST, _WARM),
)
