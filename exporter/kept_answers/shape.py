"""What a kept file is, going by what the proof recognised."""

from typing import Final

import msgspec

from exporter.kept_answers.record import TEXT, KeptFile

_UNKNOWN: Final = "application/octet-stream"
_SUFFIXES: Final = {
    "image/png": "png",
    "image/jpeg": "jpg",
    "image/webp": "webp",
    "video/mp4": "mp4",
    "video/webm": "webm",
    "audio/wav": "wav",
    "audio/flac": "flac",
    "audio/mpeg": "mp3",
    "audio/mp4": "m4a",
    "audio/webm": "webm",
    "audio/aac": "aac",
    "audio/ogg": "ogg",
}


class Shape(msgspec.Struct, frozen=True):
    """How a file is handed out."""

    content_type: str
    suffix: str
    inline: bool
    """Whether a browser may show it; else it is to be saved."""

    @property
    def element(self) -> str:
        """What of a page shows it: `image`, `audio`, `video`; empty for nothing."""
        family = self.content_type.partition("/")[0]
        return family if self.inline and family in ("image", "audio", "video") else ""


def shape_of(file: KeptFile) -> Shape:
    """The shape that goes by what the proof found, never by what was claimed."""
    if file.found == TEXT:
        return Shape("text/plain; charset=utf-8", "txt", inline=True)
    suffix = _SUFFIXES.get(file.found or "")
    if suffix is None or file.found is None:
        return Shape(_UNKNOWN, "bin", inline=False)
    return Shape(file.found, suffix, inline=True)
