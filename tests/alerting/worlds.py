"""What the exporter would expose in some hours, for tests of rules."""

from collections.abc import Callable, Mapping

from tests.alerting.prometheus_tools import Values, World

STATION = {"job": "livepeer-exporter", "instance": "here"}
PROBE = {"job": "livepeer-exporter-probe", "instance": "here"}
ADDRESS = "0x4C1cAB89A4F0941889EaF1457eeD60E087898E0e"
OTHER = "0x5665cb9A33a9bBdd68508B6070fA35e72bf64eac"
TARGET = {
    "orchestrator_address": ADDRESS,
    "pipeline": "text-to-image",
    "model_name": "SG161222/RealVisXL_V4.0_Lightning",
    "region": "FRA",
    "tester": "ours",
}
OFFER = {k: TARGET[k] for k in ("orchestrator_address", "pipeline", "model_name")}
INTERVAL = 15
"""Minutes between two tests."""


def every_quarter(minute: int) -> float:
    """When the last job began, Unix seconds: every 15 minutes one does."""
    return float(minute // INTERVAL * INTERVAL * 60)


def until(last: int, values: Callable[[int], float | None] = every_quarter) -> Values:
    """As `values` until a minute, and then as they were."""
    return lambda minute: values(min(minute, last))


def step(*changes: tuple[int, float | None]) -> Values:
    """From each minute on that value; nothing before the first."""

    def value(minute: int) -> float | None:
        found: float | None = None
        for start, number in changes:
            if minute >= start:
                found = number
        return found

    return value


def steady(minutes: int) -> World:
    """A target that is tested every 15 minutes, with no failures; nobody is under maintenance."""
    world = target_in(World(minutes))
    world.has("livepeer_ai_tester_maintenance", 0, **STATION)
    return world


def target_in(
    world: World,
    who: Mapping[str, str] | None = None,
    *,
    streak: Values = 0,
    good: Values = lambda minute: minute // INTERVAL,
    bad: Values = 0,
    attempt: Values = every_quarter,
    origin: str = "own",
) -> World:
    """Put a target in; `who` are the labels in which it differs from the usual one."""
    named = {**STATION, **TARGET, **(who or {})}
    world.has("livepeer_ai_job_info", 1, origin=origin, orchestrator_uri="https://o:1", **named)
    world.has("livepeer_ai_job_last_attempt_timestamp_seconds", attempt, **named)
    world.has("livepeer_ai_job_consecutive_failures", streak, **named)
    world.has("livepeer_ai_job_successes_total", good, **named)
    world.has("livepeer_ai_job_orchestrator_failures_total", bad, **named)
    return world


def failing(minute: int) -> float:
    """A streak that grows with each job from minute 60 on, and ends with a good one at 240."""
    jobs = minute // INTERVAL
    return float(jobs - 3) if 60 <= minute < 240 else 0.0
