"""The metrics of the kept answers; the probe process has them."""

from collections.abc import Iterable
from typing import Final

from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from exporter.kept_answers.keeper import Keeper

_KEPT: Final = "livepeer_ai_tester_answers_kept"
_BYTES: Final = "livepeer_ai_tester_answers_kept_bytes"
_NOT_KEPT: Final = "livepeer_ai_tester_answers_not_kept_total"

METRICS: tuple[tuple[str, str, tuple[str, ...], str], ...] = (
    (_KEPT, "gauge", (), "Jobs whose answers are kept (`answers.keep_artefacts`)."),
    (_BYTES, "gauge", (), "What kept answers take on disk."),
    (
        _NOT_KEPT,
        "counter",
        ("reason",),
        (
            "Answers or files that were to be kept and are not: the disk refused (disk), they came "
            "faster than they are written (behind), or are larger than `answers.file_bytes`, or "
            "than the room there is (too_large). No measurement suffers from it."
        ),
    ),
)
"""Name, type, labels and meaning of each."""

_MEANING: Final = {name: meaning for name, _, _, meaning in METRICS}


class AnswerNumbers(Collector):
    """Taken on the event loop, rendered anywhere."""

    def __init__(self, answers: Keeper) -> None:
        self._jobs, self._bytes = answers.jobs, answers.bytes
        self._not_kept = dict(answers.not_kept)

    def collect(self) -> Iterable[Metric]:
        """Every metric of `METRICS`."""
        yield GaugeMetricFamily(_KEPT, _MEANING[_KEPT], value=self._jobs)
        yield GaugeMetricFamily(_BYTES, _MEANING[_BYTES], value=self._bytes)
        family = CounterMetricFamily(_NOT_KEPT, _MEANING[_NOT_KEPT], labels=("reason",))
        for reason, count in self._not_kept.items():
            family.add_metric((reason,), count)
        yield family
