"""The dashboard of one orchestrator: how it does, and why."""

from typing import Final

from dashboards.choices import ONE_ORCHESTRATOR
from dashboards.marks import CONFIGURATION, FAILING
from dashboards.orchestrator import chain, failures, glance, node, speed, success, supply
from dashboards.panel import Board

BOARD: Final = Board(
    name="orchestrator",
    title="Livepeer AI / Orchestrator",
    question="How does this orchestrator do: is it up, does it fail, how fast is it?",
    choices=ONE_ORCHESTRATOR,
    marks=(FAILING, CONFIGURATION),
    rows=(glance.ROW, success.ROW, speed.ROW, failures.ROW, supply.ROW, chain.ROW, node.ROW),
)
