"""What it reads of the chain, and by which nodes; no data where it reads none."""

from dataclasses import replace
from typing import Final

from dashboards.colours import BAD, GOOD, WARNING
from dashboards.panel import Panel, Row
from dashboards.tester import said
from dashboards.tester.glance import UP
from dashboards.tester.shown import columns, curves

_BLOCK: Final = Panel(
    title="Age of the block",
    description="How old the block is at which the chain was read last, and so all that is said "
    "of stake, names and states.",
    kind="stat",
    unit="s",
    width=4,
    height=7,
    decimals=0,
    steps=((None, GOOD), (7200, WARNING), (21600, BAD)),
    queries=(said.age("chain_block_timestamp_seconds", "ago"),),
)
_NODES: Final = Panel(
    title="Relay and its nodes",
    description="Whether each node answered the relay's last request, and how many requests it "
    "was sent in the chosen time. Gateways of one's own ask Ethereum through the relay.",
    kind="table",
    unit="none",
    width=10,
    height=7,
    sort_by="Node",
    headings={"node": "Node"},
    queries=(
        replace(said.now("relay_node_up", "min", "Up", ("node",)), values=UP),
        replace(said.grown("relay_node_requests_total", "Requests", ("node",)), unit="short"),
    ),
)
_RELAY: Final = curves(
    "Relay",
    "1 while the relay runs, else 0. No data: there is none.",
    "none",
    said.curve("relay_up", "min", "relay"),
    width=10,
)
_CALLS: Final = columns(
    "Calls of gateways",
    "What became of them: cached, coalesced (with an equal call under way), sent (to a node), "
    "refused (by the relay), failed.",
    said.growing("relay_calls_total", by=("result",)),
)
_REQUESTS: Final = columns(
    "Requests to nodes",
    "HTTP requests of the relay to nodes: ok, or why they failed.",
    said.growing("relay_node_requests_total", by=("result",)),
)
_WAITING: Final = curves(
    "Calls that wait",
    "Calls that wait for their turn at the nodes.",
    "none",
    said.summed("relay_calls_waiting", "waiting"),
)

ROW: Final = Row(
    title="Chain and relay (where they are set up)",
    panels=(_BLOCK, _NODES, _RELAY, _CALLS, _REQUESTS, _WAITING),
    closed=True,
)
