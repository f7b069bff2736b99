"""One row of a table of words: what a text means if a pattern covers the whole of it."""

import re

import msgspec

from exporter.model import Blame, Outcome
from exporter.probing.lane_log.cause import Cause


class Row(msgspec.Struct, frozen=True):
    """A pattern, and the cause that its words name."""

    pattern: re.Pattern[str]
    cause: Cause


def row(
    pattern: str,
    outcome: Outcome | None,
    blame: Blame | None,
    words: str,
    *,
    known: bool = True,
    handed_over: bool | None = None,
    repeat: bool = False,
    about_payment: bool = False,
) -> Row:
    """A row whose pattern holds in any spelling and over line breaks."""
    cause = Cause(
        outcome=outcome,
        blame=blame,
        blame_known=known,
        words=words,
        handed_over=handed_over,
        repeat=repeat,
        about_payment=about_payment,
    )
    return Row(re.compile(pattern, re.DOTALL | re.IGNORECASE), cause)


def find(rows: tuple[Row, ...], text: str) -> Cause | None:
    """The cause of the first row that covers the text; `None` if none does."""
    return next((row.cause for row in rows if row.pattern.fullmatch(text)), None)
