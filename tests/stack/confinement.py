"""Runs a command as confined as the systemd units would, where no systemd runs.

The same system calls, named by systemd itself, no memory both writable and executable, nothing
gained by executing. Used as: python confinement.py FILE WORD..., where FILE has the numbers of the
system calls, one a line.
"""

import ctypes
import os
import struct
import sys
from pathlib import Path

NO_NEW_PRIVILEGES, SECCOMP, REFUSE_EXEC_GAIN = 38, 22, 65
FILTER = 2
ALLOW, REFUSE = 0x7FFF0000, 0x00050001  # the latter: EPERM
LOAD_NUMBER, IS_EQUAL, RETURN = 0x20, 0x15, 0x06


def program(numbers: list[int]) -> bytes:
    """A filter that lets these system calls through and refuses all others."""
    steps = [(LOAD_NUMBER, 0, 0, 0)]
    for number in numbers:
        steps += [(IS_EQUAL, 0, 1, number), (RETURN, 0, 0, ALLOW)]
    steps.append((RETURN, 0, 0, REFUSE))
    return b"".join(struct.pack("HBBI", *step) for step in steps)


def confine(numbers: list[int]) -> None:
    """Confine this process and all that it starts, for good."""
    libc = ctypes.CDLL(None, use_errno=True)
    steps = program(numbers)
    body = ctypes.create_string_buffer(steps)
    head = struct.pack("HxxxxxxP", len(steps) // 8, ctypes.addressof(body))
    for asked in (
        (NO_NEW_PRIVILEGES, 1, 0, 0, 0),
        (REFUSE_EXEC_GAIN, 1, 0, 0, 0),
        (SECCOMP, FILTER, ctypes.c_char_p(head), 0, 0),
    ):
        if libc.prctl(*asked) != 0:
            sys.exit(f"prctl {asked[0]}: {os.strerror(ctypes.get_errno())}")


if __name__ == "__main__":
    confine([int(line) for line in Path(sys.argv[1]).read_text().split()])
    os.execv(sys.argv[2], sys.argv[2:])
