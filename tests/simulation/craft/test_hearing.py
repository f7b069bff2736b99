import io
import random
import wave

import numpy as np
import pytest

from exporter.simulation.craft.hearing import digits_heard, samples_of
from exporter.simulation.craft.product import BadInput
from exporter.speech import DIGIT_VOICES, DIGITS, RATE, speak


def file_of(samples: "np.ndarray[tuple[int], np.dtype[np.float32]]", rate: int = RATE) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(rate)
        sound.writeframes((samples * 32767).astype("<i2").tobytes())
    return file.getvalue()


@pytest.mark.parametrize("voice", DIGIT_VOICES)
@pytest.mark.parametrize("rate", [0.9, 1.0, 1.1])
def test_digits_are_understood_whoever_says_them(voice: str, rate: float) -> None:
    rng = random.Random(f"{voice}{rate}")
    for noise in (0.0, 0.002):
        digits = [rng.randrange(10) for _ in range(8)]
        words = [DIGITS[digit] for digit in digits]
        sound = speak(words, voice=voice, rng=rng, rate=rate, noise=noise, gaps=(0.15, 0.35))
        heard = digits_heard(samples_of(file_of(sound)))
        assert [one.digit for one in heard] == digits


def test_times_are_those_of_the_sound() -> None:
    sound = speak(
        ["two", "nine"],
        voice="slt",
        rng=random.Random(1),
        gaps=(1.0, 1.0),
        edges=(0.5, 0.5),
    )
    first, second = digits_heard(samples_of(file_of(sound)))
    assert first.start == pytest.approx(0.5, abs=0.1)
    assert second.start - first.end == pytest.approx(1.0, abs=0.15)
    assert second.end == pytest.approx(len(sound) / RATE - 0.5, abs=0.1)


def test_nothing_is_heard_in_silence_and_in_noise() -> None:
    silence = np.zeros(2 * RATE, np.float32)
    assert digits_heard(samples_of(file_of(silence))) == []


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"no sound",
        file_of(np.zeros(RATE // 2, np.float32)),
        file_of(np.zeros(61 * 8000, np.float32), rate=8000),
    ],
)
def test_what_is_no_sound_too_short_or_too_long_is_bad_input(data: bytes) -> None:
    with pytest.raises(BadInput):
        samples_of(data)
