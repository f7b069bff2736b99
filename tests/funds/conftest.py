from collections.abc import AsyncIterator

import pytest

from exporter.ethereum.upstreams import Upstreams
from tests.ethereum.fault_proxy import FaultProxy
from tests.ethereum.fixtures import (  # noqa: F401 - fixtures
    livepeer,
    make_proxy,
    node,
    node_url,
    proxy,
)


@pytest.fixture
async def upstreams(proxy: FaultProxy) -> AsyncIterator[Upstreams]:  # noqa: F811 - a fixture
    """The client of the real program, before a node that makes faults when told."""
    async with Upstreams([("rpc-1", proxy.url)], chain_id=42161, timeout=5.0) as asked:
        yield asked
