"""The test jobs: parameters and thresholds, pipeline by pipeline, for all models and for some."""

from pydantic import Field

from exporter.settings.pipelines.audio_to_text import AudioToText, AudioToTextJobs
from exporter.settings.pipelines.image_to_image import ImageToImage, ImageToImageJobs
from exporter.settings.pipelines.image_to_text import ImageToText, ImageToTextJobs
from exporter.settings.pipelines.image_to_video import ImageToVideo, ImageToVideoJobs
from exporter.settings.pipelines.jobs import Jobs, Override, Parameters
from exporter.settings.pipelines.llm import Llm, LlmJobs
from exporter.settings.pipelines.segment_anything_2 import (
    SegmentAnything2,
    SegmentAnything2Jobs,
)
from exporter.settings.pipelines.text_to_image import TextToImage, TextToImageJobs
from exporter.settings.pipelines.text_to_speech import TextToSpeech, TextToSpeechJobs
from exporter.settings.pipelines.upscale import Upscale, UpscaleJobs
from exporter.settings.types import Section

__all__ = [
    "AudioToText",
    "AudioToTextJobs",
    "ImageToImage",
    "ImageToImageJobs",
    "ImageToText",
    "ImageToTextJobs",
    "ImageToVideo",
    "ImageToVideoJobs",
    "Jobs",
    "Llm",
    "LlmJobs",
    "Override",
    "Parameters",
    "Pipelines",
    "SegmentAnything2",
    "SegmentAnything2Jobs",
    "TextToImage",
    "TextToImageJobs",
    "TextToSpeech",
    "TextToSpeechJobs",
    "Upscale",
    "UpscaleJobs",
]


class Pipelines(Section):
    """The test jobs, one section a pipeline: `defaults` for every model, `overrides` for some."""

    text_to_image: TextToImageJobs = Field(
        default=TextToImageJobs(), alias="text-to-image", description="Pictures from a text."
    )
    llm: LlmJobs = Field(default=LlmJobs(), description="Answers of a language model.")
    audio_to_text: AudioToTextJobs = Field(
        default=AudioToTextJobs(),
        alias="audio-to-text",
        description="Transcripts of spoken digits.",
    )
    image_to_text: ImageToTextJobs = Field(
        default=ImageToTextJobs(), alias="image-to-text", description="Captions of pictures."
    )
    text_to_speech: TextToSpeechJobs = Field(
        default=TextToSpeechJobs(), alias="text-to-speech", description="Speech from a text."
    )
    image_to_image: ImageToImageJobs = Field(
        default=ImageToImageJobs(), alias="image-to-image", description="Pictures made anew."
    )
    image_to_video: ImageToVideoJobs = Field(
        default=ImageToVideoJobs(), alias="image-to-video", description="Films made from pictures."
    )
    upscale: UpscaleJobs = Field(default=UpscaleJobs(), description="Pictures made larger.")
    segment_anything_2: SegmentAnything2Jobs = Field(
        default=SegmentAnything2Jobs(),
        alias="segment-anything-2",
        description="Masks of one shape.",
    )
