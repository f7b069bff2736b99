"""Blocks and logs as JSON-RPC spells them, and what a filter for logs lets through."""

from collections.abc import Sequence
from typing import Any

from tests.ethereum.evm import Log


def block(header: Any, full: bool) -> dict[str, object]:
    """A block of that header; its transactions are left out."""
    assert not full, "the rig does not tell transactions"
    return {
        "number": hex(header.block_number),
        "hash": "0x" + header.hash.hex(),
        "parentHash": "0x" + header.parent_hash.hex(),
        "stateRoot": "0x" + header.state_root.hex(),
        "transactionsRoot": "0x" + header.transaction_root.hex(),
        "receiptsRoot": "0x" + header.receipt_root.hex(),
        "sha3Uncles": "0x" + header.uncles_hash.hex(),
        "logsBloom": f"0x{header.bloom:0512x}",
        "mixHash": "0x" + header.mix_hash.hex(),
        "nonce": "0x" + header.nonce.hex(),
        "miner": "0x" + header.coinbase.hex(),
        "extraData": "0x" + header.extra_data.hex(),
        "difficulty": hex(header.difficulty),
        "gasLimit": hex(header.gas_limit),
        "gasUsed": hex(header.gas_used),
        "baseFeePerGas": hex(header.base_fee_per_gas),
        "timestamp": hex(header.timestamp),
        "size": "0x0",
        "uncles": [],
        "transactions": [],
    }


def log(one: Log) -> dict[str, object]:
    """An event, as `eth_getLogs` gives it."""
    return {
        "address": one.address,
        "topics": one.topics,
        "data": one.data,
        "blockNumber": hex(one.block),
        "blockHash": one.block_hash,
        "transactionHash": one.transaction,
        "transactionIndex": "0x0",
        "logIndex": hex(one.index),
        "removed": False,
    }


def is_of(address: str, wanted: str | Sequence[str] | None) -> bool:
    """Whether a filter's `address` lets it through."""
    among = [wanted] if isinstance(wanted, str) else wanted
    return not among or address in [one.lower() for one in among]


def has_topics(topics: Sequence[str], wanted: Sequence[str | Sequence[str] | None]) -> bool:
    """Whether a filter's `topics` let it through."""
    if len(wanted) > len(topics):
        return False
    return all(
        not one or topic in ([one] if isinstance(one, str) else one)
        for topic, one in zip(topics, wanted, strict=False)
    )
