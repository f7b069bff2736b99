"""What a browser may do with a stranger's file: show what the proof recognised, save the rest."""

from typing import Final

from exporter.kept_answers.record import Kept, KeptFile
from exporter.kept_answers.shape import shape_of

_NOTHING: Final = "default-src 'none'; frame-ancestors 'none'; sandbox"
_PLAYER: Final = (
    "default-src 'none'; media-src 'self'; frame-ancestors 'none'; sandbox allow-same-origin"
)
"""A browser plays a file that is opened by itself in a document of its own making, which has to
load the file; scripts stay forbidden."""


def headers_for(kept: Kept, file: KeptFile) -> dict[str, str]:
    """The headers of the answer that hands the file out: nothing in it may run or load."""
    shape = shape_of(file)
    manner = "inline" if shape.inline else "attachment"
    return {
        "Content-Type": shape.content_type,
        "Content-Disposition": f'{manner}; filename="{kept.job}-{file.name}.{shape.suffix}"',
        "Content-Security-Policy": _PLAYER if shape.element in ("audio", "video") else _NOTHING,
        "Cross-Origin-Resource-Policy": "same-origin",
        "Cache-Control": "no-store",
    }
