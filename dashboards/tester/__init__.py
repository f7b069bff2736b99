"""The dashboard of the tester itself: whether it measures, on time, and is heard."""

from typing import Final

from dashboards.choices import INSTALLATION
from dashboards.marks import CONFIGURATION
from dashboards.panel import Board
from dashboards.tester import (
    chain,
    delivery,
    discovery,
    glance,
    lanes,
    leaderboards,
    money,
    schedule,
    scraping,
    timing,
)

BOARD: Final = Board(
    name="tester",
    title="Livepeer AI / Tester",
    question="Does this tester test on time, measure truly, and deliver what it measured?",
    choices=(INSTALLATION,),
    marks=(CONFIGURATION,),
    rows=(
        glance.ROW,
        schedule.ROW,
        timing.ROW,
        delivery.ROW,
        discovery.ROW,
        leaderboards.ROW,
        lanes.ROW,
        chain.ROW,
        money.ROW,
        scraping.ROW,
    ),
)
