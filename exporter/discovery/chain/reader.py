"""Reads who is registered, active and staked, and where they say they are."""

import asyncio
import logging
import time
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any, Final

from exporter.discovery.chain import departed, facts
from exporter.discovery.chain.directory import Directory
from exporter.discovery.chain.facts import Addresses, Facts, Whole
from exporter.discovery.chain.many_calls import Block, BlockMissingError, ManyCalls
from exporter.discovery.chain.pool import ImpossibleError, Next, PoolTooLongError, members
from exporter.discovery.chain.reading import OldError, Reading, check, check_who_left, shares
from exporter.ethereum import contracts
from exporter.ethereum.abi import AnswerError, Call, EmptyAnswerError, quantity
from exporter.ethereum.contracts import WEI
from exporter.ethereum.node import EthereumError, Question, RefusedError, UnreachableError
from exporter.ethereum.scrutiny import OLD_BLOCK, Scrutiny
from exporter.ethereum.upstreams import Upstreams
from exporter.model import NANOSECONDS, ChainState
from exporter.settings.ethereum import Ethereum

TRIES: Final = 5
"""Readings until one holds together: the pool may change while it is walked."""
UNEXPLAINED: Final = 1e-6
"""Part of the active stake that may be nobody's; rounding is no reason to search."""

Progress = Callable[[int, int], None]
"""Is told how many of how many members have been found."""

log = logging.getLogger(__name__)


def silent(found: int, of: int) -> None:
    """Tells nobody."""


class Reader:
    """The set of one chain. It remembers what spares the next reading requests."""

    def __init__(
        self,
        nodes: Upstreams,
        settings: Ethereum,
        *,
        members: int,
        now: Callable[[], int] = time.time_ns,
    ) -> None:
        """`members` bounds the pool, `now` gives Unix nanoseconds."""
        self._node = Scrutiny(nodes)
        self._settings = settings
        self._members = members
        self._now = now
        self._calls = ManyCalls(self._node, multicall=settings.multicall)
        self._right_chain = False
        self._addresses: Addresses | None = None
        self._active_stakes: dict[str, int] = {}
        self._stakes_of = 0
        """The round of these stakes, which do not change in it."""
        self._seen: set[str] = set()
        """Every address that was met, so that a walk that was cut off goes on where it was."""
        self._searched = 0
        """The round in which whoever left was searched for."""
        self._searched_in_vain = ""
        """Why there may be somebody who was not found."""
        self.directory = Directory(settings)

    @property
    def addresses(self) -> Addresses | None:
        """Where the contracts are, once that is known."""
        return self._addresses

    async def read(self, before: Reading | None = None, progress: Progress = silent) -> Reading:
        """Read the set; `before` is the last good reading.

        From the next node where the answers of one cannot be believed, or its newest block is old.
        Raises `EthereumError`.
        """
        try:
            reading = await self._node.believed(lambda: self._read_from_one(before, progress))
        except OldError as error:
            reading = error.reading
        self._seen = {one.orchestrator for one in reading.registered}
        return reading

    async def _read_from_one(self, before: Reading | None, progress: Progress) -> Reading:
        await self._check_chain()
        if before is not None:
            self._seen |= {one.orchestrator for one in before.registered}
        try:
            reading = await self._read_until_it_holds(before, progress)
        except (RefusedError, UnreachableError):
            raise  # What was found out so far holds.
        except EthereumError as error:
            self._addresses = None
            if isinstance(error, ImpossibleError | PoolTooLongError):
                self._seen.clear()  # Who was met is as little to be believed.
            raise
        if reading.state.read_at - reading.state.block_time > OLD_BLOCK * NANOSECONDS:
            raise OldError(reading)
        return reading

    async def _read_until_it_holds(self, before: Reading | None, progress: Progress) -> Reading:
        for _ in range(TRIES - 1):
            try:
                return await self._read(before, progress)
            except (BlockMissingError, ImpossibleError, AnswerError) as error:
                self._addresses = None
                self._node.begin()
                log.debug("the set is read again: %s", error)
        return await self._read(before, progress)

    async def look(self) -> tuple[Whole, Block]:
        """Only what is known of the set as a whole: whether a node can be read from at all.

        Raises `EthereumError`.
        """
        await self._check_chain()
        whole, _, block = await self._sweep(await self._resolved(), ())
        return whole, block

    async def _check_chain(self) -> None:
        if self._right_chain:
            return
        chain_id = quantity(await self._node.ask(Question("eth_chainId")))
        if chain_id != self._settings.chain_id:
            raise AnswerError(
                f"the node is of chain {chain_id}; `ethereum.chain_id` says "
                f"{self._settings.chain_id}"
            )
        self._right_chain = True

    async def _read(self, before: Reading | None, progress: Progress) -> Reading:
        """One try."""
        at = await self._resolved()
        whole, known, block = await self._sweep(at, self._seen)
        following: Next = {one.orchestrator: one.following for one in known.values()}

        async def ask(who: str) -> str:
            self._seen.add(who)
            progress(len(following) + 1, whole.size)
            return await self._who_follows(at, who, block)

        pool = await members(whole.first, following, ask, limit=self._members)
        before = self._checked(whole, pool, block, before)
        known |= await self._about(at, set(pool) - known.keys(), block)
        linked = {one.orchestrator: one.following for one in known.values()}
        if any(linked[who] != following[who] for who in pool):
            raise ImpossibleError("the pool changes while it is read")
        check_who_left(pool, known, before)
        stakes = await self._stakes(at, known, whole, block)
        known, notes = await self._with_departed(at, known, stakes, whole, block)
        parts = shares(known, self._active_stakes, whole)
        # Off the loop: it also carries the stamps of running jobs.
        registered = await asyncio.to_thread(
            facts.registrations, known.values(), frozenset(pool), parts
        )
        return Reading(
            state=self._state(whole, block),
            registered=registered,
            notes=notes,
        )

    def _checked(
        self, whole: Whole, pool: tuple[str, ...], block: Block, before: Reading | None
    ) -> Reading | None:
        followed = check(whole, pool, block, before)
        if before is not None and followed is None:
            log.warning("the chain was begun anew", extra={"block": block.number})
            self._active_stakes = {}
        return followed

    async def _resolved(self) -> Addresses:
        """Where the contracts are; asked for once, and then along with everything else."""
        if self._addresses is None:
            values, _ = await self._calls.read(facts.resolving(self._settings.controller))
            self._addresses = self.directory.named(values)
        return self._addresses

    async def _sweep(
        self, at: Addresses, who: Iterable[str]
    ) -> tuple[Whole, dict[str, Facts], Block]:
        """Everything about the set and about those who are known, at the newest block."""
        asked = sorted(who)
        resolving, about_whole = facts.resolving(at.controller), facts.about_whole(at)
        calls = [*resolving, *about_whole]
        for one in asked:
            calls += facts.about(at, one)
        values, block = await self._calls.read(calls)
        if self.directory.named(values[: len(resolving)]) != at:
            raise ImpossibleError("the Controller names other contracts than a moment ago")
        end = len(resolving) + len(about_whole)
        whole = facts.whole(self._good(about_whole, values[len(resolving) : end]))
        return whole, self._facts(asked, calls[end:], values[end:]), block

    async def _about(self, at: Addresses, who: Collection[str], block: Block) -> dict[str, Facts]:
        if not who:
            return {}
        asked = sorted(who)
        calls = [call for one in asked for call in facts.about(at, one)]
        values, _ = await self._calls.read(calls, block)
        return self._facts(asked, calls, values)

    def _facts(
        self, asked: Sequence[str], calls: Sequence[Call], values: Sequence[Any]
    ) -> dict[str, Facts]:
        known = {}
        for place, who in enumerate(asked):
            start, end = place * facts.ABOUT_ONE, (place + 1) * facts.ABOUT_ONE
            self._good(calls[start : end - facts.URIS], values[start : end - facts.URIS])
            known[who] = facts.facts(who, values[start:end])
        return known

    def _good(self, calls: Sequence[Call], values: Sequence[Any]) -> Sequence[Any]:
        """The values, none of which may be an error. Raises `EthereumError`."""
        for call, value in zip(calls, values, strict=True):
            if isinstance(value, EmptyAnswerError):
                raise self._no_contract(call)
            if isinstance(value, EthereumError):
                raise AnswerError(f"{call.function.name} of {call.to} fails: {value}")
        return values

    def _no_contract(self, call: Call) -> EmptyAnswerError:
        setting = "controller"
        if call.to == self._settings.ai_registry:
            setting = "ai_registry"
        return EmptyAnswerError(
            f"there is no contract at {call.to} that gives {call.function.name}: see "
            f"`ethereum.{setting}` and `ethereum.chain_id`"
        )

    async def _who_follows(self, at: Addresses, who: str, block: Block) -> str:
        """Whoever comes next in the pool.

        Where the block's state is gone meanwhile, the newest does: it is only about which
        addresses there are, and what is read of them in the end is checked to hold together.
        """
        call = Call(at.bonding, contracts.NEXT_IN_POOL, (who,))
        try:
            found = await self._calls.read_one(call, block.number)
        except BlockMissingError:
            found = await self._calls.read_one(call, "latest")
        return str(found)

    async def _stakes(
        self, at: Addresses, known: dict[str, Facts], whole: Whole, block: Block
    ) -> int:
        """Read the active stakes that are not known yet; gives the sum of all, wei of LPT."""
        if self._stakes_of != whole.round:
            self._active_stakes, self._stakes_of = {}, whole.round
        active = [one for one in known.values() if one.active]
        if not whole.initialized:
            return 0
        unknown = [one for one in active if one.orchestrator not in self._active_stakes]
        if unknown:
            calls = [facts.about_active_stake(at, one, whole.round) for one in unknown]
            calls.append(Call(at.rounds, contracts.CURRENT_ROUND))
            try:
                values, _ = await self._calls.read(calls, block)
            except BlockMissingError:
                values, _ = await self._calls.read(calls)  # They do not change in a round.
            *values, current = self._good(calls, values)
            if current != whole.round:
                raise ImpossibleError("a new round begins while the set is read")
            for one, value in zip(unknown, values, strict=True):
                self._active_stakes[one.orchestrator] = value[0]
        return sum(self._active_stakes[one.orchestrator] for one in active)

    async def _with_departed(
        self, at: Addresses, known: dict[str, Facts], stakes: int, whole: Whole, block: Block
    ) -> tuple[dict[str, Facts], tuple[str, ...]]:
        """With those who left the pool in this round, and are active still.

        Nobody lists them. Whether somebody is missing shows in the active stake: the sum of all
        is known. Only then are events asked for.
        """

        def missing(stakes: int) -> bool:
            return whole.initialized and whole.bonded - stakes > UNEXPLAINED * whole.bonded

        if not missing(stakes):
            return known, ()
        reason = self._searched_in_vain
        if self._searched != whole.round:
            left, reason = await self._left_by_events(at, whole, block)
            known = known | await self._about(at, left - known.keys(), block)
            stakes = await self._stakes(at, known, whole, block)
        if not missing(stakes):
            return known, ()
        lpt = (whole.bonded - stakes) / WEI
        note = (
            f"{lpt:.6g} LPT of {whole.bonded / WEI:.6g} active in round {whole.round} are of "
            f"orchestrators that left the pool or came back to it in this round ({reason})"
        )
        return known, (note,)

    async def _left_by_events(
        self, at: Addresses, whole: Whole, block: Block
    ) -> tuple[set[str], str]:
        """Who left by the events of the round, and why somebody may still be missing."""
        left, reason = set[str](), "none of its events since the round began tells of them"
        try:
            left = await departed.search(self._node, at, since=whole.round, until=block.number)
        except AnswerError as error:
            reason = f"{error}"  # It was a long search, and would end alike.
        except EthereumError as error:
            return left, f"{error}"
        self._searched, self._searched_in_vain = whole.round, reason
        return left, reason

    def _state(self, whole: Whole, block: Block) -> ChainState:
        return ChainState(
            chain_id=self._settings.chain_id,
            block=block.number,
            block_time=block.time * NANOSECONDS,
            read_at=self._now(),
            round=whole.round,
            round_initialized=whole.initialized,
            pool_size=whole.size,
            pool_limit=whole.limit,
            total_active_stake=whole.bonded / WEI,
        )
