"""The job for `image-to-text`."""

from typing import Annotated, Literal

from pydantic import Field

from exporter.settings.pipelines.jobs import MOST_OVERRIDES, Jobs, Override, Parameters


class ImageToText(Parameters):
    """The job for `image-to-text`."""

    size: int = Field(
        default=512,
        ge=128,
        le=4096,
        description="Pixels of each side of the picture that is sent; its area is paid for. "
        "Captioners shrink it to 224 or 384.",
    )
    prompt: str = Field(
        default="a picture of",
        max_length=1000,
        description="Sent with the picture. BLIP goes on where it ends, and its caption has 20 "
        "tokens with it; models that talk take a question, such as `What is in this picture?`. "
        "What a caption repeats of it does not count.",
    )
    max_characters: int = Field(
        default=4000,
        ge=20,
        le=100_000,
        description="A text that is longer is no caption. BLIP writes some 60 characters, models "
        "that talk up to 1,500.",
    )
    min_words: int = Field(
        default=1,
        ge=1,
        le=3,
        description="How many of the three facts, the form, its colour and the ground's colour, "
        "a caption must name, the form or its colour among them. A caption that is always the "
        "same is right by luck in up to 18 % of the jobs where one is asked for, in 11 % where two "
        "are, in 4 % with all three; honest ones do not always name them all.",
    )
    min_share: float = Field(
        default=0.65,
        ge=0,
        le=1,
        description="What is right, as a share of all colours and forms that a caption names. The "
        "form's colour and each wrong colour count 2, the ground's colour and each form 1. The "
        "right colour of a form that is taken for another has 0.67, everything right 1, a list of "
        "all colours and forms 0.2.",
    )
    exempt: list[Literal["length", "words", "share"]] = Field(
        default=[],
        description="Checks that decide nothing. A model that does not write English names "
        "nothing that can be found: exempt it from `words`.",
    )


class ImageToTextOverride(Override, ImageToText):
    """Parameters for some models; every key of `defaults`, as far as it is to differ."""


class ImageToTextJobs(Jobs[ImageToText]):
    """Captions of pictures."""

    defaults: ImageToText = Field(default=ImageToText(), description="For every model.")
    overrides: Annotated[list[ImageToTextOverride], Field(max_length=MOST_OVERRIDES)] = Field(
        default=[], description="For some models."
    )
