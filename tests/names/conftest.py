from collections.abc import AsyncIterator, Iterator

import pytest

from exporter.names.ens import NameService, open_ens
from tests.names.ens_chain import EnsChain, mainnet


@pytest.fixture
def chain() -> EnsChain:
    return EnsChain()


@pytest.fixture
def url(chain: EnsChain) -> Iterator[str]:
    with chain.served() as where:
        yield where


@pytest.fixture
async def ens(url: str) -> AsyncIterator[NameService]:
    async with mainnet(url) as nodes:
        yield await open_ens(nodes)
