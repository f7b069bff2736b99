"""Running jobs: the timed transport, the guard, lanes, the schedule and one job's run."""
