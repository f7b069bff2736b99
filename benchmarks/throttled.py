"""Whether a slow store disturbs measuring: phase errors with InfluxDB direct and throttled.

Run with `python -m benchmarks.throttled`; takes some three minutes and needs the server that
`make services` builds. The whole program tests a simulated network, whose journal says how long
each job really took, with a real InfluxDB behind it: directly, and behind a proxy that lets 20 kB
a second pass, 100 ms late, and nothing at all in two of five seconds. The runs take turns, so that
what else the machine does falls on both, and jobs run one at a time, since the network that is
simulated is on this machine and would disturb itself. The bound is that the p99 of each error
differs by at most 1 ms.
"""

import asyncio
import tempfile
from pathlib import Path

from benchmarks._table import print_table
from tests.services.influx_server import InfluxServer, influx_server, section
from tests.services.throttle import throttled
from tests.services.truth import PHASES, brisk_network, p99, phase_errors

JOBS = 500
TURNS = ("direct", "throttled", "throttled", "direct")


def main() -> None:
    """Run both ways by turns and print the errors side by side."""
    with tempfile.TemporaryDirectory() as name:
        found = asyncio.run(measure(Path(name)))
    rows: list[list[str | int | float]] = []
    for phase in PHASES:
        each = {way: found[way][phase] for way in ("direct", "throttled")}
        tails = {way: p99(values) for way, values in each.items()}
        rows.append(
            [
                phase,
                *(len(values) for values in each.values()),
                *(sorted(values)[len(values) // 2] for values in each.values()),
                *tails.values(),
                tails["throttled"] - tails["direct"],
            ]
        )
    print_table(
        "Absolute phase error, ms, with the store direct and throttled",
        [
            "phase",
            *("jobs direct", "jobs throttled"),
            *("p50 direct", "p50 throttled"),
            *("p99 direct", "p99 throttled", "p99 difference"),
        ],
        rows,
    )


async def measure(folder: Path) -> dict[str, dict[str, list[float]]]:
    """The errors by way and phase."""
    found: dict[str, dict[str, list[float]]] = {
        way: {phase: [] for phase in PHASES} for way in set(TURNS)
    }
    with influx_server(folder / "influx") as server:
        for turn, way in enumerate(TURNS):
            errors = await one_turn(server, folder / f"{turn}", f"turn {turn}", way)
            for phase, values in errors.items():
                found[way][phase] += values
    return found


async def one_turn(
    server: InfluxServer, folder: Path, bucket: str, way: str
) -> dict[str, list[float]]:
    """A network of the same seed each time."""
    server.bucket(bucket)
    jobs = JOBS * TURNS.count(way) // len(TURNS)
    async with (
        brisk_network() as network,
        throttled(server.port) as port,
    ):
        slow = {"url": f"http://127.0.0.1:{port}"} if way == "throttled" else {}
        store = {"kind": "influxdb", "influxdb": section(server, bucket, **slow)}
        return await phase_errors(network, folder, store, jobs)


if __name__ == "__main__":
    main()
