"""How long jobs take, by what they took before."""

from collections.abc import Iterable
from typing import Final, TypeVar

from exporter.model import Target

UNKNOWN: Final = 5.0
"""Seconds, while nothing is known at all."""
_LATEST: Final = 0.5
"""Weight of the latest job in the mean of its target."""
_LATEST_OF_MANY: Final = 0.1
"""Weight of the latest job in the mean of a model or pipeline, which many targets share."""

Key = TypeVar("Key")


class Estimates:
    """Running means of jobs' durations in seconds.

    A target that was never tested is expected to take what its model takes elsewhere, else what
    its pipeline takes.
    """

    def __init__(self) -> None:
        self._targets: dict[Target, float] = {}
        self._models: dict[tuple[str, str], float] = {}
        self._pipelines: dict[str, float] = {}

    def of(self, target: Target) -> float:
        """Seconds that the target's next job is expected to take."""
        known = self._targets.get(target)
        if known is None:
            known = self._models.get((target.pipeline, target.model))
        return self._pipelines.get(target.pipeline, UNKNOWN) if known is None else known

    def took(self, target: Target, seconds: float) -> None:
        """A job of the target took so long, from its start to its stored measurement."""
        _learn(self._targets, target, seconds, _LATEST)
        _learn(self._models, (target.pipeline, target.model), seconds, _LATEST_OF_MANY)
        _learn(self._pipelines, target.pipeline, seconds, _LATEST_OF_MANY)

    def keep(self, targets: Iterable[Target]) -> None:
        """Forget what is not among these targets."""
        wanted = set(targets)
        models = {(target.pipeline, target.model) for target in wanted}
        pipelines = {target.pipeline for target in wanted}
        self._targets = {key: mean for key, mean in self._targets.items() if key in wanted}
        self._models = {key: mean for key, mean in self._models.items() if key in models}
        self._pipelines = {key: mean for key, mean in self._pipelines.items() if key in pipelines}


def _learn(means: dict[Key, float], key: Key, seconds: float, weight: float) -> None:
    before = means.get(key, seconds)
    means[key] = before + weight * (seconds - before)
