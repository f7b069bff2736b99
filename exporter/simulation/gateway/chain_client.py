"""What an on-chain gateway asks its Ethereum node; the real one asks far more, see `chain_node`."""

from typing import Any, Final

import aiohttp
import msgspec

from exporter.simulation.chain_node import POOL_METHOD, Registered
from exporter.simulation.gateway.clock import Clock

_SECONDS: Final = 20.0
_MEMBERS: Final = 10_000


class ChainFailed(Exception):
    """The node gave no usable answer; the text is near to Go's, and names the URL as Go does."""


class ChainClient:
    """Asks the Ethereum node of `-ethUrl`."""

    def __init__(self, url: str, clock: Clock) -> None:
        self._url = url
        self._clock = clock

    async def chain_id(self) -> int:
        """The node's chain. Raises `ChainFailed`."""
        try:
            return int(await self._ask("eth_chainId"), 16)
        except (TypeError, ValueError) as error:
            raise ChainFailed("invalid chain ID result") from error

    async def pool(self) -> list[Registered]:
        """All that are registered. Raises `ChainFailed`."""
        found = await self._ask(POOL_METHOD)
        try:
            rows = msgspec.convert(found, list[dict[str, Any]])[:_MEMBERS]
            return [_registered(row) for row in rows]
        except (msgspec.ValidationError, TypeError, ValueError) as error:
            raise ChainFailed("abi: attempting to unmarshal an empty string") from error

    async def _ask(self, method: str) -> Any:  # noqa: ANN401 - JSON
        question = {"jsonrpc": "2.0", "id": 1, "method": method, "params": []}
        limit = aiohttp.ClientTimeout(total=self._clock.real(_SECONDS))
        try:
            async with (
                aiohttp.ClientSession(timeout=limit) as session,
                session.post(self._url, json=question) as answer,
            ):
                body = await answer.read()
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise ChainFailed(f'Post "{self._url}": {_words(error)}') from error
        try:
            return msgspec.json.decode(body, type=dict[str, Any])["result"]
        except (msgspec.DecodeError, KeyError) as error:
            raise ChainFailed(f"{answer.status}: {body[:100].decode(errors='replace')}") from error


def _registered(row: dict[str, Any]) -> Registered:
    return msgspec.convert(row | {"stake": int(str(row.get("stake", "0x0")), 16)}, Registered)


def _words(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "context deadline exceeded"
    if isinstance(error, aiohttp.ClientConnectorError):
        return "dial tcp: connect: connection refused"
    return "EOF"
