"""The numbers about leaderboards that are followed, and their families."""

from collections.abc import Iterator, Sequence

import msgspec
from prometheus_client.core import Metric as Family

from exporter.delivery.families import counter, gauge
from exporter.model import NANOSECONDS


class Results(msgspec.Struct, frozen=True):
    """What became of the results that a leaderboard had, since the start."""

    taken: int = 0
    own: int = 0
    """Measured by this tester itself: left out."""
    known: int = 0
    """In the store already: left out."""
    misdated: int = 0
    """With a time before the year 2000 or after tomorrow: left out."""
    surplus: int = 0
    """Of more models and regions than are believed: left out."""
    unreadable: int = 0
    """No result of a leaderboard, or one that cannot be kept: left out."""

    def and_(self, other: "Results") -> "Results":
        """Both together."""
        mine, theirs = msgspec.structs.asdict(self), msgspec.structs.asdict(other)
        return Results(**{name: count + theirs[name] for name, count in mine.items()})


class FollowedNumbers(msgspec.Struct, frozen=True, kw_only=True):
    """How following one leaderboard is doing. Moments are Unix nanoseconds."""

    url: str
    host: str
    orchestrators: int
    position: int | None
    """Up to when all that it stored was read, of the orchestrator that is farthest behind, by the
    leaderboard's clock; `None` as long as one was never read."""
    last_success: int | None
    """When everything was read the last time; `None` if that never was since the start."""
    problem: str | None
    results: Results
    errors: int
    """Looks that failed, in whole or in part."""


def followed_families(followed: Sequence[FollowedNumbers]) -> Iterator[Family]:
    """The families about them; leaderboards of one host are added up."""
    by_host: dict[str, list[FollowedNumbers]] = {}
    for one in followed:
        by_host.setdefault(one.host, []).append(one)
    success = gauge("livepeer_ai_tester_followed_last_success_timestamp_seconds")
    results = counter("livepeer_ai_tester_followed_results_total")
    errors = counter("livepeer_ai_tester_followed_errors_total")
    for host, ones in by_host.items():
        moments = [one.last_success for one in ones if one.last_success is not None]
        if len(moments) == len(ones):
            success.add_metric((host,), min(moments) / NANOSECONDS)
        total = Results()
        for one in ones:
            total = total.and_(one.results)
        for result, count in msgspec.structs.asdict(total).items():
            results.add_metric((host, result), count)
        errors.add_metric((host,), sum(one.errors for one in ones))
    yield from (success, results, errors)
