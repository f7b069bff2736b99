"""What is known durably of a leaderboard's feed, so that a kill leaves no doubt unseen."""

from typing import Final, Protocol

import msgspec

FAILURES_KEPT: Final = 256
"""Stats of failures that are remembered. A good job's round trip makes its stat the only one of
its kind; failed jobs of one second can have equal ones."""


class Mark(msgspec.Struct, frozen=True, kw_only=True):
    """How far a leaderboard's feed came, and what it was about to send; kept in the outbox."""

    outbox: str
    """The id of the outbox that the numbers are of."""
    done: int
    """Everything up to this number is settled."""
    upto: int
    """What lies between `done` and this number may have been sent."""
    since: float | None
    """When it was first sent, Unix seconds; `None` where nobody knows."""
    failures: tuple[str, ...] = ()
    """Fingerprints of the last stats of failures that the leaderboard has, equal ones repeated."""


class Notices(Protocol):
    """Where marks are kept."""

    async def publish(self, topic: str, payload: bytes) -> None:
        """Set the latest value of a topic, durably."""
        ...

    async def notice(self, topic: str) -> bytes | None:
        """The latest value of a topic."""
        ...


async def write(notices: Notices, consumer: str, mark: Mark) -> None:
    """Keep a consumer's mark; it is on the disk then."""
    await notices.publish(consumer, msgspec.json.encode(mark))


async def read(notices: Notices, consumer: str) -> Mark | None:
    """A consumer's mark; `None` for a new one."""
    payload = await notices.notice(consumer)
    return None if payload is None else msgspec.json.decode(payload, type=Mark)
