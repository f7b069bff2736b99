"""When which target is tested: cycles, rounds, turns, and the bounds of courtesy and money."""
