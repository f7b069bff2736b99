"""Recognising a sound that was heard before, however it was recoded, trimmed or turned up."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from exporter.pipelines.sound import RATE, Samples
from exporter.pipelines.spectrum import HOP, WINDOW, levels, mel, spectra

_SIDE: Final = 16
_BAND: Final = (150.0, 3400.0)
"""What every coding and rate of samples passes, hertz."""
_WIDTH: Final = 3.0
"""Half of a band's width, in distances between bands."""
_LENGTH: Final = 1.5
"""Half of a slice's length, in distances between slices."""
_FLOOR: Final = 1e-2
"""Of the loudest cell's power: what lies below is what coding and hiss change, and counts alike."""
_AROUND: Final = 9
_EDGE: Final = 14.0
"""Decibels below the loudest tenth of a second at which the sound begins and ends."""


def fingerprint(samples: Samples) -> str | None:
    """256 bits, 64 hexadecimal digits; `None` where there is nothing to be heard.

    The sound, without the quiet at its ends, is cut into 17 slices and the band of speech into 17
    bands, all overlapping; each bit says whether the step from a band to the next grows from one
    slice to the next (after Haitsma and Kalker, 2002). Volume and coding leave it nearly as it was.
    """
    first, end = _span(samples)
    if end - first < 2 * WINDOW:
        return None
    power = _slices(frames := _bands() @ spectra(samples[first:end]).T, frames.shape[1])
    steps = np.diff(np.log10(power + power.max() * _FLOOR), axis=0)
    return np.packbits((np.diff(steps, axis=1) > 0).ravel()).tobytes().hex()


def _span(samples: Samples) -> tuple[int, int]:
    if not np.any(samples):
        return 0, 0
    power = np.convolve(10 ** (levels(samples) / 10), np.ones(_AROUND) / _AROUND, "same")
    loud = np.flatnonzero(power > power.max() * 10 ** (-_EDGE / 10))
    return int(loud[0]) * HOP, (int(loud[-1]) + 1) * HOP


def _bands() -> NDArray[np.float64]:
    """Weights by band and frequency: triangles, evenly spaced as the ear hears."""
    low, high = mel(np.array(_BAND))
    centres = np.linspace(low, high, _SIDE + 1)
    heard = mel(np.fft.rfftfreq(WINDOW, 1 / RATE).astype(np.float64))
    away = np.abs(heard - centres[:, np.newaxis]) / (centres[1] - centres[0])
    weights = np.maximum(0.0, 1 - away / _WIDTH)
    return np.asarray(weights / weights.sum(axis=1, keepdims=True), np.float64)


def _slices(bands: NDArray[np.float64], frames: int) -> NDArray[np.float64]:
    """Power by band and slice of time."""
    apart = frames / (_SIDE + 1)
    centres = (np.arange(_SIDE + 1) + 0.5) * apart
    away = np.abs(np.arange(frames) + 0.5 - centres[:, np.newaxis]) / (apart * _LENGTH)
    weights = np.cos(np.minimum(away, 1) * np.pi / 2) ** 2
    return np.asarray(bands @ (weights / weights.sum(axis=1, keepdims=True)).T, np.float64)
