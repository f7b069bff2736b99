import io
import random
import wave

import av
import pytest

from exporter.simulation.craft.product import BadInput
from exporter.simulation.craft.text_to_speech import CRAFT
from exporter.simulation.workload import Job, Media


def job(text: str) -> Job:
    fields = {"model_id": "maker/model", "text": text, "description": "A voice."}
    return Job(
        pipeline="text-to-speech", model="maker/model", fields=fields, files={}, via="direct"
    )


def spoken(way: str, text: str, seed: int = 1) -> Media:
    product = CRAFT.honest[way](job(text), random.Random(seed))
    assert product.document == {"audio": {"url": ""}}
    (media,) = product.media
    return media


def seconds(media: Media) -> float:
    with av.open(io.BytesIO(media.data), "r") as container:
        frames = list(container.decode(audio=0))
        return sum(frame.samples for frame in frames) / frames[0].sample_rate


def test_a_longer_text_takes_longer() -> None:
    short = seconds(spoken("plain", "Hello world."))
    long = seconds(spoken("plain", "Hello world, this is the castle behind the river."))
    assert 0.8 < short < long / 2


def test_the_file_is_as_models_write_it() -> None:
    with wave.open(io.BytesIO(spoken("plain", "Hello.").data)) as sound:
        assert (sound.getframerate(), sound.getnchannels(), sound.getsampwidth()) == (44_100, 1, 2)
    for way, suffix in (("mp3", "mp3"), ("flac", "flac"), ("opus", "ogg"), ("stereo", "wav")):
        media = spoken(way, "Hello world.")
        assert media.suffix == suffix
        assert 0.8 < seconds(media) < 3


def test_words_that_were_never_recorded_are_spelt() -> None:
    assert seconds(spoken("plain", "xyzzy")) > seconds(spoken("plain", "hello"))


@pytest.mark.parametrize("text", ["", "…", "hello " * 1000])
def test_what_cannot_be_spoken_is_refused(text: str) -> None:
    with pytest.raises(BadInput):
        spoken("plain", text)


@pytest.mark.parametrize("way", CRAFT.honest)
def test_the_same_draw_gives_the_same_sound_and_another_one_does_not(way: str) -> None:
    once, again, other = (spoken(way, "Hello world.", seed) for seed in (1, 1, 2))
    assert once.data == again.data
    assert once.data != other.data
