"""How each kind of panel looks."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final
from urllib.parse import quote

from grafana_foundation_sdk.builders import bargauge, stat, statetimeline, table, text, timeseries
from grafana_foundation_sdk.builders import common as build
from grafana_foundation_sdk.builders import dashboard as parts
from grafana_foundation_sdk.models import common
from grafana_foundation_sdk.models import dashboard as model
from grafana_foundation_sdk.models.text import TextMode

from dashboards.colours import GOOD
from dashboards.edition import Edition, column
from dashboards.panel import Panel, Query
from dashboards.queries import value_column

HEADINGS: Final = {
    "orchestrator_address": "Orchestrator",
    "pipeline": "Pipeline",
    "model_name": "Model",
    "region": "Region",
    "tester": "Tester",
    "outcome": "Outcome",
    "blame": "Blame",
    "unit": "Unit",
    "state": "State",
    "instance": "Installation",
    "source": "Source",
    "consumer": "Consumer",
    "reason": "Reason",
    "error_message": "Reason",
}
_CARRIED: Final = ("datasource", "origin", "tester", "pipeline", "model", "region")
"""Variables that a link to an orchestrator carries: all that both boards have, but whom."""
_GAP: Final = 3
"""Shortest steps that a curve bridges without a value, where one job is late. Longer ranges have
longer steps, and are broken by the first that is empty: no data is not a straight line."""
_MILLISECONDS: Final = {"s": 1000, "m": 60_000, "h": 3_600_000}


def shape(panel: Panel, edition: Edition) -> Any:  # noqa: ANN401 - Grafana's builders share no type
    """The builder of a panel of this kind, with everything but its queries and its place."""
    return _SHAPES[panel.kind](panel, edition)


def fitting(panel: Panel, edition: Edition) -> Panel:
    """The panel itself, or the words in its place where the edition cannot answer it."""
    if edition is Edition.PROMETHEUS or not panel.instead:
        return panel
    return replace(panel, kind="text", text=panel.instead, queries=())


def _stat(panel: Panel, edition: Edition) -> stat.Panel:
    made = (
        stat.Panel()
        .graph_mode(common.BigValueGraphMode.NONE)
        .color_mode(common.BigValueColorMode.VALUE)
        .reduce_options(build.ReduceDataOptions().calcs(["lastNotNull"]))
        .text_mode(common.BigValueTextMode.AUTO)
    )
    _coloured(made, panel)
    _named(made, panel, edition)
    return made


def _bars(panel: Panel, edition: Edition) -> bargauge.Panel:
    made = (
        bargauge.Panel()
        .orientation(common.VizOrientation.HORIZONTAL)
        .display_mode(common.BarGaugeDisplayMode.BASIC)
        .reduce_options(build.ReduceDataOptions().calcs(["lastNotNull"]))
    )
    _coloured(made, panel)
    _named(made, panel, edition)
    return made


def _curves(panel: Panel, edition: Edition) -> timeseries.Panel:
    made = (
        timeseries.Panel()
        .line_width(1)
        .fill_opacity(0)
        .show_points(common.VisibilityMode.AUTO)
        .span_nulls(float(_GAP * _milliseconds(panel.interval)))
        .legend(
            build.VizLegendOptions()
            .show_legend(True)  # noqa: FBT003 - the library's way
            .display_mode(common.LegendDisplayMode.LIST)
            .placement(common.LegendPlacement.BOTTOM)
        )
        .tooltip(
            build.VizTooltipOptions()
            .mode(common.TooltipDisplayMode.MULTI)
            .sort(common.SortOrder.DESCENDING)
        )
        .color_scheme(parts.FieldColor().mode(model.FieldColorModeId.PALETTE_CLASSIC_BY_NAME))
    )
    if panel.steps:
        made.thresholds(_steps(panel.steps))
        made.thresholds_style(
            build.GraphThresholdsStyleConfig().mode(common.GraphThresholdsStyleMode.DASHED)
        )
    _bounded(made, panel)
    _named(made, panel, edition)
    return made


def _stacked(panel: Panel, edition: Edition) -> timeseries.Panel:
    made = _curves(panel, edition).fill_opacity(60)
    return made.stacking(build.StackingConfig().mode(common.StackingMode.NORMAL).group("A"))


def _heaped(panel: Panel, edition: Edition) -> timeseries.Panel:
    return _stacked(panel, edition).draw_style(common.GraphDrawStyle.BARS)


def _timeline(panel: Panel, edition: Edition) -> statetimeline.Panel:
    made = (
        statetimeline.Panel()
        .show_value(common.VisibilityMode.NEVER)
        .merge_values(True)  # noqa: FBT003 - the library's way
        .row_height(0.9)
    )
    _coloured(made, panel)
    _named(made, panel, edition)
    return made


def _table(panel: Panel, edition: Edition) -> table.Panel:
    made = table.Panel().filterable(True)  # noqa: FBT003 - the library's way
    names, order = _columns(panel, edition)
    if len(panel.queries) > 1:
        made.with_transformation(model.DataTransformerConfig(id_val="merge", options={}))
    made.with_transformation(
        model.DataTransformerConfig(
            id_val="organize",
            options={
                "excludeByName": {"Time": True},
                "renameByName": names,
                "indexByName": order,
            },
        )
    )
    if panel.sort_by:
        heading = panel.sort_by.removeprefix("-")
        sorting = build.TableSortByFieldState().display_name(heading)
        made.sort_by([sorting.desc(panel.sort_by.startswith("-"))])
    for place, query in enumerate(panel.queries):
        made.override_by_name(query.name or value_column(panel, place), _cell(panel, query))
    if panel.links_to:
        link = {"title": "How this one does", "url": _link(panel.links_to, edition)}
        made.override_by_name(
            HEADINGS["orchestrator_address"],
            [_property("links", [link]), _property("custom.width", 370)],
        )
    return made


def _text(panel: Panel, _: Edition) -> text.Panel:
    return text.Panel().mode(TextMode.MARKDOWN).content(panel.text)


_SHAPES: Final[dict[str, Callable[[Panel, Edition], Any]]] = {
    "stat": _stat,
    "curves": _curves,
    "stacked": _stacked,
    "columns": _heaped,
    "bars": _bars,
    "table": _table,
    "timeline": _timeline,
    "text": _text,
}


def _columns(panel: Panel, edition: Edition) -> tuple[dict[str, str], dict[str, int]]:
    """Headings of the columns, and their order: labels, then values as they are asked for."""
    labels = list(dict.fromkeys(label for query in panel.queries for label in query.by))
    if edition is Edition.INFLUXDB:
        labels += [label for query in panel.queries for label in query.more]
    headings = HEADINGS | panel.headings
    names = {column(edition, label): headings.get(label, label) for label in labels}
    for place, query in enumerate(panel.queries):
        if query.name:
            names[value_column(panel, place)] = query.name
    return names, {name: place for place, name in enumerate(names)}


def _cell(panel: Panel, query: Query) -> list[model.DynamicConfigValue]:
    made = [_property("unit", query.unit or panel.unit)]
    if query.values:
        made.append(_property("mappings", [_mapping(query.values)]))
    if query.steps:
        steps = [{"value": value, "color": colour} for value, colour in query.steps]
        made.append(_property("thresholds", {"mode": "absolute", "steps": steps}))
    if query.values or query.steps:
        made.append(_property("custom.cellOptions", {"type": "color-text"}))
    return made


def _link(board: str, edition: Edition) -> str:
    from dashboards.building import uid

    heading = quote(HEADINGS["orchestrator_address"])
    carried = [*_CARRIED, *(["bucket"] if edition is Edition.INFLUXDB else [])]
    return (
        f"/d/{uid(board, edition)}?var-orchestrator=${{__data.fields.{heading}}}"
        "&${__url_time_range}" + "".join(f"&${{{name}:queryparam}}" for name in carried)
    )


def _coloured(made: Any, panel: Panel) -> None:  # noqa: ANN401 - of several builders
    made.thresholds(_steps(panel.steps or ((None, GOOD),)))
    made.color_scheme(parts.FieldColor().mode(model.FieldColorModeId.THRESHOLDS))
    if panel.values:
        made.mappings([_mapping(panel.values)])
    _bounded(made, panel)


def _bounded(made: Any, panel: Panel) -> None:  # noqa: ANN401 - of several builders
    if panel.decimals is not None:
        made.decimals(panel.decimals)
    if panel.least is not None:
        made.min(panel.least)
    if panel.most is not None:
        made.max(panel.most)


def _named(made: Any, panel: Panel, edition: Edition) -> None:  # noqa: ANN401 - of several builders
    """Names and colours of curves and bars; in the Prometheus edition its legends name them."""
    for place, query in enumerate(panel.queries):
        if edition is Edition.INFLUXDB:
            labels = " ".join(f"${{__field.labels.{column(edition, label)}}}" for label in query.by)
            made.override_by_query(
                chr(ord("A") + place), [_property("displayName", labels or query.name)]
            )
    for name, colour in panel.colours.items():
        properties = [_property("color", {"mode": "fixed", "fixedColor": colour})]
        by = made.override_by_regexp if name.startswith("/") else made.override_by_name
        by(name, properties)


def _steps(steps: tuple[tuple[float | None, str], ...]) -> parts.ThresholdsConfig:
    made = [model.Threshold(value=value, color=colour) for value, colour in steps]
    return parts.ThresholdsConfig().mode(model.ThresholdsMode.ABSOLUTE).steps(made)


def _mapping(values: tuple[tuple[float, str, str], ...]) -> model.ValueMap:
    return model.ValueMap(
        options={
            f"{value:g}": model.ValueMappingResult(text=word, color=colour, index=place)
            for place, (value, word, colour) in enumerate(values)
        }
    )


def _property(name: str, value: object) -> model.DynamicConfigValue:
    return model.DynamicConfigValue(id_val=name, value=value)


def _milliseconds(span: str) -> int:
    return int(span[:-1]) * _MILLISECONDS[span[-1]]
