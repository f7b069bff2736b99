"""A histogram as Prometheus has it: counts in buckets, and the sum of what was observed."""

from bisect import bisect_left
from collections.abc import Sequence
from functools import lru_cache

import msgspec


class Histogram(msgspec.Struct, frozen=True):
    """Observations per bucket, the last one without upper bound, and their sum in seconds."""

    counts: tuple[int, ...]
    sum: float = 0.0

    @classmethod
    def empty(cls, bounds: Sequence[float]) -> "Histogram":
        """One of no observations, with a bucket for each upper bound and one for the rest."""
        return cls((0,) * (len(bounds) + 1))

    def after(self, value: float, bounds: Sequence[float]) -> "Histogram":
        """The histogram with one more observation; a bound belongs to the bucket below it."""
        counts = list(self.counts)
        counts[bisect_left(bounds, value)] += 1
        return Histogram(tuple(counts), self.sum + value)

    def cumulative(self, bounds: tuple[float, ...]) -> list[tuple[str, float]]:
        """Upper bound and observations up to it, of each bucket, as the exposition has them."""
        total = 0
        buckets: list[tuple[str, float]] = []
        for bound, count in zip(_labels(bounds), self.counts, strict=True):
            total += count
            buckets.append((bound, total))
        return buckets


@lru_cache(maxsize=16)
def _labels(bounds: tuple[float, ...]) -> tuple[str, ...]:
    return (*(repr(float(bound)) for bound in bounds), "+Inf")
