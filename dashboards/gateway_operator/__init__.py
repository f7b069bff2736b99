"""The dashboard of who runs gateways: whom to send jobs to, and whom not."""

from typing import Final

from dashboards.choices import ALL_TARGETS
from dashboards.gateway_operator import candidates, failing, recovered, words
from dashboards.marks import CONFIGURATION
from dashboards.panel import Board, Row

BOARD: Final = Board(
    name="gateway-operator",
    title="Livepeer AI / Gateway operator",
    question="To whom can I send jobs, and who fails in a row?",
    choices=ALL_TARGETS,
    marks=(CONFIGURATION,),
    rows=(
        Row(title="At a glance", panels=(*failing.GLANCE, recovered.COUNT)),
        failing.NOW_ROW,
        failing.OVER_TIME,
        recovered.ROW,
        candidates.ROW,
        words.ROW,
    ),
)
