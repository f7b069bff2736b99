"""Saying words: clips one after the other, never twice alike."""

import random
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from exporter.speech.clips import RATE, clips
from exporter.speech.tempo import at_pitch, at_tempo
from exporter.speech.vocabulary import DIGITS

Sound = NDArray[np.float32]

DIGIT_VOICES: Final = ("slt", "rms", "awb")
"""Voices that can say digits: a woman, a man, and a man with a Scottish accent."""
WORD_VOICES: Final = ("slt", "rms")
"""Voices that can say everything."""


class CannotSayError(ValueError):
    """There is no clip of a word, nor of its letters; the message names it."""


def speak(
    words: Iterable[str],
    *,
    voice: str,
    rng: random.Random,
    rate: float = 1.0,
    pitch: float = 1.0,
    gaps: tuple[float, float] = (0.05, 0.15),
    edges: tuple[float, float] = (0.2, 0.4),
    loudness: float = 0.1,
    noise: float = 0.0,
) -> Sound:
    """Say words; gives samples between -1 and 1, `RATE` a second.

    `rate` is the tempo and `pitch` the height of the voice, as factors of its own. `gaps` and
    `edges` are the shortest and longest pause between words and at either end, in seconds, each
    drawn from `rng`. `loudness` is the root mean square of the speech and `noise` that of a hiss
    beneath it, of full scale. A word that was not recorded is spelled. Raises `CannotSayError`.
    """
    known = clips(voice)
    pieces = [_pause(rng, edges)]
    for number, clip in enumerate(_clips_for(words, voice, known)):
        if number:
            pieces.append(_pause(rng, gaps))
        pieces.append(at_tempo(at_pitch(clip, pitch), rate))
    pieces.append(_pause(rng, edges))
    sound = np.concatenate(pieces)
    active = sound[np.abs(sound) > 0]
    if len(active):
        sound = sound * np.float32(loudness / np.sqrt(np.mean(active**2)))
    if noise:
        hiss = np.random.default_rng(rng.randrange(2**63)).standard_normal(len(sound))
        sound = sound + (hiss * noise).astype(np.float32)
    return np.clip(sound, -1, 1).astype(np.float32)


def _clips_for(words: Iterable[str], voice: str, known: Mapping[str, Sound]) -> Iterator[Sound]:
    for word in words:
        clip = known.get(word.lower())
        if clip is not None:
            yield clip
            continue
        for letter in word.lower():
            if not letter.isalnum():
                continue
            name = DIGITS[int(letter)] if letter in "0123456789" else letter
            if name not in known:
                raise CannotSayError(f"the voice {voice} can say neither {word!r} nor spell it")
            yield known[name]


def _pause(rng: random.Random, bounds: tuple[float, float]) -> Sound:
    return np.zeros(round(rng.uniform(*bounds) * RATE), np.float32)
