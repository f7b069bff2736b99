"""Importing what web3 brings along, without what it does to the whole process."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def recursion_limit_kept() -> Iterator[None]:
    """Within the block nobody changes the limit of recursion.

    `py_ecc`, which web3 and py-evm import, sets it to 100,000. It is what keeps parsers of hostile
    texts, such as JSON of a thousand brackets, from running out of the stack, which ends the
    process. Not even for the time of an import may it be gone: other threads parse meanwhile.
    """
    setter = sys.setrecursionlimit
    sys.setrecursionlimit = _left_alone
    try:
        yield
    finally:
        sys.setrecursionlimit = setter


def _left_alone(_limit: int, /) -> None:
    """Nothing."""
