"""A node's live capacity: what is free for each model now, and what was lost for good."""

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from exporter.simulation.population import ServedModel

Key = tuple[str, str]


class Hold:
    """Capacity in use by one job."""

    def __init__(self) -> None:
        self.lost = False
        """Set it, and the capacity is not given back."""


class LiveCapacity:
    """Counts jobs for each (pipeline, model) against what the node can do at once."""

    def __init__(self, models: Iterable[ServedModel], *, shown_full: bool = False) -> None:
        self._limit = {(model.pipeline, model.model): model.capacity for model in models}
        self._in_use: Counter[Key] = Counter()
        self._lost: Counter[Key] = Counter()
        self._shown_full = shown_full

    def free(self, key: Key) -> int:
        """How many more jobs fit."""
        return max(0, self._limit.get(key, 0) - self._in_use[key] - self._lost[key])

    def shown(self, model: ServedModel) -> int:
        """What the advert says is free: nothing, if others are said to use it all."""
        return 0 if self._shown_full else self.free((model.pipeline, model.model))

    def in_use(self, key: Key) -> int:
        """How many jobs are running now."""
        return self._in_use[key]

    @contextmanager
    def hold(self, key: Key) -> Iterator[Hold]:
        """Use some for one job, whether or not it fits."""
        hold = Hold()
        self._in_use[key] += 1
        try:
            yield hold
        finally:
            self._in_use[key] -= 1
            if hold.lost:
                self._lost[key] += 1

    def restore(self) -> None:
        """Find again what was lost, as a restart of the node does."""
        self._lost.clear()
