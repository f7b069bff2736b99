"""What each round came to: the jobs that were meant, and what became of every one of them."""

import logging
from collections import Counter, deque
from collections.abc import Iterable
from types import TracebackType
from typing import Any, Final, Literal, Self

import msgspec

from exporter.model import Blame, Measurement, Outcome, Target, seconds
from exporter.probing.scheduling.clock import Clock
from exporter.probing.scheduling.skips import STOPPED

KEPT: Final = 50
"""Reports of rounds that are kept."""

log = logging.getLogger(__name__)

Result = Literal["passed", "failed", "tester_errors", "elsewhere", "unknown", "unblamed"]
RESULTS: Final[tuple[Result, ...]] = (
    "passed",
    "failed",
    "tester_errors",
    "elsewhere",
    "unknown",
    "unblamed",
)
"""Good; the orchestrator's failure; the tester's; the network's or a gateway's; nobody can tell
whose; nobody's, such as busy."""

_BY_BLAME: Final[dict[Blame | None, Result]] = {
    Blame.ORCHESTRATOR: "failed",
    Blame.TESTER: "tester_errors",
    Blame.NETWORK: "elsewhere",
    Blame.GATEWAY: "elsewhere",
    Blame.UNKNOWN: "unknown",
    None: "unblamed",
}


class Round(msgspec.Struct, kw_only=True):
    """The count of one round: always `expected` = `done` + what was skipped + `left`.

    A target whose job was repeated is done once, with the result of the repeat.
    """

    number: int
    started_at: int
    """Unix nanoseconds."""
    ended_at: int | None = None
    took: int | None = None
    """Nanoseconds from start to end, by the monotonic clock."""
    expected: int = 0
    done: int = 0
    repeated: int = 0
    results: dict[str, int] = {}
    """How many of the done ones ended with each of `RESULTS`; only what occurred."""
    outcomes: dict[str, int] = {}
    skipped: dict[str, int] = {}

    @property
    def left(self) -> int:
        """Jobs that are neither done nor skipped yet."""
        return self.expected - self.done - sum(self.skipped.values())

    def report(self) -> dict[str, Any]:
        """The count as plain data: moments in Unix seconds, every result with its number."""
        return {
            "number": self.number,
            "started_at": seconds(self.started_at),
            "ended_at": seconds(self.ended_at),
            "seconds": seconds(self.took),
            "expected": self.expected,
            "done": self.done,
            **{result: self.results.get(result, 0) for result in RESULTS},
            "repeated": self.repeated,
            "left": self.left,
            "outcomes": dict(self.outcomes),
            "skipped": dict(self.skipped),
        }


class Rounds:
    """The rounds that are going on, and reports of those that are over.

    A round is over when nobody takes part in it any more: whoever runs his cycle of that number,
    or waits for its start, holds it. So each report is complete, however long one orchestrator
    takes, and the next rounds do not wait for it.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._holds: Counter[int] = Counter()
        self._open: dict[int, Round] = {}
        self._began: dict[int, int] = {}
        self.skipped: Counter[str] = Counter()
        """Jobs left out since the start, by reason."""
        self.latest: Round | None = None
        """The round that began last."""
        self.reports: deque[dict[str, Any]] = deque(maxlen=KEPT)
        """Of the rounds that are over, in order of their end."""
        self.ended = 0
        """Rounds that ended since the start."""

    def hold(self, number: int) -> None:
        """Somebody takes part in the round, or will."""
        self._holds[number] += 1

    def release(self, number: int) -> None:
        """Somebody who held the round no longer does; the last one ends it."""
        self._holds[number] -= 1
        if self._holds[number] <= 0:
            del self._holds[number]
            self._end(number)

    def open(self, number: int) -> Round:
        """The round of that number, which begins now if it did not yet."""
        found = self._open.get(number)
        if found is None:
            found = Round(number=number, started_at=self._clock.wall_ns())
            self._began[number] = self._clock.stamp()
            self._open[number] = self.latest = found
        return found

    def cycle(self, number: int, targets: Iterable[Target]) -> "CycleCount":
        """Count the cycle of one orchestrator; a context manager."""
        return CycleCount(self, number, targets)

    def pass_over(self, number: int, targets: int, reason: str) -> None:
        """A whole cycle is left out."""
        self.hold(number)
        counted = self.open(number)
        counted.expected += targets
        self.skip(counted, reason, targets)
        self.release(number)

    def skip(self, counted: Round, reason: str, jobs: int = 1) -> None:
        """So many jobs of a round are left out."""
        if jobs:
            counted.skipped[reason] = counted.skipped.get(reason, 0) + jobs
            self.skipped[reason] += jobs

    def _end(self, number: int) -> None:
        ended = self._open.pop(number, None)
        if ended is None:
            return
        ended.ended_at = self._clock.wall_ns()
        ended.took = self._clock.stamp() - self._began.pop(number)
        report = ended.report()
        self.reports.append(report)
        self.ended += 1
        log.info("round done", extra={"round": number, **_told(report)})


class CycleCount:
    """What becomes of the targets of one cycle; each is counted exactly once.

    Leaving the block counts the rest: as done where a job was run, else as skipped.
    """

    def __init__(self, rounds: Rounds, number: int, targets: Iterable[Target]) -> None:
        self._rounds = rounds
        self._number = number
        self._open: dict[Target, Measurement | None] = dict.fromkeys(targets)

    def __enter__(self) -> Self:
        self._rounds.hold(self._number)
        self._round = self._rounds.open(self._number)
        self._round.expected += len(self._open)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for target, measurement in list(self._open.items()):
            if measurement is None:
                self.skip(target, STOPPED)
            else:
                self.done(target)
        self._rounds.release(self._number)

    def measured(self, target: Target, measurement: Measurement, *, repeat: bool = False) -> None:
        """A job of the target was run; its latest result is what will count."""
        if target in self._open:
            self._open[target] = measurement
            self._round.repeated += repeat

    def done(self, target: Target) -> None:
        """The target, whose job was run, gets no further one in this cycle."""
        measurement = self._open.get(target)
        if measurement is None:
            return
        del self._open[target]
        self._round.done += 1
        _count(self._round.outcomes, measurement.outcome)
        _count(self._round.results, result_of(measurement))

    def skip(self, target: Target, reason: str) -> None:
        """The target gets no job, or no repeat, in this cycle."""
        if self._open.get(target) is not None:
            self.done(target)
        elif target in self._open:
            del self._open[target]
            self._rounds.skip(self._round, reason)


def result_of(measurement: Measurement) -> Result:
    """Under which of `RESULTS` a measurement is counted."""
    if measurement.outcome is Outcome.OK:
        return "passed"
    return _BY_BLAME[measurement.blame]


def _told(report: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in report.items() if key not in ("number", "left")}


def _count(counts: dict[str, int], key: str) -> None:
    counts[key] = counts.get(key, 0) + 1
