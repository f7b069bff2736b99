"""One answer's files and index, written into a folder."""

import codecs
import hashlib
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

import msgspec

from exporter.kept_answers.choosing import Piece
from exporter.kept_answers.record import ANSWER, INDEX, SENT, TEXT, Kept, KeptFile
from exporter.model import Measurement
from exporter.probing.secrecy import Secrecy

AT_ONCE: Final = 256 * 1024
"""Bytes that are dealt with in one go; hashing and writing them lets the event loop run."""
_MESSAGE_LIMIT: Final = 2000


def write(folder: Path, measurement: Measurement, files: Sequence[Piece], secrecy: Secrecy) -> Kept:
    """Write the files that are kept, and the index of all, and give it. Raises `OSError`."""
    kinds = {artefact.sha256: artefact.kind for artefact in measurement.artefacts}
    written = tuple(_file(folder, piece, kinds, secrecy) for piece in files)
    index = Kept(
        job=measurement.id,
        started_at=measurement.started_at,
        orchestrator=measurement.orchestrator,
        pipeline=measurement.pipeline,
        model=measurement.model,
        outcome=measurement.outcome.value,
        message=measurement.message[:_MESSAGE_LIMIT],
        files=written,
    )
    with (folder / INDEX).open("xb") as file:
        file.write(msgspec.json.encode(index))
    return index


def _file(folder: Path, piece: Piece, kinds: Mapping[str, str], secrecy: Secrecy) -> KeptFile:
    facts = msgspec.structs.replace(
        piece.file,
        claimed=_hidden(piece.file.claimed, secrecy),
        url=_hidden(piece.file.url, secrecy),
    )
    if piece.data is None:
        return facts
    kept = secrecy.hide_in_bytes(piece.data)
    with (folder / facts.name).open("xb") as file:
        for part in _parts(kept):
            file.write(part)
    digest = hashlib.sha256()
    for part in _parts(piece.data):
        digest.update(part)
    sha256 = digest.hexdigest()
    if facts.name == ANSWER and _is_text(kept):
        kinds = {sha256: TEXT}
    found = facts.claimed if facts.name == SENT else kinds.get(sha256)
    return msgspec.structs.replace(
        facts, sha256=sha256, found=found, altered=kept is not piece.data
    )


def _parts(data: bytes) -> Iterator[memoryview]:
    view = memoryview(data)
    for start in range(0, len(data), AT_ONCE):
        yield view[start : start + AT_ONCE]


def _is_text(data: bytes) -> bool:
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        for part in _parts(data):
            decoder.decode(part)
            time.sleep(0)  # lets the event loop run
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _hidden(text: str | None, secrecy: Secrecy) -> str | None:
    return None if text is None else secrecy.hide(text)
