"""What contracts said, as `eth_getLogs` gives it, and which of it a filter wants."""

from collections.abc import Iterable, Iterator
from typing import Any, Final, NamedTuple

import msgspec

from exporter.ethereum.contracts import TOPICS
from exporter.settings.ethereum import AI_REGISTRY
from exporter.simulation.chain.blocks import Entry, hash_of
from exporter.simulation.chain.changes import Event
from exporter.simulation.chain.contracts import encoded
from exporter.simulation.chain.functions import address_of

_BONDING_TYPES: Final = "address", ("uint256",)
_TYPES: Final[dict[str, tuple[str, tuple[str, ...]]]] = {
    "TranscoderActivated": _BONDING_TYPES,
    "TranscoderDeactivated": _BONDING_TYPES,
    "TranscoderUpdate": ("address", ("uint256", "uint256")),
    "ServiceURIUpdate": ("address", ("string",)),
    "NewRound": ("uint256", ("bytes32",)),
}
"""Of each event: the type of its indexed argument, and of the others."""
_TOPICS_AT_MOST: Final = 4

Topics = list[str | list[str] | None]


class BadFilter(Exception):
    """The filter of a question is none."""


class Filter(NamedTuple):
    """Which logs are wanted, lower-case; `None`: any."""

    addresses: frozenset[str] | None
    topics: tuple[frozenset[str] | None, ...]

    def wants(self, log: dict[str, Any]) -> bool:
        """Whether a log passes."""
        if self.addresses is not None and log["address"] not in self.addresses:
            return False
        said: list[str] = log["topics"]
        if len(self.topics) > len(said):
            return False
        pairs = zip(self.topics, said, strict=False)
        return all(wanted is None or topic in wanted for wanted, topic in pairs)


def read_filter(asked: dict[str, Any]) -> Filter:
    """The filter in the parameters of `eth_getLogs`. Raises `BadFilter`."""
    try:
        address = msgspec.convert(asked.get("address"), str | list[str] | None)
        topics = msgspec.convert(asked.get("topics") or [], Topics)
    except msgspec.ValidationError as error:
        raise BadFilter("invalid argument 0: cannot unmarshal the filter") from error
    if len(topics) > _TOPICS_AT_MOST:
        raise BadFilter("invalid argument 0: too many topics")
    return Filter(_set(address), tuple(_set(one) for one in topics))


def logs(entries: Iterable[Entry], wanted: Filter) -> list[dict[str, Any]]:
    """All logs of these blocks that are wanted, in order."""
    return [log for entry in entries for log in _of(entry) if wanted.wants(log)]


def _of(entry: Entry) -> Iterator[dict[str, Any]]:
    for index, event in enumerate(entry.events):
        indexed, types = _TYPES[event.name]
        yield {
            "address": _emitter(event),
            "topics": [TOPICS[event.name], "0x" + encoded((indexed,), (event.indexed,)).hex()],
            "data": "0x" + encoded(types, event.data).hex(),
            "blockNumber": hex(entry.block),
            "blockHash": hash_of(entry.block),
            "transactionHash": f"0x{'7a' * 24}{entry.block:016x}",
            "transactionIndex": "0x1",
            "logIndex": hex(index),
            "removed": False,
        }


def _emitter(event: Event) -> str:
    return AI_REGISTRY if event.contract == "AIServiceRegistry" else address_of(event.contract)


def _set(given: str | list[str] | None) -> frozenset[str] | None:
    if given is None or given == []:
        return None
    return frozenset(one.lower() for one in ([given] if isinstance(given, str) else given))
