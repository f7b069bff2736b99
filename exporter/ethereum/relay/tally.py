"""What was asked, and how it was answered."""

from enum import StrEnum

import msgspec

from exporter.ethereum.relay.methods import label


class How(StrEnum):
    """How a call was answered; a label of the metrics."""

    CACHED = "cached"
    """From what was kept."""
    COALESCED = "coalesced"
    """With the answer to an equal call that was under way."""
    SENT = "sent"
    """By a node, which may also have refused it."""
    REFUSED = "refused"
    """Not asked at all: not a method that is answered, or wrong parameters."""
    FAILED = "failed"
    """No node gave an answer, or none in time."""


class Calls(msgspec.Struct):
    """The calls of one method since the start."""

    cached: int = 0
    coalesced: int = 0
    sent: int = 0
    refused: int = 0
    failed: int = 0
    seconds: float = 0.0
    """That those who asked waited for, added up."""

    @property
    def asked(self) -> int:
        """All of them."""
        return self.cached + self.coalesced + self.sent + self.refused + self.failed

    def plus(self, other: "Calls") -> "Calls":
        """Both together."""
        sums = {name: getattr(self, name) + getattr(other, name) for name in self.__struct_fields__}
        return Calls(**sums)


class NodeState(msgspec.Struct, frozen=True):
    """How one node does."""

    name: str
    up: bool | None
    """`None`: it was not asked yet."""
    error: str | None = None
    requests: dict[str, int] = {}
    """HTTP requests by what came of them: `ok` or a failure."""
    calls: dict[str, int] = {}
    """Calls sent to it, by method."""


class Report(msgspec.Struct, frozen=True):
    """The relay at one moment."""

    calls: dict[str, Calls] = {}
    """By method; those that are not answered are one."""
    nodes: tuple[NodeState, ...] = ()
    cache_bytes: int = 0
    waiting: int = 0
    head: int | None = None
    """Number of the newest block that is known."""
    trouble: str | None = None
    """Why no node can be asked; `None` when nothing is in the way, as far as is known."""

    def after(self, earlier: "Report") -> "Report":
        """This one with the counts of one that ended before it began."""
        nodes = {node.name: node for node in earlier.nodes}
        return msgspec.structs.replace(
            self,
            calls={
                method: self.calls.get(method, Calls()).plus(earlier.calls.get(method, Calls()))
                for method in {**earlier.calls, **self.calls}
            },
            nodes=tuple(_counted_on(node, nodes.get(node.name)) for node in self.nodes)
            or earlier.nodes,
            head=self.head if self.head is not None else earlier.head,
        )


def _counted_on(node: NodeState, earlier: NodeState | None) -> NodeState:
    if earlier is None:
        return node
    return msgspec.structs.replace(
        node,
        requests=_sums(node.requests, earlier.requests),
        calls=_sums(node.calls, earlier.calls),
    )


def _sums(one: dict[str, int], other: dict[str, int]) -> dict[str, int]:
    return {key: one.get(key, 0) + other.get(key, 0) for key in {**other, **one}}


class Tally:
    """Counts calls by method."""

    def __init__(self) -> None:
        self.calls: dict[str, Calls] = {}

    def add(self, method: str, how: How, seconds: float) -> None:
        """One call was answered."""
        calls = self.calls.setdefault(label(method), Calls())
        setattr(calls, how, getattr(calls, how) + 1)
        calls.seconds += seconds
