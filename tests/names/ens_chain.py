"""Ethereum mainnet as far as ENS is concerned: contracts of our own where ENS has its own."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from ens.constants import UNIVERSAL_RESOLVER_ADDR  # type: ignore[import-untyped] # web3's
from eth_utils.crypto import keccak

from exporter.ethereum.abi import Function
from exporter.ethereum.upstreams import Upstreams
from tests.ethereum.compiled import code
from tests.ethereum.evm import Evm
from tests.ethereum.rpc_node import RpcNode

REGISTRY: Final = "0x00000000000c2e074ec69a0dfb2997ba6c7d2e1e"
RESOLVER: Final = "0x" + "e5" * 20
HOSTILE: Final = "0x" + "66" * 20
UNIVERSAL: Final = UNIVERSAL_RESOLVER_ADDR.lower()


def node_of(name: str) -> bytes:
    """The namehash of a name, normal or not (EIP-137)."""
    found = bytes(32)
    for label in reversed(name.split(".")):
        found = keccak(found + keccak(text=label))
    return found


def reverse_of(address: str) -> str:
    """The name under which an address says how it is called."""
    return f"{address[2:].lower()}.addr.reverse"


class EnsChain:
    """The chain; each change makes a block."""

    def __init__(self) -> None:
        self.evm = Evm(
            {
                REGISTRY: code("EnsRegistry"),
                RESOLVER: code("EnsResolver"),
                HOSTILE: code("EnsHostileResolver"),
                UNIVERSAL: code("EnsUniversalResolver"),
            }
        )
        self.node = RpcNode(self.evm, chain_id=1)
        self._do(UNIVERSAL, "setUp(address)", REGISTRY)

    def claims(self, address: str, name: str) -> None:
        """Let an address say that it is called so."""
        node = node_of(reverse_of(address))
        self._do(REGISTRY, "setResolver(bytes32,address)", node, RESOLVER)
        self._do(RESOLVER, "setName(bytes32,string)", node, name)

    def leads(self, name: str, address: str) -> None:
        """Let a name lead to an address."""
        self._do(REGISTRY, "setResolver(bytes32,address)", node_of(name), RESOLVER)
        self._do(RESOLVER, "setAddr(bytes32,address)", node_of(name), address)

    def named(self, address: str, name: str) -> None:
        """Let both agree."""
        self.claims(address, name)
        self.leads(name, address)

    def answers(self, name: str, answer: bytes, *, refuses: bool = False) -> None:
        """Let a hostile resolver say these bytes about a name."""
        self._do(REGISTRY, "setResolver(bytes32,address)", node_of(name), HOSTILE)
        self._do(HOSTILE, "setAnswer(bytes,bool)", answer, refuses)

    def _do(self, contract: str, signature: str, *arguments: object) -> None:
        self.evm.transact(contract, Function(signature, ()).data(*arguments))

    @contextmanager
    def served(self) -> Iterator[str]:
        """Serve a node of it; gives its URL."""
        with self.node.served() as url:
            yield url


def mainnet(url: str) -> Upstreams:
    """Our own client of that one node."""
    return Upstreams([("ens-1", url)], chain_id=1, timeout=10.0)
