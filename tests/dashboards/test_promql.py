"""Every PromQL of every dashboard: it parses, and asks for metrics and labels that exist."""

import json
import re
from pathlib import Path
from typing import Final

import pytest

from dashboards.boards import BOARDS
from exporter.alerting.kept import COUNTERS, SERIES
from exporter.delivery.metric_list import METRICS
from exporter.probe_server import METRICS as PROBE_METRICS
from tests.alerting.prometheus_tools import ran
from tests.dashboards import chosen

EVERY_WAY: Final[tuple[dict[str, tuple[str, ...] | None], ...]] = (
    {"orchestrator": ("0x01ab",), "tester": ("one",)},
    {"orchestrator": None, "tester": ("one", "t.w(o)")},
    {"orchestrator": ('a "quoted" \\ name', "b|c"), "tester": ("one",), "model": ("x/y", "z+")},
)
NAMES: Final = ("orchestrator", "pipeline", "model", "region", "tester", "origin", "installation")
GO_LIVEPEER: Final = {
    "livepeer_ai_request_latency_score": {"orchestrator_address", "pipeline", "model_name"},
    "livepeer_ticket_value_recv": {"orchestrator_address"},
    "livepeer_payment_recv_errors": {"orchestrator_address", "error_code"},
}
"""What is asked of go-livepeer, with the label that the scrape configuration adds."""
SCRAPED: Final = {"job", "instance", "le"}
PARTS: Final = {"histogram": ("_bucket", "_sum", "_count"), "summary": ("_sum", "_count")}


def metrics() -> dict[str, set[str]]:
    found = dict(GO_LIVEPEER)
    for one in METRICS:
        for part in PARTS.get(one.kind, ("",)):
            found[one.name + part] = set(one.labels)
    for name, kind, labels, _ in PROBE_METRICS:
        for part in PARTS.get(kind, ("",)):
            found[name + part] = set(labels)
    return found


EXPRESSIONS = sorted(
    {
        (f"{board.name}: {where}", promql)
        for board in BOARDS
        for where, promql in (
            *((panel.title, query.promql) for panel in board.panels for query in panel.queries),
            *((mark.name, mark.promql) for mark in board.marks),
        )
    }
)
VARIABLES = sorted(
    {
        (one.name, one.promql)
        for board in BOARDS
        for one in board.choices
        if not one.fixed and not one.hidden
    }
)


def _named_plainly(text: str) -> str:
    """Variables without braces, which end no matcher then."""
    text = re.sub(r"\$\{(?:series|curves)\}", SERIES, text)
    return re.sub(r"\$\{(\w+):regex\}", r"$\1", text)


def asked(expression: str, choices: dict[str, tuple[str, ...] | None]) -> str:
    every: dict[str, tuple[str, ...] | None] = dict.fromkeys(NAMES)
    return chosen.promql(expression, every | choices, 86_400)


def test_every_expression_parses_however_it_is_asked(tmp_path: Path) -> None:
    rules = [
        {"record": f"one:{place}", "expr": asked(expression, choices)}
        for place, (_, expression) in enumerate(EXPRESSIONS)
        for choices in EVERY_WAY
    ]
    path = tmp_path / "rules.yml"  # JSON is YAML
    path.write_text(json.dumps({"groups": [{"name": "all", "rules": rules}]}))
    said = ran("promtool", "check", "rules", "--lint=none", str(path))
    assert f"{len(rules)} rules found" in said


@pytest.mark.parametrize(
    "expression", [pytest.param(text, id=where) for where, text in EXPRESSIONS]
)
def test_metrics_and_labels_of_an_expression_exist(expression: str) -> None:
    known = metrics()
    labels: set[str] = set()
    expression = _named_plainly(expression)
    for name, matchers in re.findall(r"\b(livepeer_\w+)(?:\{([^}]*)\})?", expression):
        assert name in known
        labels |= known[name]
        for label in re.findall(r"(\w+)\s*[=!]~?", matchers):
            assert label in known[name] | SCRAPED, (name, label)
    for listed in re.findall(r"\b(?:by|on|without|ignoring)\s*\(([^)]*)\)", expression):
        assert set(re.findall(r"\w+", listed)) <= labels | SCRAPED


def test_what_may_be_asked_of_kept_counters_is_kept_and_nothing_else() -> None:
    texts = [text for _, text in EXPRESSIONS]
    asked_for = {
        name for text in texts for name in re.findall(r"\$\{(?:series|curves)\}_(\w+)", text)
    }
    assert asked_for == set(COUNTERS)


@pytest.mark.parametrize(("name", "asked_for"), VARIABLES)
def test_a_variable_asks_for_a_label_that_exists(name: str, asked_for: str) -> None:
    text = _named_plainly(asked_for)
    found = re.fullmatch(r"label_values\((\w*)\{([^}]*)\}, (\w+)\)", text)
    assert found is not None, name
    named = re.search(r'__name__=~"([^"]*)"', found[2])
    names = found[1] or (named[1] if named else "")
    wanted = {found[3], *re.findall(r"(\w+)\s*[=!]~?", found[2])} - {"__name__"}
    for metric in names.split("|"):
        assert wanted - SCRAPED <= metrics()[metric], metric
