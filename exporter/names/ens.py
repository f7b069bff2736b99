"""Primary ENS names: the name that an address claims, if the name claims the address as well."""

import asyncio
import logging
from typing import Protocol

from exporter.ethereum.kept_limit import recursion_limit_kept
from exporter.ethereum.node import EthereumError, Node
from exporter.names.presentable import presentable

log = logging.getLogger(__name__)


class NameService(Protocol):
    """Somebody who knows names."""

    async def name(self, address: str) -> str | None:
        """The primary name of a lower-case address, fit to be shown; `None` if it has none.

        Raises `EthereumError` when that could not be found out.
        """
        ...


async def open_ens(node: Node) -> NameService:
    """The name service of the chain that `node` is of. Imports web3, beside the event loop."""
    return await asyncio.to_thread(_Ens, node)


class _Ens:
    """ENS by its universal resolver. Two calls for a name, one where there is none."""

    def __init__(self, node: Node) -> None:
        with recursion_limit_kept():
            from ens.async_ens import AsyncENS  # type: ignore[import-untyped] # web3's, without types
            from ens.utils import normalize_name  # type: ignore[import-untyped] # likewise

            from exporter.names.node_provider import NodeProvider

        # Without the usual middleware, which asks for the chain id before each call.
        self._ens = AsyncENS(NodeProvider(node), middleware=())
        self._normal = normalize_name

    async def name(self, address: str) -> str | None:
        """See `NameService`. What a stranger's contract answers is never an error of ours."""
        from ens.exceptions import ENSException  # type: ignore[import-untyped] # web3's
        from eth_abi.exceptions import DecodingError
        from eth_utils.address import to_checksum_address
        from web3.exceptions import BadFunctionCallOutput, StaleBlockchain, Web3RPCError

        from exporter.names.node_provider import OverlongError

        try:
            # It asks the name for its address, and gives it only if that is this one.
            name = await self._ens.name(to_checksum_address(address))
            return None if not name else presentable(self._normal(name))
        except EthereumError:
            raise
        except BadFunctionCallOutput:
            raise EthereumError("no ENS there: is it Ethereum mainnet?") from None
        except StaleBlockchain:
            raise EthereumError("the node's newest block is days old") from None
        except Web3RPCError as error:
            raise EthereumError(f"ENS cannot be asked: {type(error).__name__}") from None
        except (ENSException, DecodingError, OverlongError, OverflowError, UnicodeError):
            return None
        except Exception as error:
            log.debug("what ENS says cannot be read", exc_info=True)
            raise EthereumError(f"what ENS says cannot be read: {type(error).__name__}") from error
