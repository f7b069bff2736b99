"""What one reading of the set gave, and whether it can follow on the one before."""

from collections.abc import Collection, Mapping
from typing import Final

import msgspec

from exporter.discovery.chain.facts import Facts, Whole
from exporter.discovery.chain.many_calls import Block
from exporter.discovery.chain.pool import IMPOSSIBLE, ImpossibleError
from exporter.ethereum.scrutiny import BehindError
from exporter.model import NANOSECONDS, ChainState, Registration

EMPTY_POOL: Final = (
    "the pool is empty, which is not believed: has the node got the state of its chain, and is "
    "`ethereum.controller` the right one?"
)


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """The set at one block."""

    state: ChainState
    registered: tuple[Registration, ...]
    """By address."""
    notes: tuple[str, ...] = ()
    """What could not be found out, in words for the operator."""


class OldError(BehindError):
    """The newest block of the node is old. The reading may be taken where no other is newer."""

    def __init__(self, reading: Reading) -> None:
        super().__init__("its newest block is old: it does not follow the chain")
        self.reading = reading


def check(
    whole: Whole, pool: tuple[str, ...], block: Block, before: Reading | None
) -> Reading | None:
    """Whether what was read can be, also after `before`; gives `before` if it is of this chain.

    Raises `ImpossibleError` for what contradicts itself or what was known, `BehindError`.
    """
    if not pool:
        raise ImpossibleError(EMPTY_POOL)
    if whole.size != len(pool):
        raise ImpossibleError(
            f"{IMPOSSIBLE}: a pool of {whole.size} in which {len(pool)} are linked"
        )
    if whole.round == 0:
        raise ImpossibleError(f"{IMPOSSIBLE}: round 0")
    if before is None:
        return None
    time, known = block.time * NANOSECONDS, before.state
    if block.number < known.block and time > known.block_time:
        return None  # A chain of this id that was begun anew, as those for development are.
    if block.number < known.block:
        raise BehindError(
            f"the nodes are behind: their newest block is {block.number}, and {known.block} was "
            "read before"
        )
    if whole.round < known.round:
        raise ImpossibleError(
            f"{IMPOSSIBLE}: round {whole.round} after round {known.round} of an older block"
        )
    return before


def check_who_left(
    pool: Collection[str], known: Mapping[str, Facts], before: Reading | None
) -> None:
    """Raises `ImpossibleError` when most of the pool is gone and the contract knows of no end.

    Whoever leaves, or is pushed out, gets a round in which it ends.
    """
    if before is None:
        return
    were = {one.orchestrator for one in before.registered if one.in_pool}
    gone = were.difference(pool)
    without_end = [who for who in gone if who in known and not known[who].end_set]
    if without_end and 2 * len(were - gone) < len(were):
        raise ImpossibleError(
            f"{IMPOSSIBLE}: {len(gone)} of {len(were)} left the pool at once, and "
            f"{len(without_end)} of them without an end"
        )


def shares(
    known: Mapping[str, Facts], active_stakes: Mapping[str, int], whole: Whole
) -> dict[str, float]:
    """Part of all active stake that each active orchestrator has, where that is known.

    While the round is not initialized, the sum is still the one of the round before: no shares.
    """
    if not whole.initialized or not whole.bonded:
        return {}
    return {
        who: active_stakes[who] / whole.bonded
        for who, one in known.items()
        if one.active and 0 < active_stakes.get(who, 0) <= whole.bonded
    }
