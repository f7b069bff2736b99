"""Processes that use one outbox: `python -m tests.outbox.children WHAT PATH …`."""

import asyncio
import resource
import sys
from pathlib import Path

from exporter.outbox import Outbox, OutboxError
from tests.measurements import good


def _open(path: Path) -> Outbox:
    return Outbox.open(path, max_bytes=2**26, keep_delivered=0, clock=lambda: 0)


async def put_for_ever(path: Path, name: str) -> None:
    """Put from 20 tasks and print each id once it is committed, until killed."""
    outbox = _open(path)

    async def putter(number: int) -> None:
        for turn in range(1_000_000):
            identity = f"{name}-{number}-{turn}"
            seq = await outbox.put(good(identity, response="x" * 500))
            sys.stdout.write(f"{seq} {identity}\n")
            sys.stdout.flush()

    await asyncio.gather(*(putter(number) for number in range(20)))


async def put_some(path: Path, name: str, count: str) -> None:
    """Wait for a line on standard input, then open, put so many, two at a time, and close."""
    sys.stdin.readline()
    outbox = _open(path)
    for n in range(0, int(count), 2):
        await asyncio.gather(outbox.put(good(f"{name}-{n}")), outbox.put(good(f"{name}-{n + 1}")))
    await outbox.close()


async def put_beyond_the_limit(path: Path) -> None:
    """Let files grow to 512 KiB only, put until that fails, allow more, put again."""
    outbox = _open(path)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2**19, resource.RLIM_INFINITY))
    stored, refused = 0, 0
    while refused < 3:
        try:
            await outbox.put(good(f"m{stored}", response="x" * 5000))
            stored += 1
        except OutboxError:
            refused += 1
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    await outbox.put(good(f"m{stored}", response="x" * 5000))
    await outbox.close()
    sys.stdout.write(f"{stored + 1}\n")


_WHAT = {
    "put-for-ever": put_for_ever,
    "put-some": put_some,
    "put-beyond-the-limit": put_beyond_the_limit,
}

if __name__ == "__main__":
    asyncio.run(_WHAT[sys.argv[1]](Path(sys.argv[2]), *sys.argv[3:]))  # type: ignore[operator] # each takes its own arguments
