"""Answers as files for a person who asked for them: whole, and with names that programs know."""

from pathlib import Path

from exporter.kept_answers.choosing import pieces
from exporter.kept_answers.shape import shape_of
from exporter.kept_answers.writing import write
from exporter.model import Measurement
from exporter.pipelines.job import Answer, Request
from exporter.probing.secrecy import Secrecy

_NO_BOUND = 2**62
"""What came is bounded already, by `limits.response_bytes` and `limits.artefact_bytes`."""


class Saving:
    """Saves answers in a folder, each in one of its own that is named after its job."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.told = ""
        """Where the last answer lies, or why it could not be saved."""

    def __call__(
        self, measurement: Measurement, answer: Answer, secrecy: Secrecy, request: Request
    ) -> None:
        """Save an answer, and the file that was sent; never raises."""
        files = pieces(
            answer, request, file_bytes=_NO_BOUND, on_disk=_NO_BOUND, in_memory=_NO_BOUND
        )
        folder = self._folder / measurement.id
        try:
            folder.mkdir()
            for file in write(folder, measurement, files, secrecy).files:
                if file.left_out is None:
                    (folder / file.name).rename(folder / f"{file.name}.{shape_of(file).suffix}")
        except OSError as error:
            self.told = f"the answer could not be saved in {folder}: {error.strerror}"
        else:
            self.told = f"saved in {folder}"
