"""The dashboard of the whole network: who is there, what is offered, what fails, what changed."""

from typing import Final

from dashboards.choices import WHOLE_NETWORK
from dashboards.marks import CONFIGURATION
from dashboards.network import changes, failures, glance, ranking, regions, registered, supply
from dashboards.panel import Board

BOARD: Final = Board(
    name="network",
    title="Livepeer AI / Network",
    question="How is the network: who is there, what is offered, how much of it fails?",
    choices=WHOLE_NETWORK,
    marks=(CONFIGURATION,),
    rows=(
        glance.ROW,
        supply.ROW,
        failures.ROW,
        changes.ROW,
        ranking.ROW,
        regions.ROW,
        registered.ROW,
    ),
)
