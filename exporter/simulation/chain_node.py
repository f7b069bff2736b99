"""The Ethereum node of a simulated network: which chain it is, and who is registered there."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, Final

import msgspec
from aiohttp import web

from exporter.simulation.serving import LoopbackServer, json_answer, text_answer

ARBITRUM_ONE: Final = 42161
POOL_METHOD: Final = "simulation_pool"
"""The simulation's own method, in the place of all that a real gateway reads from contracts."""
_NO_METHOD: Final = -32601


class Registered(msgspec.Struct, frozen=True, rename="camel"):
    """An orchestrator as the chain knows it."""

    address: str
    service_uri: str
    active: bool = True
    stake: int = 10**20
    """Delegated stake, wei."""


class ChainNode:
    """JSON-RPC at `url`, whose path holds a key as those of real providers do.

    `pool` gives who is registered whenever that is asked. These may be set at any time: `chain_id`;
    `delay`, seconds before each answer; `down`, with which connections end without an answer;
    `forgetful`, with which it does not find who is registered.
    `calls` counts the questions by method.
    """

    def __init__(self, pool: Callable[[], Sequence[Registered]], key: str) -> None:
        self.chain_id = ARBITRUM_ONE
        self.delay = 0.0
        self.down = False
        self.forgetful = False
        self.calls: dict[str, int] = {}
        self._pool = pool
        self._path = f"/v2/{key}"
        self._server = LoopbackServer(self._handle)

    @property
    def port(self) -> int:
        """Its port. Raises `RuntimeError` before `start`."""
        return self._server.port

    @property
    def url(self) -> str:
        """Where questions are sent, key included. Raises `RuntimeError` before `start`."""
        return self._server.url + self._path

    async def start(self) -> None:
        """Listen on a free port."""
        await self._server.start()

    async def stop(self) -> None:
        """Stop listening and end every connection."""
        await self._server.stop()

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        if self.down:
            if request.transport is not None:
                request.transport.abort()
            return web.Response()
        if request.path != self._path:
            return text_answer("Must be authenticated!", 401)
        try:
            question = msgspec.json.decode(await request.read(), type=dict[str, Any])
        except msgspec.DecodeError:
            return text_answer("invalid request", 400)
        await asyncio.sleep(self.delay)
        return self._answer(question)

    def _answer(self, question: dict[str, Any]) -> web.Response:
        method = str(question.get("method"))[:100]
        self.calls[method] = self.calls.get(method, 0) + 1
        found: dict[str, Any]
        if method == "eth_chainId":
            found = {"result": hex(self.chain_id)}
        elif method == POOL_METHOD and not self.forgetful:
            found = {"result": [_wire(one) for one in self._pool()]}
        else:
            words = f"the method {method} does not exist/is not available"
            found = {"error": {"code": _NO_METHOD, "message": words}}
        return json_answer({"jsonrpc": "2.0", "id": question.get("id"), **found})


def _wire(one: Registered) -> dict[str, Any]:
    """Amounts in hexadecimal: they do not fit into what JSON readers take for numbers."""
    return {**msgspec.to_builtins(one), "stake": hex(one.stake)}
