"""Which orchestrators a pool leaves out, and for how many refreshes."""


class Suspender:
    """Counts refreshes; an orchestrator is left out until the count has passed its number."""

    def __init__(self) -> None:
        self.until: dict[str, int] = {}
        self.count = 0

    def suspend(self, url: str, penalty: int) -> None:
        """Leave it out for `penalty` refreshes from now, whatever was said before."""
        self.until[url] = self.count + penalty

    def suspended(self, url: str) -> int:
        """Its number, or 0 where it is not left out (any more)."""
        if self.until.get(url, 0) < self.count:
            self.until.pop(url, None)
        return self.until.get(url, 0)

    def refreshed(self) -> None:
        """Count one refresh."""
        self.count += 1
