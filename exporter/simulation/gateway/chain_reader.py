"""All that an on-chain gateway does with its Ethereum node, in the order in which it does it."""

from collections.abc import Awaitable, Sequence
from typing import Final, TypeVar

from exporter.simulation.gateway import messages
from exporter.simulation.gateway.chain_client import ChainClient, ChainFailed
from exporter.simulation.gateway.chain_pool import ChainPool
from exporter.simulation.gateway.chain_watch import ChainWatch
from exporter.simulation.gateway.clock import Clock
from exporter.simulation.gateway.eth_client import EthClient, SenderFunds, Transcoder
from exporter.simulation.gateway.flags import GatewayFlags
from exporter.simulation.gateway.glog import GatewayLog
from exporter.simulation.gateway.messages import Message

AI_REGISTRY: Final = "0x04c0b249740175999e5bf5c9ac1da92431ef34c5"
"""Built into go-livepeer, for `-aiServiceRegistry`."""


_T = TypeVar("_T")


class StepFailed(Exception):
    """A step of the start failed; `message` is how the log tells it."""

    def __init__(self, message: Message, error: ChainFailed) -> None:
        self.message = message
        self.error = error
        super().__init__(str(error))


class ChainReader:
    """The chain as one gateway sees it. `pool` is who is registered, `sender` what it can pay."""

    def __init__(self, flags: GatewayFlags, log: GatewayLog, clock: Clock) -> None:
        self.node = ChainClient(flags.eth_url, clock)
        self.pool = ChainPool()
        self.sender = SenderFunds(0, 0, 0, 0)
        self._eth = EthClient(self.node, AI_REGISTRY if flags.ai_service_registry else None)
        self._interval = flags.block_polling_interval
        self._watch = ChainWatch(self.node, self._eth, self.pool, log=log, clock=clock)

    async def begin(self, account: str, controller: str, *, reward: bool | None) -> None:
        """Everything that is read before discovery is set up. Raises `StepFailed`."""
        await _step(messages.NO_GAS_PRICE, self._watch.price())
        await _step(messages.NO_CONTRACTS, self._eth.find_contracts(controller))
        if reward is None:
            await _step(messages.NO_REWARD, self._eth.transcoder(account.lower()))
        self.pool.round = await _step(messages.NO_ROUNDS, self._eth.read_rounds())
        await _step(messages.NO_ROUNDS, self._eth.pool_size())
        self.sender = await _step(messages.NO_SENDER, self._eth.sender(account))
        await _step(messages.NO_BLOCK, self._watch.begin())

    async def walk(self) -> None:
        """Read the pool and everybody's stake, as each start does. Raises `ChainFailed`."""
        self.pool.take(await self._eth.transcoder_pool())
        await self._watch.read_stakes()

    async def registered(self) -> Sequence[Transcoder]:
        """The pool, read anew. Raises `ChainFailed`."""
        return await self._eth.transcoder_pool()

    async def keep(self) -> None:
        """Follow the chain for ever."""
        await self._watch.keep(self._interval)

    async def close(self) -> None:
        """Close the connections to the node."""
        await self.node.close()


async def _step(message: Message, doing: Awaitable[_T]) -> _T:
    try:
        return await doing
    except ChainFailed as error:
        raise StepFailed(message, error) from error
