"""How fast the outbox commits, and how fast and how small the embedded store keeps what it gets.

Run with `python -m benchmarks.outbox [FOLDER]`; takes about 15 seconds. Give a folder on the disk
that matters: the figures are those of its fsync.
"""

import asyncio
import os
import random
import sys
import tempfile
import time
from pathlib import Path
from statistics import quantiles

from benchmarks._table import print_table
from exporter.model import (
    Artefact,
    Blame,
    Check,
    LaneKind,
    Measurement,
    Origin,
    Outcome,
    Phases,
    Step,
    encode,
)
from exporter.outbox import Outbox
from exporter.stores import Where, Window
from exporter.stores.embedded import EmbeddedStore

SECONDS = 3.0
ROWS = 30_000
START = 1_790_000_000_000_000_000
SECOND = 1_000_000_000
WORDS = [
    "a",
    "red",
    "fox",
    "jumps",
    "over",
    "the",
    "green",
    "castle",
    "in",
    "fog",
    "under",
    "stars",
    "beside",
    "a",
    "quiet",
    "river",
]


def job(number: int, chance: random.Random) -> Measurement:
    """A measurement as large and as varied as a real picture job's."""
    ok = chance.random() < 0.9
    orchestrator = f"0x{chance.randrange(60):040x}"
    parts = {
        "connect": chance.randrange(SECOND // 10),
        "tls": chance.randrange(SECOND // 10),
        "upload": chance.randrange(SECOND // 100),
        "inference": chance.randrange(SECOND, 9 * SECOND),
        "download": chance.randrange(SECOND // 5),
    }
    picture = Artefact(
        kind="image/png",
        bytes=chance.randrange(10**6),
        sha256=chance.randbytes(32).hex(),
        width=1024,
        height=1024,
        entropy=chance.random() * 8,
        fingerprint=chance.randbytes(8).hex(),
    )
    return Measurement(
        id=chance.randbytes(16).hex(),
        origin=Origin.OWN,
        tester="benchmark",
        region=chance.choice(["FRA", "LAX", "MDW"]),
        orchestrator=orchestrator,
        pipeline="text-to-image",
        model=chance.choice(["stabilityai/sd-turbo", "ByteDance/SDXL-Lightning"]),
        started_at=START + number * SECOND + chance.randrange(SECOND),
        outcome=Outcome.OK if ok else Outcome.INFERENCE_TIMEOUT,
        blame=None if ok else Blame.ORCHESTRATOR,
        message="" if ok else "no answer within 60 s",
        evidence=() if ok else ("own handshake to the service URI failed during the job",),
        phases=Phases(**parts, round_trip=sum(parts.values())) if ok else Phases(),
        round=number // 100,
        lane=LaneKind.PINNED,
        lane_name="lane-1",
        service_uri=f"https://{orchestrator[-4:]}.example.net:8935",
        address=f"203.0.113.{chance.randrange(256)}:8935",
        http_status=200 if ok else None,
        model_is_warm=True,
        price_per_unit=chance.random() * 1000,
        gpu="NVIDIA GeForce RTX 4090",
        queue_time=chance.randrange(SECOND),
        network_rtt=chance.randrange(SECOND // 10),
        loop_lag=chance.randrange(SECOND // 1000),
        unit="megapixel-step",
        units=6.3,
        request_bytes=chance.randrange(300, 600),
        response_bytes=chance.randrange(200, 400),
        artefacts=(picture,) if ok else (),
        proof=(
            Check(name="size", score=1.0, at_least=1.0),
            Check(name="entropy", score=chance.random(), at_least=0.0),
        )
        if ok
        else (),
        request=f'{{"prompt": "{" ".join(chance.choices(WORDS, k=18))}", "seed": {number}}}',
        response=f'{{"images": [{{"url": "/stream/{chance.randbytes(8).hex()}.png"}}]}}',
        steps=tuple(Step(n * SECOND, f"step {n} of the job as it is logged") for n in range(12)),
    )


def fsyncs(folder: Path) -> float:
    """What the disk itself can do: appends of 4 KiB with fsync, a second."""
    file = os.open(folder / "fsync", os.O_CREAT | os.O_WRONLY | os.O_APPEND)
    count, end = 0, time.perf_counter() + 1.0
    while time.perf_counter() < end:
        os.write(file, b"x" * 4096)
        os.fdatasync(file)
        count += 1
    os.close(file)
    return float(count)


async def put_with(folder: Path, putters: int) -> list[str | float]:
    """Let so many tasks put one measurement after another for `SECONDS`."""
    outbox = Outbox.open(folder / f"{putters}.sqlite", max_bytes=2**31, keep_delivered=0)
    chance = random.Random(putters)
    ready = [job(number, chance) for number in range(2000)]
    waits: list[float] = []
    end = time.perf_counter() + SECONDS

    async def putter(number: int) -> None:
        turn = 0
        while (start := time.perf_counter()) < end:
            one = ready[(number + turn * putters) % len(ready)]
            await outbox.put(_named(one, f"{number}-{turn}"))
            waits.append(time.perf_counter() - start)
            turn += 1

    await asyncio.gather(*(putter(number) for number in range(putters)))
    await outbox.close()
    percentiles = quantiles(waits, n=100)
    return [
        str(putters),
        len(waits) / SECONDS,
        percentiles[49] * 1000,
        percentiles[98] * 1000,
    ]


def _named(measurement: Measurement, identity: str) -> Measurement:
    facts = {name: getattr(measurement, name) for name in measurement.__struct_fields__}
    return Measurement(**{**facts, "id": identity})


async def fill(folder: Path, batch: int) -> list[str | float]:
    """Write `ROWS` measurements in batches of one size and ask for the leaderboard's means."""
    chance = random.Random(batch)
    rows = [(number, job(number, chance)) for number in range(1, ROWS + 1)]
    path = folder / f"{batch}.duckdb"
    store = EmbeddedStore.open(path)
    start = time.perf_counter()
    for first in range(0, ROWS, batch):
        await store.write("benchmark", rows[first : first + batch])
    taken = time.perf_counter() - start
    start = time.perf_counter()
    await store.groups(Window(0, START * 2), Where())
    asked = time.perf_counter() - start
    await store.close()
    return [str(batch), ROWS / taken, path.stat().st_size / ROWS, asked * 1000]


async def main(folder: Path) -> None:
    chance = random.Random(1)
    payload = sum(len(encode(job(number, chance))) for number in range(500)) / 500
    puts = [await put_with(folder, putters) for putters in (1, 32, 200)]
    print_table(
        f"Outbox, durable puts of {payload:,.0f} bytes (the disk alone: "
        f"{fsyncs(folder):,.0f} fsyncs/s)",
        ["putters", "puts/s", "p50 ms", "p99 ms"],
        puts,
    )
    print_table(
        f"Embedded store, {ROWS:,} measurements",
        ["rows a batch", "rows/s", "bytes/row", "all means, ms"],
        [await fill(folder, batch) for batch in (100, 1000, 5000)],
    )


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(dir=sys.argv[1] if sys.argv[1:] else None) as name:
        asyncio.run(main(Path(name)))
