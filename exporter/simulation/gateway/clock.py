"""The gateway's own time: everything that waits runs `speed` times as fast as the real one."""

import asyncio
import time
from collections.abc import Callable


class Clock:
    """Seconds as the gateway believes in them; real ones divided by nothing at speed 1."""

    def __init__(self, speed: float = 1.0, now: Callable[[], float] = time.monotonic) -> None:
        if speed <= 0:
            raise ValueError("the speed of a simulated gateway must be above 0")
        self.speed = speed
        self._now = now

    def now(self) -> float:
        """Seconds of a monotonic clock."""
        return self._now() * self.speed

    def real(self, seconds: float) -> float:
        """How long so many of the gateway's seconds really take."""
        return seconds / self.speed

    async def sleep(self, seconds: float) -> None:
        """Wait so many of the gateway's seconds."""
        await asyncio.sleep(max(0.0, seconds / self.speed))
