"""The relay's table, for a person in a terminal."""

from collections import Counter
from typing import Final

from exporter.cli.tables import print_table
from exporter.ethereum.relay.tally import Calls, NodeState, Report

_HEAD: Final = (
    "method",
    "asked",
    "cached",
    "coalesced",
    "sent",
    "refused",
    "failed",
    "to nodes",
    "seconds each",
)


def print_report(report: Report) -> None:
    """Print what was asked and how it was answered, and how the nodes do."""
    to_nodes: Counter[str] = Counter()
    for node in report.nodes:
        to_nodes.update(node.calls)
    methods = sorted({**report.calls, **to_nodes}, key=lambda name: (-_asked(report, name), name))
    rows = [_row(name, report.calls.get(name, Calls()), to_nodes[name]) for name in methods]
    total = Calls()
    for calls in report.calls.values():
        total = total.plus(calls)
    block = "not known" if report.head is None else str(report.head)
    title = f"calls of gateways; {report.cache_bytes} bytes kept; newest block {block}"
    print_table(title, _HEAD, [*rows, _row("all", total, to_nodes.total())])
    print_table(
        "nodes", ("node", "answers", "calls", "requests", "why not"), [*map(_node, report.nodes)]
    )


def _asked(report: Report, method: str) -> int:
    return report.calls.get(method, Calls()).asked


def _row(name: str, calls: Calls, to_nodes: int) -> tuple[str, ...]:
    counts = (
        calls.asked,
        calls.cached,
        calls.coalesced,
        calls.sent,
        calls.refused,
        calls.failed,
        to_nodes,
    )
    each = f"{calls.seconds / calls.asked:.4f}" if calls.asked else "-"
    return (name, *map(str, counts), each)


def _node(node: NodeState) -> tuple[str, ...]:
    answers = "not asked" if node.up is None else ("yes" if node.up else "no")
    requests = ", ".join(f"{count} {what}" for what, count in sorted(node.requests.items()))
    return node.name, answers, str(sum(node.calls.values())), requests or "0", node.error or ""
