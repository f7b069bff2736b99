"""The job for `image-to-video`."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from exporter.settings.pipelines.jobs import MOST_OVERRIDES, Jobs, Override, Parameters


class ImageToVideo(Parameters):
    """The job for `image-to-video`."""

    width: int = Field(
        default=512,
        ge=256,
        le=1024,
        multiple_of=64,
        description="Pixels of the picture that is sent and of the film; a multiple of 64, which "
        "Stable Video Diffusion needs. A gateway pays for `width` x `height` x 25, and by default "
        "not for 1024x576.",
    )
    height: int = Field(default=320, ge=256, le=1024, multiple_of=64, description="Likewise.")
    fps: int = Field(default=6, ge=1, le=30, description="Frames a second.")
    motion_bucket_id: int = Field(
        default=127, ge=1, le=255, description="How much is to move; models may take no notice."
    )
    noise_aug_strength: float = Field(
        default=0.02,
        ge=0,
        le=1,
        description="Noise added to the picture: the more, the less the film is like it.",
    )
    num_inference_steps: int = Field(default=25, ge=1, le=200, description="Denoising steps.")
    min_frames: int = Field(
        default=12,
        ge=2,
        le=300,
        description="Models give 14 frames (Stable Video Diffusion), 25 (its XT) or 161 (LTX).",
    )
    max_frames: int = Field(
        default=300, ge=2, le=500, description="More are not decoded: the film is refused."
    )
    duration_tolerance: float = Field(
        default=6.0,
        ge=1,
        le=10,
        description="How many times shorter than `min_frames` at `fps` a film may be, and longer "
        "than `max_frames`: some runners show their frames at 25 a second, whatever was asked.",
    )
    min_entropy: float = Field(
        default=0.1,
        ge=0,
        le=8,
        description="Bits; a film whose first frame's grey histogram has less is taken for blank.",
    )
    min_likeness: float = Field(
        default=0.5,
        ge=-1,
        le=1,
        description="Correlation of the first frame with the picture that was sent, of its greys, "
        "its colours or its contours, whichever is highest.",
    )
    max_copied: float = Field(
        default=0.87,
        ge=0,
        le=1,
        description="Correlation of the first frame's fine detail with the grain of the picture "
        "that was sent: the picture itself has 0.9 and more in usual codings, a model's frame "
        "0.25 at most, and up to 0.8 if its autoencoder is a fine one.",
    )
    min_motion: float = Field(
        default=0.5,
        ge=0,
        le=255,
        description="Levels of 255 by which the frame that differs most from the first one does: "
        "a still picture has up to 0.46 by what x264 makes of it.",
    )
    min_continuity: float = Field(
        default=0.2,
        ge=-1,
        le=1,
        description="Correlation of each frame with the one before, in the median.",
    )
    exempt: list[
        Literal[
            "size", "frames", "seconds", "entropy", "likeness", "copied", "motion", "continuity"
        ]
    ] = Field(default=[], description="Checks that decide nothing.")

    @model_validator(mode="after")
    def _some_film_can_be_good(self) -> Self:
        if self.min_frames > self.max_frames:
            raise ValueError("`min_frames` must not be more than `max_frames`")
        return self


class ImageToVideoOverride(Override, ImageToVideo):
    """Parameters for some models; every key of `defaults`, as far as it is to differ."""


class ImageToVideoJobs(Jobs[ImageToVideo]):
    """Films made from pictures."""

    defaults: ImageToVideo = Field(default=ImageToVideo(), description="For every model.")
    overrides: Annotated[list[ImageToVideoOverride], Field(max_length=MOST_OVERRIDES)] = Field(
        default=[], description="For some models."
    )
