"""A node of the chain: JSON-RPC over HTTP, single calls and batches, behind a key.

with RpcNode(Livepeer().evm).served() as url:
    ...
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

import msgspec
from aiohttp import web

from tests.ethereum import block_json
from tests.ethereum.evm import Evm, NoSuchBlockError, RevertedError
from tests.ethereum.serving import served

KEY: Final = "k3y-that-nobody-may-see"
NODE_VERSION: Final = "rig/v1"


class RpcError(Exception):
    """A JSON-RPC error, as go-ethereum words it."""

    def __init__(self, code: int, message: str, data: str | None = None) -> None:
        self.code, self.message, self.data = code, message, data
        super().__init__(message)


class RpcNode:
    """The node. Its public attributes can be set at any time."""

    def __init__(self, evm: Evm, *, chain_id: int = 42161, key: str = KEY) -> None:
        self.evm = evm
        self.chain_id = chain_id
        self.key = key
        self.kept = 10**9
        """Blocks of which the state is known; that of older ones is missing."""
        self.logs_range: int | None = None
        """Blocks that one `eth_getLogs` may span; not set: any."""
        self._methods: dict[str, Callable[..., object]] = {
            "eth_chainId": lambda: hex(self.chain_id),
            "net_version": lambda: str(self.chain_id),
            "web3_clientVersion": lambda: NODE_VERSION,
            "eth_blockNumber": lambda: hex(self.evm.height),
            "eth_gasPrice": lambda: hex(10**8),
            "eth_call": self._call,
            "eth_getBalance": lambda who, at: hex(self.evm.balance(who, self._at(at))),
            "eth_getCode": lambda who, at: "0x" + self.evm.code(who, self._at(at)).hex(),
            "eth_getBlockByNumber": self._block_by_number,
            "eth_getBlockByHash": self._block_by_hash,
            "eth_getLogs": self._logs,
        }

    @contextmanager
    def served(self) -> Iterator[str]:
        """Serve it; gives its URL, with the key."""
        application = web.Application(client_max_size=2**24)
        application.router.add_post("/{key}", self._posted)
        with served(application) as url:
            yield f"{url}/{self.key}"

    async def _posted(self, request: web.Request) -> web.Response:
        if request.match_info["key"] != self.key:
            raise web.HTTPUnauthorized(text="Must be authenticated!")
        answer = self.answer(await request.read())
        return web.Response(body=msgspec.json.encode(answer), content_type="application/json")

    def answer(self, body: bytes) -> object:
        """What is answered to the body of a request."""
        try:
            asked = msgspec.json.decode(body)
        except msgspec.DecodeError:
            return _refusal(None, RpcError(-32700, "parse error"))
        if isinstance(asked, list):
            if not asked:
                return _refusal(None, RpcError(-32600, "empty batch"))
            return [self._one(call) for call in asked]
        return self._one(asked)

    def _one(self, call: Any) -> dict[str, object]:
        if not isinstance(call, dict) or not isinstance(call.get("method"), str):
            return _refusal(None, RpcError(-32600, "invalid request"))
        number = call.get("id")
        method = self._methods.get(call["method"])
        try:
            if method is None:
                missing = f"the method {call['method']} does not exist/is not available"
                raise RpcError(-32601, missing)  # noqa: TRY301
            return {"jsonrpc": "2.0", "id": number, "result": method(*call.get("params", ()))}
        except RpcError as error:
            return _refusal(number, error)
        except RevertedError as error:
            words = f"execution reverted: {error}" if str(error) else "execution reverted"
            return _refusal(number, RpcError(3, words, "0x" + error.data.hex()))
        except NoSuchBlockError:
            return _refusal(number, RpcError(-32000, "header not found"))
        except (TypeError, ValueError, KeyError, AttributeError) as error:
            return _refusal(number, RpcError(-32602, f"invalid argument: {error}"))

    def _call(self, transaction: dict[str, str], at: object = "latest") -> str:
        data = transaction.get("input") or transaction.get("data") or "0x"
        answer = self.evm.call(transaction["to"], bytes.fromhex(data[2:]), self._at(at))
        return "0x" + answer.hex()

    def _at(self, at: object) -> int:
        """The height of a block tag, of which the state must be known."""
        height = self._height(at)
        if height > self.evm.height:
            raise NoSuchBlockError
        if height <= self.evm.height - self.kept:
            raise RpcError(-32000, f"missing trie node {self.evm.header(height).hash.hex()}")
        return height

    def _height(self, at: object) -> int:
        if isinstance(at, dict):  # as in EIP-1898
            at = at.get("blockNumber") or hex(self._by_hash(at["blockHash"]).block_number)
        if at == "earliest":
            return 0
        if at in ("latest", "pending", "safe", "finalized"):
            return self.evm.height
        assert isinstance(at, str)
        return int(at, 16)

    def _block_by_number(self, at: object, full: bool) -> object:
        try:
            return block_json.block(self.evm.header(self._height(at)), full)
        except NoSuchBlockError:
            return None

    def _block_by_hash(self, block_hash: str, full: bool) -> object:
        try:
            return block_json.block(self._by_hash(block_hash), full)
        except NoSuchBlockError:
            return None

    def _by_hash(self, block_hash: str) -> Any:
        for number in range(self.evm.height, -1, -1):
            header = self.evm.header(number)
            if "0x" + header.hash.hex() == block_hash:
                return header
        raise NoSuchBlockError

    def _logs(self, wanted: dict[str, Any]) -> object:
        if "blockHash" in wanted:
            first = last = self._by_hash(wanted["blockHash"]).block_number
        else:
            first = self._height(wanted.get("fromBlock", "latest"))
            last = self._height(wanted.get("toBlock", "latest"))
        if self.logs_range is not None and last - first >= self.logs_range:
            raise RpcError(-32602, f"block range is too wide, the most is {self.logs_range}")
        return [
            block_json.log(one)
            for one in self.evm.logs
            if first <= one.block <= last
            and block_json.is_of(one.address, wanted.get("address"))
            and block_json.has_topics(one.topics, wanted.get("topics") or ())
        ]


def _refusal(number: object, error: RpcError) -> dict[str, object]:
    told: dict[str, object] = {"code": error.code, "message": error.message}
    if error.data is not None:
        told["data"] = error.data
    return {"jsonrpc": "2.0", "id": number, "error": told}
