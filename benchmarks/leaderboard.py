"""The leaderboard API under load: a station with ten million measurements, asked by wrk.

Run with `python -m benchmarks.leaderboard [--points N] [--days D] [--folder F] [--seconds S]`;
needs `wrk` (a package of Debian) and two cores: the station has one to itself, wrk the other.
Filling takes some minutes; with `--folder` what was filled is used again. The round beside it
measures the event loop of a probe process, alone and while a station beside it is asked without a
pause.
"""

import argparse
import asyncio
import hashlib
import hmac
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

import httpx
import yaml

from benchmarks._processes import answer, process, until, write_config
from benchmarks._table import Cell, print_table
from benchmarks.jobs import lag_p99
from benchmarks.stores import TARGETS
from exporter.simulation.network import SimulatedNetwork
from exporter.simulation.population import Profile
from exporter.stores.embedded import EmbeddedStore
from exporter.stores.influx_rollups import DAY
from tests.services.influx_server import free_port

CLIENTS = 64
SECRET = "benchmark"
POST = json.dumps(
    {
        "region": "FRA",
        "orchestrator": "0x" + "ab" * 20,
        "success_rate": 1,
        "round_trip_time": 2.5,
        "errors": [],
        "timestamp": 1_790_000_000,
        "pipeline": "Text to image",
        "model": "posted/model",
        "input_parameters": json.dumps({"prompt": "a red cube " * 20}),
        "response_payload": json.dumps({"images": [{"url": "https://example.org/" + "x" * 200}]}),
    }
)
SAID = "x" * 400


class Load(NamedTuple):
    """What wrk found."""

    a_second: float
    p50: float
    p99: float
    errors: int


def fill(path: Path, number: int, days: int) -> None:
    """Write so many measurements of the last days, whole ones that `raw_stats` can show."""
    import duckdb

    asyncio.run(EmbeddedStore.open(path).close())
    connection = duckdb.connect(path)
    connection.execute("CREATE TEMP TABLE target (n INTEGER, o TEXT, r TEXT, p TEXT, m TEXT)")
    rows = [(n, *target) for n, target in enumerate(TARGETS)]
    connection.executemany("INSERT INTO target VALUES (?, ?, ?, ?, ?)", rows)
    step = days * DAY // number
    first = time.time_ns() - number * step
    connection.execute(
        f"""INSERT INTO ai_job BY NAME
        SELECT {first} + seq * {step} AS time, 'box' AS outbox, seq, o AS orchestrator,
            r AS region, p AS pipeline, m AS model, 'bench' AS tester, 'own' AS origin,
            'b' || seq AS job_id, CASE WHEN good THEN 'ok' ELSE 'inference_timeout' END AS outcome,
            CASE WHEN good THEN NULL ELSE 'orchestrator' END AS blame,
            CASE WHEN good THEN 1.0 ELSE 0.0 END AS success_rate,
            CASE WHEN good THEN 1.0 ELSE 0.0 END AS scored_success,
            CASE WHEN good THEN seconds END AS scored_time,
            CASE WHEN good THEN seconds END AS median_time,
            CASE WHEN good THEN seconds END AS round_trip_time,
            CASE WHEN good THEN time END AS succeeded_at,
            concat('{{"id":"b', seq, '","origin":"own","tester":"bench","region":"', r,
                '","orchestrator":"', o, '","pipeline":"', p, '","model":"', m,
                '","started_at":', time,
                CASE WHEN good THEN ',"outcome":"ok","phases":{{"round_trip":' ELSE concat(
                    ',"outcome":"inference_timeout","blame":"orchestrator",',
                    '"phases":{{"upload":'
                ) END,
                CAST(seconds * 1e9 AS BIGINT), '}},"request":"{{}}","response":"{SAID}"}}'
            ) AS payload
        FROM (
            SELECT seq, random() < 0.9 AS good,
                exp(1 + 0.6 * sqrt(-2 * ln(random() + 1e-12)) * cos(6.2832 * random())) AS seconds
            FROM range({number}) AS all_rows(seq)
        ) JOIN target ON target.n = seq % {len(TARGETS)} ORDER BY seq"""
    )
    connection.close()


@contextmanager
def station(data: Path, log: Path) -> Iterator[str]:
    """A station on a core of its own; gives its URL."""
    url = f"http://127.0.0.1:{free_port()}"
    config = log.with_suffix(".yaml")
    config.write_text(
        yaml.safe_dump(
            {
                "region": "FRA",
                "tester": "bench",
                "data": str(data),
                "sources": {"gateway": [{"url": "http://127.0.0.1:1"}]},
                "station": {"listen": url.removeprefix("http://")},
                "leaderboard": {
                    "secrets": [{"name": "poster", "secret": SECRET}],
                    "max_rows": 10_000_000,
                },
            }
        ),
        encoding="utf-8",
    )
    with log.open("ab") as stream:
        child = subprocess.Popen(
            [
                *("taskset", "-c", "0", sys.executable, "-m", "exporter"),
                *("station", "--config", str(config)),
            ],
            stdout=stream,
            stderr=stream,
        )
    try:
        _wait(f"{url}/api/pipelines")
        yield url
    finally:
        child.terminate()
        child.wait()


def _wait(url: str) -> None:
    for _ in range(1200):
        try:
            if httpx.get(url, timeout=60).status_code == httpx.codes.OK:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    raise TimeoutError(url)


def wrk(url: str, seconds: int, *, clients: int = CLIENTS, script: str | None = None) -> Load:
    """Ask without a pause; with a Lua `script` what that says."""
    command = ["taskset", "-c", "1", "wrk", "-t1", f"-c{clients}", f"-d{seconds}s", "--latency"]
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as file:
        if script is not None:
            file.write(script)
            file.flush()
            command += ["-s", file.name]
        said = subprocess.run([*command, url], check=True, capture_output=True, text=True).stdout
    found = re.search(r"Requests/sec:\s+([\d.]+)", said)
    bad = re.search(r"Non-2xx or 3xx responses: (\d+)", said)
    broken = re.search(
        r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", said
    )
    errors = int(bad.group(1)) if bad else 0
    errors += sum(map(int, broken.groups())) if broken else 0
    assert found is not None, said
    return Load(float(found.group(1)), _latency(said, 50), _latency(said, 99), errors)


def _latency(said: str, percent: int) -> float:
    """Milliseconds."""
    found = re.search(rf"\s{percent}%\s+([\d.]+)(us|ms|s|m)\s", said)
    assert found is not None, said
    return float(found.group(1)) * {"us": 0.001, "ms": 1.0, "s": 1000.0, "m": 60_000.0}[found[2]]


def each(paths: Sequence[str]) -> str:
    """A script that asks one path after another."""
    listed = ",".join(f'"{path}"' for path in paths)
    return (
        f"local paths = {{{listed}}}\nlocal n = 0\n"
        'request = function() n = n % #paths + 1; return wrk.format("GET", paths[n]) end\n'
    )


def posting() -> str:
    """A script that posts the same stat again and again."""
    signature = hmac.new(SECRET.encode(), POST.encode(), hashlib.sha256).hexdigest()
    return (
        f'wrk.method = "POST"\nwrk.body = [=[{POST}]=]\n'
        f'wrk.headers["Authorization"] = "{signature}"\n'
    )


def questions() -> list[tuple[str, str, str | None, int]]:
    """Name, path, script and clients."""
    model = "pipeline=Text%20to%20image&model=text-to-image/model-0"
    orchestrators = sorted({target[0] for target in TARGETS})
    raw = [f"/api/raw_stats?orchestrator={one}&job_type=ai" for one in orchestrators]
    filtered = [f"/api/raw_stats?orchestrator={one}&{model}" for one in orchestrators]
    tops = [f"/api/top_ai_score?orchestrator={one}" for one in orchestrators]
    return [
        ("aggregated_stats, default", "/api/aggregated_stats", None, CLIENTS),
        ("aggregated_stats, one model", f"/api/aggregated_stats?{model}", None, CLIENTS),
        ("top_ai_score, each orchestrator", "", each(tops), CLIENTS),
        ("pipelines", "/api/pipelines", None, CLIENTS),
        ("raw_stats of a day, one orchestrator", raw[0], None, CLIENTS),
        ("raw_stats of a day, one model, each orchestrator", "", each(filtered), 4),
        ("raw_stats of a day, each orchestrator", "", each(raw), 1),
        ("raw_stats of a day, each orchestrator", "", each(raw), 4),
        ("post_stats", "/api/post_stats", posting(), CLIENTS),
    ]


def ask(url: str, seconds: int) -> list[list[Cell]]:
    """What each question takes."""
    rows: list[list[Cell]] = []
    for name, path, script, clients in questions():
        size = len(httpx.get(url + path).content) if path and script is None else 0
        load = wrk(url + path, seconds, clients=clients, script=script)
        rows.append([name, clients, size or "-", load.a_second, load.p50, load.p99, load.errors])
    return rows


async def lag(folder: Path, data: Path | None, seconds: int) -> list[Cell]:
    """The probe's event loop while it tests, beside a station that is asked, or alone."""
    async with (
        SimulatedNetwork(12, profiles=[Profile.FAST]) as network,
        httpx.AsyncClient(trust_env=False, timeout=60) as client,
        AsyncExitStack() as stack,
    ):
        plain = write_config(network, folder, schedule={"interval": 5, "cold_interval": 5})
        probe = f"http://{plain['probe']['listen']}"
        config = str(folder / "config.yaml")
        await stack.enter_async_context(
            process("probe-process", "--together", "--config", config, log=folder / "log")
        )
        await until(lambda: answer(client, f"{probe}/readyz"), "the probe is ready")
        url = stack.enter_context(station(data, folder / "station.log")) if data else None
        # The network and wrk stand for other machines.
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
        if url is None:
            await asyncio.sleep(seconds)
            rate = 0.0
        else:
            path = "/api/aggregated_stats?pipeline=Llm&model=llm/model-0"
            rate = (await asyncio.to_thread(wrk, url + path, seconds)).a_second
        name = "alone" if url is None else "asked by wrk"
        return [name, rate, await lag_p99(client, probe) * 1000]


def beside(data: Path | None, seconds: int) -> list[Cell]:
    """The same in a process of its own, since what has yielded cannot take back."""
    command = [sys.executable, "-m", "benchmarks.leaderboard", "--lag", "--seconds", str(seconds)]
    command += ["--folder", str(data)] if data else []
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE)
    found: list[Cell] = json.loads(done.stdout)
    return found


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--points", type=int, default=10_000_000)
    options.add_argument("--days", type=int, default=90)
    options.add_argument("--folder", type=Path)
    options.add_argument("--seconds", type=int, default=10)
    options.add_argument("--lag", action="store_true", help=argparse.SUPPRESS)
    asked = options.parse_args()
    if asked.lag:
        with tempfile.TemporaryDirectory() as name:
            print(json.dumps(asyncio.run(lag(Path(name), asked.folder, asked.seconds))))
        return
    if shutil.which("wrk") is None:
        sys.exit("there is no wrk: install Debian's package `wrk`")
    with tempfile.TemporaryDirectory() as name:
        folder = asked.folder or Path(name)
        data = folder / "data"
        if not (data / "store.duckdb").exists():
            data.mkdir(parents=True, exist_ok=True)
            fill(data / "store.duckdb", asked.points, asked.days)
        with station(data, folder / "station.log") as url:
            wrk(f"{url}/api/pipelines", asked.seconds)  # what has just started is busy with itself
            rows = ask(url, asked.seconds)
        print_table(
            f"{asked.points:,} measurements of {asked.days} days, "
            f"{len(TARGETS):,} targets; the station on one core",
            ["question", "clients", "bytes", "a second", "p50 ms", "p99 ms", "errors"],
            rows,
        )
        print_table(
            "Event loop of the probe process beside it",
            ["station", "answers a second", "lag p99 ms"],
            [beside(where, 2 * asked.seconds) for where in (None, data)],
        )


if __name__ == "__main__":
    main()
