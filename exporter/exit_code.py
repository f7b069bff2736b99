"""What the exit codes of the programs mean."""

OK = 0
FAILED = 1
"""Done, and the answer is no."""
USAGE = 2
"""Wrong usage or settings."""
ENVIRONMENT = 3
"""The surroundings do not allow it: port in use, data folder locked, full or read-only, a program
that is not as the settings say, nobody who could be tested."""
INTERRUPTED = 130
