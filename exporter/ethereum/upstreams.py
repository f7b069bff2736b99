"""Several Ethereum nodes as one: the best that answers is asked, the others stand by."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from random import Random
from types import TracebackType
from typing import Any, Final, Self, TypeVar

import msgspec

from exporter.ethereum import rpc
from exporter.ethereum.node import (
    EthereumError,
    Good,
    Question,
    RefusedError,
    UnreachableError,
)
from exporter.ethereum.upstream import Upstream, UpstreamError, client
from exporter.settings.ethereum import Ethereum, Rpc, named

T = TypeVar("T")

LOOK: Final = 0.05


class UpstreamState(msgspec.Struct, frozen=True):
    """How one node does, for people and metrics."""

    name: str
    up: bool | None
    """Whether its last request was answered; `None` before the first one."""
    error: str | None
    requests: dict[str, int]
    """HTTP requests since the start, by what came of them: `ok` or a failure."""
    calls: dict[str, int]
    """Calls sent since the start, by method."""


class Upstreams:
    """A `Node` that asks one of several, in their order, and the next one where that fails.

    A node that fails is left alone for a while, longer each time, and as long as it asks for;
    no node is asked anything before it has said that it is of the right chain. While all of them
    fail, a question is tried again within `patience` seconds (0: each node once at most).

    Use it as an async context manager, or call `close`.
    """

    def __init__(
        self,
        nodes: Sequence[tuple[str, str]],
        *,
        chain_id: int,
        timeout: float = 10.0,
        batch: int = 50,
        patience: float = 0.0,
        rng: Random | None = None,
    ) -> None:
        """`nodes` are names and URLs, best first; `batch` is the most calls in one request."""
        if not nodes:
            raise ValueError("no Ethereum node is given")
        self._clients = [client(url) for _, url in nodes]
        draws = rng or Random()  # noqa: S311 - the length of pauses
        self._all = [
            Upstream(
                name, url, chain_id=chain_id, timeout=timeout, batch=batch, client=http, rng=draws
            )
            for (name, url), http in zip(nodes, self._clients, strict=True)
        ]
        self._patience = patience

    @classmethod
    def of(
        cls, settings: Ethereum, *, nodes: Sequence[Rpc] | None = None, patience: float = 0.0
    ) -> Self:
        """Those of the settings; `nodes` in the place of `ethereum.rpc`."""
        return cls(
            named(list(settings.rpc if nodes is None else nodes)),
            chain_id=settings.chain_id,
            timeout=settings.timeout,
            batch=settings.batch,
            patience=patience,
        )

    async def __aenter__(self) -> Self:
        """Nothing is asked yet."""
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the connections."""
        await self.close()

    def __repr__(self) -> str:
        """Without URLs."""
        return f"Upstreams({', '.join(one.name for one in self._all)})"

    async def close(self) -> None:
        """Close the connections."""
        await asyncio.gather(*(http.aclose() for http in self._clients))

    @property
    def states(self) -> tuple[UpstreamState, ...]:
        """How each node does, in their order."""
        return tuple(
            UpstreamState(
                name=one.name,
                up=one.answers if one.requests else None,
                error=one.error,
                requests=dict(one.requests),
                calls=dict(one.calls),
            )
            for one in self._all
        )

    def stand_by(self, *, but: Collection[Upstream]) -> bool:
        """Whether there is a node that may be asked, but for these."""
        return any(one not in but and not one.rests() for one in self._all)

    async def ask(
        self,
        question: Question,
        *,
        good: Good | None = None,
        but: Collection[Upstream] = (),
        answered: list[Upstream] | None = None,
    ) -> Any:  # noqa: ANN401 - JSON
        """The `result`; where that is not `good`, the next node's, and the first one's if none is.

        Those of `but` are not asked, and whoever's answer it is is added to `answered`.

        Raises `RefusedError`, or `UnreachableError` when no node answers.
        """

        async def of(one: Upstream) -> Any:  # noqa: ANN401 - JSON
            return await one.ask(question)

        return await self._of_any(of, good, but, answered)

    async def ask_all(
        self,
        questions: Sequence[Question],
        *,
        good: Good | None = None,
        but: Collection[Upstream] = (),
        answered: list[Upstream] | None = None,
    ) -> "list[Any | RefusedError]":
        """The results in order, all from one node; a refusal in its place. See `ask`.

        Raises `UnreachableError` when no node answers all of them, and `RefusedError` when every
        one lacks the block that is asked for.
        """
        if not questions:
            return []

        async def of(one: Upstream) -> list[Any]:
            found = await one.ask_all(questions)
            for refusal in found:
                if isinstance(refusal, RefusedError) and rpc.is_behind(refusal):
                    raise refusal
            return found

        return await self._of_any(of, good, but, answered)

    async def _of_any(
        self,
        ask: Callable[[Upstream], Awaitable[T]],
        good: Good | None,
        but: Collection[Upstream],
        answered: list[Upstream] | None,
    ) -> T:
        loop = asyncio.get_running_loop()
        until = loop.time() + self._patience
        asked = [one for one in self._all if one not in but]
        while True:
            refusal = None
            poor: list[tuple[Upstream, T]] = []
            for one in asked:
                if one.rests():
                    continue
                try:
                    found = await ask(one)
                except UpstreamError:
                    continue
                except RefusedError as error:
                    if not (rpc.is_behind(error) or rpc.is_not_offered(error)):
                        _note(one, answered)
                        raise
                    refusal = refusal or error
                    continue
                if good is None or good(found):
                    _note(one, answered)
                    return found
                poor.append((one, found))
            if poor:
                one, found = poor[0]
                _note(one, answered)
                return found
            if refusal is not None:
                raise refusal
            soonest = min((one.rests() for one in asked), default=self._patience)
            if loop.time() + soonest >= until:
                raise self._unreachable()
            await asyncio.sleep(max(soonest, LOOK))

    def _unreachable(self) -> EthereumError:
        reasons = "; ".join(f"{one.name}: {one.error or 'not asked yet'}" for one in self._all)
        return UnreachableError(f"no Ethereum node answers: {reasons}")


def _note(one: Upstream, answered: list[Upstream] | None) -> None:
    if answered is not None:
        answered.append(one)
