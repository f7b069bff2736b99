"""Recording rules that write counters down once more, so seldom that months of them are quick.

What a query of a month costs in Prometheus is to read every sample; a counter of jobs has one for
each scrape and a new value every quarter of an hour.
"""

from typing import Final

from exporter.alerting.rule import SLOW, Recording

SERIES: Final = "livepeer_ai"
"""What names of metrics begin with."""
KEPT: Final = f"kept:{SERIES}"
"""What the names of counters begin with that were written down."""
RECORDED: Final = f"{KEPT}_recorded_timestamp_seconds"
"""When the rules were evaluated, Unix seconds: by it is known since when they are."""
PACE: Final = SLOW
"""Seconds between two samples of what is written down."""
WITHIN: Final = f"{2 * PACE // 60}m"
"""PromQL's duration in which there surely is one."""
_PHASES: Final = ("upload", "inference", "download", "round_trip")
COUNTERS: Final = (
    "job_successes_total",
    "job_orchestrator_failures_total",
    "job_failures_total",
    *(f"job_{phase}_seconds_{part}" for phase in _PHASES for part in ("sum", "count")),
    "job_model_inference_seconds_bucket",
    "job_model_latency_per_unit_seconds_bucket",
)
"""Those that dashboards ask for over a whole range, without `livepeer_ai_`."""

RULES: Final = (
    Recording(
        name=RECORDED,
        expr="vector(time())",
        meaning="When these rules were evaluated: since when there is what they write down.",
    ),
    *(
        Recording(
            name=f"{KEPT}_{name}",
            expr=f"{SERIES}_{name}",
            meaning=f"`{SERIES}_{name}`, with all labels, every five minutes.",
        )
        for name in COUNTERS
    ),
)
