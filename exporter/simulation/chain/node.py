"""The Ethereum node of a simulated network: JSON-RPC over HTTP, as providers offer it."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, Final

import msgspec
from aiohttp import web

from exporter.simulation.chain.blocks import BLOCKS_A_SECOND, Blocks, hash_of
from exporter.simulation.chain.changes import (
    Change,
    bond,
    fund,
    initialize_round,
    join,
    leave,
    pass_round,
    reward,
    unbond,
    write_uri,
)
from exporter.simulation.chain.contracts import round_hash
from exporter.simulation.chain.functions import CHAIN_ID
from exporter.simulation.chain.methods import Methods, Refused
from exporter.simulation.chain.past import ROUND_BEGAN, past
from exporter.simulation.chain.state import POOL_LIMIT, Registered, Sender, State, beginning
from exporter.simulation.serving import LoopbackServer, json_answer, text_answer

_NO_REQUEST: Final = {"code": -32600, "message": "invalid request"}
_SHARES: Final = 1_000_000


class ChainNode:
    """JSON-RPC at `url`, whose path holds a key as those of real providers do.

    The chain begins with `registered`; what happens on it afterwards is told to `chain`. These may
    be set at any time: `chain_id`, with another one the contracts are not there; `delay`, seconds
    before each answer; `down`, with which connections end without an answer; `refuses`, names of
    methods and of contract functions that get an error.
    `calls` counts the questions by method, `functions` those of contracts by their function, and
    `requests` the HTTP requests.
    """

    def __init__(
        self,
        registered: Sequence[Registered],
        key: str,
        *,
        pool_limit: int = POOL_LIMIT,
        speed: float = 1.0,
        now: Callable[[], float] = time.time,
    ) -> None:
        since = now() - ROUND_BEGAN / (BLOCKS_A_SECOND * speed)
        state = beginning(registered, since=since, pool_limit=pool_limit)
        blocks = Blocks(state, past(registered), now=now, speed=speed)
        self.chain = Chain(blocks, now)
        self.delay = 0.0
        self.down = False
        self.calls: Counter[str] = Counter()
        self.requests = 0
        self._methods = Methods(blocks)
        self._chain_id = CHAIN_ID
        self._path = f"/v2/{key}"
        self._server = LoopbackServer(self._handle)

    @property
    def chain_id(self) -> int:
        """What it says that its chain is."""
        return self._chain_id

    @chain_id.setter
    def chain_id(self, number: int) -> None:
        self._chain_id = number
        self._methods.has_contracts = number == CHAIN_ID

    @property
    def refuses(self) -> set[str]:
        """Methods and contract functions that get an error."""
        return self._methods.refuses

    @property
    def functions(self) -> Counter[str]:
        """Calls of contracts by function, those within a Multicall3 among them."""
        return self._methods.functions

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
            return _hung_up(request)
        if request.path != self._path:
            return text_answer("Must be authenticated!", 401)
        try:
            asked = msgspec.json.decode(await request.read())
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return text_answer("invalid request", 400)
        self.requests += 1
        await asyncio.sleep(self.delay)
        if isinstance(asked, list) and asked:
            return json_answer([self._answer(one) for one in asked])
        return json_answer(self._answer(asked))

    def _answer(self, asked: object) -> dict[str, Any]:
        if not isinstance(asked, dict):
            return {"jsonrpc": "2.0", "id": None, "error": _NO_REQUEST}
        method = str(asked.get("method"))[:100]
        params = asked.get("params")
        self.calls[method] += 1
        found: dict[str, Any]
        try:
            found = {"result": self._result(method, params if isinstance(params, list) else [])}
        except Refused as refused:
            found = {"error": refused.error}
        return {"jsonrpc": "2.0", "id": asked.get("id"), **found}

    def _result(self, method: str, params: list[Any]) -> Any:  # noqa: ANN401 - JSON
        if method == "eth_chainId":
            return hex(self._chain_id)
        if method == "net_version":
            return str(self._chain_id)
        return self._methods.answer(method, params)


class Chain:
    """What can happen on the chain; each change is one block. Addresses are lower-case."""

    def __init__(self, blocks: Blocks, now: Callable[[], float]) -> None:
        self._blocks = blocks
        self._now = now

    @property
    def state(self) -> State:
        """What the contracts hold now."""
        return self._blocks.state

    @property
    def head(self) -> int:
        """The latest block."""
        return self._blocks.head

    def join(
        self, address: str, stake: int, *, reward_cut: int = 100_000, fee_share: int = 500_000
    ) -> None:
        """Bond to oneself; if the stake suffices for the pool, one is active next round."""
        if max(reward_cut, fee_share) > _SHARES:
            raise ValueError("a share is given in parts per million")
        self.do(join(address, stake, reward_cut=reward_cut, fee_share=fee_share))

    def leave(self, address: str) -> None:
        """Take back all of one's own; one is active until the round ends."""
        self.do(leave(address))

    def bond(self, address: str, amount: int) -> None:
        """Others delegate so much more to it."""
        self.do(bond(address, amount))

    def unbond(self, address: str, amount: int) -> None:
        """Others take so much back."""
        self.do(unbond(address, amount))

    def reward(self, address: str, amount: int) -> None:
        """It calls for its reward."""
        self.do(reward(address, amount))

    def write_uri(self, address: str, uri: str, *, ai: bool = True) -> None:
        """Write into one of the registries."""
        self.do(write_uri(address, uri, ai=ai))

    def pass_round(self) -> None:
        """The next round is there and not initialized."""
        self.do(pass_round(self._now()))

    def initialize_round(self) -> None:
        """The round that is there is initialized."""
        self.do(initialize_round(round_hash(self.state.round)))

    def new_round(self) -> None:
        """The next round, initialized."""
        self.pass_round()
        self.initialize_round()

    def fund(self, address: str, *, deposit: int, reserve: int, withdraw_round: int = 0) -> None:
        """Set what who pays has in TicketBroker, wei."""
        self.do(fund(address, Sender(deposit, withdraw_round, reserve)))

    def do(self, change: Change) -> str:
        """Make one block of any change; gives its hash. Raises `ChangeRefused`."""
        return hash_of(self._blocks.add(change))


def _hung_up(request: web.Request) -> web.Response:
    if request.transport is not None:
        request.transport.abort()
    return web.Response()
