"""Queries as Grafana's data sources take them."""

from typing import Any, Final

from grafana_foundation_sdk.builders import prometheus
from grafana_foundation_sdk.cog import builder as cogbuilder
from grafana_foundation_sdk.cog import variants
from grafana_foundation_sdk.models import dashboard as model
from grafana_foundation_sdk.models.prometheus import PromQueryFormat, QueryEditorMode

from dashboards.edition import Edition, column
from dashboards.panel import Panel, Query

SOURCE: Final = "${datasource}"
OVER_TIME: Final = ("curves", "stacked", "columns", "timeline")
"""Kinds of panels whose queries are asked over the whole range; the others are asked once."""


class Flux(variants.Dataquery):
    """A query of the InfluxDB data source; Grafana's types have none for it."""

    def __init__(self, query: str, ref: str) -> None:
        self.query = query
        self.ref = ref

    def to_json(self) -> dict[str, object]:
        """What the data source takes."""
        return {
            "datasource": {"type": Edition.INFLUXDB.value, "uid": SOURCE},
            "query": self.query,
            "refId": self.ref,
        }


class _Built(cogbuilder.Builder[variants.Dataquery]):
    """A query that needs no building any more."""

    def __init__(self, query: variants.Dataquery) -> None:
        self._query = query

    def build(self) -> variants.Dataquery:
        return self._query


def source_ref(edition: Edition) -> model.DataSourceRef:
    """The data source that the reader chose."""
    return model.DataSourceRef(type_val=edition.value, uid=SOURCE)


def ref_id(place: int) -> str:
    """`A` for the first query of a panel, `B` for the second."""
    return chr(ord("A") + place)


def target(panel: Panel, query: Query, edition: Edition, place: int) -> Any:  # noqa: ANN401 - of either edition
    """One query of a panel."""
    if edition is Edition.INFLUXDB:
        return _Built(Flux(flux(panel, query, place), ref_id(place)))
    made = (
        prometheus.Dataquery()
        .expr(query.promql)
        .ref_id(ref_id(place))
        .datasource(source_ref(edition))
        .editor_mode(QueryEditorMode.CODE)
    )
    if panel.kind == "table":
        return made.instant().format(PromQueryFormat.TABLE)
    made.legend_format(" ".join(f"{{{{{label}}}}}" for label in query.by) or query.name)
    made.format(PromQueryFormat.TIME_SERIES)
    return made.range() if panel.kind in OVER_TIME else made.instant()


def flux(panel: Panel, query: Query, place: int) -> str:
    """The whole Flux of a query: what it says, in the form that the kind of panel takes.

    For a table: one table with the columns of `by` and `more`, and the value. Else one table for
    each curve, with its labels as group key; a single value gets the end of the range as its time,
    without which Grafana would not take columns for labels.
    """
    tags = [column(Edition.INFLUXDB, label) for label in query.by]
    if panel.kind == "table":
        kept = ", ".join(f'"{name}"' for name in [*tags, *query.more, "_value"])
        value = value_column(panel, place)
        return (
            f"{query.flux}\n    |> group()\n    |> keep(columns: [{kept}])\n"
            f'    |> rename(columns: {{_value: "{value}"}})'
        )
    timed = (
        ""
        if panel.kind in OVER_TIME
        else ("\n    |> map(fn: (r) => ({r with _time: v.timeRangeStop}))")
    )
    kept = ", ".join(f'"{name}"' for name in [*tags, "_time", "_value"])
    by = ", ".join(f'"{name}"' for name in tags)
    return f"{query.flux}{timed}\n    |> group(columns: [{by}])\n    |> keep(columns: [{kept}])" + (
        '\n    |> sort(columns: ["_time"])' if panel.kind in OVER_TIME else ""
    )


def value_column(panel: Panel, place: int) -> str:
    """What Grafana calls the values of a table's query: apart by query where there are several."""
    return "Value" if len(panel.queries) == 1 else f"Value #{ref_id(place)}"
