"""Rules about what a panel says and how it looks."""

import re
from collections import Counter
from collections.abc import Iterator
from itertools import combinations
from typing import Final

from grafana_foundation_sdk.models import units

from dashboards import colours
from dashboards.linting.document import Document, Node, everywhere, title
from dashboards.linting.rule import Found, OfDocument

_WIDTH: Final = 24
_SHORTEST: Final = 12
"""Letters that a description has at least; "Jobs under way." is one."""
_UNITS: Final = frozenset(
    value for name, value in vars(units).items() if isinstance(value, str) and name[0].isupper()
) | {"dateTimeAsIso", "dateTimeFromNow"}
_OWN_UNIT: Final = re.compile(r"(suffix|prefix|time|si|count|currency|bool): ?\S.*")
_PALETTE: Final = frozenset(
    value for name, value in vars(colours).items() if name.isupper() and isinstance(value, str)
) | {"transparent"}
_COLOUR_KEYS: Final = ("color", "fixedColor", "iconColor")


def panel_has_title(document: Document) -> Iterator[Found]:
    """Each panel and row says what it is, and no two panels say the same."""
    for panel in document.laid_out:
        if not panel.get("title", "").strip():
            yield Found(title(panel), "has no title")
    for name, count in Counter(map(title, document.panels)).items():
        if count > 1:
            yield Found(name, f"is the title of {count} panels")


def panel_has_description(document: Document) -> Iterator[Found]:
    """Each panel says in sentences what it shows, for who has never seen it."""
    for panel in document.panels:
        said = panel.get("description", "").strip()
        if len(said) < _SHORTEST or said[-1] not in ".`":
            yield Found(title(panel), "has no description that is a sentence")


def panel_has_unit(document: Document) -> Iterator[Found]:
    """Each panel has a unit that Grafana knows; so has each column with one of its own."""
    for panel in document.asking:
        config = panel.get("fieldConfig", {})
        unit = config.get("defaults", {}).get("unit")
        if not unit:
            yield Found(title(panel), "has no unit")
        for one in [unit, *_column_units(config)]:
            if one and one not in _UNITS and not _OWN_UNIT.fullmatch(one):
                yield Found(title(panel), f"has the unit {one!r}, which Grafana does not know")


def _column_units(config: Node) -> Iterator[str]:
    for override in config.get("overrides", []):
        yield from (one["value"] for one in override["properties"] if one["id"] == "unit")


def no_data_is_said(document: Document) -> Iterator[Found]:
    """Where there is nothing, words say so; no panel shows a 0 in its place."""
    for panel in document.asking:
        said = panel.get("fieldConfig", {}).get("defaults", {}).get("noValue", "")
        if not re.search(r"[a-z]", said):
            yield Found(title(panel), f"shows {said!r} where there is no data")


def curves_break(document: Document) -> Iterator[Found]:
    """A curve is not drawn on through a gap of any length as if nothing were missing."""
    for panel in document.asking:
        custom = panel.get("fieldConfig", {}).get("defaults", {}).get("custom", {})
        if panel["type"] == "timeseries" and custom.get("spanNulls", False) is True:
            yield Found(title(panel), "bridges gaps of any length")


def colours_for_all(document: Document) -> Iterator[Found]:
    """Colours are those that the colour-blind tell apart; red and green never mean bad and good."""
    for path, name, value in everywhere(document.json):
        if name in _COLOUR_KEYS and isinstance(value, str) and value not in _PALETTE:
            yield Found(path, f"has the colour {value!r}, which is not in dashboards.colours")


def ids_are_unique(document: Document) -> Iterator[Found]:
    """No two panels have one id, no two queries of a panel one letter: Grafana mixes them up."""
    for number, count in Counter(panel.get("id") for panel in document.laid_out).items():
        if count > 1 or not number:
            yield Found(f"panel {number}", f"is the id of {count} panels")
    for panel in document.panels:
        letters = [target.get("refId") for target in panel.get("targets", [])]
        if len(set(letters)) < len(letters):
            yield Found(title(panel), "has queries with the same refId")


def panels_fit(document: Document) -> Iterator[Found]:
    """Panels lie within the 24 columns and not on each other."""
    top: list[Node] = document.json["panels"]
    for panels in [top, *(row.get("panels", []) for row in top)]:
        for panel in panels:
            at = panel["gridPos"]
            if at["x"] < 0 or at["w"] < 1 or at["h"] < 1 or at["x"] + at["w"] > _WIDTH:
                yield Found(title(panel), "is not within 24 columns")
        for first, second in combinations(panels, 2):
            if _overlap(first["gridPos"], second["gridPos"]):
                yield Found(title(second), f"lies on {title(first)}")


def _overlap(first: Node, second: Node) -> bool:
    return bool(
        first["x"] < second["x"] + second["w"]
        and second["x"] < first["x"] + first["w"]
        and first["y"] < second["y"] + second["h"]
        and second["y"] < first["y"] + first["h"]
    )


RULES: Final[tuple[OfDocument, ...]] = (
    panel_has_title,
    panel_has_description,
    panel_has_unit,
    no_data_is_said,
    curves_break,
    colours_for_all,
    ids_are_unique,
    panels_fit,
)
