import random

import pytest

from exporter.simulation.craft.audio_to_text import CRAFT
from exporter.simulation.craft.product import BadInput
from exporter.simulation.workload import Job
from exporter.speech import speak
from tests.simulation.craft.test_hearing import file_of


def job(timestamps: str = "true", words: tuple[str, ...] = ("two", "nine", "seven")) -> Job:
    sound = speak(words, voice="rms", rng=random.Random(1), gaps=(0.2, 0.3))
    return Job(
        pipeline="audio-to-text",
        model="maker/model",
        fields={"model_id": "maker/model", "return_timestamps": timestamps},
        files={"audio": file_of(sound)},
        via="direct",
    )


def test_it_writes_what_it_hears() -> None:
    document = CRAFT.honest["words"](job(), random.Random(1)).document
    assert document["text"] == " Two, nine, seven."
    other = CRAFT.honest["figures"](job(words=("eight", "zero")), random.Random(1)).document
    assert other["text"] == " 8, 0"


def test_times_are_given_as_they_are_asked_for() -> None:
    def chunks(timestamps: str) -> list[str]:
        document = CRAFT.honest["figures"](job(timestamps), random.Random(1)).document
        return [chunk["text"] for chunk in document["chunks"]]

    assert chunks("true") == [" 2, 9, 7"]
    assert chunks("word") == [" two", " nine", " seven"]
    assert chunks("false") == []


def test_without_a_sound_it_refuses() -> None:
    empty = Job(pipeline="audio-to-text", model="m", fields={}, files={}, via="direct")
    with pytest.raises(BadInput):
        CRAFT.honest["words"](empty, random.Random(1))


@pytest.mark.parametrize("way", CRAFT.honest)
def test_the_same_draw_gives_the_same_answer(way: str) -> None:
    once, again = (CRAFT.honest[way](job(), random.Random(3)) for _ in range(2))
    assert once == again
