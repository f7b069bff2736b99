"""What a rule is, and what it finds."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

from dashboards.linting.document import Document, Pair


class Found(NamedTuple):
    """One mistake."""

    where: str
    """Panel, variable or annotation."""
    what: str


OfDocument = Callable[[Document], Iterator[Found]]
"""A rule about one edition; its name is that of the function, its reason the docstring."""
OfPair = Callable[[Pair], Iterator[Found]]
"""A rule about both editions of a dashboard together."""


def named(rule: OfDocument | OfPair) -> str:
    """What a rule is called in findings."""
    return rule.__name__.replace("_", "-")
