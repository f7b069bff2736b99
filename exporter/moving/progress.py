"""How those who wait are told how far it is."""

from typing import Protocol


class Progress(Protocol):
    """Told of each step forward."""

    def __call__(self, measurements: int, day: str = "") -> None:
        """So many measurements more are done; those that follow are of this day."""
        ...


def unseen(measurements: int, day: str = "") -> None:
    """Nobody waits."""
