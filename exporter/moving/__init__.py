"""Bringing measurements from one place to another: files, other leaderboards, other stores.

Whatever is moved is counted and summed up on both sides at the end, see `exporter.moving.tally`.
"""


class MovingError(Exception):
    """What was asked for cannot be done, or was not done whole; the message says what is wrong."""
