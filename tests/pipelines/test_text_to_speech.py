import random
from typing import Any

import msgspec
import numpy as np
import pytest

from exporter.model import Outcome
from exporter.pipelines import Answer, InvalidResponse, Media, Verdict
from exporter.pipelines.text_to_speech import KIND, SpeechExpectation
from exporter.settings import TextToSpeech
from exporter.speech import RATE
from tests.pipelines.sounds import TEXT, hiss, raw_wav, said, tone, wav

EXPECTED = SpeechExpectation(
    characters=len(TEXT),
    min_seconds_per_character=0.025,
    max_seconds_per_character=0.5,
    min_loudness=-60.0,
    min_in_band=0.5,
    min_rhythm=7.0,
    min_change=4.0,
    min_voiced=0.15,
)
GOOD = wav(said())
BODY = b'{"audio":{"url":"/stream/a.wav"}}'


def verdict(
    media: bytes, content_type: str | None = "audio/wav", body: bytes = BODY, **changes: Any
) -> Verdict:
    file = Media(url="/stream/a.wav", content_type=content_type, body=media)
    return KIND.prove(
        msgspec.structs.replace(EXPECTED, **changes), Answer(body=body, media=(file,))
    )


def failed(found: Verdict) -> set[str]:
    return {check.name for check in found.proof if not check.passed}


def test_a_job_is_new_every_time_and_names_its_model() -> None:
    rng = random.Random(1)
    settings = TextToSpeech(description="A child whispers.")
    jobs = [KIND.make(settings, "maker/model", rng) for _ in range(200)]
    sent = msgspec.json.decode(jobs[0].request.body)
    assert sent == {
        "model_id": "maker/model",
        "text": sent["text"],
        "description": "A child whispers.",
    }
    assert 60 < len(sent["text"]) < 110
    assert len({job.request.body for job in jobs}) == 200
    assert (jobs[0].unit, jobs[0].units) == ("character", len(sent["text"]))
    fee = KIND.fee_units(settings)
    assert fee is not None
    assert all(job.units is not None and job.units * 1000 <= fee for job in jobs)
    assert isinstance(jobs[0].expectation, SpeechExpectation)
    assert jobs[0].expectation.characters == len(sent["text"])


@pytest.mark.parametrize("count", [1, 3])
def test_a_text_has_as_many_sentences_as_are_set(count: int) -> None:
    job = KIND.make(TextToSpeech(sentences=count), "m", random.Random(2))
    assert msgspec.json.decode(job.request.body)["text"].count(".") == count


def test_speech_is_good_and_what_was_found_is_stored() -> None:
    found = verdict(GOOD)
    assert (found.outcome, found.message, found.evidence) == (Outcome.OK, "", ())
    assert tuple(check.name for check in found.proof) == KIND.checks
    assert found.unique
    artefact = found.artefacts[0]
    assert (artefact.kind, artefact.bytes, artefact.width) == ("audio/wav", len(GOOD), None)
    assert artefact.fingerprint is not None


@pytest.mark.parametrize(
    ("samples", "check", "outcome", "complaint"),
    [
        (said()[: RATE * 3 // 2], "shortest", Outcome.WRONG_ANSWER, "too short for a text"),
        (np.tile(said(), 6), "longest", Outcome.WRONG_ANSWER, "too long for a text"),
        (said() * np.float32(0.005), "loudness", Outcome.INVALID_ARTEFACT, "silent"),
        (tone(6_000, 6.0), "in_band", Outcome.INVALID_ARTEFACT, "between 100 and 4000 Hz"),
        (tone(440, 6.0), "rhythm", Outcome.INVALID_ARTEFACT, "no syllables"),
        (tone(440, 6.0), "change", Outcome.INVALID_ARTEFACT, "stays the same"),
        (hiss(), "voiced", Outcome.INVALID_ARTEFACT, "nobody's voice"),
    ],
)
def test_each_check_fails_for_what_it_is_there_for(
    samples: "np.ndarray[Any, np.dtype[np.float32]]", check: str, outcome: Outcome, complaint: str
) -> None:
    found = verdict(wav(samples))
    assert check in failed(found)
    others = tuple(name for name in KIND.checks if name != check)
    alone = verdict(wav(samples), exempt=others)
    assert alone.outcome is outcome
    assert complaint in alone.message
    assert verdict(wav(samples), exempt=KIND.checks).outcome is Outcome.OK


def test_silence_is_an_invalid_artefact_whatever_is_exempt() -> None:
    found = verdict(wav(np.zeros(5 * RATE, np.float32)), exempt=KIND.checks)
    assert found.outcome is Outcome.INVALID_ARTEFACT
    assert "silent, for all of its 5.0 s" in found.message


def test_noise_with_the_loudness_of_speech_is_none() -> None:
    rng = np.random.default_rng(1)
    steps = np.repeat(rng.uniform(0, 1, 64) ** 2, RATE // 8).astype(np.float32)
    found = verdict(wav(hiss()[: len(steps)] * steps))
    assert found.outcome is Outcome.INVALID_ARTEFACT
    assert {"change", "voiced"} <= failed(found)


@pytest.mark.parametrize(
    "media",
    [
        b"",
        b"<html></html>",
        b"\x89PNG\r\n\x1a\n" + bytes(100),
        b"RIFF\xff\xff\xff\x00WAVE" + bytes(range(256)),
        raw_wav(b"\1\2" * 1_000, claim=10**6),
        GOOD[: len(GOOD) // 2],
        wav(np.zeros(120 * RATE, np.float32)),
    ],
)
def test_what_cannot_be_decoded_is_an_invalid_artefact(media: bytes) -> None:
    found = verdict(media)
    assert found.outcome is Outcome.INVALID_ARTEFACT
    assert found.message
    assert found.response == '{"audio":{"url":"/stream/a.wav"}}'


@pytest.mark.parametrize(
    ("claim", "noted"),
    [
        ("audio/wav", False),
        ("audio/x-wav; charset=binary", False),
        ("audio/wave", False),
        ("AUDIO/VND.WAVE", False),
        (None, False),
        ("application/octet-stream", False),
        ("audio/mpeg", True),
        ("text/html", True),
    ],
)
def test_a_wrong_content_type_is_noted_and_fails_nobody(claim: str | None, noted: bool) -> None:
    found = verdict(GOOD, claim)
    assert found.outcome is Outcome.OK
    assert any("was declared" in evidence for evidence in found.evidence) == noted


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"{}",
        b"[]",
        b'{"audio":null}',
        b'{"audio":[]}',
        b'{"audio":{}}',
        b'{"audio":{"url":""}}',
        b'{"audio":{"url":7}}',
        b'{"audio":{"url":NaN}}',
        b'{"audio":[{"url":"/a.wav"},{"url":"/b.wav"}]}',
        b'{"audio":{"url":"/' + b"a" * 3_000 + b'"}}',
        b'{"audio":' * 50_000,
        b"<html>",
        b"\xff\xfe",
    ],
)
def test_an_answer_of_another_form_is_an_invalid_response(body: bytes) -> None:
    found = verdict(GOOD, body=body)
    assert found.outcome is Outcome.INVALID_RESPONSE
    assert found.message
    assert len(found.response) <= 4096
    with pytest.raises(InvalidResponse):
        KIND.media_urls(body)


def test_the_url_is_told_even_where_it_holds_the_sound_itself() -> None:
    assert KIND.media_urls(BODY) == ["/stream/a.wav"]
    inside = "data:audio/wav;base64," + "A" * 5_000
    body = msgspec.json.encode({"audio": {"url": inside}})
    assert KIND.media_urls(body) == [inside]
    assert len(verdict(GOOD, body=body).response) < 200


def test_a_missing_file_is_ours_to_answer_for() -> None:
    assert KIND.prove(EXPECTED, Answer(body=BODY)).outcome is Outcome.TESTER_ERROR


def test_bounds_that_nothing_can_meet_are_refused() -> None:
    with pytest.raises(ValueError, match="must be less than"):
        TextToSpeech(min_seconds_per_character=0.5, max_seconds_per_character=0.4)
