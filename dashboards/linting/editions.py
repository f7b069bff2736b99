"""Rules about both editions of a dashboard together."""

from collections.abc import Iterator
from itertools import zip_longest
from typing import Any, Final

from dashboards.linting.document import Document, Node, Pair, title
from dashboards.linting.rule import Found, OfPair

_SAME: Final = ("title", "type", "description", "gridPos", "interval", "maxDataPoints")


def editions_show_the_same(pair: Pair) -> Iterator[Found]:
    """Both have the same panels in the same order, with the same units, words and places.

    Only where something is not in InfluxDB, words stand in its place.
    """
    for first, second in zip_longest(pair.prometheus.laid_out, pair.influxdb.laid_out):
        if first is None or second is None:
            yield Found(title(first or second), "is in one edition only")
            continue
        worded = second["type"] == "text" and first["type"] != "text"
        if worded and "InfluxDB" not in str(second["options"].get("content")):
            yield Found(title(second), "does not say why there are words in its place")
        for name, one, other in _compared(first, second, worded=worded):
            if one != other:
                yield Found(title(first), f"{name}: {one!r} in one edition, {other!r} in the other")


def _compared(first: Node, second: Node, *, worded: bool) -> Iterator[tuple[str, Any, Any]]:
    for name in _SAME:
        if not (worded and name in {"type", "interval", "maxDataPoints"}):
            yield name, first.get(name), second.get(name)
    if not worded:
        yield "units", _units(first), _units(second)
        yield "queries", len(first.get("targets", [])), len(second.get("targets", []))


def _units(panel: Node) -> list[object]:
    config = panel.get("fieldConfig", {})
    found: list[object] = [config.get("defaults", {}).get("unit")]
    for override in config.get("overrides", []):
        found += [one["value"] for one in override["properties"] if one["id"] == "unit"]
    return found


def editions_choose_the_same(pair: Pair) -> Iterator[Found]:
    """Both have the same variables and marks; InfluxDB has the bucket besides."""
    for what, names in (("variables", _variables), ("marks", _marks)):
        one, other = names(pair.prometheus), names(pair.influxdb)
        if one != other:
            yield Found(what, f"{one} in one edition, {other} in the other")


def _variables(document: Document) -> list[str]:
    return [name for name in document.choices if name != "bucket"]


def _marks(document: Document) -> list[str]:
    return [one.get("name", "?") for one in document.annotations]


RULES: Final[tuple[OfPair, ...]] = (editions_show_the_same, editions_choose_the_same)
