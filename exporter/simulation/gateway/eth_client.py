"""What a gateway reads from Livepeer's contracts, call by call as go-livepeer's client does."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from exporter.ethereum import contracts as known
from exporter.ethereum.abi import Call, Function
from exporter.ethereum.contracts import NOBODY, contract_id
from exporter.simulation.chain.functions import BLOCK_HASH_FOR_ROUND, NAMES, STATUS
from exporter.simulation.gateway.chain_client import ChainClient, ChainFailed

MEMBERS: Final = 10_000
_REWARD_CUT: Final = 1
_FEE_SHARE: Final = 2
_ACTIVATION: Final = 4
_DEACTIVATION: Final = 5


class Transcoder(msgspec.Struct, frozen=True, kw_only=True):
    """One orchestrator, as five calls tell."""

    address: str
    registered: bool
    active: bool
    service_uri: str
    stake: int
    last_reward_round: int
    reward_cut: int
    fee_share: int
    activation_round: int
    deactivation_round: int


class SenderFunds(msgspec.Struct, frozen=True):
    """What an account has for paying; wei."""

    deposit: int
    withdraw_round: int
    reserve: int
    claimed: int


class EthClient:
    """Reads contracts, which the Controller names. Every method raises `ChainFailed`.

    With `ai_registry` service URIs are read there, and not from the registry that it names.
    """

    def __init__(self, node: ChainClient, ai_registry: str | None) -> None:
        self._node = node
        self._ai_registry = ai_registry
        self.addresses: Mapping[str, str] = {}

    async def find_contracts(self, controller: str) -> None:
        """Ask for the address of each."""
        found = {}
        for name in NAMES:
            question = Call(controller.lower(), known.GET_CONTRACT, (contract_id(name),))
            found[name] = await self._node.call(question)
        if self._ai_registry is not None:
            found["ServiceRegistry"] = self._ai_registry
        self.addresses = found

    async def read_rounds(self) -> int:
        """What a start reads of rounds; gives the last initialized one."""
        last: int = await self._rounds(known.LAST_INITIALIZED_ROUND)
        await self._rounds(BLOCK_HASH_FOR_ROUND, last)
        for function in (
            known.CURRENT_ROUND,
            known.ROUND_INITIALIZED,
            known.ROUND_START_BLOCK,
            known.ROUND_LENGTH,
            known.ROUND_BLOCK,
        ):
            await self._rounds(function)
        return last

    async def current_round(self) -> int:
        """The round that is, initialized or not."""
        return int(await self._rounds(known.CURRENT_ROUND))

    async def pool_size(self) -> int:
        """Members of the pool."""
        return int(await self._bonding(known.POOL_SIZE))

    async def sender(self, address: str) -> SenderFunds:
        """What who pays has."""
        found = await self._ask("TicketBroker", known.SENDER_INFO, address.lower())
        return SenderFunds(*found)

    async def service_uri(self, address: str) -> str:
        """What it wrote; empty if nothing."""
        return str(await self._ask("ServiceRegistry", known.SERVICE_URI, address))

    async def stake(self, address: str, round_number: int) -> int:
        """Its stake of a round, if that was written in that round; else 0."""
        found = await self._bonding(known.EARNINGS_POOL, address, round_number)
        return int(found[0])

    async def transcoder(self, address: str) -> Transcoder:
        """All about one address."""
        about = await self._bonding(known.TRANSCODER, address)
        registered = await self._bonding(STATUS, address)
        active = await self._bonding(known.IS_ACTIVE, address)
        uri = await self.service_uri(address)
        stake = await self._bonding(known.TOTAL_STAKE, address)
        return Transcoder(
            address=address,
            registered=bool(registered),
            active=active,
            service_uri=uri,
            stake=stake,
            last_reward_round=about[0],
            reward_cut=about[_REWARD_CUT],
            fee_share=about[_FEE_SHARE],
            activation_round=about[_ACTIVATION],
            deactivation_round=about[_DEACTIVATION],
        )

    async def transcoder_pool(self) -> list[Transcoder]:
        """Everybody in the pool, one after the other."""
        found: list[Transcoder] = []
        address = await self._bonding(known.FIRST_IN_POOL)
        while address != NOBODY:
            if len(found) == MEMBERS:
                raise ChainFailed("the pool has no end")
            found.append(await self.transcoder(address))
            address = await self._bonding(known.NEXT_IN_POOL, address)
        return found

    async def _bonding(self, function: Function, *arguments: object) -> Any:  # noqa: ANN401 - by function
        return await self._ask("BondingManager", function, *arguments)

    async def _rounds(self, function: Function, *arguments: object) -> Any:  # noqa: ANN401 - by function
        return await self._ask("RoundsManager", function, *arguments)

    async def _ask(self, contract: str, function: Function, *arguments: object) -> Any:  # noqa: ANN401 - by function
        return await self._node.call(Call(self.addresses[contract], function, arguments))
