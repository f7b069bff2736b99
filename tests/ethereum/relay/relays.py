"""Relays for the tests, and ways to ask them."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from exporter.ethereum.node import Nodes, RefusedError
from exporter.ethereum.relay.relay import Relay


class Asked:
    """A relay that is asked in this process, and what came of it."""

    def __init__(self, relay: Relay) -> None:
        self.relay = relay

    async def __call__(self, method: str, *params: Any) -> Any:
        member = json.loads(b"{" + await self.relay.answer(method, list(params)) + b"}")
        if "error" in member:
            raise RefusedError(member["error"]["code"], member["error"]["message"])
        return member["result"]

    def counts(self, method: str) -> tuple[int, int, int, int, int]:
        """Cached, coalesced, sent, refused, failed."""
        calls = self.relay.report().calls[method]
        return calls.cached, calls.coalesced, calls.sent, calls.refused, calls.failed


def a_relay(node: Nodes, **more: Any) -> Asked:
    options = {"cache_bytes": 2**20, "calls_per_second": 10_000.0, "keep_pool": 600.0} | more
    return Asked(Relay(node, **options))


@asynccontextmanager
async def over_http(url: str) -> AsyncIterator[Any]:
    """Asks a relay at that URL; many may do so at the same time."""
    import aiohttp

    async with aiohttp.ClientSession() as session:

        async def ask(method: str, *params: Any) -> Any:
            call = {"jsonrpc": "2.0", "id": 7, "method": method, "params": list(params)}
            async with session.post(url, json=call) as response:
                assert response.status == 200
                found = await response.json()
            assert found["id"] == 7
            if "error" in found:
                raise RefusedError(found["error"]["code"], found["error"]["message"])
            return found["result"]

        yield ask
