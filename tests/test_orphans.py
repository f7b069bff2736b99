"""Children that have ended are taken note of, and those that somebody waits for are left alone."""

import os

from exporter.orphans import reap


def ended_child() -> int:
    """A child that has ended and nobody has waited for."""
    child = os.posix_spawn("/bin/true", ["true"], {})
    os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)
    return child


def is_there(child: int) -> bool:
    try:
        return os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
    except ChildProcessError:
        return False


def test_every_ended_child_that_is_not_our_own_is_reaped() -> None:
    children = [ended_child() for _ in range(3)]
    assert reap(own=()) >= 3
    assert not any(is_there(child) for child in children)


def test_the_exit_code_of_our_own_child_stays_to_be_had() -> None:
    child = ended_child()
    reap(own={child})
    assert is_there(child)
    os.waitpid(child, 0)


def test_without_children_there_is_nothing_to_do() -> None:
    while reap(own=()):
        pass
    assert reap(own=()) == 0
