"""How much a sound is like speech: what any voice in any language does, and noise and tones do not.

Nothing here knows words. All is relative to the sound's own level, so loudness does not matter.
"""

from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from exporter.pipelines.sound import RATE, Samples, Sound
from exporter.pipelines.spectrum import HOP, WINDOW, Frames, frames_of, levels, mel, spectra

BAND: Final = (100.0, 4000.0)
"""Where speech has its power, hertz: what a telephone passes, and deep voices below it."""

_BANDS: Final = 20
_DYNAMICS: Final = 30.0
"""Decibels below the loudest frames from which on nobody speaks."""
_FLOOR: Final = 1e-5
_LAG: Final = 8
"""Frames between the spectra that are compared: about the length of a short sound of speech."""
_PITCHES: Final = (70, 400)
_VOICE_TOP: Final = 1000.0
_PERIODIC: Final = 0.55
_STEADY: Final = 0.15
"""Octaves by which pitch may move from one frame to the next within one voice."""
_PERIOD_WINDOW: Final = RATE // 25
_PADDED: Final = 4 * WINDOW
_EXAMINED: Final = 120 * RATE
"""Samples of a long sound that are examined: enough to know speech, and bounds the memory."""

Flags = NDArray[np.bool_]


class Speech(msgspec.Struct, frozen=True):
    """What is to be known of a sound that may be speech."""

    seconds: float
    """From where it is first heard to where it is last heard."""
    loudness: float
    """Root mean square of that, decibels of full scale; as all below, of the first 120 s."""
    in_band: float
    """Share of the power between 100 and 4000 Hz; 0 to 1."""
    rhythm: float
    """Decibels between the quiet and the loud tenths of the sound."""
    change: float
    """Decibels by which the shape of the spectrum changes within 80 ms: the median of it."""
    voiced: float
    """Share of the time in which there is a pitch that goes on; 0 to 1."""


def span(samples: Samples) -> tuple[int, int]:
    """First sample, and the one after the last, of what is heard; (0, 0) where nothing is."""
    if not np.any(samples):
        return 0, 0
    heard = np.flatnonzero(_heard(levels(samples)))
    return int(heard[0]) * HOP, min(len(samples), (int(heard[-1]) + 1) * HOP)


def speech(sound: Sound) -> Speech | None:
    """Examine a sound; `None` where there is too little to be heard."""
    first, end = span(sound.samples)
    samples = sound.samples[first:end]
    if len(samples) < 2 * WINDOW or sound.power <= 0:
        return None
    seconds = len(samples) / RATE
    samples = samples[:_EXAMINED]
    loudness = levels(samples)
    heard = _heard(loudness)
    power = spectra(samples)
    # The file's own power holds what is too high for these samples.
    audible = min(1.0, float(np.mean(np.square(sound.samples, dtype=np.float64))) / sound.power)
    return Speech(
        seconds=seconds,
        loudness=10 * float(np.log10(np.mean(np.square(samples, dtype=np.float64)) + 1e-20)),
        in_band=_in_band(power) * audible,
        rhythm=_rhythm(loudness),
        change=_change(_banded(power), heard),
        voiced=_voiced(samples, heard),
    )


def _top(loudness: Frames) -> float:
    return float(np.percentile(loudness, 98))


def _heard(loudness: Frames) -> Flags:
    return loudness >= _top(loudness) - _DYNAMICS


def _rhythm(loudness: Frames) -> float:
    quiet, loud = np.percentile(np.maximum(loudness, _top(loudness) - _DYNAMICS - 10), (10, 90))
    return float(loud - quiet)


def _in_band(power: Frames) -> float:
    frequencies = np.fft.rfftfreq(WINDOW, 1 / RATE)
    inside = (frequencies >= BAND[0]) & (frequencies <= BAND[1])
    return float(power[:, inside].sum() / max(power.sum(), 1e-20))


def _banded(power: Frames) -> Frames:
    """Power by frame and band, the bands as wide as the ear has them."""
    low, high = mel(np.array(BAND))
    edges = np.linspace(low, high, _BANDS + 1)
    frequencies = np.fft.rfftfreq(WINDOW, 1 / RATE).astype(np.float64)
    bands = np.digitize(mel(frequencies), edges) - 1
    return np.stack([power[:, bands == band].sum(axis=1) for band in range(_BANDS)], axis=1)


def _change(bands: Frames, heard: Flags) -> float:
    """The median, as most sounds of speech last less than a tenth of a second, and notes longer."""
    decibels = 10 * np.log10(bands + bands.max() * _FLOOR + 1e-20)
    shape = decibels - decibels.mean(axis=1, keepdims=True)
    both = heard[_LAG:] & heard[:-_LAG]
    changes = np.sqrt(np.mean((shape[_LAG:] - shape[:-_LAG]) ** 2, axis=1))[both]
    return float(np.median(changes)) if len(changes) else 0.0


def _voiced(samples: Samples, heard: Flags) -> float:
    """By autocorrelation, corrected for the window's own (Boersma, 1993), below 1 kHz."""
    window = np.hanning(_PERIOD_WINDOW).astype(np.float32)
    frames = frames_of(samples, _PERIOD_WINDOW, 2 * HOP)
    frames = (frames - frames.mean(axis=1, keepdims=True)) * window
    power = np.abs(np.fft.rfft(frames, _PADDED, axis=1)) ** 2
    power[:, np.fft.rfftfreq(_PADDED, 1 / RATE) > _VOICE_TOP] = 0
    own = np.fft.irfft(np.abs(np.fft.rfft(window, _PADDED)) ** 2)
    shortest, longest = RATE // _PITCHES[1], RATE // _PITCHES[0]
    alike = np.fft.irfft(power, axis=1)[:, :longest]
    alike = alike / np.maximum(alike[:, :1], 1e-20) / (own / own[0])[:longest]
    periods = shortest + np.argmax(alike[:, shortest:], axis=1)
    active = heard[::2]
    periodic = (np.max(alike[:, shortest:], axis=1) > _PERIODIC) & active
    steady = np.abs(np.diff(np.log2(periods))) < _STEADY
    return float((periodic[1:] & periodic[:-1] & steady).sum() / max(int(active.sum()), 1))
