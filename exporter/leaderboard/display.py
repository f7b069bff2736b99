"""How an orchestrator is shown to people and to Prometheus."""

from functools import lru_cache

from exporter.model import is_eth_address


@lru_cache(maxsize=50_000)
def shown(orchestrator: str) -> str:
    """The EIP-55 spelling of an ETH address; an id that is none, as it is."""
    if not is_eth_address(orchestrator):
        return orchestrator
    from eth_utils.address import to_checksum_address

    return str(to_checksum_address(orchestrator))
