"""Which files of an answer are kept."""

from collections.abc import Iterator
from typing import Literal

import msgspec

from exporter.kept_answers.record import ANSWER, SENT, KeptFile
from exporter.pipelines.job import Answer, Request, sent_media

MOST_FILES = 20
"""Files of one job that are kept or listed; no test asks for so many."""
_CLAIM_LIMIT = 100
_URL_LIMIT = 300


class Piece(msgspec.Struct, frozen=True):
    """A file as it was delivered; of one that is left out only the facts."""

    file: KeptFile
    data: bytes | None
    refused: Literal["too_large", "behind"] | None = None
    """Why it is left out: its size, or that too much waits to be written."""


def pieces(
    answer: Answer, request: Request, *, file_bytes: int, on_disk: int, in_memory: int
) -> tuple[Piece, ...]:
    """The files of an answer, its body first, and last the one that was sent with the job.

    One that is larger than `file_bytes`, or than what those before it left of the bytes that one
    answer may take `on_disk`, or of those that may wait `in_memory`, is left out.
    """
    chosen: list[Piece] = []
    for file, data in _files(answer, request):
        if file.bytes > file_bytes:
            chosen.append(_refused(file, f"larger than {file_bytes} bytes (answers.file_bytes)"))
        elif file.bytes > on_disk:
            chosen.append(_refused(file, "more than there is room for (answers.max_bytes)"))
        elif file.bytes > in_memory:
            left = msgspec.structs.replace(file, left_out="too much was to be kept at once")
            chosen.append(Piece(left, None, "behind"))
        else:
            on_disk, in_memory = on_disk - file.bytes, in_memory - file.bytes
            chosen.append(Piece(file, data))
    return tuple(chosen)


def _refused(file: KeptFile, why: str) -> Piece:
    return Piece(msgspec.structs.replace(file, left_out=why), None, "too_large")


def _files(answer: Answer, request: Request) -> Iterator[tuple[KeptFile, bytes]]:
    yield _file(ANSWER, answer.body, answer.content_type), answer.body
    for number, media in enumerate(answer.media[: MOST_FILES - 2], 1):
        yield _file(str(number), media.body, media.content_type, media.url), media.body
    sent = sent_media(request)
    if sent is not None:
        yield _file(SENT, sent.body, sent.content_type), sent.body


def _file(name: str, data: bytes, claimed: str | None, url: str | None = None) -> KeptFile:
    return KeptFile(
        name=name,
        bytes=len(data),
        claimed=None if claimed is None else claimed[:_CLAIM_LIMIT],
        url=None if url is None else url[:_URL_LIMIT],
    )
