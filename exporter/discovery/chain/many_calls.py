"""Many contract calls at one block: in one call of Multicall3, or in JSON-RPC batches.

One `eth_call` sees one state, so that a multicall at `latest` needs no block number beforehand: it
asks, among the rest, which block it sees.
"""

import asyncio
import logging
from collections.abc import Collection, Iterable, Sequence
from typing import Any, Final

import msgspec

from exporter.ethereum import contracts
from exporter.ethereum import multicall as aggregate3
from exporter.ethereum.abi import (
    AnswerError,
    Call,
    EmptyAnswerError,
    Height,
    eth_call,
    height,
    quantity,
    unhex,
)
from exporter.ethereum.node import EthereumError, Node, Question, RefusedError, UnreachableError
from exporter.ethereum.rpc import is_behind
from exporter.ethereum.words import WORD

CALLS_AT_ONCE: Final = 1000
"""Calls in one multicall at most: some ten million gas, where nodes allow fifty and more."""
CALLS_AT_LEAST: Final = 50
ISOLATING_LIMIT: Final = 60
"""Requests of one reading by which calls that spoil a multicall are told from the others."""
SAME_TWICE: Final = 4
"""Readings at `latest` until two in a row are the same."""

_LONG: Final = 4096
"""Characters of a registry's entry that is no use in any case."""
_HEADS: Final = 3
"""Calls before the others, which say what block is seen."""

log = logging.getLogger(__name__)


class Block(msgspec.Struct, frozen=True):
    """A block of the chain that is asked."""

    number: int
    time: int
    """Unix seconds."""


class BlockMissingError(EthereumError):
    """No node has the state of the block that was asked for."""


class _NoMulticallError(Exception):
    """There is no Multicall3 at the address."""


class ManyCalls:
    """Reads many calls at one block, with as few requests as the nodes allow."""

    def __init__(self, node: Node, *, multicall: str | None) -> None:
        """`multicall` is the address of a Multicall3 contract, if there is one."""
        self._node = node
        self._multicall = multicall
        self._at_once = CALLS_AT_ONCE
        self._alone: set[Call] = set()
        """Calls that spoiled a multicall, such as of a registry's entry that is far too long."""

    async def read(self, calls: Sequence[Call], at: Block | None = None) -> tuple[list[Any], Block]:
        """What each call gives, or the `EthereumError` in its place, and the block.

        `at` is the block that is wanted; `None` takes the newest. Raises `BlockMissingError` for a
        block that no node has, and other `EthereumError`s when there is no answer.
        """
        if self._multicall is not None:
            try:
                return await self._by_multicall(self._multicall, calls, at)
            except _NoMulticallError:
                found, block = await self._by_batches(calls, at)
                self._do_without(found)
                return found, block
            except BlockMissingError:
                if at is not None:
                    raise
        return await self._by_batches(calls, at)

    def _do_without(self, found: Sequence[Any]) -> None:
        """There is no Multicall3, unless the node that says so says it of all contracts."""
        if all(isinstance(value, EmptyAnswerError) for value in found):
            return
        log.warning(
            "no Multicall3 at the address of `ethereum.multicall`: batches do",
            extra={"address": self._multicall},
        )
        self._multicall = None

    async def read_one(self, call: Call, at: Height) -> Any:  # noqa: ANN401 - by its function
        """What one call gives. Raises `EthereumError`, such as `BlockMissingError`."""
        try:
            answer = await self._node.ask(call.question(at))
        except RefusedError as refusal:
            raise _missing(refusal) from refusal
        return call.function.read(unhex(answer))

    async def _by_multicall(
        self, multicall: str, calls: Sequence[Call], at: Block | None
    ) -> tuple[list[Any], Block]:
        chunks = _chunks([call for call in calls if call not in self._alone], self._at_once)
        try:
            looks = await self._aggregated(multicall, chunks, "latest" if at is None else at.number)
        except UnreachableError:
            # Perhaps it was too much at once; nobody can tell that from a node that is down.
            self._at_once = max(CALLS_AT_LEAST, self._at_once // 2)
            raise
        if at is None:
            seen = {look.block for look in looks if look.block is not None}
            if len(seen) > 1:
                return await self._by_multicall(multicall, calls, await self._newest_of(seen))
            at = await self._newest_of(seen)
        found = {call: value for look in looks for call, value in look.found.items()}
        failed = [call for call in calls if call not in found]
        isolation = _Isolation(self, multicall, at.number, self._alone)
        found |= await isolation.of(failed)
        if not failed:
            self._at_once = min(CALLS_AT_ONCE, self._at_once * 2)
        self._alone -= set(failed)
        self._alone |= {call for call in isolation.singles if _spoils(found[call])}
        return [found[call] for call in calls], at

    async def _newest_of(self, seen: Iterable[tuple[int, int | None]]) -> Block:
        """The newest of the blocks that multicalls saw; of the node, if they did not say."""
        number, time = max(seen, default=(None, None))
        if number is None or time is None:
            return await self._block("latest" if number is None else height(number))
        return Block(number, time)

    async def _aggregated(
        self, multicall: str, chunks: Sequence[Sequence[Call]], at: Height
    ) -> "list[_Look]":
        questions = await asyncio.to_thread(
            lambda: [_question(multicall, chunk, at) for chunk in chunks]
        )
        answers = await self._ask_all(questions)
        return await asyncio.to_thread(
            lambda: [_look(chunk, answer) for chunk, answer in zip(chunks, answers, strict=True)]
        )

    async def _ask_all(self, questions: Sequence[Question]) -> list[Any]:
        """Results and refusals. Raises `BlockMissingError` and other `EthereumError`s."""
        try:
            answers = await self._node.ask_all(questions)
        except RefusedError as refusal:
            raise _missing(refusal) from refusal
        for answer in answers:
            if isinstance(answer, RefusedError) and is_behind(answer):
                raise BlockMissingError(str(answer))
        return answers

    async def _by_batches(self, calls: Sequence[Call], at: Block | None) -> tuple[list[Any], Block]:
        if at is not None:
            return await self._at(calls, at.number), at
        for _ in range(2):
            block = await self._block("latest")
            try:
                return await self._at(calls, block.number), block
            except BlockMissingError as error:
                log.debug("again with a newer block: %s", error)
        return await self._same_twice(calls)

    async def _same_twice(self, calls: Sequence[Call]) -> tuple[list[Any], Block]:
        """At `latest`, until two readings in a row are the same: then nothing lay between."""
        before: list[Any] | None = None
        for _ in range(SAME_TWICE):
            block = await self._block("latest")
            found = await self._at(calls, "latest")
            if before is not None and list(map(repr, found)) == list(map(repr, before)):
                return found, block
            before = found
        raise BlockMissingError(
            "the nodes keep the state of no block that they name, and the newest one changes "
            "while it is read; a node that keeps some minutes of state is needed"
        )

    async def _at(self, calls: Sequence[Call], at: Height) -> list[Any]:
        questions = await asyncio.to_thread(lambda: [call.question(at) for call in calls])
        answers = await self._ask_all(questions)
        return await asyncio.to_thread(
            lambda: [_value(call, answer) for call, answer in zip(calls, answers, strict=True)]
        )

    async def _block(self, at: str) -> Block:
        answer = await self._node.ask(Question("eth_getBlockByNumber", (at, False)))
        if answer is None:
            raise BlockMissingError("the node does not know the block")
        if not isinstance(answer, dict):
            raise AnswerError("the answer is not a block")
        return Block(quantity(answer.get("number")), quantity(answer.get("timestamp")))


class _Look(msgspec.Struct):
    """What one multicall gave."""

    block: tuple[int, int | None] | None
    """Number and time of the block that it saw, as far as it says so."""
    found: dict[Call, Any]
    """Values and errors by call; a call that did not succeed is absent."""


class _Isolation:
    """Tells the calls that spoil a multicall from the others, by halves."""

    def __init__(self, many: ManyCalls, multicall: str, at: int, known: Collection[Call]) -> None:
        """`known` are calls that spoil one, as far as that is known."""
        self._many = many
        self._multicall = multicall
        self._at = at
        self._known = known
        self._left = ISOLATING_LIMIT
        self.singles: set[Call] = set()
        """Those that were asked by themselves in the end."""

    async def of(self, calls: Sequence[Call]) -> dict[Call, Any]:
        """Values and errors by call. Raises `EthereumError`."""
        found: dict[Call, Any] = {}
        others = [call for call in calls if call not in self._known]
        waiting = [[call] for call in calls if call in self._known] + ([others] if others else [])
        while waiting:
            some = waiting.pop()
            self._left -= 1
            if self._left < 0:
                raise AnswerError(f"too many calls fail, such as {some[0].function.name}")
            if len(some) == 1:
                self.singles.add(some[0])
                found[some[0]] = await self._single(some[0])
                continue
            for half in (some[: len(some) // 2], some[len(some) // 2 :]):
                looks = await self._many._aggregated(self._multicall, [half], self._at)  # noqa: SLF001 - one class in two
                found |= looks[0].found
                failed = [call for call in half if call not in found]
                waiting += [failed] if failed else []
        return found

    async def _single(self, call: Call) -> Any:  # noqa: ANN401 - by its function
        try:
            return await self._many.read_one(call, self._at)
        except (BlockMissingError, UnreachableError):
            raise
        except EthereumError as error:
            return error


def _spoils(value: object) -> bool:
    """Whether a call with such an answer is better asked by itself next time, too."""
    return isinstance(value, EthereumError) or (isinstance(value, str) and len(value) > _LONG)


def _chunks(calls: Sequence[Call], size: int) -> list[Sequence[Call]]:
    return [calls[start : start + size] for start in range(0, len(calls), size)]


def _question(multicall: str, calls: Sequence[Call], at: Height) -> Question:
    inner = [(one.to, one.function.data(*one.arguments)) for one in (*_heads(multicall), *calls)]
    return eth_call(multicall, aggregate3.data(inner), at)


def _heads(multicall: str) -> tuple[Call, ...]:
    return (
        Call(contracts.ARB_SYS, contracts.ARB_BLOCK_NUMBER),
        Call(multicall, contracts.BLOCK_NUMBER),
        Call(multicall, contracts.BLOCK_TIME),
    )


def _look(calls: Sequence[Call], answer: object) -> _Look:
    """Raises `_NoMulticallError`."""
    if isinstance(answer, RefusedError):
        return _Look(None, {})
    try:
        pairs = aggregate3.read(unhex(answer), len(calls) + _HEADS)
    except EmptyAnswerError as error:
        raise _NoMulticallError from error
    except AnswerError:
        return _Look(None, {})
    heads, rest = pairs[:_HEADS], pairs[_HEADS:]
    found = {
        call: _decoded(call, data)
        for call, (succeeded, data) in zip(calls, rest, strict=True)
        if succeeded
    }
    return _Look(_block_of(heads), found)


def _block_of(heads: Sequence[tuple[bool, bytes]]) -> tuple[int, int | None] | None:
    arbitrum, other, time = (
        int.from_bytes(data) if succeeded and len(data) == WORD else None
        for succeeded, data in heads
    )
    number = other if arbitrum is None else arbitrum
    return None if number is None else (number, time)


def _value(call: Call, answer: object) -> Any:  # noqa: ANN401 - by its function
    if isinstance(answer, RefusedError):
        return answer
    try:
        return _decoded(call, unhex(answer))
    except AnswerError as error:
        return error


def _decoded(call: Call, data: bytes) -> Any:  # noqa: ANN401 - by its function
    try:
        return call.function.read(data)
    except EthereumError as error:
        return error


def _missing(refusal: RefusedError) -> EthereumError:
    return BlockMissingError(str(refusal)) if is_behind(refusal) else refusal
