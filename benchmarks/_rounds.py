"""What became of one round over managed lanes, from its measurements and what was simulated."""

import itertools
import statistics
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import msgspec
import psutil

from benchmarks._table import Cell
from exporter.model import NANOSECONDS, Measurement, Target
from tests.probing.makespan import least


class Moment(NamedTuple):
    """Processor time used up to a moment, seconds."""

    probe: float
    machine: float


class Visit(NamedTuple):
    """The jobs that a lane did for one orchestrator without a break."""

    idle: float
    """Seconds from the end of the lane's job before, or the round's start, to the first job."""
    pinned: bool
    """Whether a gateway had to be started for it."""
    jobs: list[Measurement]


class Round:
    """One round over so many lanes.

    `takes` has the seconds of each target's jobs in order, those of later rounds behind; `pinned`
    whom each lane is pinned to. Both are moved on to the end of the round. `pin` is what one pin
    takes alone, `used` the processor time that the round took.

    Raises `ValueError` for a round without a good job.
    """

    def __init__(
        self,
        report: dict[str, Any],
        jobs: Sequence[Measurement],
        *,
        lanes: int,
        takes: dict[Target, list[float]],
        pinned: dict[str, str],
        pin: float,
        used: Moment,
    ) -> None:
        self._makespan = float(report["seconds"])
        self._lanes = lanes
        self._jobs = jobs
        self._used = used
        self._visits = list(visits(jobs, pinned, float(report["started_at"])))
        self._chains: defaultdict[str, float] = defaultdict(float)
        for one in jobs:
            if one.ok:
                self._chains[one.orchestrator] += takes[one.target].pop(0)
        if not self._chains:
            raise ValueError(f"no job went well: {report['outcomes']}")
        self._pin = pin

    def summary(self) -> list[Cell]:
        """The cells of the table of rounds, but for the number."""
        pins = [visit.idle for visit in self._visits if visit.pinned]
        pin = statistics.median(pins)
        best = self._least(self._pin)
        cores = psutil.cpu_count() or 1
        return [
            len(self._jobs),
            sum(one.ok for one in self._jobs),
            f"{self._makespan:.1f}",
            f"{best:.1f}",
            self._makespan / best,
            self._makespan / self._least(pin),
            len(pins),
            len(self._visits) - len(self._chains),
            pin,
            self._used.probe,
            self._used.machine / self._makespan / cores * 100,
        ]

    def _least(self, pin: float) -> float:
        return least([pin + length for length in self._chains.values()], self._lanes)

    def spent(self) -> list[Cell]:
        """The cells of the table of what lanes did, but for the number."""
        whole = self._makespan * self._lanes
        inference = sum(self._chains.values())
        asking = sum(took(one) for one in self._jobs)
        pinning = sum(visit.idle for visit in self._visits)
        between = sum(
            began(later) - ended(earlier)
            for visit in self._visits
            for earlier, later in itertools.pairwise(visit.jobs)
        )
        return [
            inference / whole * 100,
            pinning / whole * 100,
            (asking - inference) / len(self._jobs) * 1000,
            between / len(self._jobs) * 1000,
            (whole - asking - pinning - between) / whole * 100,
        ]


def visits(
    jobs: Iterable[Measurement], pinned: dict[str, str], round_began: float
) -> Iterator[Visit]:
    """The jobs, which are in the order of their start, cut where a lane changes hands."""
    lanes: defaultdict[str, list[Measurement]] = defaultdict(list)
    for one in jobs:
        lanes[one.lane_name or ""].append(one)
    for lane, done in lanes.items():
        free_at = round_began
        for orchestrator, group in itertools.groupby(done, lambda one: one.orchestrator):
            those = list(group)
            idle = began(those[0]) - free_at
            yield Visit(idle, pinned.get(lane) != orchestrator, those)
            pinned[lane], free_at = orchestrator, ended(those[-1])


def began(job: Measurement) -> float:
    """Unix seconds."""
    return job.started_at / NANOSECONDS


def ended(job: Measurement) -> float:
    """When the answer was there, Unix seconds."""
    return began(job) + took(job)


def took(job: Measurement) -> float:
    """Seconds from the start to the last byte, or as far as a failed job came."""
    phases = msgspec.structs.asdict(job.phases)
    whole = phases.pop("round_trip") or sum(part or 0 for part in phases.values())
    return float(whole) / NANOSECONDS
