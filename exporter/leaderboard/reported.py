"""What it means that somebody else reports a success rate."""

from exporter.model import Blame, Outcome


def verdict(success_rate: float) -> tuple[Outcome, Blame | None]:
    """Outcome and blame of a job that others report.

    Who reports a failure says that the orchestrator failed: that is what a leaderboard is for. Of
    a job that succeeded in part it is not known whether it was the orchestrator.
    """
    if success_rate >= 1:
        return Outcome.OK, None
    return Outcome.REPORTED_FAILURE, (Blame.ORCHESTRATOR if success_rate <= 0 else Blame.UNKNOWN)
