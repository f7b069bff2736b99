"""Questions whose answers are judged as a whole: a node that is not believed is passed over."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final, TypeVar

from exporter.ethereum.node import EthereumError, Question, RefusedError, UnreachableError
from exporter.ethereum.upstream import LONG_REST, Upstream, UpstreamError
from exporter.ethereum.upstreams import Upstreams

T = TypeVar("T")

OLD_BLOCK: Final = 3600.0
"""Seconds; the chain makes a block several times a second."""


class BehindError(EthereumError):
    """The nodes show an older state than the one that is known."""


class Scrutiny:
    """A `Node` that asks `nodes`, without those of which the reading could not be believed.

    For one reading at a time.
    """

    def __init__(self, nodes: Upstreams) -> None:
        self._nodes: Final = nodes
        self._answered: list[Upstream] = []
        self._doubted: dict[Upstream, EthereumError] = {}

    async def ask(self, question: Question) -> Any:  # noqa: ANN401 - JSON
        """The `result`. Raises `EthereumError`."""
        return await self._nodes.ask(question, but=self._doubted, answered=self._answered)

    async def ask_all(self, questions: Sequence[Question]) -> "list[Any | RefusedError]":
        """The results in order, all from one node. Raises `EthereumError`."""
        return await self._nodes.ask_all(questions, but=self._doubted, answered=self._answered)

    def begin(self) -> None:
        """A new try: what was answered before has no part in it."""
        self._answered.clear()

    async def believed(self, read: Callable[[], Awaitable[T]]) -> T:
        """What `read` makes of the best node of which it can make anything.

        It raises an `EthereumError` for answers that cannot be, and is then called again, with the
        next node, as often as there is one. A node is rested for it only once another one did
        better: with all of them the fault may be ours, such as a wrong address. Raises the
        `EthereumError` of the first.
        """
        self.begin()
        try:
            while True:
                try:
                    found = await read()
                except EthereumError as error:
                    if not self._may_doubt(error):
                        raise next(iter(self._doubted.values()), error) from None
                else:
                    self._settle()
                    return found
        finally:
            self._doubted.clear()

    def _may_doubt(self, error: EthereumError) -> bool:
        """Pass over the node that answered; `False` if that is not one, or there is no other."""
        who = set(self._answered)
        self._answered.clear()
        if isinstance(error, UnreachableError) or len(who) != 1:
            return False
        self._doubted[who.pop()] = error
        return self._nodes.stand_by(but=self._doubted)

    def _settle(self) -> None:
        for node, error in self._doubted.items():
            # Who lags may be there in a moment.
            rest = None if isinstance(error, BehindError) else LONG_REST
            node.failed(UpstreamError("not_believed", f"it is not believed: {error}", rest=rest))
