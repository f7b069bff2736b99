"""Questions to an Ethereum node, and what can come of them."""

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import msgspec


class EthereumError(Exception):
    """No usable answer. The message is for the operator and never holds a URL or a key."""


class UnreachableError(EthereumError):
    """No node gave an answer to the question: none was reached, or each was too busy or wrong."""


class RefusedError(EthereumError):
    """A node answered that it could not or would not: a JSON-RPC error.

    `code` and `message` are the node's own, the message cleaned and cut to a bound.
    """

    def __init__(self, code: int, message: str, data: object = None) -> None:
        self.code = code
        self.message = message
        self.data = data
        super().__init__(f"the node answered with error {code}: {message}")


class Question(msgspec.Struct, frozen=True):
    """One call of a JSON-RPC method."""

    method: str
    params: tuple[Any, ...] = ()


Good = Callable[[Any], bool]
"""Whether what a node answered is good enough not to ask another one: a node may lag behind."""


class Node(Protocol):
    """Somebody who answers questions about one chain."""

    async def ask(self, question: Question) -> Any:  # noqa: ANN401 - JSON
        """The `result`. Raises `EthereumError`."""
        ...

    async def ask_all(self, questions: Sequence[Question]) -> "list[Any | RefusedError]":
        """The results in order of the questions, from one node; a refusal in its place.

        Raises `EthereumError` when there is no answer to one of them.
        """
        ...


class Nodes(Protocol):
    """Several as one: where a result is not `good` the next is asked; if none is, the first's."""

    async def ask(self, question: Question, *, good: Good | None = None) -> Any:  # noqa: ANN401 - JSON
        """As of a `Node`."""
        ...

    async def ask_all(
        self, questions: Sequence[Question], *, good: Good | None = None
    ) -> "list[Any | RefusedError]":
        """As of a `Node`; all results are of one."""
        ...
