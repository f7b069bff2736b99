"""The questions that a store answers, once more in plain Python: slow, short and easy to check."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from math import fsum
from statistics import fmean, median
from typing import NamedTuple

import msgspec

from exporter.model import (
    NANOSECONDS,
    Blame,
    LaneKind,
    Measurement,
    Origin,
    Outcome,
    Phases,
    is_eth_address,
)
from exporter.stores import (
    Group,
    ModelMedian,
    PhaseStatistics,
    Served,
    SpelledGroup,
    TargetState,
    TranscodingGroup,
    Where,
    Window,
)


class Row(NamedTuple):
    """A stored measurement and its number in the outbox."""

    seq: int
    measurement: Measurement


def success_rate(one: Measurement) -> float:
    if one.reported is not None and one.reported.success_rate is not None:
        return one.reported.success_rate
    return 1.0 if one.outcome is Outcome.OK else 0.0


def scored_time(one: Measurement) -> float | None:
    if one.origin is not Origin.OWN:
        return _round_trip(one)
    if one.phases.round_trip is None or one.outcome is not Outcome.OK:
        return None
    if one.lane is LaneKind.MANAGED and one.session_setup_time is None:
        return None
    needed = max(NANOSECONDS // 4, 10 * (one.network_rtt or 0))
    first_contact = min(one.session_setup_time or 0, needed)
    if not first_contact:
        return one.phases.round_trip / NANOSECONDS
    if first_contact >= one.phases.round_trip:
        return None
    return (one.phases.round_trip - first_contact) / NANOSECONDS


def about_transcoding(row: Row) -> bool:
    return row.measurement.pipeline == "" or row.measurement.model == ""


def in_question(
    rows: Iterable[Row], window: Window, where: Where, *, transcoding: bool = False
) -> list[Row]:
    return [
        row
        for row in rows
        if about_transcoding(row) is transcoding
        and window.since <= row.measurement.started_at <= window.until
        and where.orchestrator in (None, row.measurement.orchestrator)
        and where.region in (None, row.measurement.region)
        and where.pipeline in (None, row.measurement.pipeline)
        and where.model in (None, row.measurement.model)
        and (not where.addresses_only or not _nameless(row.measurement))
    ]


def _nameless(one: Measurement) -> bool:
    return one.origin is Origin.OWN and not is_eth_address(one.orchestrator)


def counting(rows: Iterable[Row], window: Window, where: Where) -> list[Measurement]:
    return [
        row.measurement
        for row in in_question(rows, window, where)
        if row.measurement.counts or row.measurement.origin is not Origin.OWN
    ]


def groups(rows: Iterable[Row], window: Window, where: Where) -> list[Group]:
    found: defaultdict[tuple[str, str, str, str], list[Measurement]] = defaultdict(list)
    for one in counting(rows, window, where):
        found[one.orchestrator, one.region, one.pipeline, one.model].append(one)
    answer = []
    for (orchestrator, region, pipeline, model), members in sorted(found.items()):
        times = [time for one in members if (time := scored_time(one)) is not None]
        answer.append(
            Group(
                orchestrator=orchestrator,
                region=region,
                pipeline=pipeline,
                model=model,
                rows=len(members),
                success_rate=fmean(map(success_rate, members)),
                round_trip_time=fmean(times) if times else None,
            )
        )
    return answer


def medians(rows: Iterable[Row], window: Window, where: Where) -> list[ModelMedian]:
    found: defaultdict[tuple[str, str], list[float]] = defaultdict(list)
    for one in counting(rows, window, where):
        if success_rate(one) == 1 and (time := scored_time(one)):
            found[one.pipeline, one.model].append(time)
    return [ModelMedian(*key, median(times)) for key, times in sorted(found.items())]


def overall_median(rows: Iterable[Row], window: Window, where: Where) -> float | None:
    times = [
        time
        for one in counting(rows, window, where)
        if success_rate(one) == 1 and (time := scored_time(one))
    ]
    return median(times) if times else None


def measurements(
    rows: Iterable[Row], window: Window, where: Where, limit: int, *, transcoding: bool = False
) -> list[Measurement]:
    newest_first = sorted(
        in_question(rows, window, where, transcoding=transcoding),
        key=lambda row: (row.measurement.started_at, row.seq),
        reverse=True,
    )
    return [msgspec.structs.replace(row.measurement, steps=()) for row in newest_first[:limit]]


def served(rows: Iterable[Row], window: Window, where: Where) -> list[Served]:
    found = counting(rows, window, where)
    return sorted(
        {Served(one.pipeline, one.model, one.region, spelled_pipeline(one)) for one in found},
        key=lambda one: (one.pipeline, one.model, one.region, one.spelled_pipeline or ""),
    )


def spelled_orchestrator(one: Measurement) -> str:
    """As who reported it spelled it."""
    return (one.reported and one.reported.orchestrator) or one.orchestrator


def spelled_pipeline(one: Measurement) -> str | None:
    """As who reported it spelled it, if that is not the display form."""
    if one.reported is None or about_transcoding(Row(0, one)):
        return None
    spelled = one.reported.pipeline
    if spelled is None and one.reported.timestamp is not None:
        spelled = one.pipeline
    display = one.pipeline.replace("-", " ")
    display = display[:1].upper() + display[1:].lower()
    return None if spelled == display else spelled


def spelled_groups(rows: Iterable[Row], window: Window, where: Where) -> list[SpelledGroup]:
    found: defaultdict[tuple[str, str, str, str, str], list[Measurement]] = defaultdict(list)
    for one in counting(rows, window, where):
        spelled = spelled_pipeline(one) or ""
        key = (spelled_orchestrator(one), one.region, one.pipeline, spelled, one.model)
        found[key].append(one)
    answer = []
    for (orchestrator, region, pipeline, spelled, model), members in sorted(found.items()):
        times = [time for one in members if (time := scored_time(one)) is not None]
        answer.append(
            SpelledGroup(
                orchestrator=orchestrator,
                region=region,
                pipeline=pipeline,
                spelled_pipeline=spelled or None,
                model=model,
                rows=len(members),
                success=fsum(map(success_rate, members)),
                timed=len(times),
                time=fsum(times),
            )
        )
    return answer


def regions(
    rows: Iterable[Row], window: Window, where: Where, *, transcoding: bool
) -> dict[str, int]:
    found = in_question(rows, window, where, transcoding=transcoding)
    return dict(sorted(Counter(row.measurement.region for row in found).items()))


def transcoding_groups(rows: Iterable[Row], window: Window, where: Where) -> list[TranscodingGroup]:
    found: defaultdict[tuple[str, str, str, str], list[Measurement]] = defaultdict(list)
    for _, one in in_question(rows, window, where, transcoding=True):
        found[spelled_orchestrator(one), one.region, one.pipeline, one.model].append(one)
    return [
        TranscodingGroup(
            orchestrator=orchestrator,
            region=region,
            pipeline=pipeline,
            model=model,
            rows=len(members),
            success_rate=fmean(map(success_rate, members)),
            round_trip_time=fmean(_round_trip(one) or 0.0 for one in members),
            seg_duration=fmean(
                (one.reported and one.reported.seg_duration) or 0.0 for one in members
            ),
        )
        for (orchestrator, region, pipeline, model), members in sorted(found.items())
    ]


def _round_trip(one: Measurement) -> float | None:
    if one.origin is Origin.OWN and one.outcome is not Outcome.OK:
        return None
    if (
        one.origin is not Origin.OWN
        and one.reported is not None
        and one.reported.round_trip_time is not None
    ):
        return one.reported.round_trip_time
    return None if one.phases.round_trip is None else one.phases.round_trip / NANOSECONDS


def phases(rows: Iterable[Row], window: Window, where: Where) -> list[PhaseStatistics]:
    found: defaultdict[tuple[str, ...], list[float]] = defaultdict(list)
    for one in counting(rows, window, where):
        if one.outcome is Outcome.OK:
            key = one.orchestrator, one.region, one.pipeline, one.model
            for phase in msgspec.structs.fields(Phases):
                nanoseconds = getattr(one.phases, phase.name)
                time = None if nanoseconds is None else nanoseconds / NANOSECONDS
                if phase.name == "round_trip":
                    time = _round_trip(one)
                if time is not None:
                    found[*key, f"{phase.name}_time"].append(time)
    return [
        PhaseStatistics(
            orchestrator=orchestrator,
            region=region,
            pipeline=pipeline,
            model=model,
            phase=phase,
            count=len(times),
            mean=fmean(times),
            least=min(times),
            most=max(times),
            p50=_percentile(times, 0.5),
            p90=_percentile(times, 0.9),
            p99=_percentile(times, 0.99),
        )
        for (orchestrator, region, pipeline, model, phase), times in sorted(found.items())
    ]


def _percentile(values: list[float], share: float) -> float:
    ordered = sorted(values)
    place = share * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)


def target_states(rows: Iterable[Row]) -> list[TargetState]:
    found: defaultdict[tuple[str, str, str, str, str], list[Row]] = defaultdict(list)
    for row in rows:
        if about_transcoding(row):
            continue
        one = row.measurement
        found[one.orchestrator, one.pipeline, one.model, one.region, one.tester].append(row)
    return [_state(members) for _, members in sorted(found.items())]


def _state(rows: list[Row]) -> TargetState:
    failures = 0
    successes = []
    for _, one in sorted(rows, key=lambda row: row.seq):
        if one.outcome is Outcome.OK and one.blame is None:
            failures = 0
            successes.append(one.started_at)
        elif one.outcome is not Outcome.OK and one.blame is Blame.ORCHESTRATOR:
            failures += 1
    return TargetState(
        target=one.target,
        region=one.region,
        tester=one.tester,
        consecutive_failures=failures,
        last_success=max(successes, default=None),
        last_attempt=max(row.measurement.started_at for row in rows),
    )
