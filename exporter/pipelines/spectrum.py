"""A sound frame by frame: how loud it is, and how its power lies over the frequencies."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from exporter.pipelines.sound import RATE, Samples

HOP: Final = RATE // 100
"""Samples from one frame to the next: a hundredth of a second."""
WINDOW: Final = 512
"""Samples of a frame."""

Frames = NDArray[np.float64]


def levels(samples: Samples) -> Frames:
    """Decibels by frame; a full-scale square wave has 0."""
    whole = -(-len(samples) // HOP)
    padded = np.pad(samples, (0, whole * HOP - len(samples))).reshape(whole, HOP)
    power = np.mean(padded.astype(np.float64) ** 2, axis=1)
    return np.asarray(10 * np.log10(power + 1e-12), np.float64)


def frames_of(samples: Samples, window: int, hop: int) -> Samples:
    """Overlapping frames of `window` samples, one every `hop`; the last ones end in silence."""
    padded = np.pad(samples, (0, window))
    frames = np.lib.stride_tricks.sliding_window_view(padded, window)
    return frames[: len(samples) : hop]


def spectra(samples: Samples) -> Frames:
    """Power by frame and frequency (`numpy.fft.rfftfreq(WINDOW, 1 / RATE)`)."""
    frames = frames_of(samples, WINDOW, HOP) * np.hanning(WINDOW).astype(np.float32)
    return np.abs(np.fft.rfft(frames, axis=1)).astype(np.float64) ** 2


def mel(hertz: Frames) -> Frames:
    """The frequency on a scale that is even to the ear (O'Shaughnessy, 1987)."""
    return 2595 * np.log10(1 + hertz / 700)
