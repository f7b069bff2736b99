"""What a combined node makes of its runner's answer, pipeline by pipeline.

The runner's API has a few known answers. What an answer outside of it leads to depends on the
pipeline: a crash of the node's handler, an error, or the JSON value `null` with status 200.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from exporter.simulation.workload import Job, Media, Reply

PIPELINES: Final = (
    "text-to-image",
    "image-to-image",
    "image-to-video",
    "upscale",
    "text-to-speech",
    "audio-to-text",
    "image-to-text",
    "segment-anything-2",
    "llm",
)
"""The batch pipelines, in URI form."""

_CONTAINER: Final[Mapping[str, str]] = {"segment-anything-2": "segment anything 2", "llm": "LLM"}
_KNOWN: Final = frozenset({400, 401, 422, 500})
_ALSO_KNOWN: Final[Mapping[str, frozenset[int]]] = {
    "audio-to-text": frozenset({413, 415}),
    "image-to-text": frozenset({413}),
}
_NOT_KNOWN: Final[Mapping[str, frozenset[int]]] = {"llm": frozenset({422})}
_CRASHING: Final = frozenset({"text-to-image", "image-to-image", "upscale", "text-to-speech"})
_OK: Final = 200
_VALIDATION: Final = 422


@dataclass(frozen=True)
class Answer:
    """The node's answer: JSON with status 200, or a line of text."""

    status: int
    body: bytes


class Crash(Exception):
    """The node's handler ends without an answer, and what it held is not given back."""


def node_answer(job: Job, reply: Reply, keep: Callable[[Sequence[Media]], list[str]]) -> Answer:
    """Turn a runner's answer into the node's; `keep` stores media and gives their paths.

    Raises `Crash`.
    """
    if job.streams and reply.status != _OK:
        return _failed(f"unexpected status code: {reply.status}")
    name = _CONTAINER.get(job.pipeline, job.pipeline)
    if "json" not in reply.content_type:
        return _outside(job.pipeline, name)
    if reply.status != _OK:
        known = _KNOWN - _NOT_KNOWN.get(job.pipeline, frozenset())
        if reply.status not in known | _ALSO_KNOWN.get(job.pipeline, frozenset()):
            return _outside(job.pipeline, name)
        if job.pipeline == "image-to-text" and reply.status == _VALIDATION:
            name += " "  # A second blank, as the real one has it.
        return _failed(f"{name} container returned {reply.status}: {_told(reply)}")
    try:
        document = msgspec.json.decode(reply.body)
    except (msgspec.DecodeError, RecursionError):
        return _failed("unexpected end of JSON input")
    if reply.media:
        place(document, keep(reply.media))
    return Answer(_OK, msgspec.json.encode(document) + b"\n")


def _outside(pipeline: str, name: str) -> Answer:
    if pipeline in _CRASHING:
        raise Crash
    if pipeline == "image-to-video":
        return _failed(f"{name} container returned no content")
    return Answer(_OK, b"null\n")


def _failed(text: str) -> Answer:
    return Answer(500, text.encode() + b"\n")


def _told(reply: Reply) -> str:
    """The text of a known error: its message, or all of a validation error."""
    try:
        document = msgspec.json.decode(reply.body)
        if reply.status == _VALIDATION:
            return msgspec.json.encode(document).decode()
        return str(document["detail"]["msg"])
    except (msgspec.DecodeError, RecursionError, KeyError, TypeError):
        return ""


def place(document: Any, paths: Sequence[str]) -> None:  # noqa: ANN401 - any JSON
    """Write the paths of the media where the runner's answer has places for them."""
    if "audio" in document:
        document["audio"]["url"] = paths[0]
        return
    for image, path in zip(document["images"], paths, strict=True):
        image["url"] = path
