"""What an on-chain gateway asks for as long as it runs: blocks, what happened in them, prices."""

import asyncio
from typing import Any, Final

from exporter.ethereum.abi import AnswerError, quantity, unhex
from exporter.ethereum.contracts import CURRENT_ROUND, SERVICE_URI, TOPICS
from exporter.simulation.gateway import messages
from exporter.simulation.gateway.chain_client import ChainClient, ChainFailed
from exporter.simulation.gateway.chain_pool import ChainPool
from exporter.simulation.gateway.clock import Clock
from exporter.simulation.gateway.eth_client import EthClient
from exporter.simulation.gateway.glog import GatewayLog, quote

_LATEST: Final = ("latest", False)
"""Without its transactions."""
_AT_MOST: Final = 1000
"""Blocks of one `eth_getLogs`."""
_FOLLOWED: Final = ("NewRound", "TranscoderActivated", "TranscoderDeactivated", "ServiceURIUpdate")
_NAME_OF: Final = {TOPICS[name]: name for name in _FOLLOWED}

Log = dict[str, Any]


class ChainWatch:
    """Follows the chain; what fails is logged, and done at the next turn."""

    def __init__(
        self, node: ChainClient, eth: EthClient, pool: ChainPool, *, log: GatewayLog, clock: Clock
    ) -> None:
        self._node = node
        self._eth = eth
        self._pool = pool
        self._log = log
        self._clock = clock
        self._seen = 0

    async def begin(self) -> None:
        """Read the block from which on events are followed. Raises `ChainFailed`."""
        self._seen = _number(await self._node.ask("eth_getBlockByNumber", *_LATEST))

    async def keep(self, interval: float) -> None:
        """Go on for ever, with so many of the gateway's seconds between two turns."""
        while True:
            await self._clock.sleep(interval)
            try:
                await self.turn()
            except ChainFailed as error:
                self._log.say(messages.WATCH_FAILED, error=quote(error))
            try:
                await self.price()
            except ChainFailed as error:
                self._log.say(messages.GAS_PRICE_FAILED, error=error)

    async def price(self) -> None:
        """Read the price of gas. Raises `ChainFailed`."""
        self._log.say(messages.GAS_PRICE, price=await self._node.number("eth_gasPrice"))

    async def turn(self) -> None:
        """Read what has happened since the last time. Raises `ChainFailed`."""
        head = await self._node.ask("eth_getBlockByNumber", *_LATEST)
        number = _number(head)
        while self._seen < number:
            last = min(number, self._seen + _AT_MOST)
            topics = [[TOPICS[name] for name in _FOLLOWED]]
            asked = {"fromBlock": hex(self._seen + 1), "toBlock": hex(last), "topics": topics}
            found = await self._node.ask("eth_getLogs", asked)
            self._seen = last
            for log in found:
                await self._take(log)
        await self._node.ask("eth_getBlockByHash", *(head["hash"], False))

    async def _take(self, log: Log) -> None:
        try:
            name, subject, data = _NAME_OF[log["topics"][0]], log["topics"][1], unhex(log["data"])
            await self._happened(name, log["address"].lower(), subject, data)
        except (KeyError, IndexError, TypeError, AnswerError) as error:
            raise ChainFailed("abi: cannot unmarshal a log") from error

    async def _happened(self, name: str, contract: str, subject: str, data: bytes) -> None:
        address = "0x" + subject[-40:]
        if name == "NewRound" and contract == self._eth.addresses["RoundsManager"]:
            await self._new_round(int(subject, 16))
        elif name == "ServiceURIUpdate" and contract == self._eth.addresses["ServiceRegistry"]:
            self._pool.update(address, service_uri=SERVICE_URI.read(data))
        elif contract == self._eth.addresses["BondingManager"]:
            number = CURRENT_ROUND.read(data)
            if name == "TranscoderDeactivated":
                self._pool.update(address, deactivation_round=number)
            elif name == "TranscoderActivated":
                await self._activated(address, number)

    async def _activated(self, address: str, number: int) -> None:
        uri = await self._eth.service_uri(address)
        self._pool.update(
            address, service_uri=uri, activation_round=number, deactivation_round=2**63 - 1
        )

    async def _new_round(self, number: int) -> None:
        self._pool.round = number
        await self._eth.pool_size()
        await self.read_stakes()

    async def read_stakes(self) -> None:
        """Ask for the stake of each active one, all at once; who cannot be read is left."""
        number = await self._eth.current_round()
        asked = [self._eth.stake(one.address, number) for one in self._pool.active()]
        for found in await asyncio.gather(*asked, return_exceptions=True):
            if isinstance(found, BaseException) and not isinstance(found, ChainFailed):
                raise found


def _number(head: Any) -> int:  # noqa: ANN401 - JSON
    try:
        return quantity(head["number"])
    except (KeyError, TypeError, AnswerError) as error:
        raise ChainFailed("missing required field 'number' for Header") from error
