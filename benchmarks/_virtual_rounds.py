"""Rounds of the real schedule in virtual time, beside list scheduling."""

import heapq
from collections.abc import Iterable

from benchmarks._table import Cell
from tests.probing.makespan import SHAPES, Made
from tests.probing.shared_lanes import FewLanes, chains

ORCHESTRATORS = 100
MODELS = 10
LANES = 16
PIN = 0.3
ROUNDS = 2

HEADER = ["jobs", "round", "least s", "ratio", "handed over", "list scheduling"]
"""Of the rows of `virtual_rounds`."""


def virtual_rounds() -> list[list[Cell]]:
    """The first two rounds of every shape of jobs: in the first one no duration is known yet.

    The last column is what remains of the ratio when no chain ever hands its lane over: chains in
    any order in the first round, the longest first in the second.
    """
    rows: list[list[Cell]] = []
    for shape, draw in SHAPES.items():
        made = Made(chains(ORCHESTRATORS, MODELS), draw, FewLanes(LANES, pin=PIN), rounds=ROUNDS)
        least = made.least(LANES, PIN)
        lengths = list(made.chains(PIN).values())
        for number, span in enumerate(made.spans):
            listed = lengths if number == 0 else sorted(lengths, reverse=True)
            rows.append(
                [
                    shape,
                    number + 1,
                    least,
                    span / least,
                    made.switches[number],
                    list_scheduling(listed) / least,
                ]
            )
    return rows


def list_scheduling(lengths: Iterable[float]) -> float:
    """The makespan when each lane takes the next whole chain as soon as it is free."""
    free_at = [0.0] * LANES
    for length in lengths:
        heapq.heapreplace(free_at, free_at[0] + length)
    return max(free_at)
