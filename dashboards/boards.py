"""All dashboards, in the order in which they are shown."""

from typing import Final

from dashboards import gateway_operator, orchestrator
from dashboards.panel import Board

BOARDS: Final[tuple[Board, ...]] = (orchestrator.BOARD, gateway_operator.BOARD)
