"""Whether an answer's media was seen before: the same file, or the same picture recoded."""

from collections import OrderedDict, deque
from collections.abc import Iterable
from typing import Final

from exporter.model import Artefact

DISTANCE: Final = 10
"""Bits of 256 in which two fingerprints of the same picture may differ."""

STRUCTURE: Final = 32
"""A fingerprint whose rarer bit occurs less often is that of a plain surface or gradient: all of
these are alike, so such pictures are compared by their bytes only."""

COMPARED: Final = 4096
"""Newest fingerprints that a picture is compared with; keeps one check well under 1 ms."""

_BITS = 256


class Seen:
    """The newest `limit` media files: their hashes, and the fingerprints of the newest pictures."""

    def __init__(self, limit: int = 20_000, compared: int = COMPARED) -> None:
        self._limit = limit
        self._files: OrderedDict[str, str] = OrderedDict()
        self._pictures: deque[tuple[int, str]] = deque(maxlen=min(compared, limit))

    def __len__(self) -> int:
        return len(self._files)

    def replay_of(self, artefact: Artefact, job_id: str) -> str | None:
        """The id of another job that was answered with this before; `None` if there was none."""
        earlier = self._files.get(artefact.sha256)
        if earlier is not None and earlier != job_id:
            return earlier
        fingerprint = _comparable(artefact.fingerprint)
        if fingerprint is None:
            return None
        for other, owner in self._pictures:
            if (fingerprint ^ other).bit_count() <= DISTANCE and owner != job_id:
                return owner
        return None

    def add(self, artefact: Artefact, job_id: str) -> None:
        """Remember the media of a job. The first job that had a file stays its owner."""
        self._remember(job_id, artefact.sha256, artefact.fingerprint)

    def load(self, entries: Iterable[tuple[str, str, str | None]]) -> None:
        """Remember (job id, sha256, fingerprint) of earlier jobs, oldest first."""
        for job_id, sha256, fingerprint in entries:
            self._remember(job_id, sha256, fingerprint)

    def _remember(self, job_id: str, sha256: str, fingerprint: str | None) -> None:
        if sha256 in self._files:
            self._files.move_to_end(sha256)
            return
        self._files[sha256] = job_id
        while len(self._files) > self._limit:
            self._files.popitem(last=False)
        comparable = _comparable(fingerprint)
        if comparable is not None:
            self._pictures.append((comparable, job_id))


def _comparable(fingerprint: str | None) -> int | None:
    if fingerprint is None:
        return None
    try:
        bits = int(fingerprint, 16)
    except ValueError:
        return None
    ones = bits.bit_count()
    return bits if STRUCTURE <= ones <= _BITS - STRUCTURE else None
