"""Writes the files of `config/` that are made from the alerts, or tells which one differs.

`python -m exporter.alerting.generate` writes them; with `--check` it writes nothing and ends with 1
where something differs.
"""

import sys
from pathlib import Path
from typing import Final

from exporter.alerting.export import made_files

FOLDER: Final = Path(__file__).parents[2] / "config"


def wanted() -> dict[Path, str]:
    """What belongs into which file."""
    return {FOLDER / name: text for name, text in made_files().items()}


def differing(files: dict[Path, str]) -> list[Path]:
    """The files that are missing, differ, or should not be there."""
    rules = {path.parent for path in files if path.parent.name == "rules"}
    there = {path for folder in rules for path in folder.glob("*")}
    return sorted(
        path
        for path in there | files.keys()
        if not path.is_file() or path.read_text(encoding="utf-8") != files.get(path)
    )


def write(files: dict[Path, str]) -> None:
    """Make the folder what the source says."""
    for path in differing(files):
        if path in files:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(files[path], encoding="utf-8")
        else:
            path.unlink()


if __name__ == "__main__":
    if "--check" in sys.argv[1:]:
        found = differing(wanted())
        for one in found:
            sys.stderr.write(f"{one.relative_to(FOLDER.parent)}: `make docs` writes it anew\n")
        sys.exit(1 if found else 0)
    write(wanted())
