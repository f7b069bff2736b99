"""The dashboard of models: which work, how fast, where, at which price."""

from typing import Final

from dashboards.choices import WHOLE_NETWORK
from dashboards.marks import CONFIGURATION
from dashboards.models import overview, price, regions, served, speed, success
from dashboards.panel import Board

BOARD: Final = Board(
    name="models",
    title="Livepeer AI / Models",
    question="Which models can I use: who serves them, how fast, how surely, at which price?",
    choices=WHOLE_NETWORK,
    marks=(CONFIGURATION,),
    rows=(overview.ROW, served.ROW, success.ROW, speed.ROW, price.ROW, regions.ROW),
)
