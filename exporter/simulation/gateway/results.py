"""The typed answers of the pipelines; whatever an orchestrator left out comes out empty."""

from typing import Any

import msgspec


class Media(msgspec.Struct):
    """One picture or video."""

    nsfw: bool = False
    seed: int = 0
    url: str = ""


class Images(msgspec.Struct):
    """`{"images": [...]}`, for pictures and videos."""

    images: list[Media] | None = None


class _Url(msgspec.Struct):
    url: str = ""


class Audio(msgspec.Struct):
    """`{"audio": {"url": ...}}`."""

    audio: _Url = msgspec.field(default_factory=_Url)


class _Chunk(msgspec.Struct):
    text: str = ""
    timestamp: list[Any] | None = None
    """Seconds; a model that does not know the end says `null`."""


class Transcript(msgspec.Struct):
    """The answer of audio-to-text."""

    chunks: list[_Chunk] | None = None
    text: str = ""


class Caption(msgspec.Struct):
    """The answer of image-to-text."""

    text: str = ""


class Masks(msgspec.Struct):
    """The answer of segment-anything-2."""

    logits: str = ""
    masks: str = ""
    scores: str = ""


class _Words(msgspec.Struct):
    content: str = ""
    role: str = ""


class Choice(msgspec.Struct, omit_defaults=True):
    """One choice of a language model, whole (`message`) or in part (`delta`)."""

    delta: _Words | None = None
    finish_reason: str | None = None
    index: int | msgspec.UnsetType = msgspec.UNSET
    message: _Words | None = None


class _Usage(msgspec.Struct):
    completion_tokens: int = 0
    prompt_tokens: int = 0
    total_tokens: int = 0


class Words(msgspec.Struct):
    """The answer of a language model, or one event of its stream."""

    choices: list[Choice] | None = None
    created: int = 0
    id: str = ""
    model: str = ""
    usage: _Usage = msgspec.field(default_factory=_Usage)


Result = Images | Audio | Transcript | Caption | Masks | Words

_KINDS: dict[str, type[Result]] = {
    "text-to-speech": Audio,
    "audio-to-text": Transcript,
    "image-to-text": Caption,
    "segment-anything-2": Masks,
    "llm": Words,
}


def read(pipeline: str, body: bytes) -> Result:
    """Decode an answer; `null` gives empty values. Raises `msgspec.DecodeError`."""
    kind = _KINDS.get(pipeline, Images)
    value: Any = msgspec.json.decode(body)
    if value is None:
        return kind()
    return msgspec.convert(value, type=kind)
