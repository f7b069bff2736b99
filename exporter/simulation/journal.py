"""What the simulated orchestrators did, job by job."""

from collections import deque
from collections.abc import Iterable
from typing import Any, Final, Literal

import msgspec

from exporter.model import Target
from exporter.simulation.profiles import Act

RECORD_LIMIT: Final = 100_000
VIA_HEADER: Final = "Simulation-Via"
"""Header in which a simulated gateway names itself; nothing but the journal reads it."""

Served = Literal["full", "error", "aborted"]


class JobRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One job as the orchestrator saw it. Moments are nanoseconds of the monotonic clock."""

    orchestrator: str
    """Lower-case address."""
    pipeline: str
    model: str
    job: int
    """Number of the job among those of this model, from 1."""
    via: str
    """`direct`, or the name of the gateway that passed it on."""
    act: Act
    received_at: int
    """The request was read to its end."""
    finished_at: int
    """The answer was handed over for sending, or the job broke off; media come after it."""
    scripted_seconds: float
    """How long it was to take, the network's speed counted in; for a hanging job, nothing."""
    served: Served
    """`full`: everything that was asked for, true or not; `error`: an error answer;
    `aborted`: cut short by either side."""
    status: int | None
    """HTTP status that was sent; `None` if none was."""

    @property
    def target(self) -> Target:
        """The target that the job was for."""
        return Target(self.orchestrator, self.pipeline, self.model)


class Journal:
    """The latest job records, at most `RECORD_LIMIT`."""

    def __init__(self) -> None:
        self._records: deque[JobRecord] = deque(maxlen=RECORD_LIMIT)

    def add(self, record: JobRecord) -> None:
        """Append a job that ended."""
        self._records.append(record)

    def records(self) -> list[JobRecord]:
        """All records, in the order in which the jobs ended."""
        return list(self._records)


def summarise(records: Iterable[JobRecord]) -> dict[str, Any]:
    """Count jobs by how they were served, in all and for each orchestrator.

    `most_at_once` is the largest number of jobs that one orchestrator had in hand together.
    """
    by_orchestrator: dict[str, list[JobRecord]] = {}
    for record in records:
        by_orchestrator.setdefault(record.orchestrator, []).append(record)
    each = {address: _counts(found) for address, found in sorted(by_orchestrator.items())}
    return {
        key: sum(counts[key] for counts in each.values())
        for key in ("jobs", "full", "error", "aborted")
    } | {"orchestrators": each}


def _counts(records: list[JobRecord]) -> dict[str, int]:
    served: list[Served] = [record.served for record in records]
    return {
        "jobs": len(records),
        "full": served.count("full"),
        "error": served.count("error"),
        "aborted": served.count("aborted"),
        "most_at_once": _most_at_once(records),
    }


def _most_at_once(records: list[JobRecord]) -> int:
    # At the same nanosecond an end comes before a start: back to back is not together.
    edges = sorted(
        [(record.received_at, 1) for record in records]
        + [(record.finished_at, -1) for record in records]
    )
    most = running = 0
    for _, change in edges:
        running += change
        most = max(most, running)
    return most
