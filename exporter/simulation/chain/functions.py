"""Functions that gateways ask for and the tester does not, and where the contracts lie."""

from typing import Final

from eth_utils.crypto import keccak

from exporter.ethereum.abi import Function
from exporter.ethereum.contracts import KNOWN

CHAIN_ID: Final = 42161
"""Arbitrum One."""
NAMES: Final = (
    "LivepeerToken",
    "ServiceRegistry",
    "BondingManager",
    "TicketBroker",
    "RoundsManager",
    "Minter",
    "Treasury",
    "LivepeerGovernor",
)
"""The contracts that a go-livepeer gateway has the Controller name when it starts."""

STATUS: Final = Function("transcoderStatus(address)", ("uint8",))
BLOCK_HASH_FOR_ROUND: Final = Function("blockHashForRound(uint256)", ("bytes32",))


def address_of(name: str) -> str:
    """Where that contract lies on the simulated chain: where it really does, if we know that."""
    return KNOWN[CHAIN_ID].get(name) or "0x" + keccak(text=f"simulated {name}")[-20:].hex()
