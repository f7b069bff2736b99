"""What an on-chain gateway knows of the network: who is registered, and what each one offers."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Final

from exporter.simulation.gateway import messages
from exporter.simulation.gateway.chain_client import ChainFailed
from exporter.simulation.gateway.chain_pool import ChainPool
from exporter.simulation.gateway.chain_reader import ChainReader
from exporter.simulation.gateway.clock import Clock
from exporter.simulation.gateway.directory import Directory, WebhookFailed
from exporter.simulation.gateway.glog import GatewayLog
from exporter.simulation.gateway.orchestrators import OrchestratorInfo, Orchestrators, Unreached
from exporter.simulation.gateway.startup import StartFailed

_AT_ONCE: Final = 100
_POOL_FAILED: Final = 2

Publish = Callable[[Sequence[OrchestratorInfo] | None], None]


class NetworkPoll:
    """Walks the pool once, then asks everybody of the directory again and again.

    Only who answers, with a price, gets onto the list. An unpinned gateway works with the pool
    itself, and begins before it listens; any other one walks the pool in the background, and has
    no list for ever if that fails. `publish` takes each list, `None` for an empty one.
    """

    def __init__(
        self,
        chain: ChainReader,
        orchestrators: Orchestrators,
        directory: Directory,
        *,
        log: GatewayLog,
        clock: Clock,
        publish: Publish,
    ) -> None:
        self._chain = chain
        self._orchestrators = orchestrators
        self._directory = directory
        self._log = log
        self._clock = clock
        self._publish = publish

    async def begin(self) -> None:
        """Do what an unpinned gateway does before it listens. Raises `StartFailed`."""
        if isinstance(self._directory, ChainPool):
            try:
                await self._chain.walk()
            except ChainFailed as error:
                self._log.say(messages.NO_CHAIN_POOL, error=error)
                raise StartFailed("the pool cannot be read", _POOL_FAILED) from error
            await self._poll()

    async def keep(self, interval: float) -> None:
        """Go on for ever, with so many of the gateway's seconds between two lists."""
        if not isinstance(self._directory, ChainPool):
            try:
                await self._chain.walk()
            except ChainFailed as error:
                self._log.say(messages.WALK_FAILED, error=error)
                return
            await self._poll()
        while True:
            await self._clock.sleep(interval)
            await self._poll()

    async def _poll(self) -> None:
        try:
            known = await self._directory.known()
        except WebhookFailed:
            known = []
        from_chain = isinstance(self._directory, ChainPool)
        used = messages.CHAIN_POOL_USED if from_chain else messages.FIXED_POOL_USED
        self._log.say(used, count=len(known))
        for address in self._chain.pool.without_uri() if from_chain else ():
            self._log.say(messages.NOT_POLLED, error=f"skipping orch={address}, URI not set")
        places = asyncio.Semaphore(_AT_ONCE)
        urls = dict.fromkeys(one.url for one in known)
        offers = await asyncio.gather(*(self._ask(url, places) for url in urls))
        self._publish([offer for offer in offers if offer is not None] or None)

    async def _ask(self, url: str, places: asyncio.Semaphore) -> OrchestratorInfo | None:
        try:
            async with places:
                info = await self._orchestrators.ask(url, None, None)
        except Unreached as error:
            self._log.say(messages.NOT_POLLED, error=error)
            return None
        missing = "ETH address" if not info.address else "price info"
        if not info.address or info.price_info is None:
            self._log.say(messages.NOT_POLLED, error=f"missing {missing} orch={info.transcoder}")
            return None
        return info
