"""Processes that use one embedded store: `python -m tests.stores.children WHAT PATH`."""

import asyncio
import sys
from pathlib import Path

from exporter.stores.embedded import EmbeddedStore
from tests.measurements import START, good

BATCH = 250


async def write_for_ever(path: Path) -> None:
    """Write batch after batch from the cursor on; print each cursor once it is stored."""
    store = EmbeddedStore.open(path)
    cursor = await store.cursor("box")
    while True:
        batch = [
            (seq, good(f"m{seq}", started_at=START + seq, response=f"{seq} " * 50))
            for seq in range(cursor + 1, cursor + BATCH + 1)
        ]
        await store.write("box", batch)
        cursor += BATCH
        sys.stdout.write(f"{cursor}\n")
        sys.stdout.flush()


async def hold(path: Path) -> None:
    """Keep the store open until killed."""
    store = EmbeddedStore.open(path)
    sys.stdout.write("open\n")
    sys.stdout.flush()
    await asyncio.to_thread(sys.stdin.readline)
    await store.close()


if __name__ == "__main__":
    asyncio.run({"write-for-ever": write_for_ever, "hold": hold}[sys.argv[1]](Path(sys.argv[2])))
