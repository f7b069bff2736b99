"""What is remembered of good jobs, so that others' failures can be judged beside them."""

from collections import deque

import msgspec

from exporter.model import LaneKind

REMEMBERED = 500
MEANWHILE = 10_000_000_000
"""Nanoseconds before a failure within which another's good job must have ended."""


class Like(msgspec.Struct, frozen=True):
    """What lanes must share to be like each other: their kind, and the host that runs them."""

    kind: LaneKind
    host: str


class _Good(msgspec.Struct, frozen=True):
    lane: Like
    pipeline: str
    orchestrator: str
    started: int
    ended: int


class LikeLanes:
    """The latest good jobs through gateways. Moments are stamps of the monotonic clock.

    When one orchestrator's job fails behind a gateway while another's goes well behind a gateway of
    the same kind on the same host, then the tester, that host and its way into the network worked.
    """

    def __init__(self) -> None:
        self._good: deque[_Good] = deque(maxlen=REMEMBERED)

    def saw(
        self, lane: Like, pipeline: str, orchestrator: str, *, started: int, ended: int
    ) -> None:
        """A job of this orchestrator went well on such a lane."""
        self._good.append(_Good(lane, pipeline, orchestrator, started, ended))

    def worked(
        self, lane: Like, pipeline: str, orchestrator: str, *, started: int, ended: int
    ) -> bool:
        """Whether a job of another orchestrator, of the same pipeline, went well meanwhile.

        It must have ended while the failing one ran, and not long before that ended.
        """
        return any(
            good.lane == lane
            and good.pipeline == pipeline
            and good.orchestrator != orchestrator
            and good.ended > max(started, ended - MEANWHILE)
            and good.started < ended
            for good in self._good
        )
