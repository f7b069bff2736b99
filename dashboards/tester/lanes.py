"""Gateways that the tester runs itself; no data where it runs none."""

from typing import Final

from dashboards.panel import Row
from dashboards.tester import said
from dashboards.tester.shown import columns, curves

_STATES: Final = curves(
    "Gateways that run",
    "Managed gateways by what they do: leased to a job, or idle.",
    "none",
    said.summed("lanes", by=("state",)),
)
_MEMORY: Final = curves(
    "Memory of each gateway",
    "Resident memory of each managed gateway when it was last looked at.",
    "bytes",
    said.curve("lane_resident_bytes", "max", by=("lane",)),
)
_SCOUT: Final = curves(
    "Scout",
    "1 while the scout gateway runs, else 0. No data: there is none.",
    "none",
    said.curve("scout_up", "min", "scout"),
)
_STARTS: Final = columns(
    "Starts and switches",
    "Managed gateways that were started, and that gave way to one for another orchestrator.",
    said.growing("lane_starts_total", "starts"),
    said.growing("lane_switches_total", "switches"),
)
_FAILED: Final = columns(
    "Starts that failed, by reason",
    "Starts of managed gateways that failed.",
    said.growing("lane_start_failures_total", by=("reason",)),
)
_ENDED: Final = columns(
    "Crashes and restarts",
    "Managed gateways that ended unexpectedly (crashes), answered no more (hangs), or were "
    "started anew since they took too much memory or wrote far more than is read (floods).",
    said.growing("lane_crashes_total", "crashes"),
    said.growing("lane_hangs_total", "hangs"),
    said.growing("lane_memory_restarts_total", "memory"),
    said.growing("lane_floods_total", "floods"),
)

ROW: Final = Row(
    title="Gateways of its own (where it runs some)",
    panels=(_STATES, _MEMORY, _SCOUT, _STARTS, _FAILED, _ENDED),
    closed=True,
)
