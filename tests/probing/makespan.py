"""Rounds in virtual time, and the least time that they can take."""

import random
from collections.abc import Callable, Collection
from typing import Final

from exporter.model import Offer
from exporter.probing.lanes import Lanes
from exporter.probing.scheduling.clock import Clock
from exporter.probing.scheduling.progress import Progress
from exporter.probing.scheduling.schedule import Schedule
from exporter.settings import Schedule as Settings
from tests.probing.shared_lanes import Jobs, supply
from tests.probing.virtual_time import WallClock, in_virtual_time

Draw = Callable[[int], float]
"""Seconds of a job of the n-th chain."""


class Made:
    """Round after round of one schedule in virtual time."""

    def __init__(
        self, offers: list[Offer], draw: Draw, lanes: Lanes, *, rounds: int, **settings: float
    ) -> None:
        order = sorted({offer.target.orchestrator for offer in offers})
        self.takes = {o.target: draw(order.index(o.target.orchestrator)) for o in offers}
        self.jobs = Jobs(takes=self.takes.__getitem__)
        self.progress = Progress()
        self.spans: list[float] = []
        self.switches: list[int] = []

        async def work(clock: Clock, _: WallClock) -> None:
            self.progress = Progress(clock)
            schedule = Schedule(
                Settings.model_validate({"max_parallel": 1000, **settings}),
                lanes,
                self.jobs,
                self.progress,
                hindrance=_nothing,
                clock=clock,
            )
            schedule.update(supply(*offers))
            for number in range(rounds):
                before, switched = clock.stamp(), schedule.switches
                await schedule.round(number)
                self.spans.append(clock.since(before))
                self.switches.append(schedule.switches - switched)

        in_virtual_time(work)

    def chains(self, pin: float) -> dict[str, float]:
        """What each chain takes on a lane of its own, one pin included."""
        lengths: dict[str, float] = {}
        for target, seconds in self.takes.items():
            lengths[target.orchestrator] = lengths.get(target.orchestrator, pin) + seconds
        return lengths

    def least(self, lanes: int, pin: float) -> float:
        """No round is shorter than the longest chain with its pin, or all work over all lanes."""
        return least(self.chains(pin).values(), lanes)


def least(chains: Collection[float], lanes: int) -> float:
    """The lower bound of the makespan of chains that cannot be split over lanes."""
    return max(*chains, sum(chains) / lanes)


async def _nothing() -> None:
    return None


def equal(_: int) -> float:
    return 5.0


def uniform(seed: int) -> Draw:
    rng = random.Random(seed)
    return lambda _: rng.uniform(1, 10)


def skewed(seed: int) -> Draw:
    rng = random.Random(seed)
    return lambda _: min(rng.paretovariate(1.5), 100)


def a_few_long(seed: int) -> Draw:
    rng = random.Random(seed)
    return lambda chain: rng.uniform(1, 10) * (8 if chain < 5 else 1)


SHAPES: Final[dict[str, Draw]] = {
    "equal": equal,
    "uniform": uniform(1),
    "skewed": skewed(2),
    "a few long chains": a_few_long(3),
}
"""Ways in which jobs differ in length, by name."""
