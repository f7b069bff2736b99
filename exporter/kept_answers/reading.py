"""The station's side: which answers are kept, and where their files lie."""

from pathlib import Path

import msgspec

from exporter.kept_answers.record import INDEX, INDEX_LIMIT, Kept, KeptFile, is_file_name, is_job_id


class KeptAnswers:
    """Looks answers up by the job's id. All of it reads the disk: call it from a thread."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def find(self, job: str) -> Kept | None:
        """What is kept of a job's answer; `None` for nothing, and for a folder that is damaged."""
        if not is_job_id(job):
            return None
        try:
            with (self._folder / job / INDEX).open("rb") as file:
                index = file.read(INDEX_LIMIT + 1)
            kept = msgspec.json.decode(index, type=Kept)
        except (OSError, msgspec.MsgspecError, ValueError, RecursionError):
            return None
        return kept if kept.job == job and len(index) <= INDEX_LIMIT else None

    def path(self, kept: Kept, file: KeptFile) -> Path | None:
        """Where a file lies; `None` if it was left out, was cleared, or is not whole."""
        if file.left_out is not None or not (is_job_id(kept.job) and is_file_name(file.name)):
            return None
        path = self._folder / kept.job / file.name
        try:
            whole = path.stat().st_size == file.bytes or file.altered
        except OSError:
            return None
        return path if whole else None
