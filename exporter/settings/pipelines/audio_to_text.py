"""The job for `audio-to-text`."""

from typing import Annotated, Literal

from pydantic import Field

from exporter.settings.pipelines.jobs import MOST_OVERRIDES, Jobs, Override, Parameters


class AudioToText(Parameters):
    """The job for `audio-to-text`."""

    digits: int = Field(
        default=12,
        ge=8,
        le=20,
        description="Digits that are spoken; 12 take about 10 seconds, at most 17, and 20 at most "
        "27, less than the 30 seconds that models of speech hear at once.",
    )
    format: Literal["wav", "mp3"] = Field(default="wav", description="Of the file that is sent.")
    return_timestamps: Literal["true", "word", "false"] = Field(
        default="true",
        description="Times for sentences (`true`), for words, or none. Not every runner knows "
        "those of words, and refuses to give them.",
    )
    min_digits: float = Field(
        default=0.8,
        ge=0,
        le=1,
        description="Share of the spoken digits that the text must hold in their order.",
    )
    max_extra: float = Field(
        default=0.25,
        ge=0,
        le=10,
        description="Digits that the text may hold beyond those spoken, as a share of these: "
        "without a bound, a text of all digits in all orders would do. Models add a word or two "
        "of their own to silence.",
    )
    min_agreement: float = Field(
        default=0.8,
        ge=0,
        le=1,
        description="Share of the text's digits that the chunks must hold, too, in their order.",
    )
    timestamp_slack_seconds: float = Field(
        default=1.0,
        ge=0,
        le=60,
        description="Seconds by which a timestamp may be out of order or out of the sound.",
    )
    exempt: list[Literal["digits", "extra", "agreement", "timestamps"]] = Field(
        default=[], description="Checks that decide nothing."
    )


class AudioToTextOverride(Override, AudioToText):
    """Parameters for some models; every key of `defaults`, as far as it is to differ."""


class AudioToTextJobs(Jobs[AudioToText]):
    """Transcripts of spoken digits."""

    defaults: AudioToText = Field(default=AudioToText(), description="For every model.")
    overrides: Annotated[list[AudioToTextOverride], Field(max_length=MOST_OVERRIDES)] = Field(
        default=[], description="For some models."
    )
