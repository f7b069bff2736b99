"""The pool as the contracts keep it: a linked list of addresses, most stake first."""

from collections.abc import Awaitable, Callable
from typing import Final

from exporter.ethereum.contracts import NOBODY
from exporter.ethereum.node import EthereumError

Next = dict[str, str]
"""Who comes after whom; `NOBODY` after the last."""


class ImpossibleError(EthereumError):
    """What was read contradicts itself: it is no state of the chain, and is not believed."""


class PoolTooLongError(EthereumError):
    """The pool has more members than the settings allow."""


IMPOSSIBLE: Final = "what the node answers cannot be"


async def members(
    first: str, following: Next, ask: Callable[[str], Awaitable[str]], *, limit: int
) -> tuple[str, ...]:
    """Everybody in the pool, in order, from the pointers that are known.

    `ask` gives who comes after an address of which that is not known; the answer is added to
    `following`. Raises `ImpossibleError` for a circle, `PoolTooLongError`, and what `ask` raises.
    """
    found: dict[str, None] = {}
    who = first
    while who != NOBODY:
        if who in found:
            raise ImpossibleError(f"{IMPOSSIBLE}: the pool goes round in a circle at {who}")
        if len(found) == limit:
            raise PoolTooLongError(
                f"the pool has more than {limit} members, which is not believed; if it is right, "
                "raise `sources.chain.members`"
            )
        found[who] = None
        if who not in following:
            following[who] = await ask(who)
        who = following[who]
    return tuple(found)
