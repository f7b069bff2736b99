"""The job for `upscale`."""

from typing import Annotated, Literal

from pydantic import Field

from exporter.settings.pipelines.jobs import MOST_OVERRIDES, Jobs, Override, Parameters


class Upscale(Parameters):
    """The job for `upscale`."""

    width: int = Field(
        default=128,
        ge=64,
        le=512,
        multiple_of=64,
        description="Pixels of the picture that is sent; 512 want more memory than most have.",
    )
    height: int = Field(default=128, ge=64, le=512, multiple_of=64, description="Likewise.")
    scale: int = Field(
        default=4, ge=2, le=8, description="How many times wider and higher the answer must be."
    )
    num_inference_steps: int = Field(default=20, ge=1, le=200, description="Denoising steps.")
    min_entropy: float = Field(
        default=0.1,
        ge=0,
        le=8,
        description="Bits; a picture whose grey histogram has less is taken for blank.",
    )
    min_likeness: float = Field(
        default=0.8,
        ge=-1,
        le=1,
        description="Correlation of the answer, shrunk again, with the picture that was sent; "
        "unrelated ones have up to 0.1, larger copies 0.95 and more.",
    )
    min_detail: float = Field(
        default=0.07,
        ge=0,
        le=1,
        description="Share of the contrast that no interpolation of the picture that was sent "
        "explains; plain interpolation has up to 0.02, recoded as JPEG up to 0.065. Networks that "
        "enlarge 4 times have 0.1 to 0.4, such that do it twice 0.06 to 0.2: give them 0.045.",
    )
    exempt: list[Literal["size", "entropy", "likeness", "detail"]] = Field(
        default=[], description="Checks that decide nothing."
    )


class UpscaleOverride(Override, Upscale):
    """Parameters for some models; every key of `defaults`, as far as it is to differ."""


class UpscaleJobs(Jobs[Upscale]):
    """Pictures made larger."""

    defaults: Upscale = Field(default=Upscale(), description="For every model.")
    overrides: Annotated[list[UpscaleOverride], Field(max_length=MOST_OVERRIDES)] = Field(
        default=[], description="For some models."
    )
