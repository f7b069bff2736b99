"""The rig: contracts on an EVM, a node of it, and a proxy that makes faults."""

from tests.ethereum.fixtures import (  # noqa: F401 - fixtures
    livepeer,
    make_proxy,
    node,
    node_url,
    proxy,
)
