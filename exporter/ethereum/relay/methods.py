"""Which methods the relay answers, and by what each of their answers may be kept."""

from enum import StrEnum
from typing import Final

import msgspec


class Kind(StrEnum):
    """What a method reads."""

    CONSTANT = "constant"
    """A thing of the chain that never changes."""
    GAS = "gas"
    """A price that a node suggests, of no block."""
    HEAD = "head"
    """The number of the newest block."""
    BLOCK = "block"
    """A block by its number."""
    BLOCK_BY_HASH = "block by hash"
    TRANSACTION = "transaction"
    """What became of a transaction."""
    STATE = "state"
    """Something as it was at a block."""
    LOGS = "logs"


class Method(msgspec.Struct, frozen=True):
    """What a method reads, and where its parameters say of which block."""

    kind: Kind
    place: int = 0
    """Of the block among the parameters."""


READS: Final = {
    "eth_chainId": Method(Kind.CONSTANT),
    "net_version": Method(Kind.CONSTANT),
    "eth_gasPrice": Method(Kind.GAS),
    "eth_maxPriorityFeePerGas": Method(Kind.GAS),
    "eth_blockNumber": Method(Kind.HEAD),
    "eth_getBlockByNumber": Method(Kind.BLOCK),
    "eth_getBlockByHash": Method(Kind.BLOCK_BY_HASH),
    "eth_getTransactionByHash": Method(Kind.TRANSACTION),
    "eth_getTransactionReceipt": Method(Kind.TRANSACTION),
    "eth_call": Method(Kind.STATE, 1),
    "eth_feeHistory": Method(Kind.STATE, 1),
    "eth_getBalance": Method(Kind.STATE, 1),
    "eth_getCode": Method(Kind.STATE, 1),
    "eth_getStorageAt": Method(Kind.STATE, 2),
    "eth_getTransactionCount": Method(Kind.STATE, 1),
    "eth_getLogs": Method(Kind.LOGS),
}
"""Everything that is answered; all else is refused, whatever it is."""

OTHER: Final = "other"
"""The label of methods that are not answered: their names are strangers' to write."""


def label(method: str) -> str:
    """The method as a label, of which there are few."""
    return method if method in READS else OTHER


def why_refused(method: str) -> str:
    """What is said to somebody who asks for what is not answered."""
    if "send" in method.lower() or "sign" in method.lower() or method.startswith("personal_"):
        return "the relay only reads: it never sends or signs anything"
    return "the relay does not answer this method"
