"""What the API counts."""

from collections import Counter


class Counts:
    """Counters since the start of the process."""

    def __init__(self) -> None:
        self.posts: Counter[tuple[str, str]] = Counter()
        """Posts by who posted (empty: nobody knows) and what came of it."""
        self.refused: Counter[str] = Counter()
        """Questions to the leaderboard API that were not answered, by the reason."""
