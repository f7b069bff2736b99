"""The chain as a source, as the settings say."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Final

from exporter.discovery.chain.last_good import LastGood
from exporter.discovery.chain.reader import Reader
from exporter.discovery.chain.source import ChainSource
from exporter.ethereum.upstreams import Upstreams
from exporter.settings import Settings
from exporter.settings.ethereum import ChainSource as ChainSettings

FIRST_READING: Final = 2.0
"""Seconds for which the very first refresh waits for the chain: what gateways offer can be tested
without it."""
FIRST_READING_NEEDED: Final = 120.0
"""The same where nothing is tested of which it is not known that it is active."""


@asynccontextmanager
async def chain_source(
    settings: Settings, folder: Path, nodes: Upstreams | None = None
) -> AsyncIterator[ChainSource | None]:
    """The source of `sources.chain`, reading all the time; `None` if it is not set.

    The last good reading lies in `folder`. `nodes` are those of the settings, if somebody else asks
    them too; `None` for some of its own.
    """
    if settings.sources.chain is None:
        yield None
        return
    needed = settings.filter.registered == "active"
    patience = FIRST_READING_NEEDED if needed else FIRST_READING
    async with AsyncExitStack() as stack:
        node = nodes
        if node is None:
            node = await stack.enter_async_context(Upstreams.of(settings.ethereum))
        source = made(settings, node, LastGood(folder, settings.ethereum), patience=patience)
        task = asyncio.create_task(source.run(), name="chain")
        stack.push_async_callback(_ended, task)
        yield source


@asynccontextmanager
async def read_once(settings: Settings) -> AsyncIterator[ChainSource | None]:
    """The source of `sources.chain`, after one reading that is not kept; `None` if it is not set.

    A reading that the service kept in the data folder spares the walk, and stands in where no node
    answers.
    """
    if settings.sources.chain is None:
        yield None
        return
    async with Upstreams.of(settings.ethereum) as node:
        source = made(settings, node, LastGood(settings.data, settings.ethereum), keep=False)
        await source.recall()
        await source.look()
        yield source


def made(
    settings: Settings,
    node: Upstreams,
    last_good: LastGood,
    *,
    keep: bool = True,
    patience: float = 0.0,
) -> ChainSource:
    """The source, which reads nothing by itself."""
    chain = settings.sources.chain or ChainSettings()
    reader = Reader(node, settings.ethereum, members=chain.members)
    return ChainSource(reader, node, chain, last_good=last_good, keep=keep, patience=patience)


async def _ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
