from pathlib import Path

from exporter.delivery.metric_list import METRICS
from exporter.metrics_reference import reference
from exporter.probe_server import METRICS as PROBE_METRICS

DOCUMENT = Path(__file__).parents[1] / "docs" / "metrics.md"


def test_the_reference_is_what_the_code_says() -> None:
    assert DOCUMENT.read_text(encoding="utf-8") == reference(), (
        "run: python -m exporter.metrics_reference docs/metrics.md"
    )


def test_every_metric_is_described_once() -> None:
    text = reference()
    names = [metric.name for metric in METRICS] + [name for name, *_ in PROBE_METRICS]
    assert [text.count(f"| `{name}` |") for name in names] == [1] * len(names)
    assert all(metric.meaning.endswith(".") for metric in METRICS)


def test_names_say_type_and_unit() -> None:
    for metric in METRICS:
        prefixes = ("livepeer_ai_job_", "livepeer_ai_orchestrator_", "livepeer_ai_tester_")
        assert metric.name.startswith(prefixes)
        assert metric.name.endswith("_total") == (metric.kind == "counter")
        assert metric.name.endswith("_info") == (metric.kind == "info")
        assert metric.name.endswith(f"_{metric.unit}") or not metric.unit
