"""For how long which answer is kept."""

from collections.abc import Callable
from typing import Any, Final

from exporter.ethereum.node import RefusedError
from exporter.ethereum.relay import answers, clock
from exporter.ethereum.relay.belonging import number_of
from exporter.ethereum.relay.cache import Cache, Kept
from exporter.ethereum.relay.heads import FRESH, Head
from exporter.ethereum.relay.methods import Kind
from exporter.ethereum.relay.plan import SETTLED, Life, Plan, key_of
from exporter.ethereum.relay.pool_reads import Told

GAS: Final = 10.0
"""Seconds for which a gas price is given again."""
UNSETTLED: Final = 30.0
"""Seconds for which an answer is kept whose block may yet be replaced."""
_REVERTED: Final = 3


class Keeping:
    """Puts answers into the cache, and takes them out while they hold.

    `newest` gives the number of the newest block that is known; `keep_pool` is for how many
    seconds readings of the pool are given again.
    """

    def __init__(
        self,
        limit: int,
        *,
        newest: Callable[[], int | None],
        keep_pool: float,
        fresh: float = FRESH,
    ) -> None:
        self.cache = Cache(limit)
        self._newest = newest
        self._keep_pool = keep_pool
        self._fresh = fresh
        self._told = Told()

    def get(self, key: bytes) -> bytes | None:
        """The answer, as the member of a response."""
        kept = self.cache.get(key, clock.now())
        return None if kept is None else kept.text

    def of_pool(self, key: bytes, contract: str) -> bytes | None:
        """The same for a reading of the pool at the newest block."""
        kept = self.cache.get(key, clock.now())
        if kept is None or self._told.since(contract, kept.height):
            return None
        return kept.text

    def answered(self, plan: Plan, found: Any, text: bytes, sent: float) -> None:  # noqa: ANN401 - JSON
        """Keep an answer to a question that was sent at that time."""
        kind = plan.method.kind
        if kind is Kind.LOGS:
            self._told.note(found)
        if found is None:
            return  # What is not there yet may be there in a moment.
        height = plan.height
        if plan.life is Life.BY_ANSWER:
            height = number_of(found, "blockNumber")
            if height is None:
                return
        self._put(plan.key, plan.life, text, height, sent)
        if kind is Kind.BLOCK and plan.question.params[1] is False:
            self._put_by_hash(found.get("hash"), text)

    def refused(self, plan: Plan, refused: RefusedError, text: bytes, sent: float) -> None:
        """Keep what a contract said at a block, for that is an answer; no other refusal is."""
        reverted = refused.code == _REVERTED or "revert" in refused.message.lower()
        if plan.question.method == "eth_call" and reverted:
            self._put(plan.key, plan.life, text, plan.height, sent)

    def pool_answered(self, key: bytes, height: int, text: bytes, sent: float) -> None:
        """Keep a reading of the pool that was made at that block."""
        if self._keep_pool > 0 and text != answers.result("0x"):
            self.cache.put(key, Kept(text, sent + self._keep_pool, height=height, settled=False))

    def newest_is(self, head: Head, sent: float) -> None:
        """Keep the description of the newest block under its number and its hash."""
        key = key_of("eth_getBlockByNumber", (hex(head.number), False))
        self._put(key, Life.BY_BLOCK, head.text, head.number, sent)
        self._put_by_hash(head.hash, head.text)

    def _put_by_hash(self, digest: object, text: bytes) -> None:
        if isinstance(digest, str):
            key = key_of("eth_getBlockByHash", (digest.lower(), False))
            self.cache.put(key, Kept(text))

    def _put(self, key: bytes, life: Life, text: bytes, height: int | None, sent: float) -> None:
        if life is Life.NEVER:
            return
        if life is Life.GAS:
            self.cache.put(key, Kept(text, sent + GAS))
        elif life is Life.TAG:
            self.cache.put(key, Kept(text, sent + self._fresh))
        elif life is Life.FOR_LONG or self._settled(height):
            self.cache.put(key, Kept(text))
        else:
            self.cache.put(key, Kept(text, sent + UNSETTLED, settled=False))

    def _settled(self, height: int | None) -> bool:
        newest = self._newest()
        return height is not None and newest is not None and height <= newest - SETTLED
