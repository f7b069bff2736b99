"""The job for `segment-anything-2`."""

from typing import Annotated, Literal

from pydantic import Field

from exporter.settings.pipelines.jobs import MOST_OVERRIDES, Jobs, Override, Parameters


class SegmentAnything2(Parameters):
    """The job for `segment-anything-2`."""

    size: int = Field(
        default=256,
        ge=128,
        le=1024,
        description="Pixels of each side of the picture that is sent; its area is paid for. The "
        "answer is a text of some 5 bytes a pixel and mask, and 1.4 MB a mask for the logits: "
        "within `limits.response_bytes` as it is by default, up to 1024 for one mask, 512 for "
        "three.",
    )
    multimask_output: bool = Field(
        default=False,
        description="Whether three masks are asked for, the whole and parts of it, of which the "
        "best one counts. One is enough for one clear shape.",
    )
    min_cover: float = Field(
        default=0.01,
        ge=0,
        le=0.5,
        description="Share of the picture that must be in the mask, and out of it, too: what has "
        "less is blank. The shapes cover 0.06 to 0.18.",
    )
    min_iou: float = Field(
        default=0.7,
        ge=0,
        le=1,
        description="Intersection over union of the mask and the shape. The model has above 0.9 "
        "on shapes as clear as these; a disc or an upright box around the point stays below 0.52.",
    )
    exempt: list[Literal["size", "cover", "iou"]] = Field(
        default=[],
        description="Checks that decide nothing.",
    )


class SegmentAnything2Override(Override, SegmentAnything2):
    """Parameters for some models; every key of `defaults`, as far as it is to differ."""


class SegmentAnything2Jobs(Jobs[SegmentAnything2]):
    """Masks of one shape."""

    defaults: SegmentAnything2 = Field(default=SegmentAnything2(), description="For every model.")
    overrides: Annotated[list[SegmentAnything2Override], Field(max_length=MOST_OVERRIDES)] = Field(
        default=[], description="For some models."
    )
