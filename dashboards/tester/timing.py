"""Whether what it measures is the network's time and not its own."""

from typing import Final

from dashboards.panel import Row
from dashboards.tester import said
from dashboards.tester.shown import curves

_FROM: Final = "From Prometheus interpolated within a bucket of a histogram, from InfluxDB exact."

_QUALITY: Final = curves(
    "Timing quality",
    "The worst lag of the event loop during a job, which is how wrong its times may be: of half of "
    f"the jobs no more than the lower curve, of 95 % than the upper one. {_FROM}",
    "s",
    said.of_jobs(0.5, "job_loop_lag_seconds", "timing_quality", "half"),
    said.of_jobs(0.95, "job_loop_lag_seconds", "timing_quality", "95 %"),
    interval="15m",
)
_QUEUE: Final = curves(
    "Wait from due to started",
    "How long jobs waited for a lane, starting one included: half of them, and 95 %, no longer "
    f"than that. It is part of no phase. {_FROM}",
    "s",
    said.of_jobs(0.5, "job_queue_seconds", "queue_time", "half"),
    said.of_jobs(0.95, "job_queue_seconds", "queue_time", "95 %"),
    interval="15m",
)
_LOOPS: Final = curves(
    "Loop lag of the processes",
    "How late the event loops run: of the probe the 99th percentile of the last minute (p99) and "
    "the worst ever, of the station the longest of the last minute.",
    "s",
    said.curve("probe_loop_lag_seconds", "max", by=("statistic",)),
    said.curve("station_loop_lag_seconds", "max", "station"),
)
_RUNNING: Final = curves(
    "Jobs under way",
    "Jobs that run at the same time.",
    "none",
    said.summed("jobs_running", "jobs"),
    width=12,
)
_NETWORK: Final = curves(
    "Own network, over time",
    "1 while the check of the tester's own connection gets through, 0 while it does not. A gap: "
    "not known.",
    "none",
    said.curve("network_up", "min", "network"),
    width=12,
)

ROW: Final = Row(
    title="Does it measure truly?", panels=(_QUALITY, _QUEUE, _LOOPS, _RUNNING, _NETWORK)
)
