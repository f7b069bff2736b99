"""The stats of a leaderboard's `raw_stats`, and the measurements that they become."""

from collections.abc import Iterable

import msgspec

from exporter.leaderboard import legacy, reported
from exporter.leaderboard.stat import Key, Stat
from exporter.model import NANOSECONDS, Measurement, Origin, ReportedError
from exporter.moving.identity import Occurrence, identity


class _Told(msgspec.Struct):
    """What we told of a job of ours."""

    region: str
    orchestrator: str
    round_trip_time: float
    timestamp: int
    model: str = ""


def measurement(
    stat: Stat,
    *,
    source: str,
    tester: str,
    occurrence: Occurrence,
    origin: Origin = Origin.IMPORTED,
) -> Measurement:
    """The measurement that a stat becomes; its time is the timestamp, whatever that is."""
    errors = None if stat.errors is None else tuple(e or ReportedError() for e in stat.errors)
    return reported.measurement(
        stat,
        errors,
        id_=identity(source, stat.content, occurrence),
        origin=origin,
        tester=tester,
        started_at=stat.timestamp * NANOSECONDS,
    )


def own_keys(jobs: Iterable[Measurement]) -> set[Key]:
    """What our own jobs look like on a leaderboard that has them from us."""
    ours = [job for job in jobs if job.origin is Origin.OWN]
    plain = legacy.raw_stats(ours)
    told = msgspec.convert(plain, dict[str, list[_Told]])
    return {
        (stat.orchestrator, stat.model, stat.region.upper(), stat.timestamp, stat.round_trip_time)
        for stats in told.values()
        for stat in stats
    }
