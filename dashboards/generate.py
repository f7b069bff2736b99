"""Writes the JSON of all dashboards, or tells which file is not what the source says.

`python -m dashboards.generate` writes into `dashboards/prometheus/` and `dashboards/influxdb/`;
with `--check` it writes nothing and ends with 1 where something differs.
"""

import sys
from pathlib import Path
from typing import Final

from dashboards.boards import BOARDS
from dashboards.building import text
from dashboards.edition import Edition

FOLDER: Final = Path(__file__).parent


def files() -> dict[Path, str]:
    """What belongs into which file."""
    return {
        FOLDER / edition.value / f"{board.name}.json": text(board, edition)
        for edition in Edition
        for board in BOARDS
    }


def differing(wanted: dict[Path, str]) -> list[Path]:
    """The files that are missing, differ, or should not be there."""
    there = {path for edition in Edition for path in (FOLDER / edition.value).glob("*.json")}
    wrong = there - wanted.keys()
    for path, content in wanted.items():
        if path not in there or path.read_text(encoding="utf-8") != content:
            wrong.add(path)
    return sorted(wrong)


def write(wanted: dict[Path, str]) -> None:
    """Make the folders what the source says."""
    for path in differing(wanted):
        if path in wanted:
            path.parent.mkdir(exist_ok=True)
            path.write_text(wanted[path], encoding="utf-8")
        else:
            path.unlink()


if __name__ == "__main__":
    if "--check" in sys.argv[1:]:
        found = differing(files())
        for one in found:
            sys.stderr.write(f"{one.relative_to(FOLDER.parent)}: `make docs` writes it anew\n")
        sys.exit(1 if found else 0)
    write(files())
