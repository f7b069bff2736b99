"""All rules by name, and what they find."""

from collections.abc import Iterator
from typing import Final, NamedTuple

from dashboards.edition import Edition
from dashboards.linting import editions, panels, texts, variables
from dashboards.linting.document import Pair
from dashboards.linting.rule import OfDocument, OfPair, named

_OF_DOCUMENTS: Final[tuple[OfDocument, ...]] = (*panels.RULES, *texts.RULES, *variables.RULES)
_OF_PAIRS: Final[tuple[OfPair, ...]] = editions.RULES
RULES: Final[dict[str, OfDocument | OfPair]] = {
    **{named(rule): rule for rule in _OF_DOCUMENTS},
    **{named(rule): rule for rule in _OF_PAIRS},
}


class Mistake(NamedTuple):
    """What a rule found, where."""

    rule: str
    dashboard: str
    edition: Edition | None
    """`None`: both together."""
    where: str
    what: str

    def __str__(self) -> str:
        edition = self.edition or "both editions"
        return f"{self.dashboard} ({edition}): {self.where}: {self.what} [{self.rule}]"


def mistakes(pair: Pair) -> Iterator[Mistake]:
    """Everything that any rule finds in either edition, or in both together."""
    for document in pair.documents:
        for rule in _OF_DOCUMENTS:
            for found in rule(document):
                yield Mistake(named(rule), pair.name, document.edition, *found)
    for of_pair in _OF_PAIRS:
        for found in of_pair(pair):
            yield Mistake(named(of_pair), pair.name, None, *found)
