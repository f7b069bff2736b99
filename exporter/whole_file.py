"""Files that are there as they were or as they shall be, and never in between."""

import contextlib
import os
from pathlib import Path


def replace(path: Path, body: bytes) -> None:
    """Put a file of this content in the place of what is there, on the disk before it is seen.

    For one writer at a time. Raises `OSError`, and leaves what was there and nothing beside it.
    """
    aside = path.with_suffix(".new")
    try:
        with aside.open("wb") as stream:
            stream.write(body)
            stream.flush()
            os.fsync(stream.fileno())
        aside.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            aside.unlink()
        raise
