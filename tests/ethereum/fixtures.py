"""Fixtures that other folders import too: `from tests.ethereum.fixtures import livepeer, ...`."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from tests.ethereum.fault_proxy import FaultProxy
from tests.ethereum.livepeer import Livepeer
from tests.ethereum.rpc_node import RpcNode


@pytest.fixture
def livepeer() -> Livepeer:
    """Contracts in which nobody has done anything."""
    return Livepeer()


@pytest.fixture
def node(livepeer: Livepeer) -> RpcNode:
    """A node of that chain; `node_url` serves it."""
    return RpcNode(livepeer.evm)


@pytest.fixture
def node_url(node: RpcNode) -> Iterator[str]:
    with node.served() as url:
        yield url


@pytest.fixture
def make_proxy(node_url: str) -> Iterator[Callable[..., FaultProxy]]:
    """Gives a proxy more before the node, with that key; it is served until the test ends."""
    with ExitStack() as stack:

        def make(key: str) -> FaultProxy:
            proxy = FaultProxy(node_url, key)
            stack.enter_context(proxy.served())
            return proxy

        yield make


@pytest.fixture
def proxy(make_proxy: Callable[[str], FaultProxy]) -> FaultProxy:
    return make_proxy("s3cret-of-the-proxy")
