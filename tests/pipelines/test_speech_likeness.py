import itertools
import random

import numpy as np
import pytest

from exporter.pipelines.sentences import longest, sentence, sentences
from exporter.pipelines.sound import RATE, Sound, listen
from exporter.pipelines.sound_print import fingerprint
from exporter.pipelines.speech_likeness import Speech, span, speech
from exporter.speech import CannotSayError, speak
from tests.pipelines.sounds import Samples, hiss, said, tone, wav


def heard(samples: Samples, rate: int = RATE) -> Sound:
    return listen(wav(samples, rate), max_seconds=60)


def likeness(samples: Samples, rate: int = RATE) -> Speech:
    found = speech(heard(samples, rate))
    assert found is not None
    return found


def distance(one: str | None, other: str | None) -> int:
    assert one is not None
    assert other is not None
    return (int(one, 16) ^ int(other, 16)).bit_count()


@pytest.mark.parametrize("voice", ["slt", "rms"])
def test_speech_is_told_from_tones_and_noise_by_every_measure(voice: str) -> None:
    spoken, whistled, hissed = likeness(said(voice=voice)), likeness(tone()), likeness(hiss())
    assert spoken.rhythm > 14
    assert max(whistled.rhythm, hissed.rhythm) < 3
    assert spoken.change > 5
    assert max(whistled.change, hissed.change) < 4
    assert spoken.voiced > 0.3
    assert hissed.voiced < 0.05
    assert whistled.voiced > 0.9
    assert spoken.in_band > 0.8


def test_power_outside_of_the_band_counts_even_where_it_is_not_listened_to() -> None:
    assert likeness(tone(1_000)).in_band > 0.99
    assert likeness(tone(6_000)).in_band < 0.01
    high = tone(1_000, 2.0, 44_100) + 3 * tone(15_000, 2.0, 44_100)
    assert likeness(high * np.float32(0.25), 44_100).in_band == pytest.approx(0.1, abs=0.02)


def test_the_ends_are_found_and_loudness_is_that_between_them() -> None:
    still = np.zeros(RATE, np.float32)
    samples = np.concatenate((still, tone(seconds=2.0), still))
    first, end = span(samples)
    assert first / RATE == pytest.approx(1.0, abs=0.02)
    assert end / RATE == pytest.approx(3.0, abs=0.02)
    found = likeness(samples)
    assert found.seconds == pytest.approx(2.0, abs=0.02)
    assert found.loudness == pytest.approx(-13.5, abs=0.1)


@pytest.mark.parametrize("gain", [0.01, 0.1, 3.0])
def test_loudness_changes_only_loudness(gain: float) -> None:
    one, other = likeness(said()), likeness(said() * np.float32(gain))
    assert other.change == pytest.approx(one.change, abs=0.6)
    assert other.voiced == pytest.approx(one.voiced, abs=0.05)
    assert other.rhythm == pytest.approx(one.rhythm, abs=3)


def test_nothing_to_be_heard_is_nothing_to_be_measured() -> None:
    assert speech(heard(np.zeros(RATE, np.float32))) is None
    assert speech(heard(tone(seconds=0.02))) is None
    assert fingerprint(np.zeros(RATE, np.float32)) is None
    assert span(np.zeros(RATE, np.float32)) == (0, 0)


def test_a_sound_is_known_again_trimmed_turned_down_and_with_silence_around_it() -> None:
    whole = said()
    mark = fingerprint(whole)
    still = np.zeros(RATE, np.float32)
    for changed in (
        whole * np.float32(0.1),
        np.concatenate((still, whole, still)),
        whole[RATE // 10 :],
        (whole + 0.0005 * hiss(len(whole) / RATE)).astype(np.float32),
    ):
        assert distance(mark, fingerprint(changed)) <= 10


def test_other_sentences_and_other_readings_are_told_apart() -> None:
    marks = [
        fingerprint(said(seed, sentence(random.Random(seed)), voice=voice))
        for seed in range(15)
        for voice in ("slt", "rms")
    ]
    assert min(distance(one, other) for one, other in itertools.combinations(marks, 2)) > 30


def test_sentences_differ_are_bounded_and_can_be_spoken() -> None:
    rng = random.Random(1)
    drawn = [sentence(rng) for _ in range(300)]
    assert len(set(drawn)) == 300
    assert all(len(one) <= longest(1) and one.endswith(".") and one[0].isupper() for one in drawn)
    several = sentences(rng, 3)
    assert several.count(".") == 3
    assert len(several) <= longest(3)
    for one in drawn[:30]:
        try:
            speak(one.strip(".").split(), voice="rms", rng=rng)
        except CannotSayError:  # pragma: no cover - the failure itself
            pytest.fail(one)
