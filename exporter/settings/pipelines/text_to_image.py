"""The job for `text-to-image`."""

from typing import Annotated, Literal

from pydantic import Field

from exporter.settings.pipelines.jobs import MOST_OVERRIDES, Jobs, Override, Parameters


class TextToImage(Parameters):
    """The job for `text-to-image`."""

    width: int = Field(default=512, ge=64, le=4096, description="Pixels.")
    height: int = Field(default=512, ge=64, le=4096, description="Pixels.")
    num_inference_steps: int = Field(default=4, ge=1, le=200, description="Denoising steps.")
    guidance_scale: float = Field(default=2.0, ge=0, le=50, description="Adherence to the prompt.")
    min_entropy: float = Field(
        default=0.1,
        ge=0,
        le=8,
        description="Bits; a picture whose grey histogram has less is taken for blank. One colour "
        "has none, a few strokes on white paper have 0.2, flat colours 1, photographs 5 to 8.",
    )
    min_structure: float = Field(
        default=0.12,
        ge=0,
        le=1,
        description="Correlation of neighbouring parts, less the smooth surface beneath; below it "
        "there is only noise or a plain gradient. Noise has less than 0.05, photographs and "
        "drawings have 0.35 to 0.95.",
    )
    min_edges: float = Field(
        default=0.05,
        ge=0,
        le=10,
        description="Sharpness of the sharpest parts as a share of the contrast; below it there "
        "are only smooth gradients. These have up to 0.01, a dark thing in fog 0.1 to 0.4, most "
        "pictures 1 to 5.",
    )
    exempt: list[Literal["size", "entropy", "structure", "edges"]] = Field(
        default=[], description="Checks that decide nothing."
    )


class TextToImageOverride(Override, TextToImage):
    """Parameters for some models; every key of `defaults`, as far as it is to differ."""


class TextToImageJobs(Jobs[TextToImage]):
    """Pictures from a text."""

    defaults: TextToImage = Field(default=TextToImage(), description="For every model.")
    overrides: Annotated[list[TextToImageOverride], Field(max_length=MOST_OVERRIDES)] = Field(
        default=[], description="For some models."
    )
