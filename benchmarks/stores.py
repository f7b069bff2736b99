"""InfluxDB beside the embedded store: taking measurements in, and the leaderboard's questions.

Run with `python -m benchmarks.stores [--points N] [--days D] [--folder F]`; ten million points take
most of an hour, filling most of that. It needs the built server (`make services`).
The points of the questions have the columns that questions read, and no others.
"""

import argparse
import asyncio
import gzip
import random
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from statistics import median

import httpx
import psutil
from pydantic import SecretStr

from benchmarks._table import Cell, print_table
from benchmarks.outbox import job
from exporter.delivery.feed import Feed
from exporter.delivery.store_writer import StoreWriter
from exporter.outbox import Outbox
from exporter.settings import Influx
from exporter.stores import Row, Store, Where, Window
from exporter.stores.embedded import EmbeddedStore
from exporter.stores.influx import InfluxStore
from exporter.stores.influx_lines import line
from exporter.stores.influx_rollups import DAY, HOUR
from tests.services.influx_server import ORG, InfluxServer, free_port, influx_server

SECOND = 1_000_000_000
BATCH = 5000
INGESTED = 40_000
END = 1_790_000_000 * SECOND // DAY * DAY
ORCHESTRATORS = [f"0x{number:040x}" for number in range(100)]
TARGETS = [
    (orchestrator, region, pipeline, model)
    for orchestrator in ORCHESTRATORS
    for region in ("FRA", "LAX", "MDW")
    for pipeline, models in (("text-to-image", 5), ("llm", 4), ("upscale", 2))
    for model in (f"{pipeline}/model-{number}" for number in range(models))
]
REPEATS = 3
ROLLED = 31
"""Days of which roll-ups are made: the questions go back 30."""
TOKEN = "benchmark-token"


async def through_outbox(folder: Path, server: InfluxServer) -> float:
    """Measurements a second from the outbox into InfluxDB, as the station delivers them."""
    server.bucket("delivered")
    store = InfluxStore.open(_settings(server, "delivered", None))
    outbox = Outbox.open(folder / "outbox.sqlite", max_bytes=2**33, keep_delivered=0)
    chance = random.Random(1)
    await asyncio.gather(*(outbox.put(job(number, chance)) for number in range(INGESTED)))
    feed = Feed(
        StoreWriter(outbox, store, lambda _: True), outbox, random=random.Random(2), batch=BATCH
    )
    start = time.perf_counter()
    feed.stop()
    await feed.run()
    taken = time.perf_counter() - start
    assert await store.count() == INGESTED
    await store.close()
    await outbox.close()
    return INGESTED / taken


def minimal_loop(server: InfluxServer) -> float:
    """The same points a second, made beforehand and sent by a loop that does nothing else."""
    server.bucket("raw")
    chance = random.Random(1)
    lines = [line(Row("box", number, job(number, chance))) for number in range(INGESTED)]
    bodies = [
        gzip.compress("\n".join(lines[at : at + BATCH]).encode(), 1)
        for at in range(0, INGESTED, BATCH)
    ]
    start = time.perf_counter()
    for body in bodies:
        _post(server, "raw", body)
    return INGESTED / (time.perf_counter() - start)


def _post(server: InfluxServer, bucket: str, body: bytes) -> None:
    for _ in range(5):
        answer = httpx.post(
            f"{server.url}/api/v2/write",
            params={"org": ORG, "bucket": bucket, "precision": "ns"},
            content=body,
            headers={"Authorization": f"Token {server.token}", "Content-Encoding": "gzip"},
            timeout=120,
        )
        if answer.status_code == httpx.codes.NO_CONTENT:
            return
    raise AssertionError(answer.text)  # a server that is busy may need more than one try


def points(number: int, days: int) -> Iterator[str]:
    """Line protocol of so many points in order of time, nine of ten good."""
    chance = random.Random(3)
    step = days * DAY // number
    start = END - days * DAY
    for seq in range(number):
        orchestrator, region, pipeline, model = TARGETS[seq % len(TARGETS)]
        at = start + seq * step
        good = chance.random() < 0.9
        tags = (
            f"ai_job,model={model},orchestrator={orchestrator},origin=own,"
            f"outcome={'ok' if good else 'inference_timeout'},pipeline={pipeline},region={region},"
            "tester=bench"
        )
        if good:
            seconds = chance.lognormvariate(1, 0.6)
            yield (
                f"{tags} scored_success=1.0,scored_time={seconds},median_time={seconds},"
                f"inference_time={seconds * 0.9},upload_time={seconds * 0.01},"
                f"round_trip_time={seconds},started_at={at}i,success_seq={seq}i,seq={seq}i,"
                f"succeeded_at={at}i {_point_time(at, seq)}"
            )
        else:
            yield (
                f"{tags} scored_success=0.0,started_at={at}i,failure_seq={seq}i,seq={seq}i "
                f"{at + seq % SECOND}"
            )


def _point_time(at: int, seq: int) -> int:
    return at // SECOND * SECOND + seq % SECOND


def fill_influx(server: InfluxServer, number: int, days: int) -> None:
    """Write the points of the questions."""
    lines: list[str] = []
    for text in points(number, days):
        lines.append(text)
        if len(lines) == 2 * BATCH:
            _post(server, "points", gzip.compress("\n".join(lines).encode(), 1))
            lines.clear()
    if lines:
        _post(server, "points", gzip.compress("\n".join(lines).encode(), 1))


def fill_embedded(path: Path, number: int, days: int) -> None:
    """Write points of the same shape with SQL."""
    import duckdb

    asyncio.run(EmbeddedStore.open(path).close())
    connection = duckdb.connect(path)
    connection.execute("CREATE TEMP TABLE target (n INTEGER, o TEXT, r TEXT, p TEXT, m TEXT)")
    rows = [(n, *target) for n, target in enumerate(TARGETS)]
    connection.executemany("INSERT INTO target VALUES (?, ?, ?, ?, ?)", rows)
    step = days * DAY // number
    connection.execute(
        f"""INSERT INTO ai_job BY NAME
        SELECT {END - days * DAY} + seq * {step} AS time, 'box' AS outbox, seq, o AS orchestrator,
            r AS region, p AS pipeline, m AS model, tester, origin,
            CASE WHEN good THEN 'ok' ELSE 'inference_timeout' END AS outcome,
            CASE WHEN good THEN NULL ELSE 'orchestrator' END AS blame,
            CASE WHEN good THEN 1.0 ELSE 0.0 END AS scored_success,
            CASE WHEN good THEN seconds END AS scored_time,
            CASE WHEN good THEN seconds END AS median_time,
            CASE WHEN good THEN seconds END AS round_trip_time,
            CASE WHEN good THEN seconds * 0.9 END AS inference_time,
            CASE WHEN good THEN seconds * 0.01 END AS upload_time,
            CASE WHEN good THEN time END AS succeeded_at, '' AS payload
        FROM (
            SELECT seq, 'bench' AS tester, 'own' AS origin, random() < 0.9 AS good,
                exp(1 + 0.6 * sqrt(-2 * ln(random() + 1e-12)) * cos(6.2832 * random())) AS seconds
            FROM range({number}) AS all_rows(seq)
        ) JOIN target ON target.n = seq % {len(TARGETS)} ORDER BY seq"""
    )
    connection.close()


async def ask(name: str, store: Store, process: psutil.Process) -> list[list[Cell]]:
    """Seconds that each question takes over the last day and the last 30 days."""
    one = Where(orchestrator=ORCHESTRATORS[7])
    questions: dict[str, Callable[[Window], Awaitable[object]]] = {
        "means of all": lambda window: store.groups(window, Where()),
        "median of all": lambda window: store.median(window, Where()),
        "medians by model": lambda window: store.medians(window, Where()),
        "means of one orchestrator": lambda window: store.groups(window, one),
        "phases of one orchestrator": lambda window: store.phases(window, one),
    }
    found: list[list[Cell]] = []
    for question, answer in questions.items():
        times = []
        for span in (DAY, 30 * DAY):
            window = Window(END - 17 * HOUR // 10 - span, END - 17 * HOUR // 10)
            taken = []
            for _ in range(REPEATS):
                start = time.perf_counter()
                await answer(window)
                taken.append(time.perf_counter() - start)
            times.append(median(taken))
        found.append([name, question, *times, process.memory_info().rss / 2**20])
    start = time.perf_counter()
    await store.target_states(tester="bench", region="FRA")
    taken_at_start = time.perf_counter() - start
    memory = process.memory_info().rss / 2**20
    found.append([name, "streaks at the start (all days)", taken_at_start, "", memory])
    return found


def _settings(server: InfluxServer, bucket: str, rollup_bucket: str | None) -> Influx:
    return Influx(
        url=server.url,
        org=ORG,
        bucket=bucket,
        rollup_bucket=rollup_bucket,
        token=SecretStr(server.token),
        retention=0,
        timeout=600,
    )


async def heal(store: InfluxStore) -> None:
    """Compute the roll-ups that the questions can use, the newest first."""
    assert store.rollups is not None
    hours = 0
    while hours < ROLLED * 24 and (more := await asyncio.to_thread(store.rollups.heal)):
        hours += more
        print(f"{hours} hours rolled up", flush=True)
    await store.close()


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--points", type=int, default=10_000_000)
    parser.add_argument("--days", type=int, default=90)
    parser.add_argument("--folder", type=Path, help="where the filled stores stay for another time")
    parser.add_argument("--fill-only", action="store_true", help="fill and roll up, ask nothing")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = options.folder or Path(name)
        folder.mkdir(parents=True, exist_ok=True)
        filled = fill(folder, options.points, options.days)
        if not options.fill_only:
            with influx_server(Path(name) / "ingest") as server:
                ingest(server, Path(name))
            questions(folder, options.points, options.days, filled)


def ingest(server: InfluxServer, folder: Path) -> None:
    """How fast measurements get from the outbox into InfluxDB."""
    minimal = minimal_loop(server)
    ours = asyncio.run(through_outbox(folder, server))
    print_table(
        f"Into InfluxDB, {INGESTED:,} measurements, {BATCH:,} a request",
        ["way", "measurements/s", "share"],
        [["minimal loop", minimal, 1.0], ["through the outbox", ours, ours / minimal]],
    )


def fill(folder: Path, number: int, days: int) -> str:
    """Fill both stores, but for what was done before; gives how long each step took."""
    server = InfluxServer(folder / "influx", free_port(), token=TOKEN)
    new = not server.folder.exists()
    server.folder.mkdir(exist_ok=True)
    server.start()
    try:
        if new:
            server.set_up()
            for bucket in ("points", "rolled"):
                server.bucket(bucket)
        store = InfluxStore.open(_settings(server, "points", "rolled"), lambda: END)
        points = _once(folder / "points", lambda: fill_influx(server, number, days))
        rolled = _once(folder / "rolled", lambda: asyncio.run(heal(store)))
    finally:
        server.stop()
    embedded = _once(
        folder / "embedded", lambda: fill_embedded(folder / "store.duckdb", number, days)
    )
    return f"InfluxDB {points} s, roll-ups of {ROLLED} days {rolled} s, embedded {embedded} s"


def _once(note: Path, work: Callable[[], object]) -> str:
    if not note.exists():
        note.write_text(f"{_timed(work):,.0f}")
    return note.read_text()


def _timed(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def questions(folder: Path, number: int, days: int, filled: str) -> None:
    """Ask both stores, which are filled."""
    rows: list[list[Cell]] = []
    server = InfluxServer(folder / "influx", free_port(), token=TOKEN)
    for name, rollup_bucket in (("InfluxDB", None), ("InfluxDB, roll-ups", "rolled")):
        server.start()
        assert server.process is not None
        try:
            store = InfluxStore.open(_settings(server, "points", rollup_bucket), lambda: END)
            store.groups_longer = store.phases_longer = 0
            rows += asyncio.run(ask(name, store, psutil.Process(server.process.pid)))
        finally:
            server.stop()
    embedded = EmbeddedStore.open(folder / "store.duckdb")
    rows += asyncio.run(ask("embedded", embedded, psutil.Process()))
    print_table(
        f"Questions about {number:,} points over {days} days, {len(TARGETS):,} targets; seconds, "
        f"median of {REPEATS} (filled: {filled})",
        ["store", "question", "24 h", "30 days", "RSS MB"],
        rows,
    )


if __name__ == "__main__":
    main()
