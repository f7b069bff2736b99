"""Readings of the list of orchestrators, which every starting gateway walks call by call.

The list changes once a round, which is a day, and a walk is some 700 calls. So what it reads at the
newest block may be given again for a while, unless the contract has told of a change since: a
gateway that was told of it by us must not read what was before.
"""

from collections.abc import Iterable
from typing import Any, Final

from eth_utils.abi import function_signature_to_4byte_selector

from exporter.ethereum.contracts import TOPICS

_SIGNATURES: Final = (
    "getContract(bytes32)",
    "getFirstTranscoderInPool()",
    "getNextTranscoderInPool(address)",
    "getTranscoder(address)",
    "transcoderStatus(address)",
    "transcoderTotalStake(address)",
    "isActiveTranscoder(address)",
    "getTranscoderEarningsPoolForRound(address,uint256)",
    "getServiceURI(address)",
)
SELECTORS: Final = frozenset(
    "0x" + function_signature_to_4byte_selector(signature).hex() for signature in _SIGNATURES
)
_SELECTOR: Final = 10
"""Characters of a selector, with its 0x."""
_ADDRESSES: Final = 1000


def contract_asked(call: object) -> str | None:
    """The address, if this call object is such a reading."""
    if not isinstance(call, dict) or not isinstance(to := call.get("to"), str):
        return None
    data = call.get("input", call.get("data"))
    if not isinstance(data, str) or data[:_SELECTOR].lower() not in SELECTORS:
        return None
    return to.lower()


class Told:
    """At which block each contract told of something last, as far as went through our hands."""

    def __init__(self) -> None:
        self._all = 0
        self._last: dict[str, int] = {}

    def note(self, logs: Iterable[Any]) -> None:
        """These logs are about to be given to somebody; their form was checked."""
        for log in logs:
            address, block = str(log["address"]).lower(), int(log["blockNumber"], 16)
            topics = log.get("topics")
            new_round = isinstance(topics, list) and TOPICS["NewRound"] in topics
            if new_round or len(self._last) >= _ADDRESSES:
                # A round changes who is active, with no word of the contract that says so.
                self._all = max(self._all, block)
                self._last.clear()
            self._last[address] = max(self._last.get(address, 0), block)

    def since(self, address: str, height: int) -> bool:
        """Whether the contract told of anything after that block."""
        return max(self._all, self._last.get(address, 0)) > height
