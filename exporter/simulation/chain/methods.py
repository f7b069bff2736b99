"""The JSON-RPC methods of a simulated Ethereum node that are about its chain."""

from collections import Counter
from collections.abc import Callable
from typing import Any, Final

from exporter.ethereum.abi import AnswerError, quantity, unhex
from exporter.settings.ethereum import MULTICALL
from exporter.simulation.chain.blocks import Blocks, Missing, number_of
from exporter.simulation.chain.contracts import CONTRACTS, Moment, Reverted, function_of, view
from exporter.simulation.chain.logs import BadFilter, logs, read_filter
from exporter.simulation.chain.multicall import aggregate, is_aggregate

NO_METHOD: Final = -32601
_BAD: Final = -32602
_FAILED: Final = -32000
_REVERTED: Final = 3
_TAGS: Final = frozenset({"latest", "pending", "safe", "finalized"})
_GAS_PRICE: Final = 100_000_000
_CODE: Final = "0x6080604052"
AGGREGATE: Final = "aggregate3"


class Refused(Exception):
    """A JSON-RPC error."""

    def __init__(self, code: int, message: str, data: str | None = None) -> None:
        self.error = {"code": code, "message": message} | ({} if data is None else {"data": data})
        super().__init__(message)


class Methods:
    """Answers questions about the chain.

    `has_contracts` may be unset, with which nothing is at any address. `refuses` holds names of
    methods and of contract functions that get an error. `functions` counts calls of contracts.
    """

    def __init__(self, blocks: Blocks) -> None:
        self.has_contracts = True
        self.refuses: set[str] = set()
        self.functions: Counter[str] = Counter()
        self._blocks = blocks
        self._ways: dict[str, Callable[..., Any]] = {
            "eth_blockNumber": lambda: hex(blocks.head),
            "eth_call": self._call,
            "eth_gasPrice": lambda: hex(_GAS_PRICE),
            "eth_getBlockByHash": self._block_by_hash,
            "eth_getBlockByNumber": self._block_by_number,
            "eth_getCode": self._code,
            "eth_getLogs": self._logs,
            "eth_syncing": lambda: False,
        }

    def answer(self, method: str, params: list[Any]) -> Any:  # noqa: ANN401 - JSON
        """The result. Raises `Refused`."""
        way = self._ways.get(method)
        if way is None:
            raise Refused(NO_METHOD, f"the method {method} does not exist/is not available")
        self._check(method)
        try:
            return way(*params)
        except (AnswerError, AttributeError, BadFilter, TypeError) as error:
            raise Refused(_BAD, f"invalid argument: {error}") from error
        except Missing as error:
            raise Refused(_FAILED, str(error)) from error
        except Reverted as error:
            code, words = (_REVERTED, f": {error.reason}") if error.data else (_FAILED, "")
            data = "0x" + error.data.hex()
            raise Refused(code, f"execution reverted{words}", data) from error

    def _check(self, name: str) -> None:
        if name in self.refuses:
            raise Refused(_FAILED, f"{name} is refused")

    def _call(self, asked: dict[str, Any], at: object = "latest", *_overrides: object) -> str:
        to, data = str(asked.get("to")).lower(), unhex(asked.get("data", asked.get("input", "0x")))
        now = self._blocks.moment(self._height(at))
        if not is_aggregate(to, data) or not self.has_contracts:
            return "0x" + self._view(now, to, data).hex()
        self._count(AGGREGATE)
        return "0x" + aggregate(data, lambda to, data: self._view(now, to.lower(), data)).hex()

    def _view(self, now: Moment, to: str, data: bytes) -> bytes:
        if not self.has_contracts:
            return b""
        if to == MULTICALL and is_aggregate(to, data):
            return aggregate(data, lambda to, data: self._view(now, to.lower(), data))
        function = function_of(to, data)
        self._count("unknown" if function is None else function.name)
        return view(now, to, data)

    def _count(self, name: str) -> None:
        self.functions[name] += 1
        self._check(name)

    def _code(self, address: str, at: object = "latest") -> str:
        self._blocks.moment(self._height(at))
        return _CODE if self.has_contracts and address.lower() in CONTRACTS else "0x"

    def _block_by_number(self, at: object, _whole: bool = False) -> dict[str, Any] | None:  # noqa: FBT001, FBT002 - JSON-RPC
        try:
            return self._blocks.header(self._height(at))
        except Missing:
            return None

    def _block_by_hash(self, block_hash: str, _whole: bool = False) -> dict[str, Any] | None:  # noqa: FBT001, FBT002 - JSON-RPC
        number = number_of(block_hash)
        return None if number is None else self._block_by_number(hex(number))

    def _logs(self, asked: dict[str, Any]) -> list[dict[str, Any]]:
        wanted = read_filter(asked)
        if asked.get("blockHash") is not None:
            first = last = self._height({"blockHash": asked["blockHash"]})
        else:
            first = self._height(asked.get("fromBlock", "latest"))
            last = min(self._height(asked.get("toBlock", "latest")), self._blocks.head)
        if first > last:
            return []
        return logs(self._blocks.events(first, last), wanted) if self.has_contracts else []

    def _height(self, at: object) -> int:
        """The number of a block that was named in any way. Raises `Missing` and `AnswerError`."""
        if isinstance(at, dict):
            if "blockHash" not in at:
                return quantity(at.get("blockNumber"))
            number = number_of(str(at["blockHash"]))
            if number is None or number > self._blocks.head:
                raise Missing("unknown block")
            return number
        if at in _TAGS:
            return self._blocks.head
        return 0 if at == "earliest" else quantity(at)
