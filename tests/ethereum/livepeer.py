"""Livepeer on an EVM of our own, and all that people do there.

The contracts lie where the settings expect those of Arbitrum One. Nobody needs a key: whoever is
named acts. Amounts are wei, cuts parts per million.

    livepeer = Livepeer()
    livepeer.join(who(1), 5 * LPT, ai_uri="https://orch.example:8935")
    livepeer.new_round()  # now it is active
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from eth_abi.abi import encode

from exporter.ethereum.abi import Function
from exporter.ethereum.contracts import AGGREGATE, KNOWN, contract_id
from exporter.settings.ethereum import AI_REGISTRY, ARBITRUM_ONE, CONTROLLER, MULTICALL
from tests.ethereum.compiled import code
from tests.ethereum.evm import Evm

LPT: Final = 10**18
ETH: Final = 10**18
ADDRESSES: Final = {
    "Controller": CONTROLLER,
    "Multicall3": MULTICALL,
    "AIServiceRegistry": AI_REGISTRY,
    **KNOWN[ARBITRUM_ONE],
}
ARB_SYS: Final = f"0x{0x64:040x}"
SOURCE: Final = {"AIServiceRegistry": "ServiceRegistry"}
FIRST_ROUND: Final = 3500
FIRST_L1_BLOCK: Final = 20_000_000
ROUND_LENGTH: Final = 5760


def who(number: int) -> str:
    """An address of somebody."""
    return f"0xaa{number:038x}"


class Livepeer:
    """The contracts; each change makes one block, except `together`.

    Other than on Arbitrum, block numbers within contracts are those of this chain, so that only
    `RoundsManager` and Multicall3 tell other ones. `arbitrum=False`: a chain without ArbSys, where
    Multicall3 tells the height too.
    """

    def __init__(
        self, pool_size: int = 100, *, unlock_period: int = 10, arbitrum: bool = True
    ) -> None:
        contracts = {address: code(SOURCE.get(name, name)) for name, address in ADDRESSES.items()}
        if arbitrum:
            contracts[ARB_SYS] = code("ArbSys")
        self.evm = Evm(contracts)
        self._gathered: list[tuple[str, bool, bytes]] | None = None
        with self.together():
            for name in KNOWN[ARBITRUM_ONE]:
                self.set_contract(name, ADDRESSES[name])
            self._do("BondingManager", "setUp(address,uint256)", CONTROLLER, pool_size)
            self._do("TicketBroker", "setUp(address,uint256)", CONTROLLER, unlock_period)
            self._do(
                "RoundsManager",
                "setUp(address,uint256,uint256,uint256)",
                *(CONTROLLER, FIRST_ROUND, FIRST_L1_BLOCK, ROUND_LENGTH),
            )

    def ask(self, contract: str, function: Function, *arguments: object, at: int = -1) -> Any:
        """What a function gives, at a block (by default the last)."""
        at = self.evm.height if at < 0 else at
        return function.read(self.evm.call(ADDRESSES[contract], function.data(*arguments), at))

    @contextmanager
    def together(self) -> Iterator[None]:
        """All changes made within it make one block; all or none."""
        self._gathered = []
        try:
            yield
            gathered = self._gathered
        finally:
            self._gathered = None
        self.evm.transact(MULTICALL, AGGREGATE.data(gathered))

    def _do(self, contract: str, signature: str, *arguments: object) -> None:
        data = Function(signature, ()).data(*arguments)
        if self._gathered is None:
            self.evm.transact(ADDRESSES[contract], data)
        else:
            self._gathered.append((ADDRESSES[contract], False, data))

    def set_contract(self, name: str, address: str) -> None:
        """Let the Controller name this address for a contract."""
        arguments = contract_id(name), address, bytes(20)
        self._do("Controller", "setContractInfo(bytes32,address,bytes20)", *arguments)

    # Orchestrators

    def join(
        self,
        orchestrator: str,
        stake: int,
        *,
        cuts: tuple[int, int] | None = None,
        uri: str | None = None,
        ai_uri: str | None = None,
    ) -> None:
        """Bond to itself, which joins the pool, if it is good for a place there."""
        self.bond(orchestrator, stake)
        if cuts is not None:
            self.set_cuts(orchestrator, *cuts)
        if uri is not None:
            self.set_uri(orchestrator, uri)
        if ai_uri is not None:
            self.set_ai_uri(orchestrator, ai_uri)

    def bond(self, delegator: str, amount: int, to: str | None = None) -> None:
        """Bond more, by default to oneself."""
        arguments = delegator, amount, to or delegator
        self._do("BondingManager", "bond(address,uint256,address)", *arguments)

    def unbond(self, delegator: str, amount: int) -> None:
        """Take back some, from whom it was bonded to; all of one's own: leave the pool."""
        self._do("BondingManager", "unbond(address,uint256)", delegator, amount)

    def set_cuts(self, orchestrator: str, reward_cut: int, fee_share: int) -> None:
        """Set both; who is registered and not in the pool tries to join."""
        arguments = orchestrator, reward_cut, fee_share
        self._do("BondingManager", "transcoder(address,uint256,uint256)", *arguments)

    def reward(self, orchestrator: str, amount: int) -> None:
        """Add to the stake of somebody in the pool."""
        self._do("BondingManager", "reward(address,uint256)", orchestrator, amount)

    def set_pool_size(self, members: int) -> None:
        """Set the most that may be in it; nobody is evicted by it."""
        self._do("BondingManager", "setNumActiveTranscoders(uint256)", members)

    def set_uri(self, orchestrator: str, uri: str | bytes) -> None:
        """Write into the plain registry."""
        self._write("ServiceRegistry", orchestrator, uri)

    def set_ai_uri(self, orchestrator: str, uri: str | bytes) -> None:
        """Write into the AI registry."""
        self._write("AIServiceRegistry", orchestrator, uri)

    def _write(self, registry: str, orchestrator: str, uri: str | bytes) -> None:
        # A string is any bytes to the EVM, and eth_abi writes only those that are UTF-8.
        raw = uri if isinstance(uri, bytes) else uri.encode()
        selector = Function("setServiceURI(address,string)", ()).data(orchestrator, "")[:4]
        data = selector + encode(("address", "bytes"), (orchestrator, raw))
        if self._gathered is None:
            self.evm.transact(ADDRESSES[registry], data)
        else:
            self._gathered.append((ADDRESSES[registry], False, data))

    # Rounds

    def pass_l1_blocks(self, blocks: int) -> None:
        """Let time pass on Ethereum; a round may end by it, and the next is not initialized."""
        self._do("RoundsManager", "passBlocks(uint256)", blocks)

    def initialize_round(self) -> None:
        """Begin the round that is due."""
        self._do("RoundsManager", "initializeRound()")

    def new_round(self) -> None:
        """Let a round pass, and begin the next."""
        self.pass_l1_blocks(ROUND_LENGTH)
        self.initialize_round()

    # Senders

    def fund(self, sender: str, deposit: int, reserve: int = 0) -> None:
        """Add to both; what was being unlocked is locked again."""
        self._do("TicketBroker", "fund(address,uint256,uint256)", sender, deposit, reserve)

    def redeem(self, sender: str, face_value: int) -> None:
        """Pay a winning ticket, from the deposit, and what is missing from the reserve."""
        self._do("TicketBroker", "redeem(address,uint256)", sender, face_value)

    def unlock(self, sender: str) -> None:
        """Begin to withdraw; possible after the unlock period, in rounds."""
        self._do("TicketBroker", "unlock(address)", sender)

    def cancel_unlock(self, sender: str) -> None:
        """Stay."""
        self._do("TicketBroker", "cancelUnlock(address)", sender)

    def withdraw(self, sender: str) -> None:
        """Take all."""
        self._do("TicketBroker", "withdraw(address)", sender)

    def give_ether(self, to: str, wei: int) -> None:
        """Send from an account that has a million ETH."""
        self.evm.transact(to, value=wei)
