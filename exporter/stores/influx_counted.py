"""Rows that count, read one by one, and what is computed of them here."""

import math
from array import array
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from exporter.stores import PhaseStatistics
from exporter.stores.influx_client import InfluxClient, Parameters, Record, question
from exporter.stores.influx_lines import SLACK, tag_text
from exporter.stores.schema import PHASES

Key = tuple[str, str, str, str]
"""Orchestrator, region, pipeline, model."""

_NAMES: Final = ("orchestrator", "region", "pipeline", "model")


def counted(
    client: InfluxClient, bucket: str, first: int, last: int, about: Parameters
) -> Iterator[Record]:
    """The rows that count of a stretch of time, the last nanosecond outside.

    With their tags, `started_at`, `scored_success`, `scored_time` and the phases.
    """
    asked = {
        **about,
        "bucket": bucket,
        "first": first // SLACK * SLACK,
        "last": -(-last // SLACK) * SLACK,
    }
    for row in client.stream(question("phases"), asked):
        if first <= int(row["started_at"]) < last:
            yield row


def key_of(row: Record) -> Key:
    """Whose row it is."""
    orchestrator, region, pipeline, model = (tag_text(row[name]) for name in _NAMES)
    return orchestrator, region, pipeline, model


def exact_statistics(rows: Iterable[Record]) -> list[PhaseStatistics]:
    """How long each phase took in the good ones of these rows, in order."""
    times: defaultdict[tuple[Key, str], array[float]] = defaultdict(lambda: array("d"))
    for row in rows:
        if row["outcome"] == "ok":
            key = key_of(row)
            for phase in PHASES:
                if text := row.get(phase):
                    times[key, phase].append(float(text))
    return [_statistics(key, phase, sorted(found)) for (key, phase), found in sorted(times.items())]


def _statistics(key: Key, phase: str, times: Sequence[float]) -> PhaseStatistics:
    orchestrator, region, pipeline, model = key
    return PhaseStatistics(
        orchestrator=orchestrator,
        region=region,
        pipeline=pipeline,
        model=model,
        phase=phase,
        count=len(times),
        mean=math.fsum(times) / len(times),
        least=times[0],
        most=times[-1],
        p50=_percentile(times, 0.5),
        p90=_percentile(times, 0.9),
        p99=_percentile(times, 0.99),
    )


def _percentile(times: Sequence[float], share: float) -> float:
    """Between the two nearest values, linearly, as `PERCENTILE_CONT` of SQL."""
    place = share * (len(times) - 1)
    below, above = times[math.floor(place)], times[math.ceil(place)]
    return below + (above - below) * (place - math.floor(place))
