"""Answers to be kept, and a keeper for the length of a test."""

import hashlib
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from exporter.kept_answers.keeper import Keeper
from exporter.kept_answers.reading import KeptAnswers
from exporter.kept_answers.record import KeptFile
from exporter.model import Artefact, Measurement, Outcome
from exporter.pipelines.job import Answer, Media, Request
from exporter.probing.secrecy import Secrecy
from exporter.settings import Answers
from tests.measurements import failed, good

NO_SECRETS = Secrecy(())
ASKED = Request(path="/text-to-image", headers={}, body=b"{}", summary="{}")
BODY = b'{"images": [{"url": "https://gateway.example/a.png"}]}'


def identity(number: int) -> str:
    """The id of a job of our own."""
    return str(uuid.UUID(int=number))


def media(data: bytes, claimed: str | None = "image/png") -> Media:
    return Media(url="https://gateway.example/a.png", content_type=claimed, body=data)


def answer(*files: bytes, body: bytes = BODY) -> Answer:
    return Answer(
        body=body, content_type="application/json", media=tuple(media(data) for data in files)
    )


def wrong(number: int, *files: bytes, kind: str = "image/png", **facts: Any) -> Measurement:
    """A job whose answer was wrong; the proof took its files for `kind`."""
    return failed(identity(number), Outcome.WRONG_ANSWER, artefacts=artefacts(files, kind), **facts)


def right(number: int, *files: bytes, kind: str = "image/png", **facts: Any) -> Measurement:
    """A good job; the proof took its files for `kind`."""
    return good(identity(number), artefacts=artefacts(files, kind), **facts)


def artefacts(files: tuple[bytes, ...], kind: str) -> tuple[Artefact, ...]:
    return tuple(
        Artefact(kind=kind, bytes=len(data), sha256=hashlib.sha256(data).hexdigest())
        for data in files
    )


@asynccontextmanager
async def keeper(folder: Path, clock: Any = lambda: 1e9, **settings: Any) -> AsyncIterator[Keeper]:
    keeping = Keeper(folder, Answers(**settings), clock=clock)
    await keeping.start()
    yield keeping
    await keeping.close()


def files_of(folder: Path, number: int) -> dict[str, KeptFile]:
    """The files in a job's index, by name."""
    kept = KeptAnswers(folder).find(identity(number))
    return {} if kept is None else {file.name: file for file in kept.files}


def bytes_of(folder: Path, number: int, name: str) -> bytes | None:
    """What the station would read of a file."""
    answers = KeptAnswers(folder)
    kept = answers.find(identity(number))
    file = None if kept is None else kept.file(name)
    path = None if kept is None or file is None else answers.path(kept, file)
    return None if path is None else path.read_bytes()
