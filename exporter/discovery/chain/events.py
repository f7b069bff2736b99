"""Events since the last look: whether the set may have changed.

They only say that it is time to read; what is read is the state. One that was missed, or that a
reorganisation took back, does no harm.
"""

from collections.abc import Collection
from typing import Final

from exporter.discovery.chain.departed import BLOCKS, emitted, subject
from exporter.discovery.chain.facts import Addresses
from exporter.ethereum.abi import AnswerError, quantity
from exporter.ethereum.contracts import TOPICS
from exporter.ethereum.node import Node, Question, RefusedError

SPANS_LIMIT: Final = 10
"""Looks of `BLOCKS` blocks at once; what lies further back is for the next reading."""

_OF_ANYBODY: Final = frozenset(
    TOPICS[name]
    for name in ("TranscoderActivated", "TranscoderDeactivated", "NewRound", "SetContractInfo")
)
_OF_LISTED: Final = frozenset(TOPICS[name] for name in ("ServiceURIUpdate", "TranscoderUpdate"))
"""Anyone may write into a registry: only who is listed makes us read."""


async def changed(
    node: Node, at: Addresses, listed: Collection[str], *, after: int
) -> tuple[bool, int]:
    """Whether an event since the block `after` concerns the set, and the block to go on from.

    Raises `EthereumError`.
    """
    newest = quantity(await node.ask(Question("eth_blockNumber")))
    if newest <= after:
        return False, after
    first = max(after + 1, newest - SPANS_LIMIT * BLOCKS + 1)
    spans = [(start, min(start + BLOCKS - 1, newest)) for start in range(first, newest + 1, BLOCKS)]
    answers = await node.ask_all([_question(at, *span) for span in spans])
    return any(_concerns(answer, at, listed) for answer in answers), newest


def _question(at: Addresses, first: int, last: int) -> Question:
    wanted = {
        "address": sorted({at.bonding, at.rounds, at.registry, at.ai_registry, at.controller}),
        "topics": [sorted(_OF_ANYBODY | _OF_LISTED)],
        "fromBlock": hex(first),
        "toBlock": hex(last),
    }
    return Question("eth_getLogs", (wanted,))


def _concerns(answer: object, at: Addresses, listed: Collection[str]) -> bool:
    if isinstance(answer, RefusedError):
        raise answer
    if not isinstance(answer, list):
        raise AnswerError("the answer is not a list of events")
    ours = {at.bonding, at.rounds, at.registry, at.ai_registry, at.controller}
    for entry in answer:
        address, topics = emitted(entry)
        if address not in ours or not topics:
            continue
        if topics[0] in _OF_ANYBODY:
            return True
        if topics[0] in _OF_LISTED and subject(topics) in listed:
            return True
    return False
