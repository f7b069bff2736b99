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
from exporter.made_files import make

FOLDER: Final = Path(__file__).parent


def files() -> dict[Path, str]:
    """What belongs into which file."""
    return {
        FOLDER / edition.value / f"{board.name}.json": text(board, edition)
        for edition in Edition
        for board in BOARDS
    }


def there() -> set[Path]:
    """What lies in the folders of the editions."""
    return {path for edition in Edition for path in (FOLDER / edition.value).glob("*.json")}


if __name__ == "__main__":
    sys.exit(make(files(), there(), root=FOLDER.parent, check="--check" in sys.argv[1:]))
