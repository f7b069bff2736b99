"""Names that people can tell apart."""

from random import Random
from typing import Final

_FIRST: Final = (
    "amber",
    "brisk",
    "calm",
    "deft",
    "early",
    "fair",
    "glad",
    "hardy",
    "ivory",
    "keen",
)
_SECOND: Final = ("otter", "heron", "lynx", "marten", "osprey", "badger", "falcon", "ibex", "stoat")


def draw_name(rng: Random, number: int) -> str:
    """A name for the `number`-th of a network, such as `amber-otter-03`."""
    return f"{rng.choice(_FIRST)}-{rng.choice(_SECOND)}-{number:02}"
