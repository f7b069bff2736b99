"""What metrics say of one moment, as points of InfluxDB in its own words (docs/storage.md).

Everything that measurements cannot tell: supply, chain, ranking, and how the tester does.
"""

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Final, NamedTuple

from prometheus_client.core import Metric as Family
from prometheus_client.core import Sample

from exporter.model import NANOSECONDS, normal_orchestrator
from exporter.stores.influx_lines import tag_text, tags_of

MEASUREMENT: Final = "ai_metric"
PREFIX: Final = "livepeer_ai_"
KEPT_OF_JOBS: Final = frozenset(
    {
        "livepeer_ai_job_consecutive_failures",
        "livepeer_ai_job_last_attempt_timestamp_seconds",
        "livepeer_ai_job_last_failure_timestamp_seconds",
        "livepeer_ai_job_last_success_timestamp_seconds",
    }
)
"""State of single targets; all else about them, and about models, is told by measurements."""
ORCHESTRATOR: Final = "orchestrator"
_TAGS: Final = {
    "orchestrator_address": ORCHESTRATOR,
    "model_name": "model",
    "result": "outcome",  # `result` and `table` are columns of every answer
}
_IDENTITY: Final = "orchestrator_address"
_INFO: Final = "_info"
_TEXT_LIMIT: Final = 1000
_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,199}")
"""Names that line protocol takes as they are. Ours are; whoever has the probe's port may differ."""

Tags = tuple[tuple[str, str], ...]
"""Names and texts, in order of their names."""


class Value(NamedTuple):
    """One field of a point; its value as line protocol writes it."""

    tags: Tags
    field: str
    written: str

    @property
    def about_an_orchestrator(self) -> bool:
        """Whether one orchestrator is what it is about."""
        return any(name == ORCHESTRATOR for name, _ in self.tags)


def values(families: Iterable[Family], *, tester: str, region: str) -> Iterator[Value]:
    """The fields that are written of these metrics, of both processes alike.

    `tester` and `region` are the writing tester's own, for what has none. Numbers that are not
    finite have no value, and what is not named like a metric of ours is left out.
    """
    own = {"tester": tester, "region": region}
    for family in families:
        for sample in family.samples:
            if _is_kept(sample.name) and all(map(_NAME.fullmatch, (sample.name, *sample.labels))):
                yield from _of(sample, own)


def lines(found: Iterable[Value], at: int) -> list[str]:
    """The points of one moment, Unix nanoseconds, cut to seconds; like tags make one point."""
    points: dict[Tags, list[str]] = {}
    for value in found:
        points.setdefault(value.tags, []).append(f"{value.field}={value.written}")
    time = at // NANOSECONDS * NANOSECONDS
    return [
        f"{MEASUREMENT},{tags_of(dict(tags))} {','.join(fields)} {time}"
        for tags, fields in points.items()
    ]


def _is_kept(name: str) -> bool:
    if not name.startswith(PREFIX) or name.endswith(("_bucket", "_created")):
        return False
    return not name.startswith("livepeer_ai_job_") or name in KEPT_OF_JOBS


def _of(sample: Sample, own: Mapping[str, str]) -> Iterator[Value]:
    name = sample.name.removeprefix(PREFIX)
    if not name.endswith(_INFO):
        if math.isfinite(sample.value):
            yield Value(_tags(sample.labels, own), name, repr(float(sample.value)))
        return
    identity = {key: text for key, text in sample.labels.items() if key == _IDENTITY}
    about = name.removesuffix(_INFO)
    for label, text in sample.labels.items():
        if label not in identity:
            yield Value(_tags(identity, own), f"{about}_{label}", _text(tag_text(text)))


def _tags(labels: Mapping[str, str], own: Mapping[str, str]) -> Tags:
    tags = {_TAGS.get(label, label): tag_text(text) for label, text in labels.items()}
    if ORCHESTRATOR in tags:
        tags[ORCHESTRATOR] = normal_orchestrator(tags[ORCHESTRATOR])
    return tuple(sorted({**own, **tags}.items()))


def _text(text: str) -> str:
    cut = text[:_TEXT_LIMIT].replace("\\", r"\\").replace('"', r"\"")
    return f'"{cut}"'
