"""Histograms of the good jobs' phases, one per pipeline, model and phase."""

from collections.abc import Collection, Sequence
from typing import Final

from exporter.delivery.target_series import PHASES, phase_seconds
from exporter.histogram import Histogram
from exporter.model import Measurement

MAX_MODELS: Final = 2000

UNIT_BOUNDS: Final = (
    *(float(f"{one}e{power}") for power in range(-5, 2) for one in (1, 2, 5)),
    100.0,
)
"""Upper bounds of the buckets of seconds per unit of work: units are as different as a character
and a second of video."""

Model = tuple[str, str]
"""Pipeline and model."""
ModelUnit = tuple[str, str, str]
"""Pipeline, model and the unit of work."""


class ModelHistograms:
    """The histograms of every model that has good jobs, at most `MAX_MODELS` models."""

    def __init__(self, bounds: Sequence[float]) -> None:
        self.bounds = tuple(bounds)
        self._by_model: dict[Model, dict[str, Histogram]] = {}
        self._per_unit: dict[ModelUnit, Histogram] = {}

    def observe(self, job: Measurement) -> None:
        """Add a good job; others change nothing."""
        model = (job.pipeline, job.model)
        if not (job.ok and job.counts) or (
            model not in self._by_model and len(self._by_model) >= MAX_MODELS
        ):
            return
        empty = Histogram.empty(self.bounds)
        before = self._by_model.get(model, {})
        after = dict(before)
        for phase in PHASES:
            value = phase_seconds(job, phase)
            if value is not None:
                after[phase] = before.get(phase, empty).after(value, self.bounds)
        self._by_model[model] = after
        self._observe_unit(job)

    def keep(self, models: Collection[Model]) -> None:
        """Forget every other model."""
        self._by_model = {key: value for key, value in self._by_model.items() if key in models}
        self._per_unit = {key: value for key, value in self._per_unit.items() if key[:2] in models}

    def snapshot(self) -> dict[Model, dict[str, Histogram]]:
        """What is there now; later observations do not change it."""
        return dict(self._by_model)

    def per_unit(self) -> dict[ModelUnit, Histogram]:
        """The same of the seconds that a unit of work takes."""
        return dict(self._per_unit)

    def _observe_unit(self, job: Measurement) -> None:
        if job.unit is None or job.latency_per_unit is None:
            return
        key = (job.pipeline, job.model, job.unit)
        empty = Histogram.empty(UNIT_BOUNDS)
        self._per_unit[key] = self._per_unit.get(key, empty).after(
            job.latency_per_unit, UNIT_BOUNDS
        )
