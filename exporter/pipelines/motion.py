"""What moves in a film, and whether it is one film at all. Frames are small and grey."""

from itertools import pairwise
from statistics import median

import numpy as np

from exporter.pipelines.film import Greys
from exporter.pipelines.likeness import pearson


def motion(greys: Greys) -> float:
    """How far the film gets from its first frame: the largest root of a mean squared difference.

    In levels of 255; 0 for a still picture, and no more than what a codec makes of one.
    """
    if len(greys) < 2:  # noqa: PLR2004 - nothing to compare
        return 0.0
    differences = greys[1:].astype(np.float64) - greys[0]
    return float(np.sqrt(np.square(differences).mean(axis=(1, 2)).max()))


def continuity(greys: Greys) -> float | None:
    """The median of the correlations of each frame with the one before.

    0 for frames that have nothing to do with each other, noise among them. `None` where there is
    nothing to compare: one frame, or plain ones.
    """
    found = [pearson(before, after) for before, after in pairwise(greys)]
    scores = [score for score in found if score is not None]
    return median(scores) if len(scores) * 2 > len(found) else None
