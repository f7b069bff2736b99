from collections.abc import AsyncIterator

import pytest

from exporter.ethereum.upstreams import Upstreams
from tests.ethereum.relay.chain import CHAIN, Chain, Node, serving


@pytest.fixture
def chain() -> Chain:
    return Chain()


@pytest.fixture
async def node(chain: Chain) -> AsyncIterator[Node]:
    async with serving(Node(chain)) as node:
        yield node


@pytest.fixture
async def second(chain: Chain) -> AsyncIterator[Node]:
    async with serving(Node(chain)) as node:
        yield node


@pytest.fixture
async def upstreams(node: Node, second: Node) -> AsyncIterator[Upstreams]:
    nodes = [("first", node.url), ("second", second.url)]
    async with Upstreams(nodes, chain_id=CHAIN, timeout=5.0, patience=10.0) as upstreams:
        yield upstreams


@pytest.fixture
async def alone(node: Node) -> AsyncIterator[Upstreams]:
    async with Upstreams([("first", node.url)], chain_id=CHAIN, timeout=5.0) as upstreams:
        yield upstreams
