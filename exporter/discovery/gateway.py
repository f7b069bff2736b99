"""A gateway's CLI port: what the network offers, as the gateway has seen it."""

import asyncio
from http import HTTPStatus
from typing import Final

from exporter.discovery import ai_capabilities, network_capabilities
from exporter.discovery.fetch import Reply, get, trust
from exporter.discovery.listing import Listing, SourceError
from exporter.settings import GatewaySource as GatewaySettings

_NOT_YET: Final = (
    "the gateway has no network capabilities: it is off-chain, or has not asked the network yet"
)


class GatewaySource:
    """The offers that one gateway knows, in the newer or the older form of its answer."""

    def __init__(self, settings: GatewaySettings, *, name: str | None = None) -> None:
        self.name: Final = name or f"gateway {settings.url}"
        self._url = settings.url
        self._timeout = settings.timeout
        self._tls = trust(settings.url)
        self._uris: dict[str, str] = {}

    async def read(self) -> Listing:
        """Ask the gateway. Raises `SourceError`."""
        reply = await self._get(network_capabilities.PATH)
        if reply.status == HTTPStatus.NOT_FOUND:
            return await self._read_older()
        if reply.status == HTTPStatus.INTERNAL_SERVER_ERROR and (
            "not available" in reply.line or not reply.body
        ):
            raise SourceError(_NOT_YET)
        self._expect_ok(network_capabilities.PATH, reply)
        # Off the loop: it also carries the stamps of running jobs.
        return await asyncio.to_thread(network_capabilities.parse, reply.body, self.name)

    async def _read_older(self) -> Listing:
        reply = await self._get(ai_capabilities.PATH)
        if reply.status == HTTPStatus.NOT_FOUND:
            raise SourceError(
                f"neither {network_capabilities.PATH} nor {ai_capabilities.PATH} is known at "
                f"{self._url}: is it the CLI port of a gateway?"
            )
        self._expect_ok(ai_capabilities.PATH, reply)
        complaint = await self._refresh_uris()
        listing = await asyncio.to_thread(ai_capabilities.parse, reply.body, self._uris, self.name)
        return Listing(offers=listing.offers, skipped=listing.skipped, complaint=complaint)

    async def _refresh_uris(self) -> str | None:
        path = ai_capabilities.REGISTERED_PATH
        try:
            reply = await self._get(path)
            self._expect_ok(path, reply)
            self._uris = await asyncio.to_thread(ai_capabilities.parse_registered, reply.body)
        except SourceError as error:
            known = "those of an earlier answer are used" if self._uris else "none is known"
            return f"service URIs were not given ({error}); {known}"
        return None

    async def _get(self, path: str) -> Reply:
        return await get(f"{self._url}{path}", timeout=self._timeout, tls=self._tls)

    def _expect_ok(self, path: str, reply: Reply) -> None:
        if reply.status != HTTPStatus.OK:
            line = f": {reply.line}" if reply.line else ""
            raise SourceError(f"GET {self._url}{path}: HTTP {reply.status}{line}")
