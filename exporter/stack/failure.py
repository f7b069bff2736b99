"""What keeps the stack from running."""


class StackError(Exception):
    """The stack cannot run; the message says why, and what to do about it."""
