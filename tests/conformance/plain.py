"""The questions that a store answers, once more in plain Python: slow, short and easy to check."""

from collections import defaultdict
from collections.abc import Iterable
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
    is_eth_address,
)
from exporter.stores import Group, ModelMedian, Served, TargetState, Where, Window


class Row(NamedTuple):
    """A stored measurement and its number in the outbox."""

    seq: int
    measurement: Measurement


def success_rate(one: Measurement) -> float:
    return 1.0 if one.outcome is Outcome.OK else 0.0


def scored_time(one: Measurement) -> float | None:
    if one.phases.round_trip is None or (
        one.origin is Origin.OWN and one.outcome is not Outcome.OK
    ):
        return None
    if one.origin is not Origin.OWN:
        return one.phases.round_trip / NANOSECONDS
    if one.lane is LaneKind.MANAGED and one.session_setup_time is None:
        return None
    needed = max(NANOSECONDS // 4, 10 * (one.network_rtt or 0))
    first_contact = min(one.session_setup_time or 0, needed)
    if not first_contact:
        return one.phases.round_trip / NANOSECONDS
    if first_contact >= one.phases.round_trip:
        return None
    return (one.phases.round_trip - first_contact) / NANOSECONDS


def in_question(rows: Iterable[Row], window: Window, where: Where) -> list[Row]:
    return [
        row
        for row in rows
        if window.since <= row.measurement.started_at <= window.until
        and where.orchestrator in (None, row.measurement.orchestrator)
        and where.region in (None, row.measurement.region)
        and where.pipeline in (None, row.measurement.pipeline)
        and where.model in (None, row.measurement.model)
        and (not where.addresses_only or is_eth_address(row.measurement.orchestrator))
    ]


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
    rows: Iterable[Row], window: Window, where: Where, limit: int
) -> list[Measurement]:
    newest_first = sorted(
        in_question(rows, window, where),
        key=lambda row: (row.measurement.started_at, row.seq),
        reverse=True,
    )
    return [msgspec.structs.replace(row.measurement, steps=()) for row in newest_first[:limit]]


def served(rows: Iterable[Row], window: Window, where: Where) -> list[Served]:
    found = counting(rows, window, where)
    return sorted({Served(one.pipeline, one.model, one.region) for one in found})


def target_states(rows: Iterable[Row]) -> list[TargetState]:
    found: defaultdict[tuple[str, str, str, str, str], list[Row]] = defaultdict(list)
    for row in rows:
        one = row.measurement
        found[one.orchestrator, one.pipeline, one.model, one.region, one.tester].append(row)
    return [_state(members) for _, members in sorted(found.items())]


def _state(rows: list[Row]) -> TargetState:
    failures, last_success = 0, None
    for _, one in sorted(rows, key=lambda row: (row.measurement.started_at, row.seq)):
        if one.outcome is Outcome.OK and one.blame is None:
            failures, last_success = 0, one.started_at
        elif one.outcome is not Outcome.OK and one.blame is Blame.ORCHESTRATOR:
            failures += 1
    return TargetState(
        target=one.target,
        region=one.region,
        tester=one.tester,
        consecutive_failures=failures,
        last_success=last_success,
        last_attempt=one.started_at,
    )
