"""Pieces that PromQL queries are put together from."""

from typing import Final

TARGET: Final = (
    'orchestrator_address=~"$orchestrator",pipeline=~"$pipeline",model_name=~"$model",'
    'region=~"$region",tester=~"$tester"'
)
"""Matches what is chosen of targets."""


def success_ratio(by: str, span: str, match: str = TARGET) -> str:
    """Part of the jobs that count that were good, 0 to 1; no value where none counted.

    `by` are labels, separated by commas.
    """
    good = f"sum by ({by}) (increase(livepeer_ai_job_successes_total{{{match}}}[{span}]))"
    bad = (
        f"sum by ({by}) (increase(livepeer_ai_job_orchestrator_failures_total{{{match}}}[{span}]))"
    )
    return f"{good} / ({good} + {bad} > 0)"


def mean_seconds(phase: str, by: str, span: str, match: str = TARGET) -> str:
    """Mean of a phase (`upload`, `inference`, `download`, `round_trip`) over good jobs, seconds."""
    name = f"livepeer_ai_job_{phase}_seconds"
    total = f"sum by ({by}) (increase({name}_sum{{{match}}}[{span}]))"
    count = f"sum by ({by}) (increase({name}_count{{{match}}}[{span}]))"
    return f"{total} / ({count} > 0)"
