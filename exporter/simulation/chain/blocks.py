"""The blocks of a simulated chain: they come by themselves, and each change makes one more."""

import re
from bisect import bisect_right
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

import msgspec

from exporter.simulation.chain.changes import Change, Event
from exporter.simulation.chain.contracts import Moment
from exporter.simulation.chain.state import State

FIRST_BLOCK: Final = 300_000_000
BLOCKS_A_SECOND: Final = 4.0
KEPT: Final = 1000
"""Changes whose states are kept."""
_NOTHING: Final = "0x" + "00" * 32
_HASH: Final = "b10c" * 12
"""The first 24 bytes of every hash here; the other 8 are the number, so that it can be read."""
_NO_PAST: Final[Mapping[int, tuple[Event, ...]]] = MappingProxyType({})


class Missing(Exception):
    """There is no such block, or its state is not kept any more; the text is a node's."""


class Entry(msgspec.Struct, frozen=True):
    """A block with a change, and the state from it on."""

    block: int
    time: float
    state: State
    events: tuple[Event, ...] = ()


class Blocks:
    """Heights, headers and states. `now` gives Unix seconds, `speed` makes more blocks of them.

    Of what was before the chain begins only headers are known, and the events of the `past`, by
    how many blocks ago they were.
    """

    def __init__(
        self,
        state: State,
        past: Mapping[int, tuple[Event, ...]] = _NO_PAST,
        *,
        now: Callable[[], float],
        speed: float = 1.0,
    ) -> None:
        self._now = now
        self._rate = BLOCKS_A_SECOND * speed
        self._first = Entry(FIRST_BLOCK, now(), state)
        self._entries = [self._first]
        self._starts = [FIRST_BLOCK]
        self._past = [
            Entry(FIRST_BLOCK - ago, self.time(FIRST_BLOCK - ago), state, past[ago])
            for ago in sorted(past, reverse=True)
        ]

    @property
    def head(self) -> int:
        """The latest block."""
        last = self._entries[-1]
        return last.block + max(0, int((self._now() - last.time) * self._rate))

    @property
    def state(self) -> State:
        """The latest one."""
        return self._entries[-1].state

    def add(self, change: Change) -> int:
        """Make a block with this change; gives its number. Raises `ChangeRefused`."""
        state, events = change(self.state)
        number = self.head + 1
        self._entries.append(Entry(number, max(self._now(), self.time(number - 1)), state, events))
        self._starts.append(number)
        if len(self._entries) > KEPT:
            del self._entries[0], self._starts[0]
            self._past.clear()
        return number

    def moment(self, number: int) -> Moment:
        """What contracts see at that block. Raises `Missing`."""
        return Moment(self._entry(number).state, number, self.time(number))

    def time(self, number: int) -> float:
        """When it was made, Unix seconds. Raises `Missing`."""
        entry = self._first if number < FIRST_BLOCK else self._entry(number)
        return entry.time + (number - entry.block) / self._rate

    def events(self, first: int, last: int) -> list[Entry]:
        """The blocks with events from `first` to `last`. Raises `Missing`."""
        if first < self._starts[0] != FIRST_BLOCK:
            raise Missing("the events are not available")
        entries = (*self._past, *self._entries)
        return [one for one in entries if first <= one.block <= last and one.events]

    def header(self, number: int) -> dict[str, Any]:
        """As JSON-RPC gives it. Raises `Missing`."""
        if 0 <= number < FIRST_BLOCK:
            moment = Moment(self._first.state, number, self.time(number))
        else:
            moment = self.moment(number)
        return _EMPTY_HEADER | {
            "number": hex(number),
            "hash": hash_of(number),
            "parentHash": hash_of(number - 1),
            "timestamp": hex(int(moment.time)),
            "l1BlockNumber": hex(moment.l1_block),
        }

    def _entry(self, number: int) -> Entry:
        if number > self.head:
            raise Missing("header not found")
        place = bisect_right(self._starts, number) - 1
        if place < 0:
            raise Missing("missing trie node: the state is not available")
        return self._entries[place]


def hash_of(number: int) -> str:
    """The hash of a block."""
    return f"0x{_HASH}{max(number, 0):016x}"


def number_of(block_hash: str) -> int | None:
    """The block of a hash; `None` for one that is not of this chain."""
    found = re.fullmatch(f"0x{_HASH}([0-9a-f]{{16}})", block_hash)
    return int(found[1], 16) if found else None


_EMPTY_HEADER: Final = {
    "baseFeePerGas": "0x989680",
    "difficulty": "0x1",
    "extraData": "0x" + "00" * 32,
    "gasLimit": "0x4000000000000",
    "gasUsed": "0x0",
    "logsBloom": "0x" + "00" * 256,
    "miner": "0xa4b000000000000000000073657175656e636572",
    "mixHash": _NOTHING,
    "nonce": "0x0000000000000000",
    "receiptsRoot": "0x56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421",
    "sha3Uncles": "0x1dcc4de8dec75d7aab85b567b6ccd41ad312451b948a7413f0a142fd40d49347",
    "size": "0x0",
    "stateRoot": _NOTHING,
    "transactions": [],
    "transactionsRoot": "0x56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421",
    "uncles": [],
}
