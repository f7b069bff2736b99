"""How the simulated runners do their jobs, pipeline by pipeline, with small means."""

from collections.abc import Mapping
from typing import Final

from exporter.simulation.craft import (
    audio_to_text,
    image_to_image,
    image_to_text,
    image_to_video,
    llm,
    segment_anything_2,
    text_to_image,
    text_to_speech,
    upscale,
)
from exporter.simulation.craft.product import Craft

_ALL: Final[tuple[Craft, ...]] = (
    text_to_image.CRAFT,
    image_to_image.CRAFT,
    upscale.CRAFT,
    audio_to_text.CRAFT,
    image_to_text.CRAFT,
    image_to_video.CRAFT,
    llm.CRAFT,
    text_to_speech.CRAFT,
    segment_anything_2.CRAFT,
)

CRAFTS: Final[Mapping[str, Craft]] = {craft.pipeline: craft for craft in _ALL}
"""Every pipeline's ways of doing its job, and of not doing it, by the pipeline's name in URIs."""
