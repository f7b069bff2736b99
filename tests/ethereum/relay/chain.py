"""A small Ethereum node on loopback: real HTTP, a made-up chain, counted calls, faults on order."""

import asyncio
import hashlib
import json
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer

CHAIN = 42161
KEY = "SECRETKEYSECRETKEY0123"
BROKER, MANAGER, REGISTRY, ROUNDS = ("0x" + digit * 40 for digit in "abcd")
FIRST = 1000


class Refusal(Exception):
    def __init__(self, code: int, message: str, data: Any = None) -> None:
        self.error = {"code": code, "message": message} | ({} if data is None else {"data": data})


class Chain:
    """The blocks; several nodes may serve it. `fork` is the number from which on it is another."""

    def __init__(self, head: int = FIRST) -> None:
        self.head = head
        self.fork: int | None = None
        self.logs: list[tuple[int, str, list[str]]] = []

    def hash(self, number: int) -> str:
        forked = self.fork is not None and number >= self.fork
        return "0x" + hashlib.sha256(f"{number}{'fork' * forked}".encode()).hexdigest()

    def block(self, number: int) -> dict[str, Any]:
        return {
            "number": hex(number),
            "hash": self.hash(number),
            "parentHash": self.hash(number - 1),
            "l1BlockNumber": hex(number // 48),
            "transactions": [],
        }


class Node:
    """One node; `lag` blocks behind its chain."""

    def __init__(self, chain: Chain) -> None:
        self.chain = chain
        self.calls: Counter[str] = Counter()
        self.lag = 0
        self.status = 200
        self.delay = 0.0
        self.hold: asyncio.Event | None = None
        """While it is set to an event, answers wait for that."""
        self.odd: Callable[[str, list[Any]], Any] | None = None
        """Answers in the place of the node; `NotImplemented`: the node's own answer."""
        self.url = ""

    @property
    def sent(self) -> int:
        """Calls without the question which chain this is of."""
        return self.calls.total() - self.calls["eth_chainId"]

    @property
    def head(self) -> int:
        return self.chain.head - self.lag

    async def handle(self, request: web.Request) -> web.Response:
        assert request.path == f"/v2/{KEY}"
        document = await request.json()
        for call in document if isinstance(document, list) else [document]:
            self.calls[call["method"]] += 1
        if self.hold is not None:
            await self.hold.wait()
        await asyncio.sleep(self.delay)
        if self.status != 200:
            return web.Response(status=self.status, text=f"no: {request.url}")
        if isinstance(document, list):
            return web.json_response([self._answer(call) for call in document])
        return web.json_response(self._answer(document))

    def _answer(self, call: dict[str, Any]) -> dict[str, Any]:
        member: dict[str, Any]
        try:
            member = {"result": self._result(call["method"], call["params"])}
        except Refusal as refusal:
            member = {"error": refusal.error}
        return {"jsonrpc": "2.0", "id": call["id"]} | member

    def _result(self, method: str, params: list[Any]) -> Any:
        if self.odd is not None:
            found = self.odd(method, params)
            if found is not NotImplemented:
                return found
        answer: dict[str, Callable[..., Any]] = {
            "eth_chainId": lambda: hex(CHAIN),
            "eth_gasPrice": lambda: hex(10**7 + self.calls[method]),
            "eth_blockNumber": lambda: hex(self.head),
            "eth_getBlockByNumber": self._block,
            "eth_getBlockByHash": self._block_by_hash,
            "eth_getTransactionReceipt": lambda digest: {
                "transactionHash": digest,
                "blockNumber": hex(self.head),
            },
            "eth_getLogs": self._logs,
            "eth_call": self._call,
            "eth_getBalance": lambda _, block: hex(self._at(block)),
        }
        if method not in answer:
            raise Refusal(-32601, "no such method")
        return answer[method](*params)

    def _block(self, block: str, _: bool) -> dict[str, Any] | None:
        number = self.head if block == "latest" else int(block, 16)
        return self.chain.block(number) if number <= self.head else None

    def _block_by_hash(self, digest: str, _: bool) -> dict[str, Any] | None:
        known = self._by_hash()
        return self.chain.block(known[digest]) if digest in known else None

    def _by_hash(self) -> dict[str, int]:
        numbers = range(self.head - 600, self.head + 1)
        return {self.chain.hash(number): number for number in numbers}

    def _call(self, call: dict[str, str], block: str) -> str:
        number = self._at(block)
        if call["data"] == "0xdead":
            raise Refusal(3, "execution reverted", "0x08c379a0")
        text = f"{call['to']}{call['data']}at{number}"
        return "0x" + hashlib.sha256(text.encode()).hexdigest()

    def _at(self, block: Any) -> int:
        number = self.head if block == "latest" else int(block, 16)
        if number > self.head:
            raise Refusal(-32000, "header not found")
        return number

    def _logs(self, wanted: dict[str, Any]) -> list[dict[str, Any]]:
        if "blockHash" in wanted:
            known = self._by_hash()
            if wanted["blockHash"] not in known:
                raise Refusal(-32000, "unknown block")
            first = last = known[wanted["blockHash"]]
        else:
            first, last = int(wanted["fromBlock"], 16), int(wanted["toBlock"], 16)
        return [
            {
                "address": address,
                "blockNumber": hex(number),
                "blockHash": self.chain.hash(number),
                "topics": topics,
                "data": "0x",
            }
            for number, address, topics in self.chain.logs
            if first <= number <= min(last, self.head)
        ]


@asynccontextmanager
async def serving(node: Node) -> AsyncIterator[Node]:
    app = web.Application()
    app.router.add_post("/{path:.*}", node.handle)
    async with TestServer(app) as server:
        node.url = str(server.make_url(f"/v2/{KEY}"))
        yield node


Ask = Callable[..., Awaitable[Any]]


def selector(signature: str) -> str:
    from eth_utils.abi import function_signature_to_4byte_selector

    return "0x" + function_signature_to_4byte_selector(signature).hex()


def call_object(to: str, signature: str, *arguments: int) -> dict[str, str]:
    data = selector(signature) + "".join(f"{argument:064x}" for argument in arguments)
    return {"from": "0x" + "0" * 40, "to": to, "data": data}


async def start_as_a_gateway_does(ask: Ask, members: int) -> int:
    """The calls of one start of go-livepeer, one after the other; gives how many."""
    made = 0

    async def one(method: str, *params: Any) -> Any:
        nonlocal made
        made += 1
        return await ask(method, *params)

    async def read(to: str, signature: str, *arguments: int) -> Any:
        return await one("eth_call", call_object(to, signature, *arguments), "latest")

    await one("eth_chainId")
    await one("eth_chainId")
    await one("eth_gasPrice")
    for contract in range(8):
        await read("0x" + "9" * 40, "getContract(bytes32)", contract)
    await read(ROUNDS, "lastInitializedRound()")
    await read(ROUNDS, "blockHashForRound(uint256)", 7)
    await read(MANAGER, "getTranscoderPoolSize()")
    await read(BROKER, "getSenderInfo(address)", 1)
    await read(BROKER, "claimedReserve(address,address)", 1, 2)
    await one("eth_getBlockByNumber", "latest", False)
    await read(MANAGER, "getFirstTranscoderInPool()")
    for member in range(members):
        for name in (
            "getTranscoder",
            "transcoderStatus",
            "transcoderTotalStake",
            "isActiveTranscoder",
        ):
            await read(MANAGER, f"{name}(address)", member)
        await read(REGISTRY, "getServiceURI(address)", member)
        await read(MANAGER, "getNextTranscoderInPool(address)", member)
    for member in range(members):
        await read(MANAGER, "getTranscoderEarningsPoolForRound(address,uint256)", member, 7)
    return made


async def poll_as_a_gateway_does(ask: Ask) -> int:
    """The calls of one poll; gives how many."""
    block = await ask("eth_getBlockByNumber", "latest", False)
    await ask("eth_getBlockByHash", block["hash"], False)
    await ask("eth_getLogs", {"blockHash": block["hash"], "topics": [["0x" + "1" * 64]]})
    await ask("eth_gasPrice")
    return 4


async def raw(url: str, body: bytes) -> tuple[int, Any]:
    import aiohttp

    async with aiohttp.ClientSession() as session, session.post(url, data=body) as response:
        text = await response.read()
        return response.status, json.loads(text) if text else None
