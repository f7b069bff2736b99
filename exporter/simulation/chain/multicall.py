"""Multicall3: many calls in one."""

from collections.abc import Callable
from typing import Final

from eth_utils.abi import function_signature_to_4byte_selector

from exporter.ethereum.contracts import AGGREGATE
from exporter.settings.ethereum import MULTICALL
from exporter.simulation.chain.contracts import Reverted, encoded

_SELECTOR: Final = function_signature_to_4byte_selector(AGGREGATE.signature)
_REASON: Final = function_signature_to_4byte_selector("Error(string)")

View = Callable[[str, bytes], bytes]


def is_aggregate(address: str, data: bytes) -> bool:
    """Whether this is a call of many."""
    return address == MULTICALL and data[: len(_SELECTOR)] == _SELECTOR


def aggregate(data: bytes, view: View) -> bytes:
    """What each gave; nothing, and no failure, of where no contract is. Raises `Reverted`."""
    from eth_abi.abi import decode
    from eth_abi.exceptions import DecodingError

    try:
        (calls,) = decode(AGGREGATE.takes, data[len(_SELECTOR) :])
    except (DecodingError, ValueError, OverflowError) as error:
        raise Reverted from error
    results = []
    for target, may_fail, asked in calls:
        try:
            results.append((True, view(target, asked)))
        except Reverted as reverted:
            if not may_fail:
                raise _failed() from reverted
            results.append((False, reverted.data))
    return encoded(AGGREGATE.gives, (results,))


def _failed() -> Reverted:
    reason = "Multicall3: call failed"
    return Reverted(reason, _REASON + encoded(("string",), (reason,)))
