import io
import itertools
import random
import time
import wave
from typing import Any

import av
import msgspec
import pytest

from exporter.model import Outcome
from exporter.pipelines import Answer, Verdict
from exporter.pipelines.audio_to_text import KIND, LONGEST_DIGIT, TranscriptExpectation, drawn
from exporter.settings import AudioToText
from exporter.speech import DIGIT_VOICES, DIGITS, RATE, clip
from tests.pipelines.crafted import read

SPOKEN = "481530729634"
EXPECTED = TranscriptExpectation(
    digits=SPOKEN,
    seconds=9.0,
    timestamps=True,
    min_digits=0.8,
    max_extra=0.25,
    min_agreement=0.8,
    timestamp_slack_seconds=1.0,
)


def transcript(text: str, *times: object, **more: object) -> bytes:
    """An answer whose chunks have these times; the first of them holds the text."""
    chunks = [
        {"text": text if not number else "", "timestamp": t} for number, t in enumerate(times)
    ]
    return msgspec.json.encode({"text": text, "chunks": chunks, **more})


def verdict(body: bytes, **changes: Any) -> Verdict:
    return KIND.prove(msgspec.structs.replace(EXPECTED, **changes), Answer(body=body))


def scores(found: Verdict) -> dict[str, float | None]:
    return {check.name: check.score for check in found.proof}


def test_a_job_is_new_every_time_and_names_its_model() -> None:
    rng = random.Random(1)
    jobs = [KIND.make(AudioToText(), "maker/model", rng) for _ in range(8)]
    fields, files = read(jobs[0].request)
    assert fields == {"model_id": "maker/model", "return_timestamps": "true"}
    assert set(files) == {"audio"}
    assert len({job.request.body for job in jobs}) == 8
    expectation = jobs[0].expectation
    assert isinstance(expectation, TranscriptExpectation)
    with wave.open(io.BytesIO(files["audio"])) as sound:
        seconds = sound.getnframes() / sound.getframerate()
        assert (sound.getnchannels(), sound.getsampwidth(), sound.getframerate()) == (1, 2, 16_000)
    assert jobs[0].units == expectation.seconds == seconds
    assert jobs[0].unit == "audio-second"
    assert seconds > 1
    assert "audio/wav" in jobs[0].request.summary


def test_an_mp3_holds_the_same_sound() -> None:
    job = KIND.make(AudioToText(format="mp3"), "m", random.Random(2))
    _, files = read(job.request)
    assert job.units is not None
    with av.open(io.BytesIO(files["audio"]), "r", format="mp3") as sound:
        assert sound.duration is not None
        assert sound.duration / av.time_base == pytest.approx(job.units, abs=0.2)


@pytest.mark.parametrize("count", [8, 12, 20])
def test_the_fee_is_that_of_the_longest_sound(count: int) -> None:
    settings = AudioToText(digits=count)
    rng = random.Random(3)
    bound = KIND.fee_units(settings)
    assert bound is not None
    for _ in range(10):
        units = KIND.make(settings, "m", rng).units
        assert units is not None
        assert bound / 3 < units * 1000 < bound
    assert bound < 30_000
    longest = max(len(clip(voice, word)) for voice in DIGIT_VOICES for word in DIGITS)
    assert longest / RATE <= LONGEST_DIGIT


def test_digits_come_in_random_order_and_never_twice_in_a_row() -> None:
    rng = random.Random(4)
    many = [drawn(20, rng) for _ in range(200)]
    assert len(set(many)) == 200
    for digits in many:
        assert sorted(digits[:10]) == sorted(digits[10:]) == list("0123456789")
        assert all(one != other for one, other in itertools.pairwise(digits))
    assert len(drawn(8, rng)) == 8


@pytest.mark.parametrize(
    "text",
    [
        SPOKEN,
        "4815 3072 9634",
        "481,530,729,634",
        "Four, eight, one, five, three, zero, seven, two, nine, six, three, four.",
        "for ate won five tree oh seven too nine six three fore",
        "4 8 1 5 3 0 7 2 9 6 3 4 Thank you for watching, one and all.",
        "8 1 5 3 0 7 2 9 6 3",
        "4 8 2 5 3 0 7 2 9 6 5 4",
    ],
)
def test_an_honest_transcript_is_good_however_it_is_written(text: str) -> None:
    found = verdict(transcript(text, [0.3, 8.7]))
    assert (found.outcome, found.message) == (Outcome.OK, "")
    assert not found.unique
    assert scores(found)["agreement"] == 1.0


@pytest.mark.parametrize(
    ("text", "check"),
    [
        ("Thank you.", "digits"),
        ("8 1 5 3 0 7 2 9 6", "digits"),
        (SPOKEN[::-1], "digits"),
        ("0123456789" * 2, "digits"),
        ("0123456789" * 12, "extra"),
        (f"{SPOKEN} 1 2 3 4", "extra"),
    ],
)
def test_too_few_digits_and_too_many_are_a_wrong_answer(text: str, check: str) -> None:
    found = verdict(transcript(text, [0.3, 8.7]))
    assert found.outcome is Outcome.WRONG_ANSWER
    failed = [one.name for one in found.proof if not one.passed]
    assert check in failed
    assert "spoken" in found.message
    exempted = verdict(transcript(text, [0.3, 8.7]), exempt=("digits", "extra"))
    assert exempted.outcome is Outcome.OK
    assert "exempt from" in exempted.evidence[0]


def test_the_message_says_what_was_spoken_and_what_was_understood() -> None:
    found = verdict(transcript("4 8 1", [0.3, 8.7]))
    assert "3 of the 12 digits" in found.message
    assert SPOKEN in found.message
    assert "'4 8 1'" in found.message
    assert "80%" in found.message


@pytest.mark.parametrize(
    "times",
    [
        ([0, 8.7],),
        ([0.0, None],),
        ([None, None],),
        ([0.3, 29.98],),
        ([0.3, 5.0], [5.0, 8.0], [8.0, None]),
        ([0.3, 5.0], [4.5, 8.0]),
        ([0.0, 9.4],),
    ],
)
def test_times_as_models_give_them_are_good(times: tuple[object, ...]) -> None:
    assert verdict(transcript(SPOKEN, *times)).outcome is Outcome.OK


@pytest.mark.parametrize(
    ("times", "complaint"),
    [
        ((), "no chunks"),
        (([8.0, 9.0], [5.0, 6.0]), "chunk 2 starts at 5.00 s, after one at 8.00 s"),
        (([8.0, 2.0],), "ends at 2.00 s, and starts at 8.00 s"),
        (([0.0, 300.0],), "ends at 300.00 s of 9.00 s"),
        (([-5.0, 1.0],), "starts at -5.00 s"),
        (([99.0, 99.0],), "starts at 99.00 s of 9.00 s"),
    ],
)
def test_times_that_make_no_sense_are_a_wrong_answer(
    times: tuple[object, ...], complaint: str
) -> None:
    found = verdict(transcript(SPOKEN, *times), exempt=("agreement",))
    assert found.outcome is Outcome.WRONG_ANSWER
    assert complaint in found.message


def test_times_are_not_looked_at_where_none_were_asked_for() -> None:
    assert verdict(transcript(SPOKEN), timestamps=False).outcome is Outcome.OK
    assert verdict(msgspec.json.encode({"text": SPOKEN}), timestamps=False).outcome is Outcome.OK


def test_chunks_of_another_text_are_a_wrong_answer() -> None:
    body = msgspec.json.encode(
        {"text": SPOKEN, "chunks": [{"text": SPOKEN[::-1], "timestamp": [0, 1]}]}
    )
    found = verdict(body)
    assert found.outcome is Outcome.WRONG_ANSWER
    assert "do not agree" in found.message


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b"<html>",
        b'{"chunks": []}',
        b'{"chunks": null, "text": ""}',
        b'{"text": "  ", "chunks": []}',
        b'{"text": null, "chunks": []}',
        b'{"text": 481530729634, "chunks": []}',
        b'{"text": ["481530729634"], "chunks": []}',
        b'{"text": "481530729634", "chunks": {}}',
        b'{"text": "481530729634", "chunks": [1]}',
        b'{"text": "481530729634", "chunks": [{"text": "1"}]}',
        b'{"text": "481530729634", "chunks": [{"text": "1", "timestamp": [NaN, 1]}]}',
        b'{"text": "481530729634", "chunks": [{"text": "1", "timestamp": [1e999, 1]}]}',
        b'{"text": "481530729634", "chunks": [{"text": "1", "timestamp": ["0", "1"]}]}',
        b'{"text": "481530729634", "chunks": [{"text": "1", "timestamp": [0]}]}',
        b'{"text": "481530729634", "chunks": [{"text": "1", "timestamp": [0, 1, 2]}]}',
        b'{"text": "481530729634", "chunks": [{"text": "1", "timestamp": [true, 1]}]}',
        b'{"text": "481530729634", "chunks": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"text": "' + b"4815 " * 10_000 + b'", "chunks": []}',
        msgspec.json.encode(
            {"text": SPOKEN, "chunks": [{"text": "", "timestamp": [0, 0]}] * 100_000}
        ),
    ],
)
def test_what_is_no_transcript_is_an_invalid_response(body: bytes) -> None:
    found = verdict(body)
    assert found.outcome is Outcome.INVALID_RESPONSE
    assert found.message
    assert len(found.response) <= 4096
    assert KIND.media_urls(body) == []


def test_a_transcript_points_at_no_media() -> None:
    assert KIND.media_urls(transcript(SPOKEN, [0, 1])) == []


def test_the_record_keeps_what_was_said_within_bounds() -> None:
    found = verdict(transcript(SPOKEN + "\u202e" * 9_000, [0.3, 8.7]))
    assert found.outcome is Outcome.OK
    assert SPOKEN in found.response
    assert len(found.response.encode()) <= 4096


def test_a_transcript_of_a_million_chunks_is_refused_before_it_is_read() -> None:
    body = b'{"text":"1","chunks":[' + b'{"text":"","timestamp":[0,0]},' * 250_000 + b"]}"
    started = time.process_time()
    assert "more than 5000 objects" in verdict(body).message
    assert time.process_time() - started < 0.1
