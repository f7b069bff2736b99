"""Waiting for a condition, with a deadline."""

import asyncio
from collections.abc import Awaitable, Callable

DEADLINE = 60.0


async def until(condition: Callable[[], bool]) -> None:
    """Wait until the condition holds; fails after `DEADLINE` seconds."""
    async with asyncio.timeout(DEADLINE):
        while not condition():  # noqa: ASYNC110 - conditions of every kind, not only of events
            await asyncio.sleep(0.005)


async def eventually(question: Callable[[], Awaitable[bool]]) -> None:
    """Ask until the answer is yes; fails after `DEADLINE` seconds."""
    async with asyncio.timeout(DEADLINE):
        while not await question():  # noqa: ASYNC110 - whoever is asked may be another process
            await asyncio.sleep(0.02)
