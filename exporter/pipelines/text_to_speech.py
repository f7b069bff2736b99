"""The job for `text-to-speech`: a sentence to be spoken."""

import functools
import random
from typing import TYPE_CHECKING, Final

import msgspec

from exporter.model import Artefact, Outcome
from exporter.pipelines.claims import claim_evidence
from exporter.pipelines.findings import Findings
from exporter.pipelines.job import (
    Answer,
    Expectation,
    InvalidArtefact,
    Kind,
    Media,
    Prepared,
    Request,
    Verdict,
)
from exporter.pipelines.sentences import longest, sentences
from exporter.pipelines.sound import Sound, listen
from exporter.pipelines.sound_print import fingerprint
from exporter.pipelines.speech_answer import judged, media_urls
from exporter.pipelines.speech_likeness import Speech, speech

if TYPE_CHECKING:
    # Worker processes import this module, and need neither the settings nor what those import.
    from exporter.settings import TextToSpeech

NAME: Final = "text-to-speech"
UNIT: Final = "character"

_DECODED: Final = 2.0
"""How many times the longest speech is decoded, to be told apart in the record."""


class SpeechExpectation(Expectation, frozen=True, kw_only=True):
    """What the speech must be like."""

    characters: int
    """Of the text."""
    min_seconds_per_character: float
    max_seconds_per_character: float
    min_loudness: float
    """Decibels of full scale."""
    min_in_band: float
    min_rhythm: float
    """Decibels."""
    min_change: float
    """Decibels."""
    min_voiced: float


def make(parameters: "TextToSpeech", model: str, rng: random.Random) -> Prepared:
    """Make a job: sentences of words drawn anew."""
    text = sentences(rng, parameters.sentences)
    body = msgspec.json.encode(
        {"model_id": model, "text": text, "description": parameters.description}
    )
    return Prepared(
        request=Request(
            path=f"/{NAME}",
            headers={"Content-Type": "application/json", "Accept": "application/json"},
            body=body,
            summary=body.decode(),
        ),
        unit=UNIT,
        units=float(len(text)),
        expectation=SpeechExpectation(
            exempt=tuple(parameters.exempt),
            characters=len(text),
            min_seconds_per_character=parameters.min_seconds_per_character,
            max_seconds_per_character=parameters.max_seconds_per_character,
            min_loudness=parameters.min_loudness,
            min_in_band=parameters.min_in_band,
            min_rhythm=parameters.min_rhythm,
            min_change=parameters.min_change,
            min_voiced=parameters.min_voiced,
        ),
    )


def fee_units(parameters: "TextToSpeech") -> float:
    """A thousand for each character of the longest text that can be drawn."""
    return 1000.0 * longest(parameters.sentences)


def prove(expectation: Expectation, answer: Answer) -> Verdict:
    """Judge the answer and its sound."""
    if not isinstance(expectation, SpeechExpectation):
        raise TypeError("a text-to-speech job expects speech")
    return judged(answer, functools.partial(_judge, expectation))


def _judge(expectation: SpeechExpectation, media: Media) -> Verdict:
    findings = Findings(expectation.exempt)
    most = expectation.max_seconds_per_character * expectation.characters
    try:
        sound = listen(media.body, max_seconds=_DECODED * most)
    except InvalidArtefact as error:
        return Verdict(outcome=Outcome.INVALID_ARTEFACT, message=str(error))
    findings.note(*claim_evidence(sound.kind, media.content_type))
    artefact = Artefact(
        kind=sound.kind,
        bytes=sound.bytes,
        sha256=sound.sha256,
        fingerprint=fingerprint(sound.samples),
    )
    found = speech(sound)
    if found is None:
        return Verdict(
            outcome=Outcome.INVALID_ARTEFACT,
            message=f"the sound is silent, for all of its {sound.seconds:.1f} s",
            artefacts=(artefact,),
        )
    _check_loudness(findings, expectation, found)
    _check_length(findings, expectation, sound, found)
    _check_likeness(findings, expectation, found)
    return findings.verdict(artefacts=(artefact,))


def _check_loudness(findings: Findings, expectation: SpeechExpectation, found: Speech) -> None:
    findings.check(
        "loudness",
        found.loudness,
        f"the sound is silent: {found.loudness:.0f} dB of full scale, at least "
        f"{expectation.min_loudness:.0f} are expected",
        at_least=expectation.min_loudness,
        outcome=Outcome.INVALID_ARTEFACT,
    )


def _check_length(
    findings: Findings, expectation: SpeechExpectation, sound: Sound, found: Speech
) -> None:
    characters = expectation.characters
    least = expectation.min_seconds_per_character
    findings.check(
        "shortest",
        found.seconds / characters,
        f"{found.seconds:.1f} s of speech are too short for a text of {characters} characters, at "
        f"least {least * characters:.1f} s are expected",
        at_least=least,
    )
    most = expectation.max_seconds_per_character
    findings.check(
        "longest",
        sound.seconds / characters,
        f"{sound.seconds:.1f} s are too long for a text of {characters} characters, at most "
        f"{most * characters:.1f} s are expected",
        at_most=most,
    )


def _check_likeness(findings: Findings, expectation: SpeechExpectation, found: Speech) -> None:
    findings.check(
        "in_band",
        found.in_band,
        f"{found.in_band:.0%} of the power lies between 100 and 4000 Hz, where speech has its own; "
        f"at least {expectation.min_in_band:.0%} are expected",
        at_least=expectation.min_in_band,
        outcome=Outcome.INVALID_ARTEFACT,
    )
    findings.check(
        "rhythm",
        found.rhythm,
        f"the sound has no syllables and pauses: quiet and loud parts are {found.rhythm:.1f} dB "
        f"apart, at least {expectation.min_rhythm:.1f} are expected",
        at_least=expectation.min_rhythm,
        outcome=Outcome.INVALID_ARTEFACT,
    )
    findings.check(
        "change",
        found.change,
        "the sound is noise, or stays the same: its spectrum changes by "
        f"{found.change:.1f} dB within 80 ms, at least {expectation.min_change:.1f} are expected",
        at_least=expectation.min_change,
        outcome=Outcome.INVALID_ARTEFACT,
    )
    findings.check(
        "voiced",
        found.voiced,
        f"nobody's voice is to be heard: for {found.voiced:.0%} of the time there is a pitch, at "
        f"least {expectation.min_voiced:.0%} are expected",
        at_least=expectation.min_voiced,
        outcome=Outcome.INVALID_ARTEFACT,
    )


KIND: Final = Kind(
    name=NAME,
    make=make,
    fee_units=fee_units,
    media_urls=media_urls,
    prove=prove,
    checks=("loudness", "shortest", "longest", "in_band", "rhythm", "change", "voiced"),
)
