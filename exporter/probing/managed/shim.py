"""How programs are started so that none of them outlives the tester."""

import asyncio
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

# Runs in a bare interpreter, which the program then replaces: nothing of it stays. A preexec_fn
# could do the same, but is not safe in a process with threads. SIGPIPE (13) and SIGXFSZ (25) are
# given back, since Python ignores them and that would be inherited.
_DIE_WITH_PARENT: Final = """\
import ctypes, os, sys
libc = ctypes.CDLL(None)
libc.prctl(1, 9, 0, 0, 0)
libc.signal(13, 0)
libc.signal(25, 0)
if os.getppid() != int(sys.argv[1]):
    os._exit(125)
try:
    os.execv(sys.argv[2], sys.argv[2:])
except OSError as error:
    print("cannot be executed:", error.strerror, flush=True)
    os._exit(126)
"""

NOT_EXECUTED: Final = 126
"""Exit code of a program that the system refuses to execute."""


class Started(NamedTuple):
    """A program that was started, and what it writes; close `pipe` when nothing more is read."""

    process: asyncio.subprocess.Process
    output: asyncio.StreamReader
    pipe: asyncio.ReadTransport


async def spawn(
    program: Path, arguments: Sequence[str], *, environment: Mapping[str, str], folder: Path
) -> Started:
    """Start a program in a session of its own, without input, all output in one pipe.

    On Linux the kernel kills it when the thread that started it ends, however that happens;
    elsewhere see `leftovers`. Raises `OSError` when it cannot be started.
    """
    # Not asyncio's own pipe: with that, the end of a program is only seen when all of its children
    # have closed theirs.
    reading, writing = os.pipe()
    try:
        output, pipe = await _reader(reading)
    except BaseException:
        os.close(writing)
        raise
    try:
        process = await _execute(program, arguments, environment, folder, writing)
    except BaseException:
        pipe.close()
        raise
    finally:
        os.close(writing)
    return Started(process, output, pipe)


def dying_with_us(command: list[str]) -> list[str]:
    """Give a command that the kernel kills when the thread that starts it ends; Linux only."""
    if sys.platform != "linux":
        return command
    return [sys.executable, "-I", "-S", "-c", _DIE_WITH_PARENT, str(os.getpid()), *command]


async def _reader(reading: int) -> tuple[asyncio.StreamReader, asyncio.ReadTransport]:
    loop = asyncio.get_running_loop()
    output = asyncio.StreamReader()
    pipe, _ = await loop.connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(output), os.fdopen(reading, "rb", buffering=0)
    )
    return output, pipe


async def _execute(
    program: Path,
    arguments: Sequence[str],
    environment: Mapping[str, str],
    folder: Path,
    writing: int,
) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *dying_with_us([str(program), *arguments]),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=writing,
        stderr=writing,
        env=dict(environment),
        cwd=folder,
        start_new_session=True,
    )
