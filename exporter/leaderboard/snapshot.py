"""What the answers about the default window are made of, read from the store at once."""

from collections.abc import Iterable
from functools import cached_property
from typing import Self

import msgspec

from exporter.leaderboard import legacy
from exporter.leaderboard.legacy import Json
from exporter.leaderboard.ranking import Ranked, rank
from exporter.leaderboard.scoring import means_of
from exporter.model import NANOSECONDS, normal_orchestrator, pipeline_display, pipeline_uri
from exporter.stores import (
    Group,
    ModelMedian,
    Served,
    SpelledGroup,
    Store,
    TranscodingGroup,
    Where,
    Window,
)

ANYBODY = Where(addresses_only=True)


class Read(msgspec.Struct, frozen=True, kw_only=True):
    """What was read; it can be kept in a file."""

    taken_at: int
    """When it was read, Unix nanoseconds."""
    since: int = 0
    """Where its window begins, Unix nanoseconds."""
    groups: tuple[SpelledGroup, ...]
    medians: tuple[ModelMedian, ...]
    transcoding: tuple[TranscodingGroup, ...]
    served: tuple[Served, ...]


async def read(store: Store, window: Window, *, now: int) -> Read:
    """Ask the store, one question after another. Raises `StoreError`."""
    return Read(
        taken_at=now,
        since=window.since,
        groups=tuple(await store.spelled_groups(window, ANYBODY)),
        medians=tuple(await store.medians(window, ANYBODY)),
        transcoding=tuple(await store.transcoding_groups(window, ANYBODY)),
        served=tuple(await store.served(window, ANYBODY)),
    )


class Snapshot:
    """Answers from what was read, without asking the store."""

    def __init__(self, read: Read) -> None:
        self.read = read

    def work_out(self) -> Self:
        """Work out now what answers need; takes some ten milliseconds for thousands of groups."""
        for part in (self._by_model, self._medians, self._best, self._transcoding):
            len(part)
        for known in (self.regions, self.targets, self.ranking):
            len(known)
        return self

    def age(self, now: int) -> float:
        """Seconds since it was read; `now` is Unix nanoseconds."""
        return max(0.0, (now - self.read.taken_at) / NANOSECONDS)

    def aggregated_stats(self, pipeline: str, model: str, orchestrator: str) -> Json:
        """AI scores for one pipeline, in any form, and model; of all orchestrators, or of one."""
        uri = pipeline_uri(pipeline)
        groups = self._by_model.get((uri, model), ())
        answer = legacy.aggregated_stats(groups, self._medians.get((uri, model)))
        return legacy.of_orchestrator(answer, orchestrator)

    def transcoding_stats(self, orchestrator: str) -> Json:
        """Scores of transcoding, of all orchestrators or of one."""
        return legacy.of_orchestrator(self._transcoding, orchestrator)

    def top_ai_score(self, orchestrator: str) -> Json:
        """The best group of an orchestrator that is spelled just so."""
        best = self._best.get(orchestrator)
        if best is None:
            return {}
        return legacy.top_ai_score(best, self._medians.get((best.pipeline, best.model)))

    def pipelines(self, region: str) -> Json:
        """What has results, in a region or (empty) in any."""
        return legacy.pipelines(self.read.served, region)

    @cached_property
    def regions(self) -> frozenset[tuple[str, str]]:
        """The (id, type) of every region that has results."""
        return frozenset(_regions(self.read))

    @cached_property
    def targets(self) -> frozenset[tuple[str, str, str]]:
        """Every orchestrator, pipeline and model that has results, as spelled.

        Of transcoding, pipelines are in the one form inside.
        """
        ai = (
            (one.orchestrator, one.spelled_pipeline or pipeline_display(one.pipeline), one.model)
            for one in self.read.groups
        )
        transcoding = ((one.orchestrator, one.pipeline, one.model) for one in self.read.transcoding)
        return frozenset((*ai, *transcoding))

    @cached_property
    def ranking(self) -> tuple[Ranked, ...]:
        """The ranking of who is known by an address and has data, best first."""
        sums: dict[tuple[str, str, str, str], list[SpelledGroup]] = {}
        for one in self.read.groups:
            name = normal_orchestrator(one.orchestrator)
            sums.setdefault((name, one.region, one.pipeline, one.model), []).append(one)
        return tuple(rank((_group(key, parts) for key, parts in sums.items()), self.read.medians))

    @cached_property
    def _transcoding(self) -> dict[str, Json]:
        return legacy.transcoding_stats(self.read.transcoding)

    @cached_property
    def _by_model(self) -> dict[tuple[str, str], list[SpelledGroup]]:
        found: dict[tuple[str, str], list[SpelledGroup]] = {}
        for group in self.read.groups:
            found.setdefault((group.pipeline, group.model), []).append(group)
        return found

    @cached_property
    def _medians(self) -> dict[tuple[str, str], float]:
        return {(one.pipeline, one.model): one.median for one in self.read.medians}

    @cached_property
    def _best(self) -> dict[str, legacy.ScoredGroup]:
        found: dict[str, list[legacy.ScoredGroup]] = {}
        for group in legacy.scored_groups(self.read.groups):
            found.setdefault(group.orchestrator, []).append(group)
        best = ((name, legacy.best_group(groups)) for name, groups in found.items())
        return {name: group for name, group in best if group is not None}


def _group(key: tuple[str, str, str, str], parts: list[SpelledGroup]) -> Group:
    """The group of a target in a region, whose names were spelled in several ways."""
    orchestrator, region, pipeline, model = key
    means = means_of(parts)
    return Group(
        orchestrator=orchestrator,
        region=region,
        pipeline=pipeline,
        model=model,
        rows=means.rows,
        success_rate=means.success_rate,
        round_trip_time=means.round_trip_time,
    )


def _regions(read: Read) -> Iterable[tuple[str, str]]:
    yield from ((one.region, "ai") for one in read.served)
    yield from ((one.region, "transcoding") for one in read.transcoding)
