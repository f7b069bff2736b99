"""What is kept of one job's answer: a folder with its files and an index.

The folder is `answers/ID` in the data folder, with the answer's body as `answer`, its media as `1`,
`2`, …, the file that was sent with the job as `sent`, and the index. It is there whole or not at
all.
"""

import re
from pathlib import Path
from typing import Final

import msgspec

ANSWER: Final = "answer"
"""Name of the file that is the answer's body."""
SENT: Final = "sent"
"""Name of the file that is the picture or sound that was sent with the job."""
INDEX: Final = "index.json"
INDEX_LIMIT: Final = 64 * 1024
TEXT: Final = "text/plain"
"""What an answer's body is found to be if it is UTF-8; anything else is not known."""

_ID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)
_FILE: Final = re.compile(rf"{ANSWER}|{SENT}|[1-9][0-9]?", re.ASCII)


class KeptFile(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One file of an answer."""

    name: str
    """`answer`, the number of the media, from 1 on, or `sent`."""
    bytes: int
    """Size as it was delivered."""
    claimed: str | None = None
    """The `Content-Type` that it was delivered with: words of a stranger."""
    found: str | None = None
    """What it turned out to be, such as `image/png`; `None` where the proof could not tell."""
    sha256: str | None = None
    """Of the file as it was delivered; `None` for one that was left out."""
    url: str | None = None
    """Where the answer said that it lay: words of a stranger."""
    left_out: str | None = None
    """Why it is not kept."""
    altered: bool = False
    """Whether something that the lane sent in confidence was taken out of it."""


class Kept(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The index: which job it was, and the files of its answer."""

    job: str
    started_at: int
    """Start of the job, Unix nanoseconds."""
    orchestrator: str
    pipeline: str
    model: str
    outcome: str
    message: str = ""
    files: tuple[KeptFile, ...] = ()

    def file(self, name: str) -> KeptFile | None:
        """The file of this name."""
        return next((file for file in self.files if file.name == name), None)


def answers_folder(data: Path) -> Path:
    """Where answers are kept in a data folder."""
    return data / "answers"


def is_job_id(text: str) -> bool:
    """Whether it has the form of the ids that this program gives to its own jobs.

    Ids of other jobs are strangers' texts, and never become part of a path.
    """
    return _ID.fullmatch(text) is not None


def is_file_name(text: str) -> bool:
    """Whether a file of an answer can have this name."""
    return _FILE.fullmatch(text) is not None
