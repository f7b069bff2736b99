"""A chain with orchestrators on it, and what reads it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from exporter.discovery.chain.reader import Reader
from exporter.discovery.chain.reading import Reading
from exporter.ethereum.upstreams import Upstreams
from exporter.model import Registration
from exporter.settings import Settings
from exporter.settings.ethereum import Ethereum
from tests.ethereum.livepeer import LPT, Livepeer, who

MEMBERS = 1000


def uri(number: int) -> str:
    return f"https://o{number}.example:8935"


def ai_uri(number: int) -> str:
    return f"https://ai{number}.example:8936"


def populate(livepeer: Livepeer, numbers: range) -> None:
    """Let them join, each with as many LPT as its number, and be active."""
    with livepeer.together():
        for number in numbers:
            livepeer.join(
                who(number),
                number * LPT,
                cuts=(100_000, 50_000),
                uri=uri(number),
                ai_uri=ai_uri(number),
            )
    livepeer.new_round()


def ethereum(*urls: str, **more: Any) -> Ethereum:
    return Ethereum.model_validate({"rpc": [{"url": url} for url in urls], **more})


def settings(*urls: str, **more: Any) -> Settings:
    return Settings.model_validate(
        {
            "region": "FRA",
            "ethereum": {"rpc": [{"url": url} for url in urls]} | more.pop("ethereum", {}),
            "sources": {"chain": {}} | more.pop("sources", {}),
            **more,
        }
    )


@asynccontextmanager
async def reader(*urls: str, members: int = MEMBERS, **more: Any) -> AsyncIterator[Reader]:
    chosen = ethereum(*urls, **more)
    async with Upstreams.of(chosen) as node:
        yield Reader(node, chosen, members=members)


async def read(url: str, before: Reading | None = None, **more: Any) -> Reading:
    """By somebody who has never read anything."""
    async with reader(url, **more) as someone:
        return await someone.read(before)


def of(reading: Reading, number: int) -> Registration:
    """What is known of somebody."""
    return next(one for one in reading.registered if one.orchestrator == who(number))


def listed(reading: Reading) -> dict[str, tuple[bool, bool]]:
    """Whether each is active, and in the pool."""
    return {one.orchestrator: (one.active, one.in_pool) for one in reading.registered}
