"""Both servers, full of the known network, and the ways to choose from it."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from dashboards.interpolation import Asked
from dashboards.panel import Board, Panel, Query
from tests.dashboards.asking import Answer, Picked, from_influxdb, from_prometheus
from tests.dashboards.filled import Prometheus, openmetrics, points, prometheus, scrapes, take_in
from tests.dashboards.truth import GUEST, TESTERS, World
from tests.dashboards.truths.question import Told
from tests.dashboards.who import BUSY, FAILING, FLAKY, HOSTILE, LANGUAGE, PICTURE, SLOW
from tests.services.influx_server import InfluxServer, influx_server

OWN: Final = tuple(tester.name for tester in TESTERS)
ALL: Final = Picked(testers=OWN)
PICKED: Final = {
    "all": ALL,
    "one": Picked(
        testers=OWN,
        orchestrator=(SLOW,),
        pipeline=(LANGUAGE[0],),
        model=(LANGUAGE[1],),
        region=("FRA",),
        tester=("tester-1",),
        installation=("tester-1",),
    ),
    "many": Picked(
        testers=OWN,
        orchestrator=(FAILING, FLAKY, BUSY),
        pipeline=(HOSTILE[0], PICTURE[0], "not there"),
        model=(HOSTILE[1], PICTURE[1], "not (there"),
        region=("FRA", "MDW"),
        tester=OWN,
        installation=OWN,
    ),
    "an id": Picked(testers=OWN, orchestrator=(BUSY,), model=(HOSTILE[1],)),
    "posted": Picked(testers=(GUEST,), origin="posted"),
}
EMPTY: Final = "empty"
_PART: Final = 5000


@dataclass
class Both:
    """Both servers, full and empty, and what they were filled with."""

    prometheus: Prometheus
    influxdb: InfluxServer
    told: Told

    def ask(
        self, board: Board, panel: Panel, query: Query, picked: Picked, asked: Asked
    ) -> tuple[Answer, Answer]:
        """What both editions show."""
        return (
            from_prometheus(self.prometheus, board, panel, query, picked=picked, asked=asked),
            from_influxdb(self.influxdb, board, panel, query, picked=picked, asked=asked),
        )


@contextmanager
def both_filled(folder: Path) -> Iterator[Both]:
    """Fill and start them."""
    world = World()
    shown = asyncio.run(scrapes(world))
    (folder / "data").mkdir()
    take_in(folder / "data", openmetrics(shown))
    told = Told(world, shown, {tester.instance: tester.name for tester in TESTERS})
    with prometheus(folder, folder / "data") as one, influx_server(folder) as other:
        for bucket in (ALL.bucket, EMPTY):
            other.bucket(bucket)
        lines = list(points(world, shown))
        for first in range(0, len(lines), _PART):
            other.write(ALL.bucket, lines[first : first + _PART])
        yield Both(one, other, told)
