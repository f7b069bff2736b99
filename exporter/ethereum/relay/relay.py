"""The relay itself: a call in, its answer out, and as little as possible asked of the nodes."""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Final

from exporter.ethereum.node import EthereumError, Nodes, RefusedError
from exporter.ethereum.relay import answers, clock
from exporter.ethereum.relay.asking import LAG, Asking
from exporter.ethereum.relay.belonging import OtherBlockError
from exporter.ethereum.relay.heads import FRESH, BehindError, Head, Heads
from exporter.ethereum.relay.keeping import Keeping
from exporter.ethereum.relay.methods import READS, Kind, why_refused
from exporter.ethereum.relay.pace import TooManyCallsError
from exporter.ethereum.relay.plan import (
    PATIENCE,
    ParametersError,
    Plan,
    needs_newest,
    planned,
    pool_key,
)
from exporter.ethereum.relay.tally import How, NodeState, Report, Tally

ANSWER_LIMIT: Final = 18.0
"""Seconds until a call fails: go-livepeer gives some of its calls 20."""
_NAMES_TOLD: Final = 100
_NAME_SHOWN: Final = 60

Answer = tuple[bytes, How]

log = logging.getLogger(__name__)


class Relay:
    """Answers calls of JSON-RPC methods that read.

    `node` is what is asked, `states` tells how its nodes do. No block below `at_least` is given as
    the newest one; the other arguments are the settings of these names.
    """

    def __init__(
        self,
        node: Nodes,
        *,
        cache_bytes: int,
        calls_per_second: float,
        keep_pool: float,
        at_least: int = 0,
        states: Callable[[], tuple[NodeState, ...]] = tuple,
        fresh: float = FRESH,
    ) -> None:
        self._asking = Asking(node, calls_per_second)
        self._keeping = Keeping(
            cache_bytes, newest=self._known_number, keep_pool=keep_pool, fresh=fresh
        )
        self._heads = Heads(
            self._asking.ask,
            on_new=self._keeping.newest_is,
            on_replaced=self._keeping.cache.forget_unsettled,
            at_least=at_least,
            fresh=fresh,
        )
        self._states = states
        self._tally = Tally()
        self._under_way: dict[bytes, asyncio.Task[bytes]] = {}
        self._told: set[str] = set()

    @property
    def moved(self) -> asyncio.Event:
        """Set whenever there is a newer block; to be cleared by who waits for it."""
        return self._heads.changed

    @property
    def trouble(self) -> str | None:
        """Why the nodes cannot be asked; `None` if the last question was answered."""
        return self._asking.trouble

    def report(self) -> Report:
        """The relay as it is now."""
        return Report(
            calls=self._tally.calls,
            nodes=self._states(),
            cache_bytes=self._keeping.cache.bytes,
            waiting=self._asking.pace.waiting,
            head=self._known_number(),
            trouble=self.trouble,
        )

    async def look(self) -> None:
        """Look for the newest block, whoever asks for it later; what fails is in `trouble`."""
        try:
            async with asyncio.timeout(ANSWER_LIMIT):
                await self._newest()
        except (EthereumError, BehindError, OtherBlockError, TooManyCallsError, TimeoutError):
            return

    async def answer(self, method: str, params: Sequence[Any]) -> bytes:
        """The member of a JSON-RPC response: `"result":…` or `"error":…`."""
        began = asyncio.get_running_loop().time()
        try:
            async with asyncio.timeout(ANSWER_LIMIT):
                text, how = await self._answer(method, params)
        except ParametersError as error:
            text, how = answers.error(answers.WRONG_PARAMETERS, f"{method}: {error}"), How.REFUSED
        except TooManyCallsError as error:
            text, how = answers.error(answers.TOO_MANY, str(error)), How.FAILED
        except RefusedError as refused:
            text, how = answers.refusal(refused), How.SENT
        except (EthereumError, BehindError, OtherBlockError) as error:
            text, how = answers.error(answers.FAILED, str(error)), How.FAILED
        except TimeoutError:
            message = f"no Ethereum node answered within {ANSWER_LIMIT:g} s"
            text, how = answers.error(answers.FAILED, message), How.FAILED
        self._tally.add(method, how, asyncio.get_running_loop().time() - began)
        return text

    async def _answer(self, method: str, params: Sequence[Any]) -> Answer:
        if method not in READS:
            return self._refuse(method), How.REFUSED
        of_pool = pool_key(method, params)
        if of_pool is not None:
            kept = self._keeping.of_pool(of_pool, str(params[0]["to"]).lower())
            if kept is not None:
                return kept, How.CACHED
        number = self._known_number()
        if needs_newest(method, params):
            head, how = await self._newest()
            number = head.number
            if READS[method].kind is Kind.HEAD:
                return answers.result(hex(number)), how
            if READS[method].kind is Kind.BLOCK and not any(params[1:2]):
                return head.text, how
        return await self._carried_out(planned(method, params, number), of_pool)

    async def _carried_out(self, plan: Plan, of_pool: bytes | None) -> Answer:
        kept = self._keeping.get(plan.key)
        if kept is not None:
            return kept, How.CACHED
        task, how = self._under_way.get(plan.key), How.COALESCED
        if task is None:
            task, how = self._start(plan.key, self._fetched(plan, of_pool)), How.SENT
        try:
            return await asyncio.shield(task), how
        except RefusedError as refused:
            return answers.refusal(refused), how

    def _start(self, key: bytes, work: Coroutine[Any, Any, bytes]) -> asyncio.Task[bytes]:
        """Begin what goes on even when who asked for it first has left."""
        task = asyncio.create_task(work)
        self._under_way[key] = task

        def over(task: asyncio.Task[bytes]) -> None:
            self._under_way.pop(key, None)
            if not task.cancelled():
                task.exception()  # whoever still waits is told of it

        task.add_done_callback(over)
        return task

    async def _fetched(self, plan: Plan, of_pool: bytes | None) -> bytes:
        sent = clock.now()
        try:
            async with asyncio.timeout(ANSWER_LIMIT):
                found = await self._asking.carry_out(plan)
        except RefusedError as refused:
            self._keeping.refused(plan, refused, answers.refusal(refused), sent)
            raise
        text = answers.result(found)
        self._keeping.answered(plan, found, text, sent)
        if of_pool is not None and plan.height is not None:
            self._keeping.pool_answered(of_pool, plan.height, text, sent)
        return text

    async def _newest(self) -> tuple[Head, How]:
        """The newest block; while the nodes lag behind one that was given, that is waited for."""
        loop = asyncio.get_running_loop()
        until = loop.time() + PATIENCE
        while True:
            try:
                return await self._heads.newest()
            except BehindError:
                if loop.time() >= until:
                    raise
            await asyncio.sleep(LAG)

    def _known_number(self) -> int | None:
        return None if self._heads.known is None else self._heads.known.number

    def _refuse(self, method: str) -> bytes:
        shown = "".join(letter if letter.isprintable() else "?" for letter in method[:_NAME_SHOWN])
        why = why_refused(method)
        if shown not in self._told and len(self._told) < _NAMES_TOLD:
            self._told.add(shown)
            log.warning("the relay refused a call: %s", why, extra={"method": shown})
        return answers.error(answers.NO_METHOD, f"{shown}: {why}")
