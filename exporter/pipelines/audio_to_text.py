"""The job for `audio-to-text`: digits to be understood."""

import io
import random
import wave
from typing import TYPE_CHECKING, Final

import msgspec
import numpy as np

from exporter.model import Outcome
from exporter.pipelines.findings import Findings
from exporter.pipelines.job import Answer, Expectation, InvalidResponse, Kind, Prepared, Verdict
from exporter.pipelines.multipart import form_request
from exporter.pipelines.response import excerpt, record
from exporter.pipelines.spoken_digits import digits_in, in_order
from exporter.pipelines.transcript import Chunk, Transcript, misplaced, read_transcript
from exporter.speech import DIGIT_VOICES, DIGITS, RATE, speak

if TYPE_CHECKING:
    # Worker processes import this module, and need neither the settings nor what those import.
    from exporter.settings import AudioToText

NAME: Final = "audio-to-text"
UNIT: Final = "audio-second"

LONGEST_DIGIT: Final = 0.85
"""Seconds of the longest digit as it was recorded."""
TEMPO: Final = (0.9, 1.1)
PITCH: Final = (0.95, 1.05)
GAPS: Final = (0.15, 0.35)
EDGES: Final = (0.3, 0.6)
LOUDNESS: Final = (0.05, 0.12)
NOISE: Final = (0.0, 0.002)

_MP3_BIT_RATE: Final = 64_000


class TranscriptExpectation(Expectation, frozen=True, kw_only=True):
    """What was said, and how well it must be understood."""

    digits: str
    """In order, as figures."""
    seconds: float
    """Of the sound."""
    timestamps: bool
    """Whether they were asked for."""
    min_digits: float
    max_extra: float
    min_agreement: float
    timestamp_slack_seconds: float


def make(parameters: "AudioToText", model: str, rng: random.Random) -> Prepared:
    """Make a job: other digits, by another voice, in another way."""
    digits = drawn(parameters.digits, rng)
    sound = speak(
        [DIGITS[int(digit)] for digit in digits],
        voice=rng.choice(DIGIT_VOICES),
        rng=rng,
        rate=rng.uniform(*TEMPO),
        pitch=rng.uniform(*PITCH),
        gaps=GAPS,
        edges=EDGES,
        loudness=rng.uniform(*LOUDNESS),
        noise=rng.uniform(*NOISE),
    )
    samples = (sound * 32767).astype("<i2")
    seconds = len(samples) / RATE
    file = (
        ("audio", "speech.mp3", _mp3(samples), "audio/mpeg")
        if parameters.format == "mp3"
        else ("audio", "speech.wav", _wav(samples), "audio/wav")
    )
    return Prepared(
        request=form_request(
            NAME,
            {"model_id": model, "return_timestamps": parameters.return_timestamps},
            file,
        ),
        unit=UNIT,
        units=seconds,
        expectation=TranscriptExpectation(
            exempt=tuple(parameters.exempt),
            digits=digits,
            seconds=seconds,
            timestamps=parameters.return_timestamps != "false",
            min_digits=parameters.min_digits,
            max_extra=parameters.max_extra,
            min_agreement=parameters.min_agreement,
            timestamp_slack_seconds=parameters.timestamp_slack_seconds,
        ),
    )


def drawn(count: int, rng: random.Random) -> str:
    """Draw digits: each once before any comes again, and never the same one twice in a row.

    Models of speech often write a repeated word but once, and nobody is to blame for that.
    """
    digits: list[str] = []
    while len(digits) < count:
        more = rng.sample("0123456789", 10)
        if not digits or more[0] != digits[-1]:
            digits += more
    return "".join(digits[:count])


def fee_units(parameters: "AudioToText") -> float:
    """Milliseconds of the longest sound that can be drawn."""
    spoken = parameters.digits * LONGEST_DIGIT / TEMPO[0]
    return float(1000 * (spoken + (parameters.digits - 1) * GAPS[1] + 2 * EDGES[1]))


def media_urls(body: bytes) -> list[str]:  # noqa: ARG001 - a text has no media
    """None: a text has no media. What is wrong with it, the proof says."""
    return []


def prove(expectation: Expectation, answer: Answer) -> Verdict:
    """Judge the transcript: its digits, in their order, and its times."""
    if not isinstance(expectation, TranscriptExpectation):
        raise TypeError("an audio-to-text job expects a transcript")
    try:
        transcript = read_transcript(answer.body)
    except InvalidResponse as error:
        return Verdict(
            outcome=Outcome.INVALID_RESPONSE,
            message=str(error),
            response=record({"body": answer.body[:1024].decode("utf-8", "replace")}),
            unique=False,
        )
    findings = Findings(expectation.exempt)
    heard = digits_in(transcript.text)
    _check_digits(findings, expectation, transcript.text, heard)
    if expectation.timestamps:
        _check_chunks(findings, expectation, transcript.chunks or [], heard)
    return findings.verdict(response=_response(transcript), unique=False)


def _check_digits(
    findings: Findings, expectation: TranscriptExpectation, text: str, heard: str
) -> None:
    spoken = expectation.digits
    found = in_order(spoken, heard)
    share = found / len(spoken)
    findings.check(
        "digits",
        share,
        f"{found} of the {len(spoken)} digits that were spoken, {spoken}, are in the text in their "
        f"order, at least {expectation.min_digits:.0%} are expected; it reads {excerpt(text)}",
        at_least=expectation.min_digits,
    )
    extra = max(0, len(heard) - len(spoken)) / len(spoken)
    findings.check(
        "extra",
        extra,
        f"{len(spoken)} digits were spoken, the text has {len(heard)}, {extra:.0%} more; at most "
        f"{expectation.max_extra:.0%} more are expected",
        at_most=expectation.max_extra,
    )


def _check_chunks(
    findings: Findings, expectation: TranscriptExpectation, chunks: list[Chunk], heard: str
) -> None:
    parts = digits_in(" ".join(chunk.text for chunk in chunks))
    most = max(len(heard), len(parts))
    agreement = in_order(heard, parts) / most if most else 1.0
    findings.check(
        "agreement",
        agreement,
        f"text and chunks do not agree: {agreement:.0%} of their digits are in both in order, at "
        f"least {expectation.min_agreement:.0%} are expected",
        at_least=expectation.min_agreement,
    )
    wrong = misplaced(chunks, expectation.seconds, expectation.timestamp_slack_seconds)
    if not chunks:
        wrong = ["there are no chunks, though timestamps were asked for"]
    findings.check(
        "timestamps",
        len(wrong),
        f"the timestamps make no sense: {'; '.join(wrong[:3])}",
        at_most=0.0,
    )


def _response(transcript: Transcript) -> str:
    chunks = transcript.chunks or []
    return record(
        {
            "text": transcript.text,
            "chunks": [msgspec.to_builtins(chunk) for chunk in chunks[:20]],
        }
    )


def _wav(samples: "np.ndarray[tuple[int], np.dtype[np.int16]]") -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(RATE)
        sound.writeframes(samples.tobytes())
    return file.getvalue()


def _mp3(samples: "np.ndarray[tuple[int], np.dtype[np.int16]]") -> bytes:
    import av

    file = io.BytesIO()
    with av.open(file, "w", format="mp3") as container:
        stream = container.add_stream("libmp3lame", rate=RATE, layout="mono")
        stream.bit_rate = _MP3_BIT_RATE
        frame = av.AudioFrame.from_ndarray(samples[np.newaxis], format="s16", layout="mono")
        frame.sample_rate = RATE
        for packet in (*stream.encode(frame), *stream.encode(None)):
            container.mux(packet)
    return file.getvalue()


KIND: Final = Kind(
    name=NAME,
    make=make,
    fee_units=fee_units,
    media_urls=media_urls,
    prove=prove,
    checks=("digits", "extra", "agreement", "timestamps"),
)
