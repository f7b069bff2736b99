"""Asking the nodes: at a bounded pace, once for all who want the same, and with some patience."""

import asyncio
from functools import partial
from typing import Any, Final

from exporter.ethereum.abi import quantity
from exporter.ethereum.node import Good, Nodes, Question, RefusedError, UnreachableError
from exporter.ethereum.relay.belonging import belongs, check
from exporter.ethereum.relay.methods import Kind
from exporter.ethereum.relay.pace import Pace
from exporter.ethereum.relay.plan import Life, Plan
from exporter.ethereum.rpc import is_behind

LAG: Final = 0.5
"""Seconds until a node that has not got a block is asked for it again."""


class Asking:
    """The nodes, as the relay asks them."""

    def __init__(self, node: Nodes, calls_per_second: float) -> None:
        self.pace = Pace(calls_per_second)
        self.trouble: str | None = None
        """Why the last question got no answer; `None` if it got one."""
        self._node = node

    async def ask(self, question: Question, good: Good) -> Any:  # noqa: ANN401 - JSON
        """The result; of a node whose answer is `good`, if there is one.

        Raises `EthereumError` or `TooManyCallsError`.
        """
        return (await self._some(question, good=lambda found: good(found[0])))[0]

    async def carry_out(self, plan: Plan) -> Any:  # noqa: ANN401 - JSON
        """The result; a node that lags behind is asked again for as long as the plan says.

        Raises `EthereumError`, `TooManyCallsError` or `OtherBlockError`.
        """
        loop = asyncio.get_running_loop()
        until = loop.time() + plan.patience
        while True:
            try:
                found = await self._once(plan)
            except RefusedError as refused:
                if not is_behind(refused) or loop.time() >= until:
                    raise
            else:
                if found is not None or loop.time() >= until:
                    check(plan, found)
                    return found
            await asyncio.sleep(LAG)

    async def _once(self, plan: Plan) -> Any:  # noqa: ANN401 - JSON
        if plan.method.kind is not Kind.LOGS or plan.life is not Life.BY_BLOCK:
            return await self.ask(plan.question, lambda found: _settles(plan, found))
        # A node that lags gives the logs that it has, as if there were no more.
        has_all = partial(_has_got, plan.height or 0)
        found, number = await self._some(
            plan.question, Question("eth_blockNumber"), good=lambda both: has_all(both[1])
        )
        if isinstance(found, RefusedError):
            raise found
        if not has_all(number):
            raise RefusedError(-32000, "unknown block: the node has not got all of the range yet")
        return found

    async def _some(self, *questions: Question, good: Good) -> list[Any]:
        for _ in questions:
            await self.pace.turn()
        try:
            if len(questions) > 1:
                found = await self._node.ask_all(questions, good=good)
            else:
                found = [await self._node.ask(questions[0], good=lambda one: good([one]))]
        except UnreachableError as error:
            self.trouble = str(error)
            raise
        except RefusedError:
            self.trouble = None
            raise
        self.trouble = None
        return found


def _has_got(height: int, number: object) -> bool:
    return not isinstance(number, RefusedError) and quantity(number) >= height


def _settles(plan: Plan, found: object) -> bool:
    """Whether no other node could know better."""
    if found is None:
        return plan.method.kind is Kind.TRANSACTION
    return belongs(plan, found)
