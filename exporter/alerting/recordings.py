"""Recording rules: what dashboards of many targets may ask for instead of adding up anew."""

from typing import Final

from exporter.alerting.promql import TARGET
from exporter.alerting.rule import Recording

_MODEL: Final = "pipeline, model_name, region, tester"
_GOOD: Final = "increase(livepeer_ai_job_successes_total[{span}])"
_BAD: Final = "increase(livepeer_ai_job_orchestrator_failures_total[{span}])"


def _share(by: str, span: str) -> str:
    good = f"sum by ({by}) ({_GOOD.format(span=span)})"
    bad = f"sum by ({by}) ({_BAD.format(span=span)})"
    return f"{good}\n/ (({good} + {bad}) > 0)"


RECORDINGS: Final = (
    Recording(
        name="target:livepeer_ai_job_success:ratio_increase6h",
        expr=_share(TARGET, "6h"),
        meaning="Share of good jobs of each target among those that count, of 6 hours.",
    ),
    Recording(
        name="target:livepeer_ai_job_last_inference_seconds:median2h",
        expr=(
            f"max by ({TARGET}) "
            "(quantile_over_time(0.5, livepeer_ai_job_last_inference_seconds[2h]))"
        ),
        meaning="Median inference time of each target, of 2 hours.",
    ),
    Recording(
        name="model:livepeer_ai_job_last_inference_seconds:median2h",
        expr=(
            f"quantile by ({_MODEL}) (0.5, target:livepeer_ai_job_last_inference_seconds:median2h)"
        ),
        meaning="The median of these over all orchestrators of a model: the network's.",
    ),
    Recording(
        name="model:livepeer_ai_job_success:ratio_increase1d",
        expr=_share(_MODEL, "1d"),
        meaning="Share of good jobs of each model among those that count, of a day.",
    ),
    Recording(
        name="orchestrator:livepeer_ai_job_success:ratio_increase1d",
        expr=_share("orchestrator_address, region, tester", "1d"),
        meaning="Share of good jobs of each orchestrator among those that count, of a day.",
    ),
    Recording(
        name="orchestrator:livepeer_ai_job_consecutive_failures:max",
        expr=(
            "max by (orchestrator_address, region, tester) (livepeer_ai_job_consecutive_failures)"
        ),
        meaning="The longest present streak of failures among the models of an orchestrator.",
    ),
    Recording(
        name="model:livepeer_ai_tester_offer_warm:avg",
        expr="avg by (pipeline, model_name) (livepeer_ai_tester_offer_warm)",
        meaning="Share of those who offer a model and say that it is loaded.",
    ),
    Recording(
        name="tester:livepeer_ai_job_attempts:increase1h",
        expr="sum by (region, tester) (increase(livepeer_ai_job_attempts_total[1h]))",
        meaning="Jobs of each tester that ended in an hour.",
    ),
)
"""Each is evaluated every five minutes, after those before it."""
