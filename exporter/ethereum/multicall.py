"""`aggregate3` of Multicall3: many calls in one, packed and read without eth_abi.

A call of six hundred takes eth_abi some 50 ms, which the event loop of a tester cannot spare.
"""

from collections.abc import Sequence
from typing import Final

from exporter.ethereum import words
from exporter.ethereum.abi import ANSWER_LIMIT, AnswerError, EmptyAnswerError
from exporter.ethereum.contracts import AGGREGATE
from exporter.ethereum.words import WORD

_CALL_HEAD: Final = 3 * WORD
"""Address, whether it may fail, where the data is."""


def data(calls: Sequence[tuple[str, bytes]]) -> bytes:
    """The call of all of them, by address and data, each of which may fail."""
    tuples = [_call(to, asked) for to, asked in calls]
    offsets, place = [], WORD * len(calls)
    for one in tuples:
        offsets.append(words.number(place))
        place += len(one)
    head = words.number(WORD) + words.number(len(calls))
    return AGGREGATE.selector + b"".join([head, *offsets, *tuples])


def read(answer: bytes, count: int) -> list[tuple[bool, bytes]]:
    """Whether each of `count` calls succeeded, and what it gave.

    Raises `EmptyAnswerError`, or `AnswerError` if that is not what the answer says.
    """
    if not answer:
        raise EmptyAnswerError("no answer to aggregate3: is there such a contract?")
    if len(answer) > ANSWER_LIMIT:
        raise AnswerError(f"an answer of {len(answer)} bytes to aggregate3")
    start = _number(answer, 0)
    found = _number(answer, start)
    if found != count:
        raise AnswerError(f"{found} answers in a multicall of {count}")
    base, given, results = start + WORD, 0, []
    for one in range(count):
        results.append(_result(answer, base + _number(answer, base + WORD * one)))
        given += len(results[-1][1])
        if given > len(answer):
            raise AnswerError("answers in a multicall that lie over each other")
    return results


def _call(to: str, asked: bytes) -> bytes:
    padding = bytes(-len(asked) % WORD)
    head = words.address(to), words.number(1), words.number(_CALL_HEAD), words.number(len(asked))
    return b"".join([*head, asked, padding])


def _result(answer: bytes, start: int) -> tuple[bool, bytes]:
    succeeded, place = _number(answer, start), start + _number(answer, start + WORD)
    length = _number(answer, place)
    end = place + WORD + length
    if succeeded > 1 or end > len(answer):
        raise AnswerError("the answer to aggregate3 is not what it gives")
    return bool(succeeded), answer[place + WORD : end]


def _number(answer: bytes, place: int) -> int:
    """The number in a word. Raises `AnswerError` for one that is not there or is too large."""
    word = answer[place : place + WORD] if place <= len(answer) else b""
    value = int.from_bytes(word, "big")
    if len(word) < WORD or value > ANSWER_LIMIT:
        raise AnswerError("the answer to aggregate3 is not what it gives")
    return value
