"""What the schedule must not forget over a restart, in the form in which the outbox keeps it."""

import logging
from collections.abc import Callable, Iterator
from typing import Any, Final

import msgspec

from exporter.model import Target
from exporter.probing.scheduling.bounds import Bounds
from exporter.probing.scheduling.courtesy import JobsOfDay
from exporter.probing.scheduling.ledger import Spent
from exporter.probing.scheduling.rounds import Rounds

ROUNDS: Final = "rounds"
"""Reports of the latest rounds, oldest first."""
COLD: Final = "cold"
"""When models that are not warm were last tested."""
SPENDING: Final = "spending"
"""Today's jobs, and what they cost, on this and on the latest days."""
HELD_BACK: Final = "held_back"
"""Targets that a bound keeps from being tested, with the reason."""
TOPICS: Final = (ROUNDS, COLD, SPENDING, HELD_BACK)

log = logging.getLogger(__name__)


class _Today(msgspec.Struct):
    spent: Spent
    jobs: JobsOfDay
    days: list[Spent] = []
    """Those before it."""


class Notices:
    """Says what changed, to be published now and then; takes it back after a restart.

    What was counted after the last `changed` is lost when the process is killed.
    """

    def __init__(self, rounds: Rounds, bounds: Bounds) -> None:
        self._rounds = rounds
        self._bounds = bounds
        self._versions: dict[str, object] = {topic: self._version(topic) for topic in TOPICS}
        # Which bounds held at the last run means nothing now: say at once which do.
        self._versions[HELD_BACK] = None

    def changed(self) -> Iterator[tuple[str, bytes]]:
        """Topics that changed since they were last taken, each with its new payload.

        The last one counts as taken only when the next is asked for: it may not be published.
        """
        for topic in TOPICS:
            version = self._version(topic)
            if version != self._versions[topic]:
                yield topic, msgspec.json.encode(self._content(topic))
                self._versions[topic] = version

    def restore(self, topic: str, payload: bytes | None) -> None:
        """Go on with what was published before a restart; what cannot be read is dropped."""
        restorers: dict[str, Callable[[bytes], None]] = {
            ROUNDS: self._restore_rounds,
            COLD: self._restore_cold,
            SPENDING: self._restore_today,
        }
        if payload is None or topic not in restorers:
            return
        try:
            restorers[topic](payload)
        except msgspec.DecodeError:
            log.warning("what was known before the restart cannot be read: %s", topic)
        self._versions[topic] = self._version(topic)

    def _version(self, topic: str) -> object:
        bounds = self._bounds
        if topic == ROUNDS:
            return self._rounds.ended
        if topic == COLD:
            return bounds.courtesy.cold_tests
        if topic == SPENDING:
            spent, minute = bounds.spending.today, 60
            return spent.day, bounds.courtesy.today.day, bounds.changes, spent.seconds // minute
        return dict(bounds.held_back)

    def _content(self, topic: str) -> object:
        bounds = self._bounds
        if topic == ROUNDS:
            return list(self._rounds.reports)
        if topic == COLD:
            return list(bounds.courtesy.cold.items())
        if topic == SPENDING:
            *days, today = bounds.spending.ledger.days
            return _Today(today, bounds.courtesy.today, days)
        return list(bounds.held_back.items())

    def _restore_rounds(self, payload: bytes) -> None:
        self._rounds.reports.extend(msgspec.json.decode(payload, type=list[dict[str, Any]]))

    def _restore_cold(self, payload: bytes) -> None:
        self._bounds.courtesy.restore_cold(
            msgspec.json.decode(payload, type=list[tuple[Target, int]])
        )

    def _restore_today(self, payload: bytes) -> None:
        today = msgspec.json.decode(payload, type=_Today)
        self._bounds.spending.ledger.restore([*today.days, today.spent])
        self._bounds.courtesy.restore_day(today.jobs)
