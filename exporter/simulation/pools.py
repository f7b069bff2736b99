"""A gateway's session pools, as its CLI port shows them."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from exporter.simulation.advert import CAPABILITY


class Session:
    """One job's use of the pinned orchestrator's session."""

    def __init__(self) -> None:
        self.succeeded = False


class _Pool:
    def __init__(self, url: str) -> None:
        self.url = url
        self.in_flight = 0
        self.suspended = False
        self.refreshed_at = datetime.now(UTC)


class SessionPools:
    """One pool per capability and model; a failure suspends the orchestrator until a success."""

    def __init__(self) -> None:
        self._pools: dict[str, _Pool] = {}

    @contextmanager
    def session(self, pipeline: str, model: str, url: str) -> Iterator[Session]:
        """Use the orchestrator for one job; unless marked as succeeded, it failed."""
        key = f"{CAPABILITY[pipeline]}_{model}"
        pool = self._pools.setdefault(key, _Pool(url))
        pool.in_flight += 1
        session = Session()
        try:
            yield session
        finally:
            pool.in_flight -= 1
            pool.suspended = not session.succeeded

    def info(self) -> dict[str, Any]:
        """The body of `/getAISessionPoolsInfo`."""
        return {key: _info(pool) for key, pool in self._pools.items()}


def _info(pool: _Pool) -> dict[str, Any]:
    entry = {"url": pool.url, "latency_score": 0.0, "in_flight": pool.in_flight}
    listed = None if pool.suspended else [entry]
    return {
        "cold": {"size": 0, "in_use": 0, "orchestrators": None},
        "warm": {
            "size": 0 if listed is None else 1,
            "in_use": pool.in_flight,
            "orchestrators": listed,
        },
        "last_refresh": pool.refreshed_at.isoformat().replace("+00:00", "Z"),
        "suspended": {"list": {pool.url: 3} if pool.suspended else {}, "current_count": 1},
    }
