"""Who left the pool in this round, and is active until its end: told by events alone."""

from typing import Any, Final

from exporter.discovery.chain.facts import Addresses
from exporter.ethereum.abi import AnswerError
from exporter.ethereum.contracts import TOPICS
from exporter.ethereum.node import Node, Question, RefusedError
from exporter.model import is_eth_address

BLOCKS: Final = 1000
"""Blocks in one `eth_getLogs`."""
AT_ONCE: Final = 20
"""Of these in one request."""
BLOCKS_LIMIT: Final = 500_000
"""Arbitrum makes four blocks a second and a round takes most of a day."""
_WORD: Final = 66
"""Characters of a topic."""


async def search(node: Node, at: Addresses, *, since: int, until: int) -> set[str]:
    """Addresses that left since the round `since` began; backwards from the block `until`.

    Raises `EthereumError` when the events are not given, or do not show the round's beginning.
    """
    left: set[str] = set()
    newest = until
    while newest >= 0 and until - newest < BLOCKS_LIMIT:
        spans = [
            (max(0, newest - step - BLOCKS + 1), newest - step)
            for step in range(0, min(AT_ONCE * BLOCKS, newest + 1), BLOCKS)
        ]
        questions = [_question(at, first, last) for first, last in spans]
        for answer in await node.ask_all(questions):
            if isinstance(answer, RefusedError):
                raise answer
            gone, began = _read(answer, at, since)
            left |= gone
            if began:
                return left
        newest = spans[-1][0] - 1
    raise AnswerError("the events of the nodes do not reach back to the round's beginning")


def _question(at: Addresses, first: int, last: int) -> Question:
    wanted = {
        "address": [at.bonding, at.rounds],
        "topics": [[TOPICS["TranscoderDeactivated"], TOPICS["NewRound"]]],
        "fromBlock": hex(first),
        "toBlock": hex(last),
    }
    return Question("eth_getLogs", (wanted,))


def _read(answer: object, at: Addresses, since: int) -> tuple[set[str], bool]:
    """Who left, and whether the round `since` began among these events."""
    if not isinstance(answer, list):
        raise AnswerError("the answer is not a list of events")
    left: set[str] = set()
    began = False
    for entry in answer:
        address, topics = emitted(entry)
        if len(topics) < 2:  # noqa: PLR2004 - the event and its subject
            continue
        if address == at.bonding and topics[0] == TOPICS["TranscoderDeactivated"]:
            left |= {subject(topics)} - {None}  # type: ignore[arg-type]
        if address == at.rounds and topics[0] == TOPICS["NewRound"]:
            began = began or int(topics[1], 16) <= since
    return left, began


def emitted(entry: Any) -> tuple[str, list[str]]:  # noqa: ANN401 - JSON
    """Who emitted an event, lower-case, and its topics; nobody and none for what is no event."""
    if not isinstance(entry, dict):
        return "", []
    address, topics = entry.get("address"), entry.get("topics")
    if not isinstance(address, str) or not isinstance(topics, list):
        return "", []
    return address.lower(), [one.lower() for one in topics if _is_word(one)]


def subject(topics: list[str]) -> str | None:
    """The address that the event is about, its first indexed argument; `None` if there is none."""
    if len(topics) < 2:  # noqa: PLR2004 - the event and its subject
        return None
    address = "0x" + topics[1][-40:]
    return address if is_eth_address(address) else None


def _is_word(topic: object) -> bool:
    if not isinstance(topic, str) or len(topic) != _WORD or not topic.startswith("0x"):
        return False
    return all(digit in "0123456789abcdefABCDEF" for digit in topic[2:])
