"""Speech, put together from recorded words, and sounds that are none."""

import re
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from random import Random
from typing import Final, TypedDict, Unpack

import numpy as np
from numpy.typing import NDArray

from exporter.model import Outcome
from exporter.simulation.craft.product import BadInput, Craft, Lie, Maker, Product
from exporter.simulation.craft.sound_file import STUDIO_RATE, Suffix, sound_file
from exporter.simulation.workload import Job, Media
from exporter.speech import RATE, WORD_VOICES, CannotSayError, speak

TEXT_LIMIT: Final = 2_000
"""Characters; the text is refused beyond."""

_SECONDS: Final = 8.0
_WORDS: Final = re.compile(r"[a-z0-9']+")

Samples = NDArray[np.float32]
Range = tuple[float, float]


class _Manner(TypedDict, total=False):
    """How something is said; see `speak`."""

    rate: float
    pitch: float
    loudness: float
    noise: float


def _spoken(job: Job, rng: Random, **manner: Unpack[_Manner]) -> Samples:
    """The job's text, by one of the voices. Raises `BadInput`."""
    text = str(job.fields.get("text") or "")
    words = _WORDS.findall(text.lower())
    if not words or len(text) > TEXT_LIMIT:
        raise BadInput("There is no text that can be spoken.")
    try:
        return speak(words, voice=rng.choice(WORD_VOICES), rng=rng, **manner)
    except CannotSayError as error:
        raise BadInput(str(error)) from None


def _speech(
    *,
    rate: Range = (0.95, 1.2),
    pitch: Range = (0.92, 1.08),
    loudness: Range = (0.05, 0.12),
    noise: Range = (0.0, 0.0005),
    silence: Range = (0.0, 0.2),
    suffix: Suffix = "wav",
    samples_a_second: int = RATE,
    channels: int = 1,
) -> Maker:
    """Speak in a certain manner; what is a range is drawn."""

    def make(job: Job, rng: Random) -> Product:
        sound = _spoken(
            job,
            rng,
            rate=rng.uniform(*rate),
            pitch=rng.uniform(*pitch),
            loudness=rng.uniform(*loudness),
            noise=rng.uniform(*noise),
        )
        still = [np.zeros(round(rng.uniform(*silence) * RATE), np.float32) for _ in range(2)]
        sound = np.concatenate((still[0], sound, still[1]))
        return _product(sound_file(sound, suffix, samples_a_second, channels))

    return make


def _product(media: Media) -> Product:
    return Product({"audio": {"url": ""}}, (media,))


def _sound(draw: Callable[[Random], Samples], rate: int = STUDIO_RATE) -> Maker:
    """The same kind of sound whatever the text is."""

    def make(_job: Job, rng: Random) -> Product:
        return _product(sound_file(draw(rng), "wav", rate))

    return make


def _moments(seconds: float = _SECONDS) -> NDArray[np.float64]:
    return np.arange(round(seconds * RATE)) / RATE


def _silence(_rng: Random) -> Samples:
    return np.zeros(round(_SECONDS * RATE), np.float32)


def _tone(rng: Random) -> Samples:
    return (0.3 * np.sin(2 * np.pi * rng.uniform(150, 900) * _moments())).astype(np.float32)


def _noise(rng: Random) -> Samples:
    drawn = np.random.default_rng(rng.randrange(2**63))
    return (0.1 * drawn.standard_normal(round(_SECONDS * RATE))).astype(np.float32)


def _pink(rng: Random) -> Samples:
    """Noise that has as much power in each octave."""
    spectrum = np.fft.rfft(_noise(rng))
    spectrum[:50] = 0
    spectrum[50:] /= np.sqrt(np.arange(50, len(spectrum)) / 1000)
    return np.fft.irfft(spectrum, round(_SECONDS * RATE)).astype(np.float32)


def _syllables(rng: Random) -> NDArray[np.float64]:
    """Loudness that goes up and down as that of speech does."""
    steps = [rng.random() ** 2 for _ in range(round(_SECONDS / 0.12) + 2)]
    return np.interp(_moments(), np.arange(len(steps)) * 0.12, steps)


def _breath(rng: Random) -> Samples:
    """Noise with the rhythm of speech."""
    return (_pink(rng) * _syllables(rng)).astype(np.float32)


def _hum(rng: Random) -> Samples:
    """A voice's pitch and rhythm, always the same vowel."""
    pitch = rng.uniform(90, 220) * (1 + 0.1 * np.sin(2 * np.pi * 0.7 * _moments()))
    phase = 2 * np.pi * np.cumsum(pitch) / RATE
    voice = sum(np.sin(overtone * phase) / overtone for overtone in range(1, 25))
    return np.asarray(0.15 * voice * _syllables(rng), np.float32)


def _melody(rng: Random) -> Samples:
    """Notes, a quarter of a second each."""
    moments = _moments(0.25)
    notes = []
    for _ in range(round(_SECONDS / 0.25)):
        pitch = 220 * 2 ** (rng.randrange(13) / 12)
        tones = sum(np.sin(2 * np.pi * pitch * k * moments) / k for k in range(1, 5))
        notes.append(tones * np.exp(-5 * moments))
    return np.asarray(0.2 * np.concatenate(notes), np.float32)


def _one_word(_job: Job, rng: Random) -> Product:
    """The beginning of any text."""
    return _product(sound_file(speak(["hello"], voice=rng.choice(WORD_VOICES), rng=rng)))


def _without_end(job: Job, rng: Random) -> Product:
    """The right speech, again and again."""
    sound = _spoken(job, rng)
    return _product(sound_file(np.tile(sound, 1 + round(60 * RATE / len(sound)))))


def _garbage(_job: Job, rng: Random) -> Product:
    """A WAV by its first bytes."""
    return _product(Media(b"RIFF\xff\xff\xff\x00WAVE" + rng.randbytes(100_000), "wav"))


def _cut_off(job: Job, rng: Random) -> Product:
    """The header of a whole file, and a third of it."""
    media = sound_file(_spoken(job, rng), rate=STUDIO_RATE)
    return _product(replace(media, data=media.data[: len(media.data) // 3]))


_studio: Final = partial(_speech, samples_a_second=STUDIO_RATE)
_NONE: Final = Outcome.INVALID_ARTEFACT

CRAFT: Final = Craft(
    pipeline="text-to-speech",
    honest={
        "plain": _studio(),
        "telephone": _speech(),
        "hasty": _studio(rate=(1.25, 1.4)),
        "slow": _studio(rate=(0.75, 0.85)),
        "faint": _studio(loudness=(0.005, 0.01)),
        "hissing": _studio(noise=(0.001, 0.004)),
        "hesitant": _studio(silence=(1.0, 2.0)),
        "stereo": _studio(channels=2),
        "mp3": _studio(suffix="mp3"),
        "flac": _speech(suffix="flac"),
        "opus": _speech(suffix="ogg"),
    },
    lies={
        "silence": Lie(_sound(_silence), _NONE),
        "tone": Lie(_sound(_tone), _NONE),
        "white-noise": Lie(_sound(_noise), _NONE),
        "pink-noise": Lie(_sound(_pink), _NONE),
        "breath": Lie(_sound(_breath), _NONE),
        "hum": Lie(_sound(_hum), _NONE),
        "melody": Lie(_sound(_melody), _NONE),
        "one-word": Lie(_one_word, Outcome.WRONG_ANSWER),
        "without-end": Lie(_without_end, Outcome.WRONG_ANSWER),
        "garbage": Lie(_garbage, _NONE),
        "cut-off": Lie(_cut_off, _NONE),
    },
)
