"""How fast things happen in a stack that shows a simulated network."""

from typing import Final, NamedTuple


class Pace(NamedTuple):
    """Whole seconds between the steps on the way from a failed job to a message."""

    interval: int
    """From one round of jobs to the next."""
    scrape: int = 5
    evaluation: int = 5
    group_wait: int = 2
    group_interval: int = 10


BRISK: Final = Pace(interval=20)
"""An orchestrator that is down has a message written about it after a minute."""
