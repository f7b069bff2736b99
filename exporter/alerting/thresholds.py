"""When an alert fires: every number that can be chosen, with its default and what it means.

Durations are whole seconds. The defaults fit `schedule.interval` of 15 minutes.
"""

from collections.abc import Iterator
from dataclasses import Field, dataclass, field, fields
from typing import Any, Final

MINUTE: Final = 60
HOUR: Final = 3600
DAY: Final = 86400


class ThresholdError(ValueError):
    """Thresholds that make no sense; each line of the message is one mistake."""


def _count(default: int, meaning: str, option: str = "") -> int:
    return field(default=default, metadata={"kind": "count", "meaning": meaning, "option": option})


def _share(default: float, meaning: str) -> float:
    return field(default=default, metadata={"kind": "share", "meaning": meaning, "option": ""})


def _number(default: float, meaning: str) -> float:
    return field(default=default, metadata={"kind": "number", "meaning": meaning, "option": ""})


def _time(default: int, meaning: str) -> int:
    return field(default=default, metadata={"kind": "duration", "meaning": meaning, "option": ""})


@dataclass(frozen=True, kw_only=True)
class Thresholds:
    """All thresholds. Raises `ThresholdError` for what makes no sense."""

    consecutive_warning: int = _count(
        3, "Failures in a row, by the orchestrator's doing, that are a warning.", "warning"
    )
    consecutive_critical: int = _count(6, "Failures in a row that are critical.", "critical")

    success_warning: float = _share(0.8, "Share of good jobs below which there is a warning.")
    success_critical: float = _share(0.5, "Share of good jobs below which it is critical.")
    success_window: int = _time(6 * HOUR, "Time over which the share is taken.")
    success_samples: int = _count(10, "Jobs that count that there must be for a share.")

    latency_window: int = _time(2 * HOUR, "Time over which the present latency is taken (median).")
    latency_past: int = _time(DAY, "Time before it that is its own past (median).")
    latency_past_factor: float = _number(2.0, "Times slower than its own past.")
    latency_network_factor: float = _number(3.0, "Times slower than the network's median.")
    latency_excess: float = _number(0.5, "Seconds that it must be slower by, at least.")
    latency_samples: int = _count(4, "Good jobs that there must be in the present time.")
    latency_peers: int = _count(4, "Orchestrators of a model that there must be for a median.")
    latency_for: int = _time(30 * MINUTE, "Time that it must be slow for.")

    cold_share: float = _share(
        0.5, "Share of the day before for which a model must have been warm to be missed."
    )
    cold_for: int = _time(30 * MINUTE, "Time that it must be cold for.")
    vanished_memory: int = _time(DAY, "Time for which an orchestrator that vanished is missed.")
    vanished_for: int = _time(15 * MINUTE, "Time that it must be in nobody's list.")
    unreachable_for: int = _time(2 * HOUR, "Time that a service URI must be out of reach.")
    certificate_left: int = _time(
        14 * DAY, "Time before its end at which a certificate is told of."
    )

    untested: int = _time(
        HOUR,
        "Time without any test after which the tester's operator is told, and orchestrators no "
        "longer are: more than twice `schedule.interval`, or the longest pause of `schedule.cron`.",
    )
    target_stale: int = _time(
        26 * HOUR,
        "Time without a test of a target after which nothing is said of it: more than "
        "`schedule.cold_interval`.",
    )
    gap: int = _time(15 * MINUTE, "Time for which a restart may leave a series without samples.")
    down_for: int = _time(5 * MINUTE, "Time that a process must not answer.")
    network_for: int = _time(MINUTE, "Time that the tester's own network must be down.")
    late: int = _time(5 * MINUTE, "Lateness of cycles, of half of the orchestrators or more.")
    late_for: int = _time(30 * MINUTE, "Time that they must be late for.")
    missed_share: float = _share(0.25, "Share of orchestrators that missed a cycle in an hour.")
    lag: float = _number(0.05, "Seconds of the loop's lag in a tenth of the jobs of an hour.")
    errors_share: float = _share(
        0.3, "Share of a round's jobs that came to nothing without the orchestrator's doing."
    )

    pending: int = _count(1000, "Measurements that wait for the store, and do not become fewer.")
    consumer_for: int = _time(15 * MINUTE, "Time that a consumer must fail.")
    leaderboard_age: int = _time(HOUR, "Age of the leaderboard's answers.")
    followed_silent: int = _time(HOUR, "Time without news of a followed leaderboard.")
    source_for: int = _time(30 * MINUTE, "Time that a discovery source must fail.")
    supply_stale: int = _time(30 * MINUTE, "Age of what is known to be offered.")
    chain_stale: int = _time(2 * HOUR, "Age of the block at which the chain was read.")

    relay_for: int = _time(5 * MINUTE, "Time that the relay, or the scout, must be down.")
    node_for: int = _time(15 * MINUTE, "Time that an Ethereum node must not answer the relay.")
    gateway_faults: int = _count(5, "Gateways of our own that failed in an hour.")

    def __post_init__(self) -> None:
        """Look for mistakes."""
        mistakes = [*self._out_of_bounds()] or [*self._contradictions()]
        if mistakes:
            raise ThresholdError("\n".join(mistakes))

    def _out_of_bounds(self) -> Iterator[str]:
        for one in fields(self):
            kind, value = one.metadata["kind"], getattr(self, one.name)
            if kind == "share" and not 0 < value < 1:
                yield f"{option(one)}: expected a share above 0 and below 1, found {value:g}"
            elif kind == "count" and not 1 <= value <= _MOST:
                yield f"{option(one)}: expected a number from 1 to {_MOST}, found {value}"
            elif kind == "duration" and not MINUTE <= value <= _LONGEST:
                yield f"{option(one)}: expected a time from 1m to 90d, found {value} s"
            elif kind == "number" and not 0 < value <= _MOST:
                yield f"{option(one)}: expected a number above 0, at most {_MOST}, found {value:g}"

    def _contradictions(self) -> Iterator[str]:
        if self.consecutive_critical <= self.consecutive_warning:
            yield (
                f"--critical {self.consecutive_critical} is not above --warning "
                f"{self.consecutive_warning}: what is critical must come after what is a warning"
            )
        if self.success_critical >= self.success_warning:
            yield (
                f"--success-critical {self.success_critical:g} is not below --success-warning "
                f"{self.success_warning:g}: what is critical must come after what is a warning"
            )
        for name in ("latency_past_factor", "latency_network_factor"):
            if getattr(self, name) <= 1:
                yield f"--{name.replace('_', '-')} must be above 1: at 1 half of all are slower"
        if self.down_for >= self.gap:
            yield (
                "--down-for must be below --gap: that a process is down must be known before "
                "what it told is forgotten"
            )
        if self.vanished_memory <= self.vanished_for + self.gap:
            yield "--vanished-memory must be longer than --vanished-for and --gap together"


_MOST: Final = 1_000_000
_LONGEST: Final = 90 * DAY


def option(threshold: "Field[Any]") -> str:
    """The option of `config export` that sets a threshold, such as `--success-window`."""
    return f"--{threshold.metadata['option'] or threshold.name.replace('_', '-')}"
