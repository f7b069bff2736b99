"""All dashboards, in the order in which they are shown."""

from typing import Final

from dashboards import gateway_operator, models, network, orchestrator, tester
from dashboards.panel import Board

BOARDS: Final[tuple[Board, ...]] = (
    orchestrator.BOARD,
    network.BOARD,
    models.BOARD,
    gateway_operator.BOARD,
    tester.BOARD,
)
