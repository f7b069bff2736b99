"""From state to the text that Prometheus scrapes.

A `Snapshot` is taken in the event loop, which costs next to nothing; families and text are made
of it in a thread.
"""

import gzip
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

import msgspec
from prometheus_client import CollectorRegistry
from prometheus_client.core import Metric as Family
from prometheus_client.exposition import choose_encoder

from exporter.delivery.maintenance_families import maintenance_families
from exporter.delivery.model_histograms import Model, ModelUnit
from exporter.delivery.orchestrator_families import orchestrator_families
from exporter.delivery.ranking_families import ranking_families
from exporter.delivery.reachability_families import reachability_families
from exporter.delivery.station_numbers import StationNumbers, station_families
from exporter.delivery.supply_families import supply_families
from exporter.delivery.target_families import job_families, model_families, unit_families
from exporter.delivery.target_series import TargetSeries
from exporter.histogram import Histogram
from exporter.leaderboard.ranking import Ranked
from exporter.maintenance import Maintenance
from exporter.model import Origin, Supply

GZIP_LEVEL: Final = 1
"""A scrape travels once: speed is worth more than the last per cent."""


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that one scrape shows."""

    series: Sequence[TargetSeries]
    """One for each target, region and tester."""
    histograms: Mapping[Model, Mapping[str, Histogram]]
    per_unit: Mapping[ModelUnit, Histogram] = {}
    buckets: tuple[float, ...]
    ranking: Sequence[Ranked] = ()
    """Of the leaderboard's default window; empty while it is not known."""
    maintenance: Maintenance = Maintenance()
    supply: Supply | None
    numbers: StationNumbers
    region: str
    """Of this tester."""
    display: Callable[[str], str]
    """How an orchestrator is shown: EIP-55 for an address, an id as it is."""
    name: Callable[[str], str | None] = lambda _: None
    """The name that is shown beside it, if it has one."""


class Exposition(msgspec.Struct, frozen=True):
    """A scrape's answer."""

    body: bytes
    content_type: str
    gzipped: bool


def render(snapshot: Snapshot, accept: str, *, compress: bool) -> Exposition:
    """Give the text in the format that the `Accept` header asks for, gzipped if wanted."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Collector(snapshot))
    encoder, content_type = choose_encoder(accept)
    body = encoder(registry)
    if compress:
        body = gzip.compress(body, GZIP_LEVEL, mtime=0)
    return Exposition(body, content_type, compress)


def families(snapshot: Snapshot) -> list[Family]:
    """What a scrape shows, before it is written in a format."""
    return list(_Collector(snapshot).collect())


class _Collector:
    """Hands prometheus-client the families of one snapshot."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot

    def collect(self) -> Iterator[Family]:
        snapshot = self._snapshot
        yield from job_families(snapshot.series, snapshot.supply, snapshot.display)
        yield from model_families(snapshot.histograms, snapshot.buckets, snapshot.region)
        yield from unit_families(snapshot.per_unit, snapshot.region)
        yield from ranking_families(snapshot.ranking, snapshot.display)
        yield from supply_families(snapshot.supply, snapshot.display)
        yield from orchestrator_families(snapshot.supply, snapshot.display, snapshot.name)
        yield from reachability_families(snapshot.supply, snapshot.display)
        yield from maintenance_families(snapshot.maintenance, snapshot.display)
        own = sum(series.origin is Origin.OWN for series in snapshot.series)
        reported = len(snapshot.series) - own
        yield from station_families(snapshot.numbers, targets=own, reported=reported)
