"""A day of what station and probe say of themselves, as InfluxDB has it."""

from collections.abc import Iterator
from itertools import product
from typing import Final

from prometheus_client.core import Metric as Family

from exporter.delivery.metric_list import METRICS
from exporter.probe_server import METRICS as PROBE_METRICS
from exporter.stores.influx_metric_lines import lines as points
from exporter.stores.influx_metric_lines import values
from tests.dashboards.made_network import REGIONS, START, STOP, TESTER
from tests.measurements import SECOND

EVERY: Final = 300
RESTART: Final = START + 12 * 3600
"""When the counters begin anew."""
GROWN: Final = 24 * 3600 // EVERY - 2
"""By how much each counter grows: by one each time, but for the first and the restart."""
ABOUT: Final = "livepeer_ai_tester_"
_LABELS: Final = {
    "outcome": ("ok", "inference_timeout"),
    "pipeline": ("text-to-image",),
    "state": ("tested", "not_tested"),
    "warm": ("yes", "no"),
    "version": ("0.9",),
    "digest": ("abc",),
}
_KINDS: Final = {"summary": ("_sum", "_count"), "histogram": ("_sum", "_count")}
_MADE_ALREADY: Final = {"livepeer_ai_tester_maintenance", "livepeer_ai_tester_settings_info"}


def known() -> dict[str, tuple[str, tuple[str, ...]]]:
    """Kind and labels of the metrics about the tester itself, by name."""
    station = {one.name: (one.kind, tuple(one.labels)) for one in METRICS}
    probe = {name: (kind, tuple(labels)) for name, kind, labels, _ in PROBE_METRICS}
    return {
        name: facts
        for name, facts in (station | probe).items()
        if name.startswith(ABOUT) and name not in _MADE_ALREADY and "model_name" not in facts[1]
    }


def lines() -> list[str]:
    """All of it in line protocol, by the program's own writer."""
    made: list[str] = []
    for moment in range(START - 600, STOP, EVERY):
        made += points(values(_families(moment), tester=TESTER, region=REGIONS[0]), moment * SECOND)
    return made


def _families(moment: int) -> Iterator[Family]:
    for name, (kind, labels) in known().items():
        family = Family(name, "", "unknown")
        for part in _KINDS.get(kind, ("",)):
            for texts in product(*(_LABELS.get(label, ("one", "other")) for label in labels)):
                named = dict(zip(labels, texts, strict=True))
                family.add_sample(name + part, named, _value(name + part, kind, moment))
        yield family


def _value(name: str, kind: str, moment: int) -> float:
    if kind != "gauge":
        begun = RESTART if moment >= RESTART else START - 600
        return float((moment - begun) // EVERY) if kind != "info" else 1.0
    if "timestamp" in name:
        return float(moment - 60)
    return float(name.endswith("_up")) or 2.0
