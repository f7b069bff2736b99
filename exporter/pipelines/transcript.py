"""Answers of the form `{"text", "chunks": [{"timestamp": [start, end], "text"}]}`."""

from collections.abc import Iterator
from typing import Annotated, Final

import msgspec

from exporter.pipelines.job import InvalidResponse
from exporter.pipelines.response import decode

WINDOW_SECONDS: Final = 30.0
"""Models of speech hear windows of this length, filled up with silence; an end may lie anywhere in
the last one."""
TEXT_LIMIT: Final = 20_000
CHUNKS_LIMIT: Final = 2_000

Time = Annotated[float, msgspec.Meta(ge=-1e6, le=1e6)] | None


class Chunk(msgspec.Struct):
    """A part of the text, with its times in seconds from the start of the sound."""

    text: str
    timestamp: tuple[Time, Time]
    """Start and end; `None` where the model could not tell, mostly the end of the last one."""


class Transcript(msgspec.Struct):
    """What was understood."""

    text: str
    chunks: list[Chunk] | None = None


def read_transcript(body: bytes) -> Transcript:
    """Read the answer. Raises `InvalidResponse` for any other form, and for an empty text."""
    transcript = decode(body, Transcript)
    if not transcript.text.strip():
        raise InvalidResponse("the answer's text is empty")
    chunks = transcript.chunks or []
    if len(chunks) > CHUNKS_LIMIT:
        raise InvalidResponse(f"the answer has {len(chunks)} chunks, {CHUNKS_LIMIT} are read")
    length = max(len(transcript.text), sum(len(chunk.text) for chunk in chunks))
    if length > TEXT_LIMIT:
        raise InvalidResponse(f"the text has {length} characters, {TEXT_LIMIT} are read")
    return transcript


def misplaced(chunks: list[Chunk], seconds: float, slack: float) -> list[str]:
    """What is wrong with the times of a sound's chunks; empty where they make sense."""
    return list(_misplaced(chunks, seconds, slack))


def _misplaced(chunks: list[Chunk], seconds: float, slack: float) -> Iterator[str]:
    heard = -(-seconds // WINDOW_SECONDS) * WINDOW_SECONDS
    latest = 0.0
    for number, chunk in enumerate(chunks, 1):
        start, end = chunk.timestamp
        if start is not None:
            if start < latest - slack:
                yield f"chunk {number} starts at {start:.2f} s, after one at {latest:.2f} s"
            if start > heard + slack:
                yield f"chunk {number} starts at {start:.2f} s of {seconds:.2f} s"
            latest = max(latest, start)
        if end is None:
            continue
        if end < latest - slack:
            yield f"chunk {number} ends at {end:.2f} s, and starts at {latest:.2f} s"
        if end > heard + slack:
            yield f"chunk {number} ends at {end:.2f} s of {seconds:.2f} s"
