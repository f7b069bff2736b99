"""Writes the files of `config/` that are made from the alerts, or tells which one differs.

`python -m exporter.alerting.generate` writes them; with `--check` it writes nothing and ends with 1
where something differs.
"""

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from exporter.alerting.export import made_files
from exporter.made_files import make

FOLDER: Final = Path(__file__).parents[2] / "config"


def wanted() -> dict[Path, str]:
    """What belongs into which file."""
    return {FOLDER / name: text for name, text in made_files().items()}


def there(files: Iterable[Path]) -> set[Path]:
    """What lies in the folders that belong to these files alone."""
    rules = {path.parent for path in files if path.parent.name == "rules"}
    return {path for folder in rules for path in folder.glob("*")}


if __name__ == "__main__":
    files = wanted()
    check = "--check" in sys.argv[1:]
    sys.exit(make(files, there(files), root=FOLDER.parent, check=check))
