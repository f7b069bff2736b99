"""The same voice, faster, slower, higher or lower."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

Sound = NDArray[np.float32]

_WINDOW: Final = 400
_HOP: Final = _WINDOW // 2
_SEARCH: Final = 120
"""Samples by which a window may be moved to meet the one before it: half a low voice's period."""


def at_tempo(sound: Sound, rate: float) -> Sound:
    """The sound `rate` times as fast, at its own pitch.

    Waveform similarity overlap-add (Verhelst and Roelands, 1993): windows are taken at the wanted
    pace, each moved a little to where it continues the one before it best.
    """
    if rate == 1 or len(sound) < _WINDOW + _SEARCH:
        return sound
    pad = np.zeros(_WINDOW + 2 * _SEARCH, np.float32)
    source = np.concatenate((pad, sound, pad))
    length = round(len(sound) / rate)
    window = np.hanning(_WINDOW + 1)[:-1].astype(np.float32)
    result = np.zeros(length + 3 * _WINDOW, np.float32)
    previous: Sound | None = None
    for start in range(0, length + _WINDOW, _HOP):
        at = round(start * rate) + len(pad) - _HOP
        if at + _WINDOW + _SEARCH + _HOP > len(source):
            break
        if previous is not None:
            area = source[at - _SEARCH : at + _SEARCH + _WINDOW]
            at += int(np.argmax(np.correlate(area, previous, "valid"))) - _SEARCH
        result[start : start + _WINDOW] += window * source[at : at + _WINDOW]
        previous = source[at + _HOP : at + _HOP + _WINDOW]
    return result[_HOP : _HOP + length]


def at_pitch(sound: Sound, factor: float) -> Sound:
    """The sound `factor` times as high and as long as before, within 0.8 to 1.25 of its pitch."""
    if factor == 1:
        return sound
    return at_tempo(resampled(sound, round(len(sound) / factor)), 1 / factor)


def resampled(sound: Sound, length: int) -> Sound:
    """The sound drawn out or pressed to `length` samples, as a tape at another speed has it.

    By way of its spectrum, so that nothing is folded back.
    """
    if not len(sound) or length == len(sound):
        return sound
    spectrum = np.fft.rfft(sound)
    fitted = np.zeros(length // 2 + 1, spectrum.dtype)
    kept = min(len(spectrum), len(fitted))
    fitted[:kept] = spectrum[:kept]
    return (np.fft.irfft(fitted, length) * (length / len(sound))).astype(np.float32)
