"""How long not to try again: longer after each failure, up to a bound."""

import time
from collections.abc import Callable, Hashable
from functools import partial


class Pause:
    """A pause of `first` seconds that doubles with each failure, up to `longest`."""

    def __init__(
        self, first: float, longest: float, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._first = first
        self._longest = longest
        self._now = now
        self._length = 0.0
        self._until = 0.0

    @property
    def left(self) -> float:
        """Seconds that are left of it; 0 when there is none."""
        return max(self._until - self._now(), 0.0)

    def begin(self) -> float:
        """It failed again; gives the seconds to wait."""
        self._length = min(max(self._length * 2, self._first), self._longest)
        self._until = self._now() + self._length
        return self._length

    def end(self) -> None:
        """It worked."""
        self._length = self._until = 0.0


class Pauses:
    """One pause for each key; forgets those that are long over when there are too many."""

    def __init__(
        self,
        first: float,
        longest: float,
        *,
        most: int = 10_000,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._make = partial(Pause, first, longest, now)
        self._most = most
        self._pauses: dict[Hashable, Pause] = {}

    def left(self, key: Hashable) -> float:
        """Seconds that are left for this key."""
        pause = self._pauses.get(key)
        return 0.0 if pause is None else pause.left

    def begin(self, key: Hashable) -> float:
        """It failed for this key; gives the seconds to wait."""
        pause = self._pauses.pop(key, None) or self._make()
        self._pauses[key] = pause
        if len(self._pauses) > self._most:
            del self._pauses[next(iter(self._pauses))]
        return pause.begin()

    def end(self, key: Hashable) -> None:
        """It worked for this key."""
        self._pauses.pop(key, None)
