"""The JSON of every dashboard is what Grafana's model has, as far as it is used, and no more."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard
from jsonschema import Draft202012Validator
from referencing import Registry, Resource

from dashboards.boards import BOARDS
from dashboards.edition import Edition
from dashboards.generate import FOLDER

Json = dict[str, Any]
SCHEMAS = {
    path.name: json.loads(path.read_text(encoding="utf-8"))
    for path in (Path(__file__).parent / "schema").glob("*.json")
}
REGISTRY: Registry[Any] = Registry().with_resources(
    (schema["$id"], Resource.from_contents(schema)) for schema in SCHEMAS.values()
)
PATHS = [path for edition in Edition for path in sorted((FOLDER / edition.value).glob("*.json"))]
FILES = [pytest.param(path, id=f"{path.parent.name}/{path.stem}") for path in PATHS]
UNKNOWN_TO_ITS_TYPES = ("annotations",)
"""What Grafana's own types lack for its data sources (dashboards/building.py)."""


def read(path: Path) -> Json:
    made: Json = json.loads(path.read_text(encoding="utf-8"))
    return made


def wrong(dashboard: Json) -> list[str]:
    validator = Draft202012Validator(SCHEMAS["dashboard.json"], registry=REGISTRY)
    return [
        f"{error.json_path}: {error.message}"[:500] for error in validator.iter_errors(dashboard)
    ]


def lost(before: object, after: object, path: str = "") -> list[str]:
    """What of the first is not in the second; more may be there."""
    if isinstance(before, dict) and isinstance(after, dict):
        return [
            one
            for name, value in before.items()
            for one in (
                lost(value, after[name], f"{path}.{name}") if name in after else [f"{path}.{name}"]
            )
        ]
    if isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        pairs = enumerate(zip(before, after, strict=True))
        return [one for place, both in pairs for one in lost(*both, f"{path}[{place}]")]
    return [] if before == after else [path]


@pytest.mark.parametrize("path", FILES)
def test_a_file_is_a_dashboard(path: Path) -> None:
    assert wrong(read(path)) == []


@pytest.mark.parametrize("path", FILES)
def test_the_types_of_grafana_read_a_file_back(path: Path) -> None:
    register_default_plugins()
    made = read(path)
    again = json.loads(json.dumps(Dashboard.from_json(read(path)), cls=JSONEncoder))
    for name in UNKNOWN_TO_ITS_TYPES:
        made.pop(name)
    assert lost(made, again) == []


def test_there_is_a_file_of_each_dashboard_in_each_edition() -> None:
    assert len(PATHS) == len(Edition) * len(BOARDS)


@pytest.mark.parametrize("name", sorted(SCHEMAS))
def test_a_schema_is_one(name: str) -> None:
    Draft202012Validator.check_schema(SCHEMAS[name])


def panel(dashboard: Json, kind: str) -> Json:
    everything = [[one, *one.get("panels", [])] for one in dashboard["panels"]]
    found: Json = next(one for some in everything for one in some if one["type"] == kind)
    return found


KINDS = ("stat", "bargauge", "timeseries", "state-timeline", "table", "text", "row")
NAMED_FREELY = (
    *("renameByName", "indexByName", "excludeByName"),
    *("mappings[].options", "properties[].value[].options"),
)
"""Whose names are those of columns, or values."""


def objects(node: object, path: str = "") -> Iterator[tuple[str, Json]]:
    """Every JSON object in which only what Grafana knows may stand."""
    if isinstance(node, dict):
        if not path.endswith(NAMED_FREELY):
            yield path, node
        for name, value in node.items():
            yield from objects(value, f"{path}.{name}")
    elif isinstance(node, list):
        for value in node:
            yield from objects(value, f"{path}[]")


@pytest.mark.parametrize("kind", KINDS)
def test_a_word_that_grafana_does_not_have_is_refused_wherever_it_stands(kind: str) -> None:
    dashboard = _with(kind)
    dashboard["panels"] = [panel(dashboard, kind)]
    assert wrong(dashboard) == []
    seen = set()
    for path, node in objects(dashboard):
        if path not in seen:
            seen.add(path)
            node["surprise"] = None
            assert wrong(dashboard), path
            del node["surprise"]
    assert len(seen) >= (10 if kind in {"row", "text"} else 20)


MISTAKES: list[tuple[str, tuple[str | int, ...], object]] = [
    ("a schema of another Grafana", ("schemaVersion",), 16),
    ("a variable of an unknown type", ("templating", "list", 0, "type"), "querry"),
    ("a variable that does not ask", ("templating", "list", 3, "query"), ""),
    ("an annotation of another source", ("annotations", "list", 0, "datasource", "type"), "loki"),
    ("a mark without a colour", ("annotations", "list", 0, "iconColor"), "red"),
    ("a link without variables", ("links", 0, "includeVars"), "yes"),
    ("a time that ends", ("time", "to"), "now-1h"),
    ("a panel beyond the page", ("panels", 1, "gridPos", "w"), 25),
    ("a panel of an unknown type", ("panels", 1, "type"), "graph"),
    ("a query at once and over time", ("panels", 1, "targets", 0, "range"), True),
    ("a query without a text", ("panels", 1, "targets", 0, "expr"), ""),
    ("a step that begins somewhere", ("panels", 1, "fieldConfig", "defaults", "thresholds"), {}),
    ("a panel that cannot be found", ("panels", 1, "id"), 0),
    ("an open row with panels", ("panels", 0, "panels"), [{"type": "stat"}]),
]


@pytest.mark.parametrize(
    ("path", "value"), [pytest.param(path, value, id=name) for name, path, value in MISTAKES]
)
def test_a_mistake_is_refused(path: tuple[str | int, ...], value: object) -> None:
    dashboard: Any = read(FOLDER / "prometheus" / "network.json")
    at = dashboard
    for name in path[:-1]:
        at = at[name]
    at[path[-1]] = value
    assert wrong(dashboard)


def _with(kind: str) -> Json:
    """A dashboard that has such a panel, and is in order."""
    for path in PATHS:
        dashboard = read(path)
        kinds = {
            one["type"] for row in dashboard["panels"] for one in [row, *row.get("panels", [])]
        }
        if kind in kinds:
            return dashboard
    raise AssertionError(kind)
