"""The network's capability ids, and the pipelines that they stand for."""

from collections.abc import Mapping
from typing import Final

from exporter.model import pipeline_uri

BYOC: Final = 37

_DIGITS: Final = 6

PIPELINES: Final[Mapping[int, str]] = {
    27: "text-to-image",
    28: "image-to-image",
    29: "image-to-video",
    30: "upscale",
    31: "audio-to-text",
    32: "segment-anything-2",
    33: "llm",
    34: "image-to-text",
    35: "live-video-to-video",
    36: "text-to-speech",
    BYOC: "byoc",
}


def pipeline_of(capability: int, names: Mapping[int, str]) -> str:
    """The pipeline in URI form; for an unknown id the name that the answer itself gives it."""
    known = PIPELINES.get(capability)
    if known is not None:
        return known
    return pipeline_uri(names.get(capability, "")) or f"capability-{capability}"


def capability_id(key: str) -> int | None:
    """The number in a text such as `27`; `None` for anything else."""
    plain = key.isascii() and key.isdigit() and len(key) <= _DIGITS
    return int(key) if plain else None
