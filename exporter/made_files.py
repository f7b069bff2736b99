"""Files of the repository that are made from source: making them, telling which one differs."""

import sys
from collections.abc import Iterable, Mapping
from pathlib import Path


def differing(wanted: Mapping[Path, str], there: Iterable[Path]) -> list[Path]:
    """The files that are missing or differ, and those of `there` that should not be."""
    return sorted(
        path
        for path in {*there, *wanted}
        if not path.is_file() or path.read_text(encoding="utf-8") != wanted.get(path)
    )


def make(wanted: Mapping[Path, str], there: Iterable[Path], *, root: Path, check: bool) -> int:
    """Make the files what they should be, or with `check` only tell of those that are not.

    Gives the exit code: 1 if there was something to tell. `root` is what their paths are told
    from.
    """
    found = differing(wanted, there)
    for path in found:
        if check:
            sys.stderr.write(f"{path.relative_to(root)}: `make docs` writes it anew\n")
        elif path in wanted:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(wanted[path], encoding="utf-8")
        else:
            path.unlink()
    return 1 if check and found else 0
