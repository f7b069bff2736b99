"""A proxy that makes a server slow: little bandwidth, latency, and stalls.

`python -m tests.services.throttle PORT` listens in front of that port of this machine, prints its
own port, and ends when its standard input is closed. It runs in a process of its own so that it
takes no time from whoever is measured.
"""

import asyncio
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

BANDWIDTH = 20_000
"""Bytes a second, in each direction, of all connections together."""
LATENCY = 0.1
"""Seconds that each piece takes more."""
STALL_EVERY = 5.0
STALL = 2.0
"""Seconds of each `STALL_EVERY` in which nothing passes."""
PIECE = 2000


class Narrow:
    """One direction: what passes waits for its turn."""

    def __init__(self) -> None:
        self._free_at = 0.0

    async def wait(self, size: int) -> None:
        """Wait until so many bytes have passed."""
        now = time.monotonic()
        start = max(now, self._free_at)
        into = start % STALL_EVERY
        start += max(0.0, STALL - into)
        self._free_at = start + size / BANDWIDTH
        await asyncio.sleep(self._free_at - now + LATENCY)


async def serve(port: int) -> None:
    """Pass everything on, slowly, until standard input is closed."""
    there, back = Narrow(), Narrow()

    async def pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter, way: Narrow) -> None:
        try:
            while piece := await source.read(PIECE):
                await way.wait(len(piece))
                sink.write(piece)
                await sink.drain()
        except OSError:
            pass
        finally:
            sink.close()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            onward = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            writer.close()
            return
        await asyncio.gather(pump(reader, onward[1], there), pump(onward[0], writer, back))

    server = await asyncio.start_server(connected, "127.0.0.1", 0, limit=PIECE)
    print(server.sockets[0].getsockname()[1], flush=True)  # noqa: T201 - for who started it
    await asyncio.to_thread(sys.stdin.read)
    server.close()


@asynccontextmanager
async def throttled(port: int) -> AsyncIterator[int]:
    """Run it before a port for the length of the block; gives its own port."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.services.throttle", str(port)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield int(await process.stdout.readline())
    finally:
        process.stdin.close()
        process.kill()
        await process.stdout.read()
        await process.wait()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1])))
