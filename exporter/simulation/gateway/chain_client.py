"""How a gateway asks its Ethereum node: one question a request, one node, no second try."""

from typing import Any, Final

import aiohttp
import msgspec

from exporter.ethereum.abi import AnswerError, Call, EmptyAnswerError, quantity, unhex
from exporter.simulation.gateway.clock import Clock

_SECONDS: Final = 20.0
_OK: Final = 200


class ChainFailed(Exception):
    """The node gave no usable answer; the text is near to Go's, and names the URL as Go does."""


class ChainClient:
    """Asks the Ethereum node of `-ethUrl`, over connections that stay open."""

    def __init__(self, url: str, clock: Clock) -> None:
        self._url = url
        self._clock = clock
        self._session: aiohttp.ClientSession | None = None

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()

    async def ask(self, method: str, *params: object) -> Any:  # noqa: ANN401 - JSON
        """The result. Raises `ChainFailed`."""
        question = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        status, body = await self._post(msgspec.json.encode(question))
        try:
            answer = msgspec.json.decode(body, type=dict[str, Any])
            if "error" not in answer and status == _OK:
                return answer["result"]
            raise ChainFailed(str(answer["error"]["message"]))
        except (msgspec.DecodeError, KeyError, TypeError) as error:
            raise ChainFailed(f"{status}: {body[:100].decode(errors='replace')}") from error

    async def number(self, method: str) -> int:
        """The same where the result is a number. Raises `ChainFailed`."""
        try:
            return quantity(await self.ask(method))
        except AnswerError as error:
            raise ChainFailed(f"invalid {method} result") from error

    async def call(self, call: Call) -> Any:  # noqa: ANN401 - one value or several
        """What a contract answers now. Raises `ChainFailed`."""
        question = call.question()
        try:
            return call.function.read(unhex(await self.ask(question.method, *question.params)))
        except EmptyAnswerError as error:
            if await self.ask("eth_getCode", call.to, "latest") == "0x":
                raise ChainFailed("no contract code at given address") from error
            raise ChainFailed("abi: attempting to unmarshal an empty string") from error
        except AnswerError as error:
            raise ChainFailed(f"abi: {error}") from error

    async def _post(self, body: bytes) -> tuple[int, bytes]:
        if self._session is None:
            headers = {"Content-Type": "application/json", "User-Agent": "Go-http-client/1.1"}
            self._session = aiohttp.ClientSession(headers=headers)
        limit = aiohttp.ClientTimeout(total=self._clock.real(_SECONDS))
        try:
            async with self._session.post(self._url, data=body, timeout=limit) as answer:
                return answer.status, await answer.read()
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise ChainFailed(f'Post "{self._url}": {_words(error)}') from error


def _words(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "context deadline exceeded"
    if isinstance(error, aiohttp.ClientConnectorError):
        return "dial tcp: connect: connection refused"
    return "EOF"
