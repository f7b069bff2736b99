"""What rules look at: the JSON of one dashboard, taken apart."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from dashboards.edition import Edition

Node = dict[str, Any]
"""A JSON object."""
OVER_TIME: Final = ("timeseries", "state-timeline")
"""Types of panels that are asked over the whole range."""

_HIDDEN: Final = 2
"""How Grafana writes that a variable is not shown."""


@dataclass(frozen=True)
class Question:
    """A text that a data source is asked, and where it stands."""

    where: str
    text: str


@dataclass(frozen=True)
class Document:
    """A dashboard as Grafana imports it."""

    edition: Edition
    json: Node

    @cached_property
    def panels(self) -> list[Node]:
        """All panels, those of closed rows included, without the rows."""
        return [panel for panel in self.laid_out if panel["type"] != "row"]

    @cached_property
    def laid_out(self) -> list[Node]:
        """Panels and rows in their order."""
        found: list[Node] = []
        for panel in self.json["panels"]:
            found += [panel, *panel.get("panels", [])]
        return found

    @cached_property
    def asking(self) -> list[Node]:
        """Panels that ask a data source."""
        return [panel for panel in self.panels if panel["type"] != "text"]

    @cached_property
    def variables(self) -> dict[str, Node]:
        """Variables by name."""
        return {one["name"]: one for one in self.json["templating"]["list"]}

    @cached_property
    def annotations(self) -> list[Node]:
        """What is marked on curves."""
        found: list[Node] = self.json.get("annotations", {}).get("list", [])
        return found

    @cached_property
    def choices(self) -> dict[str, Node]:
        """The variables that a reader chooses, and does not only have."""
        return {name: one for name, one in self.variables.items() if one.get("hide", 0) != _HIDDEN}

    @cached_property
    def of_panels(self) -> list[Question]:
        """Queries of panels."""
        return [
            Question(title(panel), text(target))
            for panel in self.asking
            for target in panel.get("targets", [])
        ]

    @cached_property
    def of_annotations(self) -> list[Question]:
        """Queries of annotations."""
        return [
            Question(one.get("name", "?"), one.get("expr") or text(one.get("target", {})))
            for one in self.annotations
        ]

    @cached_property
    def of_variables(self) -> list[Question]:
        """Queries of variables."""
        return [
            Question(f"variable {name}", one["query"]["query"])
            for name, one in self.variables.items()
            if one["type"] == "query"
        ]

    @property
    def questions(self) -> list[Question]:
        """All of these."""
        return [*self.of_panels, *self.of_annotations, *self.of_variables]


@dataclass(frozen=True)
class Pair:
    """Both editions of a dashboard."""

    name: str
    prometheus: Document
    influxdb: Document

    @property
    def documents(self) -> tuple[Document, Document]:
        """One after the other."""
        return self.prometheus, self.influxdb


def title(panel: Node) -> str:
    """What a panel is called in findings."""
    return panel.get("title") or f"panel {panel.get('id')}"


def text(target: Node) -> str:
    """The query of a target in either language."""
    return str(target.get("expr") or target.get("query") or "")


def everywhere(node: object, path: str = "") -> Iterator[tuple[str, str, object]]:
    """Path, name and value of everything in a JSON value that has a name."""
    if isinstance(node, dict):
        for name, value in node.items():
            yield path, name, value
            yield from everywhere(value, f"{path}.{name}")
    elif isinstance(node, list):
        for place, value in enumerate(node):
            yield from everywhere(value, f"{path}[{place}]")
