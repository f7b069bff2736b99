"""A process that posts is killed again and again: no result is lost, none is doubled."""

import asyncio
import os
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from exporter.delivery.post_stats.consumer import consumer_name
from exporter.model import Measurement
from exporter.outbox import Outbox
from tests.delivery.post_stats.original import Fault, Original, serving
from tests.measurements import failed, good
from tests.waiting import eventually, until

ROOT = Path(__file__).parents[3]
KILLS = int(os.environ.get("KILLS", "5"))
SEED = int(os.environ.get("KILL_SEED", "0")) or random.SystemRandom().randrange(1, 10**6)
LAG = 0.5
FAULTS = [Fault.ERROR_BEFORE, Fault.ERROR_AFTER, Fault.CLOSE_BEFORE, Fault.CLOSE_AFTER]


@contextmanager
def poster(outbox: Path, url: str) -> Iterator[subprocess.Popen[bytes]]:
    module = "tests.delivery.post_stats.poster"
    process = subprocess.Popen(
        [sys.executable, "-m", module, str(outbox), url, str(LAG)], cwd=ROOT, stdin=subprocess.PIPE
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def some_jobs(life: int) -> list[Measurement]:
    """Good jobs, and failures that make equal stats."""
    more = [good(f"{life}-{n}", 1 + n / 7, request=f"{life}-{n}") for n in range(8)]
    return more + [failed(f"{life}-f{n}", request=f"failure {life // 2}") for n in range(3)]


@pytest.mark.timeout(60 + 20 * KILLS)
async def test_no_result_is_lost_and_none_is_doubled(tmp_path: Path) -> None:
    print(f"KILLS={KILLS} KILL_SEED={SEED}")  # noqa: T201 - to repeat it
    rng = random.Random(SEED)
    path = tmp_path / "outbox.sqlite"
    outbox = Outbox.open(path, max_bytes=2**26, keep_delivered=0, clock=lambda: 0)
    expected: Counter[str] = Counter()
    async with serving(time.time) as original:
        original.dawdle = lambda: rng.random() * 0.02
        name = consumer_name(original.url)
        await begin(outbox, path, original)
        for life in range(KILLS):
            jobs = some_jobs(life)
            rng.shuffle(jobs)
            expected += Counter(job.request for job in jobs)
            original.faults.extend(rng.choices([Fault.NONE, *FAULTS], [12, 1, 1, 1, 1], k=8))
            mark = original.posts + rng.randrange(1, 7)
            with poster(path, original.url) as process:
                for job in jobs:
                    await outbox.put(job)
                await until(partial(has_posts, original, mark))
                await asyncio.sleep(rng.random() * 0.05)
                process.kill()
        with poster(path, original.url):

            async def all_settled() -> bool:
                return await outbox.cursor(name) == await outbox.last()

            await eventually(all_settled)
        assert original.count() == expected
        assert len(original.questions) >= KILLS / 2
        assert await outbox.dead_letters() == {}
    await outbox.close()


def has_posts(original: Original, count: int) -> bool:
    return original.posts >= count


async def begin(outbox: Outbox, path: Path, original: Original) -> None:
    """Let the leaderboard be known, so that it gets everything from here on."""
    with poster(path, original.url):

        async def known() -> bool:
            return await outbox.notice(consumer_name(original.url)) is not None

        await eventually(known)
