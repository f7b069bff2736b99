"""Understanding spoken digits with small means: comparing what is heard with how voices say them.

Every way to say a digit that is known (`exporter.speech`) is a row of spectra, and so is silence.
The row of rows that comes closest to the sound is found in one pass over it (Ney, 1984).
"""

import io
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from exporter.simulation.craft.product import BadInput
from exporter.speech import DIGIT_VOICES, DIGITS, RATE, clip

SECONDS_LIMIT: Final = 60.0

_HOP: Final = RATE // 100
_WINDOW: Final = 512
_BANDS: Final = 18
_FLOOR: Final = 1e-3
"""Of the loudest band's power: what lies below may be noise."""
_NEW_WORD: Final = 30.0
"""What a further word costs, so that none is put together of many."""

Samples = NDArray[np.float32]
Frames = NDArray[np.float64]


@dataclass(frozen=True)
class Heard:
    """A digit, and where it lies in the sound, in seconds."""

    digit: int
    start: float
    end: float


@dataclass(frozen=True)
class _Known:
    """All ways to say each digit, one after the other, and silence as the last state."""

    spectra: Frames
    digit: NDArray[np.int64]
    """Of each state; -1 for silence."""
    first: NDArray[np.int64]
    """States with which a word begins; the last one is silence."""
    last: NDArray[np.int64]


def samples_of(data: bytes) -> Samples:
    """The sound of a file, one channel, `RATE` a second. Raises `BadInput`."""
    import av

    resampler = av.AudioResampler(format="fltp", layout="mono", rate=RATE)
    pieces: list[Samples] = []
    heard = 0
    try:
        with av.open(io.BytesIO(data), "r") as container:
            for frame in container.decode(audio=0):
                pieces += [part.to_ndarray()[0] for part in resampler.resample(frame)]
                heard += frame.samples
                if heard > SECONDS_LIMIT * frame.sample_rate:
                    raise BadInput("The audio is too long.")
        pieces += [part.to_ndarray()[0] for part in resampler.resample(None)]
    except (av.FFmpegError, ValueError, IndexError):
        raise BadInput("Unsupported audio format or malformed file.") from None
    if not pieces or sum(map(len, pieces)) < RATE:
        raise BadInput("audio duration calculation failed")
    return np.concatenate(pieces)


def digits_heard(samples: Samples) -> list[Heard]:
    """The digits that are spoken in a sound, in order."""
    known = _known()
    away = _distances(_spectra(samples), known.spectra)
    states = len(known.digit)
    numbers = np.arange(states)
    begins = np.zeros(states, np.bool_)
    begins[known.first] = True
    cost = np.full(states, np.inf)
    cost[known.first] = _NEW_WORD
    cost[-1] = 0.0
    cost += away[0]
    since = np.zeros(states, np.int64)
    # By frame: the best last state of a word that ends there, and when that word began.
    ends: list[tuple[int, int]] = []
    for at in range(1, len(away)):
        best = int(known.last[np.argmin(cost[known.last])])
        ends.append((best, int(since[best])))
        onward = np.concatenate(([np.inf], cost[:-1]))
        skipping = np.concatenate(([np.inf, np.inf], cost[:-2]))
        onward[begins] = np.inf
        skipping[begins] = np.inf
        skipping[1:][begins[:-1]] = np.inf
        ways = np.stack((cost, onward, skipping))
        way = np.argmin(ways, axis=0)
        reached = ways[way, numbers]
        came = since[np.maximum(numbers - way, 0)]
        anew = cost[best] + np.where(known.digit < 0, 0.0, _NEW_WORD)
        begun = begins & (anew < reached)
        cost = np.where(begun, anew, reached) + away[at]
        since = np.where(begun, at, came)
    best = int(known.last[np.argmin(cost[known.last])])
    ends.append((best, int(since[best])))
    return _traced(ends, known.digit)


def _traced(ends: list[tuple[int, int]], digit: NDArray[np.int64]) -> list[Heard]:
    heard = []
    at = len(ends)
    while at > 0:
        state, start = ends[at - 1]
        if digit[state] >= 0:
            seconds = _HOP / RATE
            heard.append(Heard(int(digit[state]), start * seconds, at * seconds))
        at = start
    return heard[::-1]


@lru_cache(maxsize=1)
def _known() -> _Known:
    rows, digits, first, last, at = [], [], [], [], 0
    for voice in DIGIT_VOICES:
        for digit, word in enumerate(DIGITS):
            spectra = _spectra(clip(voice, word))
            rows.append(spectra)
            digits += [digit] * len(spectra)
            first.append(at)
            at += len(spectra)
            last.append(at - 1)
    silence = np.full((1, _BANDS + 1), np.log(_FLOOR))
    return _Known(
        spectra=np.concatenate((*rows, silence)),
        digit=np.array([*digits, -1]),
        first=np.array([*first, at]),
        last=np.array([*last, at]),
    )


def _spectra(samples: Samples) -> Frames:
    """Logarithms of power by frame and band, and of all bands, as shares of the loudest."""
    padded = np.pad(samples, (0, _WINDOW))
    frames = np.lib.stride_tricks.sliding_window_view(padded, _WINDOW)[: len(samples) : _HOP]
    power = np.abs(np.fft.rfft(frames * np.hanning(_WINDOW), axis=1)) ** 2 @ _bands()
    power = np.concatenate((power, power.sum(axis=1, keepdims=True)), axis=1)
    loudest = np.percentile(power.max(axis=1), 98)
    return np.asarray(np.log(power / max(loudest, 1e-12) + _FLOOR), np.float64)


def _bands() -> Frames:
    hertz = np.fft.rfftfreq(_WINDOW, 1 / RATE)
    heard = 2595 * np.log10(1 + hertz / 700)
    low, high = 2595 * np.log10(1 + np.array((150.0, 6500.0)) / 700)
    centres = np.linspace(low, high, _BANDS)
    away = np.abs(heard[:, np.newaxis] - centres) / (centres[1] - centres[0])
    return np.asarray(np.maximum(0.0, 1 - away / 1.5), np.float64)


def _distances(sound: Frames, known: Frames) -> Frames:
    squares = (sound**2).sum(axis=1)[:, np.newaxis] + (known**2).sum(axis=1)
    away = np.sqrt(np.maximum(squares - 2 * sound @ known.T, 0.0))
    return np.asarray(away, np.float64)
