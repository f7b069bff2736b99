"""What the panels for who runs gateways must show."""

from typing import Final

from exporter.model import Measurement
from tests.dashboards.asking import Labels
from tests.dashboards.truths.question import (
    OFFER,
    Question,
    Values,
    folded,
    good,
    number,
    only,
    warm,
    wei,
)
from tests.dashboards.truths.truth import (
    Truth,
    busy,
    counted,
    failed,
    in_a_row,
    last_of,
    now,
    offered,
    success,
    took,
)
from tests.dashboards.who import RESTART
from tests.measurements import SECOND

SPELL: Final = 3
LONG: Final = 6
_REGION: Final = ("region", "pipeline")
_WHERE: Final = (0, 1, 2, 3)


def _each(question: Question) -> Values:
    """Failures in a row of each orchestrator, of its model that has most."""
    return folded(only(question.streaks(), 0), max)


def _how_many(least: int) -> Truth:
    def of(question: Question) -> Values:
        fails = [float(value >= least) for value in _each(question).values()]
        return {(): sum(fails)} if fails else {}

    return now(of)


def _tested(question: Question) -> Values:
    return folded([((), value) for value in _each(question).values()], number)


def _failing(question: Question) -> set[Labels]:
    now_failing = folded(only(question.streaks(), *_WHERE), max)
    return {labels for labels, value in now_failing.items() if value > 0}


def _last_good(question: Question) -> Values:
    """Of those that fail now, milliseconds; nothing of who never succeeded."""
    failing = _failing(question)
    found = last_of(question, good)
    moments = folded([(key[:4], job.started_at / 1e6) for key, job in found.items()], max)
    return {labels: value for labels, value in moments.items() if labels in failing}


def _last_failure(question: Question) -> Values:
    failing = _failing(question)
    found = last_of(question, lambda job: not job.ok)
    return folded(
        [
            ((*key[:4], *_verdict(job)), job.started_at / 1e6)
            for key, job in found.items()
            if key[:4] in failing and not _forgotten(job)
        ],
        max,
    )


def _forgotten(job: Measurement) -> bool:
    """What the first station's series do not tell since it started anew."""
    return job.tester == "tester-1" and job.started_at < RESTART * SECOND


def _verdict(job: Measurement) -> tuple[str, str]:
    return job.outcome.value, "none" if job.blame is None else job.blame.value


def _who(question: Question) -> Values:
    """Over time, of those that were in a spell at any time of the range."""
    range_of = question.during(question.first, question.last)
    spelled = {labels for labels, most in _each(range_of).items() if most >= SPELL}
    return {labels: value for labels, value in _each(question).items() if labels in spelled}


def _recovered(question: Question) -> Values:
    """Longest spells of those whose last job that counts was good."""
    range_of = question.during(question.first, question.last)
    longest = folded(only(range_of.streaks(), *_WHERE), max)
    ended = folded(only(question.streaks(), *_WHERE), max)
    return {
        labels: longest[labels]
        for labels, value in ended.items()
        if value == 0 and longest[labels] >= SPELL
    }


def _how_many_recovered(question: Question) -> Values:
    return {(): float(len(_recovered(question)))} if question.streaks() else {}


def _columns(title: str, by: Labels) -> dict[tuple[str, str], Truth]:
    return {
        (title, "Success"): success(by),
        (title, "Jobs"): counted(by),
        (title, "Round trip"): took("round_trip", by),
        (title, "Busy"): busy(by),
    }


TRUTHS: Final[dict[tuple[str, str], Truth]] = {
    ("Orchestrators that fail in a row", "failing"): _how_many(SPELL),
    ("Orchestrators that fail in a row", "tested"): now(_tested),
    ("Success of all", "Success"): success(),
    ("Busy", "Busy"): busy(),
    ("Recovered", "recovered"): now(_how_many_recovered),
    ("Who fails in a row now?", "In a row"): in_a_row(*_WHERE, least=1),
    ("Who fails in a row now?", "Last good job"): now(_last_good),
    ("Who fails in a row now?", "Last failure"): now(_last_failure),
    ("How many fail in a row, over time", "3 or more"): _how_many(SPELL),
    ("How many fail in a row, over time", "6 or more"): _how_many(LONG),
    ("Who failed in a row, and when", ""): now(_who),
    ("Why?", ""): failed(("outcome",), theirs=True),
    ("Whose failures?", "Failures"): failed(("orchestrator_address", "outcome"), theirs=True),
    ("Who recovered?", "Longest spell"): now(_recovered),
    **_columns("Who serves it well?", OFFER),
    ("Who serves it well?", "In a row"): in_a_row(0, 1, 2),
    ("Who serves it well?", "Price"): offered(wei, max, OFFER, network=False),
    ("Who serves it well?", "Warm"): offered(warm, max, OFFER, network=False),
    **_columns("From where?", _REGION),
}
