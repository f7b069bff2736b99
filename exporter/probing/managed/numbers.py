"""What a pool has done so far, and what it runs now; for metrics and pages."""

from dataclasses import dataclass, field

import msgspec


class LaneState(msgspec.Struct, frozen=True):
    """One gateway that runs now."""

    name: str
    orchestrator: str
    uri: str
    leased: bool
    pid: int
    started: int
    """Stamp of the monotonic clock, ns."""
    resident: int | None
    """Bytes of memory when it was last looked at."""


@dataclass
class PoolNumbers:
    """What the pool has done so far."""

    starts: int = 0
    start_failures: dict[str, int] = field(default_factory=dict)
    """By `Fault`."""
    switches: int = 0
    """Gateways in good order that gave way to one for another orchestrator."""
    crashes: int = 0
    hangs: int = 0
    memory_restarts: int = 0
    floods: int = 0
    """Gateways that wrote far more than is read."""
    leftovers: int = 0
    """Processes of an earlier run that were ended at the start."""
