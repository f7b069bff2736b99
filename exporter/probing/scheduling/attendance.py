"""Which rounds an orchestrator takes part in at the moment."""

from types import TracebackType
from typing import Self

from exporter.probing.scheduling.rounds import Rounds


class Attendance:
    """Holds the rounds whose cycle one orchestrator runs or waits for, so that they do not end.

    A context manager: whoever leaves takes part in none.
    """

    def __init__(self, rounds: Rounds) -> None:
        self._rounds = rounds
        self._numbers: frozenset[int] = frozenset()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.take()

    def take(self, *numbers: int) -> None:
        """Take part in these rounds, and in no others any more."""
        wanted = frozenset(numbers)
        for number in wanted - self._numbers:
            self._rounds.hold(number)
        left, self._numbers = self._numbers - wanted, wanted
        for number in sorted(left):
            self._rounds.release(number)
