"""Rows that count, read one by one, and what is computed of them here."""

import math
from array import array
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from typing import Final

from exporter.stores import PhaseStatistics
from exporter.stores.influx_client import InfluxClient, Parameters, Record, question
from exporter.stores.influx_lines import SLACK, tag_text
from exporter.stores.schema import PHASES

Key = tuple[str, str, str, str]
"""Orchestrator, region, pipeline, model."""

NAMES: Final = ("orchestrator", "region", "pipeline", "model")
"""The tags that make a `Key`."""


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
    orchestrator, region, pipeline, model = (tag_text(row[name]) for name in NAMES)
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
    return [
        statistics(
            key,
            phase,
            count=len(found),
            mean=math.fsum(found) / len(found),
            of_rank=sorted(found).__getitem__,
        )
        for (key, phase), found in sorted(times.items())
    ]


def statistics(
    key: Key,
    phase: str,
    *,
    count: int,
    mean: float,
    of_rank: Callable[[int], float],
    extremes: tuple[float, float] | None = None,
) -> PhaseStatistics:
    """How long a phase took, by the value of each rank from 0.

    With `extremes`, least and most, the values of ranks are approximate. Percentiles lie between
    the two nearest values, linearly, as `PERCENTILE_CONT` of SQL.
    """

    def percentile(share: float) -> float:
        place = share * (count - 1)
        below, above = of_rank(math.floor(place)), of_rank(math.ceil(place))
        return below + (above - below) * (place - math.floor(place))

    least, most = extremes or (of_rank(0), of_rank(count - 1))
    orchestrator, region, pipeline, model = key
    return PhaseStatistics(
        orchestrator=orchestrator,
        region=region,
        pipeline=pipeline,
        model=model,
        phase=phase,
        count=count,
        mean=mean,
        least=least,
        most=most,
        p50=percentile(0.5),
        p90=percentile(0.9),
        p99=percentile(0.99),
        approximate=extremes is not None,
    )
