from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from exporter.outbox import Outbox, OutboxFull
from tests.measurements import good

Opener = Callable[..., Outbox]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "outbox.sqlite"


@pytest.fixture
async def opened(path: Path) -> AsyncIterator[Opener]:
    """Opens outboxes on one file, numbered from 1, and closes them at the end."""
    outboxes = []

    def open_one(
        *, max_bytes: int = 2**24, keep_delivered: int = 0, at: Path = path, now: int = 0
    ) -> Outbox:
        outbox = Outbox.open(
            at, max_bytes=max_bytes, keep_delivered=keep_delivered, clock=lambda: now
        )
        outboxes.append(outbox)
        return outbox

    yield open_one
    for outbox in outboxes:
        await outbox.close()


async def put_until_full(outbox: Outbox) -> tuple[int, str]:
    """Put m0, m1, … of 5,000 bytes; gives how many were stored, and why the next was not."""
    stored = 0
    while True:
        try:
            await outbox.put(good(f"m{stored}", response="x" * 5000))
        except OutboxFull as full:
            return stored, str(full)
        stored += 1
