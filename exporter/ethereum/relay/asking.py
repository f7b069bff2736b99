"""Asking the nodes: at a bounded pace, once for all who want the same, and with some patience."""

import asyncio
from typing import Any, Final

from exporter.ethereum.abi import quantity
from exporter.ethereum.node import Node, Question, RefusedError, UnreachableError
from exporter.ethereum.relay.belonging import check
from exporter.ethereum.relay.methods import Kind
from exporter.ethereum.relay.pace import Pace
from exporter.ethereum.relay.plan import Plan
from exporter.ethereum.rpc import is_behind

LAG: Final = 0.5
"""Seconds until a node that has not got a block is asked for it again."""


class Asking:
    """The nodes, as the relay asks them."""

    def __init__(self, node: Node, calls_per_second: float) -> None:
        self.pace = Pace(calls_per_second)
        self.trouble: str | None = None
        """Why the last question got no answer; `None` if it got one."""
        self._node = node

    async def ask(self, question: Question) -> Any:  # noqa: ANN401 - JSON
        """The result. Raises `EthereumError` or `TooManyCallsError`."""
        return (await self._some(question))[0]

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
        ends_near_newest = plan.height is not None and plan.patience > 0
        if plan.method.kind is not Kind.LOGS or plan.hash is not None or not ends_near_newest:
            return await self.ask(plan.question)
        # A node that lags gives the logs that it has, as if there were no more.
        found, number = await self._some(plan.question, Question("eth_blockNumber"))
        if isinstance(found, RefusedError):
            raise found
        if isinstance(number, RefusedError) or quantity(number) < (plan.height or 0):
            raise RefusedError(-32000, "unknown block: the node has not got all of the range yet")
        return found

    async def _some(self, *questions: Question) -> list[Any]:
        for _ in questions:
            await self.pace.turn()
        try:
            if len(questions) > 1:
                found = await self._node.ask_all(questions)
            else:
                found = [await self._node.ask(questions[0])]
        except UnreachableError as error:
            self.trouble = str(error)
            raise
        except RefusedError:
            self.trouble = None
            raise
        self.trouble = None
        return found
