import json
import random
import shutil
import string

import numpy as np
import pytest

from exporter.speech import DIGIT_VOICES, DIGITS, RATE, WORD_VOICES, CannotSayError, clip, speak
from exporter.speech.clips import DATA, clips
from exporter.speech.recording import NoSynthesiserError, levelled, record, spoken, trimmed
from exporter.speech.tempo import at_pitch, at_tempo, resampled
from exporter.speech.vocabulary import WORDS


def tone(hertz: float, seconds: float = 0.5) -> "np.ndarray[tuple[int], np.dtype[np.float32]]":
    return np.sin(2 * np.pi * hertz * np.arange(round(seconds * RATE)) / RATE).astype(np.float32)


def pitch(sound: "np.ndarray[tuple[int], np.dtype[np.float32]]") -> float:
    power = np.abs(np.fft.rfft(sound))
    return float(np.argmax(power)) * RATE / len(sound)


def test_every_voice_has_its_words_and_all_are_equally_loud() -> None:
    for voice in DIGIT_VOICES:
        known = clips(voice)
        wanted = set(DIGITS)
        if voice in WORD_VOICES:
            wanted |= {*WORDS, *string.ascii_lowercase}
        assert set(known) == wanted
        for word, sound in known.items():
            assert 0.05 * RATE < len(sound) < 1.5 * RATE, (voice, word)
            assert 0.04 < np.sqrt(np.mean(sound**2)) < 0.13, (voice, word)
            assert not sound.flags.writeable


def test_the_licence_and_where_the_clips_lie_ship_with_them() -> None:
    assert "Carnegie Mellon University" in (DATA / "NOTICE").read_text()
    for voice in DIGIT_VOICES:
        index = json.loads((DATA / f"{voice}.json").read_text())
        assert index["rate"] == RATE


def test_words_follow_each_other_with_pauses() -> None:
    sound = speak(
        ["two", "Nine"], voice="slt", rng=random.Random(1), gaps=(0.5, 0.5), edges=(0.25, 0.25)
    )
    spoken_seconds = (len(clip("slt", "two")) + len(clip("slt", "nine"))) / RATE
    assert len(sound) / RATE == pytest.approx(spoken_seconds + 1.0, abs=0.001)
    assert not np.any(sound[: RATE // 4])
    assert not np.any(sound[-RATE // 4 :])
    assert sound.dtype == np.float32


def test_the_same_draw_speaks_alike_and_another_one_does_not() -> None:
    first, same, other = (
        speak(["two", "nine"], voice="rms", rng=random.Random(seed)) for seed in (1, 1, 2)
    )
    assert np.array_equal(first, same)
    assert len(first) != len(other)


def test_loudness_and_noise_are_what_was_asked_for() -> None:
    loud = speak(["seven"], voice="slt", rng=random.Random(1), loudness=0.05)
    assert np.sqrt(np.mean(loud[np.abs(loud) > 0] ** 2)) == pytest.approx(0.05, rel=0.01)
    hiss = speak(["seven"], voice="slt", rng=random.Random(1), noise=0.01, edges=(0.5, 0.5))
    assert np.std(hiss[: RATE // 4]) == pytest.approx(0.01, rel=0.1)
    assert np.abs(speak(["six"], voice="slt", rng=random.Random(1), loudness=5.0)).max() <= 1


def test_unknown_words_are_spelt_and_what_cannot_be_said_is_refused() -> None:
    spelt = speak(["b7"], voice="slt", rng=random.Random(1), gaps=(0, 0), edges=(0, 0))
    assert len(spelt) == len(clip("slt", "b")) + len(clip("slt", "seven"))
    with pytest.raises(CannotSayError, match="'hello'"):
        speak(["hello"], voice="awb", rng=random.Random(1))
    with pytest.raises(CannotSayError):
        speak(["é"], voice="slt", rng=random.Random(1))


@pytest.mark.parametrize("rate", [0.8, 0.9, 1.1, 1.25])
def test_tempo_changes_the_length_and_not_the_pitch(rate: float) -> None:
    changed = at_tempo(tone(200), rate)
    assert len(changed) == round(0.5 * RATE / rate)
    assert pitch(changed) == pytest.approx(200, abs=5)
    assert np.abs(changed).max() < 1.3


@pytest.mark.parametrize("factor", [0.8, 0.95, 1.05, 1.25])
def test_pitch_changes_the_pitch_and_not_the_length(factor: float) -> None:
    changed = at_pitch(tone(200), factor)
    assert abs(len(changed) - 0.5 * RATE) <= 1
    assert pitch(changed) == pytest.approx(200 * factor, abs=5)


def test_a_tape_at_another_speed_changes_both() -> None:
    assert pitch(resampled(tone(200), RATE)) == pytest.approx(100, abs=3)
    assert len(resampled(np.zeros(0, np.float32), 10)) == 0


def test_a_recording_is_trimmed_and_levelled() -> None:
    quiet = np.concatenate((np.zeros(RATE), 0.01 * tone(200), np.zeros(RATE))).astype(np.float32)
    assert len(trimmed(quiet)) / RATE == pytest.approx(0.54, abs=0.02)
    assert np.sqrt(np.mean(levelled(trimmed(quiet)) ** 2)) == pytest.approx(0.1, rel=0.01)


def test_a_missing_synthesiser_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(NoSynthesiserError, match="apt-get install flite"):
        spoken("slt", "two")


@pytest.mark.skipif(shutil.which("flite") is None, reason="flite is not installed")
def test_what_is_recorded_anew_is_what_ships() -> None:
    sound, places = record("awb", DIGITS)
    shipped = json.loads((DATA / "awb.json").read_text())["clips"]
    assert {word: list(place) for word, place in places.items()} == shipped
    start, end = places["seven"]
    likeness = np.corrcoef(sound[start:end], clip("awb", "seven"))[0, 1]
    assert likeness > 0.9
