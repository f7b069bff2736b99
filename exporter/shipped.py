"""Where the files are that come with the program: dashboards, and configuration of other programs.

In a checkout they lie at its top level, in an installed wheel beside this module.
"""

from pathlib import Path
from typing import Final, Literal

_HERE: Final = Path(__file__).parent
PLACES: Final = (_HERE / "_shipped", _HERE.parent)


class NotShippedError(Exception):
    """The files are at no place where they could be; the message says where was looked."""


def folder(name: Literal["dashboards", "config"]) -> Path:
    """The folder of this name. Raises `NotShippedError`."""
    for place in PLACES:
        found = place / name
        if found.is_dir() and (place != _HERE.parent or (place / "pyproject.toml").is_file()):
            return found
    looked = " and ".join(str(place / name) for place in PLACES)
    raise NotShippedError(f"the folder `{name}` of the program is neither of {looked}")
