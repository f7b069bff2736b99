"""The newest block: looked for at most every so often, and never an older one than before."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any, Final

import msgspec

from exporter.ethereum.node import Good, Question
from exporter.ethereum.relay import answers, clock
from exporter.ethereum.relay.belonging import OtherBlockError, number_of
from exporter.ethereum.relay.tally import How

FRESH: Final = 4.0
"""Seconds for which the newest block is taken for the newest.

go-livepeer looks every 5 s: one that looks alone always gets a new one, and many that look at
different moments cost hardly more than one.
"""
LONGEST_BEHIND: Final = 300.0
"""Seconds after which nodes that give an older block than before are believed: nobody may hang for
ever on a chain that was really set back."""
_APART: Final = 60.0
"""Seconds after which one look says nothing of what was between it and the one before."""

log = logging.getLogger(__name__)


class Head(msgspec.Struct, frozen=True):
    """A block, described without its transactions."""

    number: int
    hash: str
    parent: str
    text: bytes
    """The description, as the member of a JSON-RPC response."""


class Heads:
    """`ask` puts a question to a node; `on_new` is told of each new block, and when it was asked.

    `on_replaced` is called when known blocks were replaced; none below `at_least` is believed.
    """

    def __init__(
        self,
        ask: Callable[[Question, Good], Awaitable[Any]],
        *,
        on_new: Callable[[Head, float], None],
        on_replaced: Callable[[], None],
        at_least: int = 0,
        fresh: float = FRESH,
    ) -> None:
        self.known: Head | None = None
        self.changed = asyncio.Event()
        """Set whenever there is a new one; to be cleared by who waits for it."""
        self._ask = ask
        self._on_new = on_new
        self._on_replaced = on_replaced
        self._at_least = at_least
        self._fresh = fresh
        self._looked = 0.0
        self._behind_since: float | None = None
        self._behind_at = 0.0
        """When a node that lags was seen last."""
        self._looking: asyncio.Task[Head] | None = None

    async def newest(self) -> tuple[Head, How]:
        """The newest block, and how it was had.

        Raises `EthereumError`, `OtherBlockError` or `TooManyCallsError`.
        """
        now = clock.now()
        if self.known is not None and now - self._looked < self._fresh:
            return self.known, How.CACHED
        how = How.COALESCED
        if self._looking is None:
            how = How.SENT
            self._looking = asyncio.create_task(self._look())
            self._looking.add_done_callback(self._looked_up)
        return await asyncio.shield(self._looking), how

    def _looked_up(self, task: asyncio.Task[Head]) -> None:
        self._looking = None
        if not task.cancelled():
            task.exception()

    async def _look(self) -> Head:
        asked = clock.now()
        latest = Question("eth_getBlockByNumber", ("latest", False))
        found = _head(await self._ask(latest, self._is_no_older))
        known = self.known
        if found.number < self._at_least:
            return self._older(found, asked)
        self._behind_since = None
        if known is not None and _replaces(found, known):
            log.info("blocks of the chain were replaced", extra={"block": found.number})
            self._on_replaced()
        self._take(found, asked)
        return found

    def _is_no_older(self, block: object) -> bool:
        number = number_of(block) if isinstance(block, dict) else None
        return number is not None and number >= self._at_least

    def _take(self, found: Head, asked: float) -> None:
        changed = self.known is None or self.known.hash != found.hash
        self.known, self._looked = found, asked
        self._at_least = found.number
        if changed:
            self._on_new(found, asked)
            self.changed.set()

    def _older(self, found: Head, asked: float) -> Head:
        """What is known stays the newest: the node that answered lags behind."""
        if self._behind_since is None or asked - self._behind_at > _APART:
            self._behind_since = asked
        since, self._behind_at = self._behind_since, asked
        if asked - since >= LONGEST_BEHIND:
            log.warning(
                "the Ethereum nodes have given older blocks for so long that they are believed",
                extra={"block": found.number, "before": self._at_least},
            )
            self._behind_since = None
            self._on_replaced()
            self._take(found, asked)
            return found
        if self.known is None:
            raise BehindError(found.number, self._at_least)
        self._looked = asked
        return self.known


class BehindError(Exception):
    """The nodes lag behind what gateways were told before."""

    def __init__(self, number: int, before: int) -> None:
        super().__init__(f"the Ethereum nodes are at block {number}, and were at {before} before")


def _head(block: object) -> Head:
    """Raises `OtherBlockError`."""
    if isinstance(block, dict):
        number, digest, parent = number_of(block), block.get("hash"), block.get("parentHash")
        if number is not None and isinstance(digest, str) and isinstance(parent, str):
            return Head(number, digest.lower(), parent.lower(), answers.result(block))
    raise OtherBlockError


def _replaces(found: Head, known: Head) -> bool:
    if found.number == known.number:
        return found.hash != known.hash
    return found.number == known.number + 1 and found.parent != known.hash
