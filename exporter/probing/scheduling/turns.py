"""Who gives a lane away in a round, so that the round as a whole ends soon.

A chain, the jobs of one orchestrator, cannot be split over lanes; so the last ones to start decide
when a round ends: of 100 equal chains on 16 lanes, 4 are left for a seventh turn in which 12 lanes
idle. Between two jobs a chain therefore hands its lane to one that waits, if that one would end
late otherwise (it has no slack left against the time in which everything could be done) and has
more to do.
"""

from collections.abc import Callable
from typing import Final

from exporter.probing.scheduling.clock import Clock

SWITCHES: Final = 3
"""Times that one chain gives its lane away in a round at most; each costs one pin."""
PIN: Final = 0.3
"""Seconds that a lane needs for another orchestrator, about."""
_HANDED_OVER: Final = 0.05
"""Seconds within which a lane that was given away has found its next chain."""
_STALE: Final = 10.0
"""Seconds after which the work that is left is estimated anew: jobs teach how long others take."""

Left = Callable[[], float]
"""Estimated seconds of work that a chain has left."""


class Turns:
    """The chains of one round that share lanes: how much each has left, and who waits.

    A chain is known by its orchestrator. At most `places` jobs run at once on all lanes.
    """

    def __init__(self, clock: Clock, places: int) -> None:
        self._places = places
        self._clock = clock
        self._chains: dict[str, Left] = {}
        self._left: dict[str, float] = {}
        self._estimated_at: int | None = None
        self._waiting: set[str] = set()
        self._served: set[str] = set()
        self._switches: dict[str, int] = {}
        self._given: list[int] = []

    @property
    def switches(self) -> int:
        """Lanes given away so far."""
        return sum(self._switches.values())

    def wait(self, chain: str, left: Left) -> None:
        """The chain wants a lane."""
        self._chains[chain] = left
        self._left[chain] = left()
        self._served.discard(chain)
        self._waiting.add(chain)

    def serve(self, chain: str) -> None:
        """The chain has its lane."""
        self._waiting.discard(chain)
        self._served.add(chain)

    def pause(self, chain: str) -> None:
        """The chain has no lane and wants none for now."""
        self._waiting.discard(chain)
        self._served.discard(chain)

    def leave(self, chain: str) -> None:
        """The chain is done."""
        self.pause(chain)
        self._chains.pop(chain, None)
        self._left.pop(chain, None)

    def gives_way(self, chain: str, next_job: float, wanted: int) -> bool:
        """Whether a chain that has a lane and something left to do hands it over now.

        It would keep it for `next_job` seconds at least. `wanted` is how many wait for a lane.
        """
        self._estimate(chain)
        self._given = [at for at in self._given if self._clock.since(at) < _HANDED_OVER]
        waiting = sorted((self._left[other] for other in self._waiting), reverse=True)
        unserved = waiting[len(self._given) :]
        if self._switches.get(chain, 0) >= SWITCHES or wanted <= len(self._given) or not unserved:
            return False
        most = unserved[0]
        lanes = min(max(len(self._waiting) + len(self._served) - wanted, 1), self._places)
        deadline = max(*self._left.values(), sum(self._left.values()) / lanes)
        if deadline - most - PIN >= next_job or self._left[chain] + next_job > most:
            return False
        self._switches[chain] = self._switches.get(chain, 0) + 1
        self._given.append(self._clock.stamp())
        return True

    def _estimate(self, chain: str) -> None:
        if self._estimated_at is None or self._clock.since(self._estimated_at) >= _STALE:
            self._estimated_at = self._clock.stamp()
            self._left = {key: left() for key, left in self._chains.items()}
        else:
            self._left[chain] = self._chains[chain]()
