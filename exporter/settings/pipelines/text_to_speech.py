"""The job for `text-to-speech`."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from exporter.settings.pipelines.jobs import MOST_OVERRIDES, Jobs, Override, Parameters


class TextToSpeech(Parameters):
    """The job for `text-to-speech`."""

    sentences: int = Field(
        default=1,
        ge=1,
        le=5,
        description="Sentences to be spoken, of about 85 characters or 6 seconds each. Models "
        "that speak for 30 seconds at most do not finish more than three.",
    )
    description: str = Field(
        default="A female speaker delivers a clear speech at a moderate speed, with very little "
        "background noise.",
        max_length=500,
        description="Of the voice, for models that take one; others ignore it.",
    )
    min_seconds_per_character: float = Field(
        default=0.02,
        ge=0,
        le=1,
        description="Shortest speech for the text, without the silence at its ends. People speak "
        "a character in 0.05 to 0.1 seconds, hasty voices in 0.024.",
    )
    max_seconds_per_character: float = Field(
        default=0.5,
        ge=0.01,
        le=1,
        description="Longest file for the text, with all its silence. Slow voices take 0.15; a "
        "model that does not find an end and stops after 30 seconds takes up to 0.46.",
    )
    min_loudness: float = Field(
        default=-60.0,
        ge=-120,
        le=0,
        description="Decibels of full scale; what is fainter is silence. Speech has -35 to -12.",
    )
    min_in_band: float = Field(
        default=0.5,
        ge=0,
        le=1,
        description="Share of the power that must lie between 100 and 4000 Hz; speech has 0.8 and "
        "more, white noise at 44.1 kHz 0.18.",
    )
    min_rhythm: float = Field(
        default=7.0,
        ge=0,
        le=40,
        description="Decibels between the quiet and the loud tenths of the sound, as syllables and "
        "pauses make them. Speech has 14 and more, 8 where it is squeezed or echoes, noise "
        "of one loudness 1 to 5.",
    )
    min_change: float = Field(
        default=4.0,
        ge=0,
        le=40,
        description="Decibels by which the spectrum's shape must change within 80 ms, as one sound "
        "of speech follows the other. Speech has 5 to 14, noise of any kind 3.3 to 3.9, tones "
        "and drones less.",
    )
    min_voiced: float = Field(
        default=0.15,
        ge=0,
        le=1,
        description="Share of the time in which a voice must have a pitch. Speech has 0.35 and "
        "more, 0.2 in an echoing room, a whisper and noise almost nothing.",
    )
    exempt: list[
        Literal["shortest", "longest", "loudness", "in_band", "rhythm", "change", "voiced"]
    ] = Field(default=[], description="Checks that decide nothing.")

    @model_validator(mode="after")
    def _some_length_is_good(self) -> Self:
        if self.min_seconds_per_character >= self.max_seconds_per_character:
            raise ValueError(
                "`min_seconds_per_character` must be less than `max_seconds_per_character`"
            )
        return self


class TextToSpeechOverride(Override, TextToSpeech):
    """Parameters for some models; every key of `defaults`, as far as it is to differ."""


class TextToSpeechJobs(Jobs[TextToSpeech]):
    """Speech from a text."""

    defaults: TextToSpeech = Field(default=TextToSpeech(), description="For every model.")
    overrides: Annotated[list[TextToSpeechOverride], Field(max_length=MOST_OVERRIDES)] = Field(
        default=[], description="For some models."
    )
