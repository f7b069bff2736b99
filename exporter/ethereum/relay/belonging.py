"""Whether an answer is about the block that was asked for: a node may be confused."""

import re
from typing import Any, Final

from exporter.ethereum.relay.methods import Kind
from exporter.ethereum.relay.plan import Plan

_NUMBER: Final = re.compile("0x[0-9a-fA-F]{1,16}")


class OtherBlockError(Exception):
    """The answer is about something else than what was asked."""

    def __init__(self) -> None:
        super().__init__("a node's answer is not about what was asked for")


def check(plan: Plan, result: Any) -> None:  # noqa: ANN401 - JSON
    """Raises `OtherBlockError`."""
    if not belongs(plan, result):
        raise OtherBlockError


def belongs(plan: Plan, result: Any) -> bool:  # noqa: ANN401 - JSON
    """Whether it is about what was asked for; that there is no such thing may be so."""
    kind = plan.method.kind
    if kind is Kind.LOGS:
        good = isinstance(result, list) and all(_within(plan, log) for log in result)
    elif result is None:
        good = kind in (Kind.BLOCK, Kind.BLOCK_BY_HASH, Kind.TRANSACTION)
    elif kind is Kind.BLOCK:
        good = isinstance(result, dict) and number_of(result) is not None
        good = good and plan.height in (None, number_of(result))
    elif kind in (Kind.BLOCK_BY_HASH, Kind.TRANSACTION):
        good = isinstance(result, dict) and _hash_of(result) == plan.hash
    else:
        good = True
    return good


def number_of(block: dict[str, Any], name: str = "number") -> int | None:
    """The number of a block, or that a transaction, receipt or log names; `None` without one."""
    text = block.get(name)
    return int(text, 16) if isinstance(text, str) and _NUMBER.fullmatch(text) else None


def _hash_of(result: dict[str, Any]) -> str:
    return str(result.get("transactionHash", result.get("hash"))).lower()


def _within(plan: Plan, log: object) -> bool:
    if not isinstance(log, dict):
        return False
    block = number_of(log, "blockNumber")
    if block is None or not isinstance(log.get("address"), str):
        return False
    if plan.hash is not None:
        return str(log.get("blockHash")).lower() == plan.hash
    return plan.height is None or plan.lowest <= block <= plan.height
