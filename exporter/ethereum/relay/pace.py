"""How fast the nodes are asked, and how many calls may wait for their turn."""

import asyncio
from typing import Final

WAITING: Final = 2000
"""Calls that wait at the same time at most."""
LONGEST: Final = 15.0
"""Seconds that a call waits at most: a gateway gives up after 20."""


class TooManyCallsError(Exception):
    """More is asked than the nodes may be; the message says so."""


class Pace:
    """Lets so many calls a second through, evenly, in the order in which they came."""

    def __init__(self, calls_per_second: float) -> None:
        self.waiting = 0
        self._interval = 1 / calls_per_second
        self._next = 0.0

    async def turn(self) -> None:
        """Wait for the next place. Raises `TooManyCallsError` when it would take too long."""
        now = asyncio.get_running_loop().time()
        at = max(self._next, now)
        if at - now > LONGEST or (at > now and self.waiting >= WAITING):
            raise TooManyCallsError(
                "too many calls wait for the Ethereum nodes (`ethereum.relay.calls_per_second`)"
            )
        self._next = at + self._interval
        if at <= now:
            return
        self.waiting += 1
        try:
            await asyncio.sleep(at - now)
        finally:
            self.waiting -= 1
