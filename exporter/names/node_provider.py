"""web3's way to our own nodes. Importing this imports web3, which takes a second and 60 MB."""

from typing import Any, Final

from exporter.ethereum.kept_limit import recursion_limit_kept
from exporter.ethereum.node import Node, Question, RefusedError

with recursion_limit_kept():
    from web3.providers.async_base import AsyncBaseProvider
    from web3.types import RPCEndpoint, RPCResponse

ANSWER_LIMIT: Final = 4096
"""Bytes of one answer: more than any name or address takes."""
_REVERTED: Final = 3


class OverlongError(Exception):
    """A stranger's contract answered with more than a name can be."""


class NodeProvider(AsyncBaseProvider):
    """Asks a `Node`. Never follows what a contract says lies elsewhere (CCIP read, EIP-3668).

    What a node could not or would not answer is raised as `EthereumError`, so that it is not taken
    for a contract's refusal.
    """

    global_ccip_read_enabled = False

    def __init__(self, node: Node) -> None:
        super().__init__()
        self._node = node

    async def make_request(
        self,
        method: RPCEndpoint,
        params: Any,  # noqa: ANN401 - JSON
    ) -> RPCResponse:
        """One question. Raises `EthereumError` or `OverlongError`."""
        try:
            result = await self._node.ask(Question(method, tuple(params)))
        except RefusedError as refusal:
            if refusal.code != _REVERTED and "revert" not in refusal.message.lower():
                raise
            return _revert(refusal)
        if isinstance(result, str) and len(result) > 2 * ANSWER_LIMIT + 2:
            raise OverlongError
        return {"jsonrpc": "2.0", "id": 0, "result": result}


def _revert(refusal: RefusedError) -> RPCResponse:
    data = refusal.data if isinstance(refusal.data, str) else "0x"
    return {
        "jsonrpc": "2.0",
        "id": 0,
        "error": {"code": _REVERTED, "message": refusal.message, "data": data},
    }
