"""Processes that are recorded: `python -m tests.power_loss.children WHAT … FOLDER`."""

import asyncio
import sys
from pathlib import Path

from exporter.outbox import Letter, Outbox
from exporter.stores.embedded import EmbeddedStore
from tests.measurements import START, good
from tests.power_loss.recording import promise

BOUND = 2**20
"""Small, so that the WAL is folded into the file many times."""


async def put(folder: Path, synchronous: str) -> None:
    """Put, deliver, trim and set aside; promise each as it is done."""
    outbox = Outbox.open(
        folder / "outbox.sqlite", max_bytes=BOUND, keep_delivered=5, clock=lambda: 0
    )
    outbox._writer._connection.execute(f"PRAGMA synchronous = {synchronous}")
    note = promise(folder)
    note(f"id {outbox.id}")
    for turn in range(12):
        jobs = [good(f"m{turn}-{n}", response="x" * 1500 * (n + 1)) for n in range(5)]
        for seq in await asyncio.gather(*(outbox.put(job) for job in jobs)):
            note(f"put {seq}")
        letter = Letter(seq, f"letter-{turn}", b"x" * 3000, "why")
        await outbox.set_aside("store", [letter])
        note(f"letter {letter.id}")
        if turn % 3 == 2:
            note(f"delivering {seq - 5}")
            await outbox.advance("store", seq - 5)
            note(f"delivered {seq - 5}")
            await outbox.trim()
    await outbox.close()


async def write(folder: Path) -> None:
    """Write batches to an embedded store; promise the cursor after each."""
    store = EmbeddedStore.open(folder / "store.duckdb")
    note = promise(folder)
    cursor = 0
    for turn in range(12):
        batch = [
            (seq, good(f"m{seq}", started_at=START + seq, response=f"{seq} " * 50))
            for seq in range(cursor + 1, cursor + 40)
        ]
        await store.write("box", batch)
        cursor = batch[-1][0]
        note(f"stored {cursor}")
        if turn == 6:
            await store.close()
            store = EmbeddedStore.open(folder / "store.duckdb")
    await store.close()


if __name__ == "__main__":
    what, *more, where = sys.argv[1:]
    asyncio.run(put(Path(where), *more) if what == "put" else write(Path(where)))
