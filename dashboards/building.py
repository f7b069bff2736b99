"""From plain data to Grafana's JSON, by Grafana's own types."""

import json
from typing import Any, Final

from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import dashboard as model

from dashboards.edition import Edition
from dashboards.panel import Board, Choice, Mark, Panel, Row
from dashboards.queries import OVER_TIME, SOURCE, source_ref, target
from dashboards.shapes import fitting, shape
from dashboards.steps import in_words
from exporter.alerting.kept import SERIES

TAG: Final = "livepeer-ai"
BUCKET: Final = "livepeer_ai"
_ALL: Final = ".*"
_NO_CUSTOM_ALL: Final = ("tester",)
"""Variables of which all means what is listed, and not whatever there is: testers of the chosen
origin are not to be mixed with others."""


def document(board: Board, edition: Edition) -> dict[str, Any]:
    """The JSON of a dashboard in an edition, as Grafana imports and provisions it."""
    built = (
        build.Dashboard(board.title)
        .uid(uid(board.name, edition))
        .description(board.question)
        .tags([TAG, f"{TAG}-{edition}"])
        .timezone("browser")
        .time(board.span, "now")
        .refresh(board.refresh)
        .tooltip(model.DashboardCursorSync.CROSSHAIR)
        .readonly()
    )
    for variable in _variables(board, edition):
        built.with_variable(variable)
    built.link(_other_boards(edition))
    number = 0
    for row in board.rows:
        number = _add_row(built, row, edition, number)
    plain: dict[str, Any] = json.loads(json.dumps(built.build(), cls=JSONEncoder))
    for variable in plain["templating"]["list"]:
        if variable.get("hide") == model.VariableHide.HIDE_VARIABLE.value:
            # Found anew wherever a link leads to; the builders cannot say it.
            variable["skipUrlSync"] = True
    plain["annotations"] = {"list": [_mark(mark, edition) for mark in board.marks]}
    return plain


def uid(name: str, edition: Edition) -> str:
    """The identity of a dashboard, by which it is linked to and replaced."""
    return f"{TAG}-{name}" + ("" if edition is Edition.PROMETHEUS else f"-{edition}")


def text(board: Board, edition: Edition) -> str:
    """The file of a dashboard in an edition."""
    return json.dumps(document(board, edition), indent=2, ensure_ascii=False) + "\n"


def _variables(board: Board, edition: Edition) -> list[Any]:
    source = (
        build.DatasourceVariable("datasource")
        .label("Data source")
        .description("Where the numbers are.")
        .type(edition.value)
    )
    made: list[Any] = [source]
    if edition is Edition.INFLUXDB:
        bucket = build.TextBoxVariable("bucket").label("Bucket").default_value(BUCKET)
        made.append(bucket.description("Bucket of the single measurements."))
    shown = [one for one in board.choices if edition is Edition.PROMETHEUS or not one.hidden]
    return made + [_variable(choice, edition) for choice in shown]


def _variable(choice: Choice, edition: Edition) -> Any:  # noqa: ANN401 - one of two builders
    if choice.fixed:
        options = [
            model.VariableOption(text=value, value=value, selected=value == choice.fixed[0])
            for value in choice.fixed
        ]
        return (
            build.CustomVariable(choice.name)
            .label(choice.label)
            .description(choice.description)
            .values(",".join(choice.fixed))
            .options(options)
            .current(options[0])
            .multi(choice.multi)
        )
    asked = choice.promql if edition is Edition.PROMETHEUS else choice.flux
    made = (
        build.QueryVariable(choice.name)
        .label(choice.label)
        .description(choice.description)
        .datasource(source_ref(edition))
        .query({"query": asked, "refId": choice.name})
        .refresh(model.VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(model.VariableSort.ALPHABETICAL_CASE_INSENSITIVE_ASC)
        .multi(choice.multi)
        .include_all(choice.multi)
    )
    if choice.multi:
        made.current(model.VariableOption(text=["All"], value=["$__all"], selected=True))
        if choice.name not in _NO_CUSTOM_ALL:
            made.all_value(_ALL)
    if choice.regex:
        made.regex(choice.regex)
    if choice.hidden:
        made.hide(model.VariableHide.HIDE_VARIABLE)
        made.current(model.VariableOption(text=SERIES, value=SERIES, selected=True))
    return made


def _mark(mark: Mark, edition: Edition) -> dict[str, Any]:
    """Grafana's own types lack what its data sources need here."""
    made: dict[str, Any] = {
        "name": mark.name,
        "datasource": {"type": edition.value, "uid": SOURCE},
        "enable": True,
        "hide": False,
        "iconColor": mark.colour,
    }
    if edition is Edition.PROMETHEUS:
        return made | {"expr": mark.promql, "step": "60s", "titleFormat": mark.title}
    fields = ("time", "_time"), ("timeEnd", "timeEnd"), ("text", "text")
    return made | {
        "target": {"query": mark.flux, "refId": "Anno"},
        "mappings": {to: {"source": "field", "value": name} for to, name in fields},
    }


def _other_boards(edition: Edition) -> build.DashboardLink:
    return (
        build.DashboardLink("Other dashboards")
        .type(model.DashboardLinkType.DASHBOARDS)
        .tags([f"{TAG}-{edition}"])
        .as_dropdown(True)  # noqa: FBT003 - the library's way
        .include_vars(True)  # noqa: FBT003
        .keep_time(True)  # noqa: FBT003
    )


def _add_row(built: build.Dashboard, row: Row, edition: Edition, number: int) -> int:
    heading = build.Row(row.title).id(number + 1).collapsed(row.closed)
    panels = []
    for place, panel in enumerate(row.panels, number + 2):
        panels.append(_panel(panel, edition, place))
    if row.closed:
        for panel in panels:
            heading.with_panel(panel)
    built.with_row(heading)
    if not row.closed:
        for panel in panels:
            built.with_panel(panel)
    return number + 1 + len(panels)


def _panel(said: Panel, edition: Edition, number: int) -> Any:  # noqa: ANN401 - one of many builders
    panel = fitting(said, edition)
    made = shape(panel, edition)
    described = f"{panel.description} {in_words(panel)}".rstrip()
    made.id(number).title(panel.title).description(described)
    made.span(panel.width).height(panel.height)
    if panel.kind != "text":
        made.datasource(source_ref(edition)).unit(panel.unit).no_value(panel.no_value)
        made.interval(panel.interval)
    if panel.kind in OVER_TIME:
        made.max_data_points(panel.points)
    for place, query in enumerate(panel.queries):
        made.with_target(target(panel, query, edition, place))
    return made
