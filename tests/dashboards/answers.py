"""What the InfluxDB edition's panels answer about the network that was made."""

from typing import Any, Final

from influxdb_client.client.query_api import QueryApi

from dashboards.boards import BOARDS
from dashboards.edition import Edition, column
from dashboards.panel import Panel
from dashboards.queries import flux, value_column
from tests.dashboards import chosen
from tests.dashboards.made_network import ORCHESTRATORS, START, STOP, TESTER

BUCKET: Final = "measured"
EMPTY: Final = "empty"
ONE: Final[dict[str, tuple[str, ...] | None]] = {
    "orchestrator": (ORCHESTRATORS[2],),
    "pipeline": None,
    "model": None,
    "region": None,
    "tester": (TESTER,),
    "origin": ("own",),
    "installation": (TESTER,),
}
"""What a reader of one orchestrator chose."""


def rows(
    api: QueryApi,
    panel: Panel,
    place: int,
    choices: chosen.Choices,
    bucket: str = BUCKET,
    *,
    start: int = START,
) -> list[dict[str, Any]]:
    """All rows that a query of a panel answers with."""
    query = flux(panel, panel.queries[place], place)
    tables = api.query(chosen.flux(query, choices, start, STOP, bucket))
    return [record.values for table in tables for record in table.records]


def panel(board: str, title: str) -> Panel:
    """The panel of this title."""
    return next(
        panel for one in BOARDS if one.name == board for panel in one.panels if panel.title == title
    )


def values(
    api: QueryApi,
    board: str,
    title: str,
    place: int = 0,
    *,
    start: int = START,
    **choices: Any,
) -> Any:
    """What the one query of a panel answers: the value, or values by labels; `None`: no data."""
    asked = panel(board, title)
    name = value_column(asked, place) if asked.kind == "table" else "_value"
    tags = [column(Edition.INFLUXDB, label) for label in asked.queries[place].by]
    found = rows(api, asked, place, ONE | choices, start=start)
    by = {tuple(row[tag] for tag in tags): row[name] for row in found}
    return by if tags else by.get(())
