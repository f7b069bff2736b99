"""Contracts on a real EVM behind a node and a proxy that counts."""

from tests.ethereum.fixtures import (  # noqa: F401 - fixtures
    livepeer,
    make_proxy,
    node,
    node_url,
    proxy,
)
