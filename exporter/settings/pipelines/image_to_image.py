"""The job for `image-to-image`."""

from typing import Annotated, Literal

from pydantic import Field

from exporter.settings.pipelines.jobs import MOST_OVERRIDES, Jobs, Override, Parameters


class ImageToImage(Parameters):
    """The job for `image-to-image`."""

    width: int = Field(
        default=512,
        ge=256,
        le=1024,
        multiple_of=64,
        description="Pixels of the picture that is sent and of the one that is expected; a "
        "multiple of 64, for models cut off what is more.",
    )
    height: int = Field(default=512, ge=256, le=1024, multiple_of=64, description="Likewise.")
    strength: float = Field(
        default=0.5,
        gt=0,
        le=1,
        description="How far the picture may change; instruct-pix2pix takes no notice of it. Near "
        "1 nothing is left of what was sent, and `likeness` fails.",
    )
    num_inference_steps: int = Field(
        default=20,
        ge=1,
        le=200,
        description="Denoising steps; models that know `strength` make that share of them.",
    )
    guidance_scale: float = Field(default=7.5, ge=0, le=50, description="Adherence to the prompt.")
    image_guidance_scale: float = Field(
        default=1.5, ge=1, le=50, description="Adherence to the picture, of instruct-pix2pix."
    )
    min_entropy: float = Field(
        default=0.1,
        ge=0,
        le=8,
        description="Bits; a picture whose grey histogram has less is taken for blank.",
    )
    min_likeness: float = Field(
        default=0.35,
        ge=-1,
        le=1,
        description="Correlation with the picture that was sent, of its greys, its colours or its "
        "contours, whichever is highest; unrelated pictures have 0 with a deviation of 0.1.",
    )
    max_copied: float = Field(
        default=0.5,
        ge=0,
        le=1,
        description="Correlation with the grain of the picture that was sent; copies have 0.65 to "
        "1, pictures made anew up to 0.25.",
    )
    min_novelty: float = Field(
        default=0.08,
        ge=0,
        le=1,
        description="Share of the contrast that no filter of the picture that was sent explains; "
        "blurred copies have less than 0.07, pictures made anew more than 0.15.",
    )
    exempt: list[Literal["size", "entropy", "likeness", "copied", "novelty"]] = Field(
        default=[], description="Checks that decide nothing."
    )


class ImageToImageOverride(Override, ImageToImage):
    """Parameters for some models; every key of `defaults`, as far as it is to differ."""


class ImageToImageJobs(Jobs[ImageToImage]):
    """Pictures made from pictures."""

    defaults: ImageToImage = Field(default=ImageToImage(), description="For every model.")
    overrides: Annotated[list[ImageToImageOverride], Field(max_length=MOST_OVERRIDES)] = Field(
        default=[], description="For some models."
    )
