"""One job at a time on each machine, however many orchestrators are behind it."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Hashable
from contextlib import asynccontextmanager


class Hosts:
    """A lock a host, which is there for as long as somebody holds it or waits for it."""

    def __init__(self) -> None:
        self._locks: defaultdict[Hashable, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._users: Counter[Hashable] = Counter()

    @asynccontextmanager
    async def alone(self, host: Hashable) -> AsyncIterator[None]:
        """Have the host for the length of the block; who asks first comes first."""
        self._users[host] += 1
        try:
            async with self._locks[host]:
                yield
        finally:
            self._users[host] -= 1
            if not self._users[host]:
                del self._users[host], self._locks[host]
